// SPDX-License-Identifier: Apache-2.0
//! The records of schema version 5 and 6 as Rust types, with the schema's field names in snake case.
//!
//! Records that carry text are generic over who owns it. `Process` alone means owned text, the form
//! the reader hands out. `Process<&str, &[&str]>` borrows, so that a producer encodes from its own
//! tables without copying; lists may also be a [`NulList`](crate::encode::NulList).
//!
//! [`RecordRef`] is a record of any type as it is found in a file, with texts and lists borrowed from
//! there.
//!
//! Units everywhere: `ts` and `end_ts` are nanoseconds since the Unix epoch, sizes are bytes.
//!
//! Avro strings are UTF-8, paths and arguments of the kernel are bytes. The producer converts them
//! with [`String::from_utf8_lossy`] (U+FFFD for what is not UTF-8) before they get here, and hashes
//! the bytes, not the text, for the [`Foid`].

mod define;
mod entity;
mod event;
mod field;
mod flags;
mod flow;
mod id;
mod open_flags;
mod pod;
mod values;

use std::borrow::Cow;

pub use entity::{Container, File, Header, Process};
pub use event::{FileEvent, K8sEvent, NetworkEvent, ProcessEvent};
pub use field::Field;
pub use flags::{OpFlags, UnknownFlag};
pub use flow::{FileFlow, Loss, NetworkFlow, ProcessFlow};
pub use id::{Foid, Ip4, Ip6, Oid, RestType, address_of, fields_of};
pub use open_flags::OpenFlags;
pub use pod::{Pod, Port, Service};
pub use values::{ContainerType, K8sAction, K8sComponent, ObjectState, OperationClass};

use crate::schema::Version;
use crate::wire::{Fields as _, Layout, Malformed, PutAs, Shape};
pub use crate::wire::{IntoOwned, Items, List, TextMap};

/// A way to decode the body of a record.
pub(crate) trait Decode<'a> {
    fn body<R: Layout<'a>>(self) -> Result<R, Malformed>;
}

/// A union of all types of records.
pub(crate) trait Union<'a>: Sized {
    /// Decodes a body of that type, into `out`: a record is large, and every wrapper around one that
    /// is returned would copy it.
    fn decode(kind: Kind, how: impl Decode<'a>, out: &mut Option<Self>) -> Result<(), Malformed>;
}

/// The version of the schema that is written unless another is asked for.
pub const SCHEMA_VERSION: i64 = 5;

/// Text of a record that was decoded without copying; a copy where it was not UTF-8.
type TextRef<'a> = Cow<'a, str>;
type ServiceRef<'a> = Service<TextRef<'a>, List<'a, i64>, List<'a, Port<TextRef<'a>>>>;
type PodRef<'a> = Pod<TextRef<'a>, List<'a, i64>, TextMap<'a>, List<'a, ServiceRef<'a>>>;

macro_rules! union {
    ($($(#[$meta:meta])* $variant:ident ($borrowed:ty) = $name:literal, $short:literal;)+) => {
        /// A record of any type: one variant per branch of the schema's union, in its order.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Record {
            $($(#[$meta])* $variant($variant),)+
        }

        /// A record of any type whose texts and lists are borrowed from the bytes that it was
        /// decoded from.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum RecordRef<'a> {
            $($(#[$meta])* $variant($borrowed),)+
        }

        impl<'a> RecordRef<'a> {
            /// The type of the record.
            #[must_use]
            pub fn kind(&self) -> Kind {
                match self { $(Self::$variant(_) => Kind::$variant,)+ }
            }

            /// The record with texts and lists of its own.
            #[must_use]
            pub fn into_owned(self) -> Record {
                match self {
                    $(Self::$variant(body) => Record::$variant(IntoOwned::into_owned(body)),)+
                }
            }

            pub(crate) fn put_body(&self, version: Version, out: &mut Vec<u8>) {
                match self { $(Self::$variant(body) => PutAs::put_as(body, version, out),)+ }
            }
        }

        impl<'a> Union<'a> for Record {
            #[inline(always)]
            fn decode(
                kind: Kind,
                how: impl Decode<'a>,
                out: &mut Option<Self>,
            ) -> Result<(), Malformed> {
                match kind {
                    $(Kind::$variant => *out = Some(Self::$variant(how.body::<$variant>()?)),)+
                }
                Ok(())
            }
        }

        impl<'a> Union<'a> for RecordRef<'a> {
            #[inline(always)]
            fn decode(
                kind: Kind,
                how: impl Decode<'a>,
                out: &mut Option<Self>,
            ) -> Result<(), Malformed> {
                match kind {
                    $(Kind::$variant => *out = Some(Self::$variant(how.body::<$borrowed>()?)),)+
                }
                Ok(())
            }
        }

        impl Kind {
            /// The fields of the record, and how many of them schema version 5 has.
            pub(crate) fn layout(self) -> (&'static [(&'static str, Shape)], usize) {
                match self { $(Self::$variant => ($variant::FIELDS, $variant::IN_5),)+ }
            }
        }

        /// The type of a record. The discriminant is the index in the union of schema version 5.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Kind {
            $($(#[$meta])* $variant,)+
        }

        impl Kind {
            /// All types, in the order of the union.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The record's name in the schema, without namespace.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The names of its fields, in the order of the schema.
            pub fn fields(self) -> impl Iterator<Item = &'static str> {
                let fields: &'static [_] = match self {
                    $(Self::$variant => <$variant as crate::wire::Fields>::FIELDS,)+
                };
                fields.iter().map(|(name, _)| *name)
            }

            /// The abbreviation used in listings: `PE`, `NF`, ...
            #[must_use]
            pub fn short(self) -> &'static str {
                match self { $(Self::$variant => $short,)+ }
            }
        }

        impl Record {
            /// The type of the record.
            #[must_use]
            pub fn kind(&self) -> Kind {
                match self { $(Self::$variant(_) => Kind::$variant,)+ }
            }

            /// Hands every field to `each`, in the order of the schema: its name there, and its
            /// value.
            pub fn each_field(&self, each: &mut dyn FnMut(&'static str, &dyn Field)) {
                match self { $(Self::$variant(body) => body.each_field(each),)+ }
            }

            pub(crate) fn put_body(&self, version: Version, out: &mut Vec<u8>) {
                match self { $(Self::$variant(body) => PutAs::put_as(body, version, out),)+ }
            }
        }

        $(impl From<$variant> for Record {
            fn from(body: $variant) -> Self {
                Self::$variant(body)
            }
        })+
    };
}

union! {
    /// First record of a file; a later one starts a new, unrelated part.
    Header(Header<TextRef<'a>>) = "SFHeader", "H";
    /// A container.
    Container(Container<TextRef<'a>>) = "Container", "C";
    /// A process.
    Process(Process<TextRef<'a>, List<'a, TextRef<'a>>>) = "Process", "P";
    /// A file, directory, pipe or unix socket.
    File(File<TextRef<'a>>) = "File", "F";
    /// Something a process did to itself or its children.
    ProcessEvent(ProcessEvent<List<'a, TextRef<'a>>>) = "ProcessEvent", "PE";
    /// Traffic of a process over one connection.
    NetworkFlow(NetworkFlow) = "NetworkFlow", "NF";
    /// Use of one file by a process.
    FileFlow(FileFlow) = "FileFlow", "FF";
    /// A change of a file's name or existence.
    FileEvent(FileEvent) = "FileEvent", "FE";
    /// A single network operation. Declared by the schema, written by no known producer.
    NetworkEvent(NetworkEvent) = "NetworkEvent", "NE";
    /// Threads that a process started and ended.
    ProcessFlow(ProcessFlow) = "ProcessFlow", "PF";
    /// A Kubernetes pod.
    Pod(PodRef<'a>) = "Pod", "POD";
    /// A Kubernetes event.
    K8sEvent(K8sEvent<TextRef<'a>>) = "K8sEvent", "KE";
}

// SPDX-License-Identifier: Apache-2.0
//! The records of schema version 5 as Rust types, with the schema's field names in snake case.
//!
//! Records that carry text are generic over who owns it. `Process` alone means owned text, the form
//! the reader hands out. `Process<&str, &[&str]>` borrows, so that a producer encodes from its own
//! tables without copying; lists may also be a [`NulList`](crate::encode::NulList).
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

pub use entity::{Container, File, Header, Process};
pub use event::{FileEvent, K8sEvent, NetworkEvent, ProcessEvent};
pub use field::Field;
pub use flags::{OpFlags, UnknownFlag};
pub use flow::{FileFlow, NetworkFlow, ProcessFlow};
pub use id::{Foid, Ip4, Oid, RestType};
pub use open_flags::OpenFlags;
pub use pod::{Pod, Port, Service};
pub use values::{ContainerType, K8sAction, K8sComponent, ObjectState};

/// The version of the schema that is written.
pub const SCHEMA_VERSION: i64 = 5;

macro_rules! union {
    ($($(#[$meta:meta])* $variant:ident = $name:literal, $short:literal;)+) => {
        /// A record of any type: one variant per branch of the schema's union, in its order.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Record {
            $($(#[$meta])* $variant($variant),)+
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
                    $(Self::$variant => <$variant as crate::wire::Layout>::FIELDS,)+
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

            pub(crate) fn put_body(&self, out: &mut Vec<u8>) {
                match self { $(Self::$variant(body) => crate::wire::Put::put(body, out),)+ }
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
    Header = "SFHeader", "H";
    /// A container.
    Container = "Container", "C";
    /// A process.
    Process = "Process", "P";
    /// A file, directory, pipe or unix socket.
    File = "File", "F";
    /// Something a process did to itself or its children.
    ProcessEvent = "ProcessEvent", "PE";
    /// Traffic of a process over one connection.
    NetworkFlow = "NetworkFlow", "NF";
    /// Use of one file by a process.
    FileFlow = "FileFlow", "FF";
    /// A change of a file's name or existence.
    FileEvent = "FileEvent", "FE";
    /// A single network operation. Declared by the schema, written by no known producer.
    NetworkEvent = "NetworkEvent", "NE";
    /// Threads that a process started and ended.
    ProcessFlow = "ProcessFlow", "PF";
    /// A Kubernetes pod.
    Pod = "Pod", "POD";
    /// A Kubernetes event.
    K8sEvent = "K8sEvent", "KE";
}

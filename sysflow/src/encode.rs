// SPDX-License-Identifier: Apache-2.0
//! Records to bytes: what stands in a container file's blocks, without the container.
//!
//! A record is encoded by appending to a `Vec<u8>`. Nothing is allocated when the vector has room,
//! no text is copied on the way, and any mix of owned and borrowed text encodes to the same bytes.
//!
//! ```
//! use sysflow::encode::{Encode, NulList};
//! use sysflow::record::{Oid, OpFlags, ProcessEvent};
//!
//! let args = "ls\0-l\0";
//! let event = ProcessEvent {
//!     proc_oid: Oid { create_ts: 1, hpid: 42 },
//!     ts: 2,
//!     tid: 42,
//!     op_flags: OpFlags::EXEC,
//!     args: NulList(args),
//!     ret: 0,
//! };
//! let mut bytes = Vec::with_capacity(64);
//! event.encode(&mut bytes);
//! assert_eq!(bytes, b"\x08\x02\x54\x04\x54\x04\x04\x04ls\x04-l\0\0");
//! ```

pub use crate::wire::{NulList, Text, TextList};

use crate::record::{
    Container, File, FileEvent, FileFlow, Header, K8sEvent, Kind, NetworkEvent, NetworkFlow, Pod,
    Process, ProcessEvent, ProcessFlow, Record, RecordRef,
};
use crate::schema::Version;
use crate::wire::{Put, PutAs as _, put_long};

/// Something that is written as one record.
pub trait Encode {
    /// The type of record.
    fn kind(&self) -> Kind;

    /// Appends the record in the form of a schema version, the index of its union branch first.
    fn encode_as(&self, version: Version, out: &mut Vec<u8>);

    /// Appends the record in the form of schema version 5.
    #[inline]
    fn encode(&self, out: &mut Vec<u8>) {
        self.encode_as(Version::V5, out);
    }
}

impl<T: Encode + ?Sized> Encode for &T {
    fn kind(&self) -> Kind {
        (**self).kind()
    }

    #[inline]
    fn encode_as(&self, version: Version, out: &mut Vec<u8>) {
        (**self).encode_as(version, out);
    }
}

impl Encode for Record {
    fn kind(&self) -> Kind {
        Self::kind(self)
    }

    fn encode_as(&self, version: Version, out: &mut Vec<u8>) {
        put_long(out, self.kind() as i64);
        self.put_body(version, out);
    }
}

impl Encode for RecordRef<'_> {
    fn kind(&self) -> Kind {
        Self::kind(self)
    }

    fn encode_as(&self, version: Version, out: &mut Vec<u8>) {
        put_long(out, self.kind() as i64);
        self.put_body(version, out);
    }
}

macro_rules! encode {
    ($($kind:ident $(<$($param:ident: $bound:ident),+>)?;)+) => {$(
        impl$(<$($param: $bound),+>)? Encode for $kind$(<$($param),+>)? {
            #[inline]
            fn kind(&self) -> Kind {
                Kind::$kind
            }

            #[inline]
            fn encode_as(&self, version: Version, out: &mut Vec<u8>) {
                put_long(out, Kind::$kind as i64);
                self.put_as(version, out);
            }
        }
    )+};
}

encode! {
    Header<S: Text>;
    Container<S: Text>;
    Process<S: Text, L: TextList>;
    File<S: Text>;
    ProcessEvent<L: TextList>;
    NetworkFlow;
    FileFlow;
    FileEvent;
    NetworkEvent;
    ProcessFlow;
    Pod<S: Text, N: Put, M: Put, V: Put>;
    K8sEvent<S: Text>;
}

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
use crate::wire::{LARGE, Put, PutAs as _, Room, SMALL, put_long};

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
    ProcessFlow;
    Pod<S: Text, N: Put, M: Put, V: Put>;
    K8sEvent<S: Text>;
}

/// Records without text and of no more than some dozen fields, nearly all that a trace has: room for
/// the longest is made at once.
macro_rules! encode_in_room {
    ($($kind:ident: $size:ident;)+) => {$(
        impl Encode for $kind {
            #[inline]
            fn kind(&self) -> Kind {
                Kind::$kind
            }

            #[inline]
            fn encode_as(&self, version: Version, out: &mut Vec<u8>) {
                Room::<$size>::append(out, |room| {
                    put_long(room, Kind::$kind as i64);
                    self.put_as(version, room);
                });
            }
        }
    )+};
}

encode_in_room! {
    NetworkFlow: LARGE;
    FileFlow: SMALL;
    FileEvent: SMALL;
    NetworkEvent: LARGE;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Foid, Ip4, Ip6, Oid, OpFlags, OpenFlags};

    /// What is put together aside fits there, whatever it holds.
    #[test]
    fn the_longest_records_have_room() {
        let oid = Oid { create_ts: i64::MIN, hpid: i64::MIN };
        let (ops, file_oid) = (OpFlags(i32::MIN), Foid([0xff; 20]));
        let ip6 = Some(Ip6([0xff; 16]));
        let flow = NetworkFlow {
            proc_oid: oid,
            ts: i64::MIN,
            tid: i64::MIN,
            op_flags: ops,
            end_ts: i64::MIN,
            sip: Ip4(i32::MIN),
            sport: i32::MIN,
            dip: Ip4(i32::MIN),
            dport: i32::MIN,
            proto: i32::MIN,
            fd: i32::MIN,
            num_r_recv_ops: i64::MIN,
            num_w_send_ops: i64::MIN,
            num_r_recv_bytes: i64::MIN,
            num_w_send_bytes: i64::MIN,
            sip6: ip6,
            dip6: ip6,
        };
        let file = FileFlow {
            proc_oid: oid,
            ts: i64::MIN,
            tid: i64::MIN,
            op_flags: ops,
            open_flags: OpenFlags(i32::MIN),
            end_ts: i64::MIN,
            file_oid,
            fd: i32::MIN,
            num_r_recv_ops: i64::MIN,
            num_w_send_ops: i64::MIN,
            num_r_recv_bytes: i64::MIN,
            num_w_send_bytes: i64::MIN,
        };
        let event = FileEvent {
            proc_oid: oid,
            ts: i64::MIN,
            tid: i64::MIN,
            op_flags: ops,
            file_oid,
            ret: i32::MIN,
            new_file_oid: Some(file_oid),
        };
        let mut out = Vec::new();
        for version in [Version::V5, Version::V6] {
            flow.encode_as(version, &mut out);
            file.encode_as(version, &mut out);
            event.encode_as(version, &mut out);
            NetworkEvent::default().encode_as(version, &mut out);
            // The index of the branch, then what a vector gets, which is always enough.
            let (mut whole, bodies) = (Vec::new(), out.clone());
            whole.push(2 * Kind::NetworkFlow as u8);
            flow.put_as(version, &mut whole);
            whole.push(2 * Kind::FileFlow as u8);
            file.put_as(version, &mut whole);
            whole.push(2 * Kind::FileEvent as u8);
            event.put_as(version, &mut whole);
            whole.push(2 * Kind::NetworkEvent as u8);
            NetworkEvent::default().put_as(version, &mut whole);
            assert_eq!(bodies, whole);
            out.clear();
        }
    }
}

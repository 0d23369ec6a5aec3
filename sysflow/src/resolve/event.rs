// SPDX-License-Identifier: Apache-2.0
//! Events and flows of all types, and what they have in common.

use crate::record::{
    FileEvent, FileFlow, K8sEvent, Kind, NetworkEvent, NetworkFlow, Oid, OpFlags, ProcessEvent,
    ProcessFlow, Record,
};

/// An event or flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// See [`ProcessEvent`].
    Process(&'a ProcessEvent),
    /// See [`NetworkFlow`].
    NetworkFlow(&'a NetworkFlow),
    /// See [`FileFlow`].
    FileFlow(&'a FileFlow),
    /// See [`FileEvent`].
    File(&'a FileEvent),
    /// See [`NetworkEvent`].
    Network(&'a NetworkEvent),
    /// See [`ProcessFlow`].
    ProcessFlow(&'a ProcessFlow),
    /// See [`K8sEvent`].
    K8s(&'a K8sEvent),
}

/// One line per accessor: the field of each type of event that has it.
macro_rules! field {
    ($(#[$meta:meta])* $name:ident: $type:ty = $($variant:ident . $field:ident),+) => {
        $(#[$meta])*
        #[must_use]
        pub fn $name(&self) -> Option<$type> {
            match self {
                $(Self::$variant(event) => Some(event.$field),)+
                _ => None,
            }
        }
    };
}

impl<'a> Event<'a> {
    /// The event in `record`, if it is one.
    #[must_use]
    pub fn of(record: &'a Record) -> Option<Self> {
        match record {
            Record::ProcessEvent(event) => Some(Self::Process(event)),
            Record::NetworkFlow(flow) => Some(Self::NetworkFlow(flow)),
            Record::FileFlow(flow) => Some(Self::FileFlow(flow)),
            Record::FileEvent(event) => Some(Self::File(event)),
            Record::NetworkEvent(event) => Some(Self::Network(event)),
            Record::ProcessFlow(flow) => Some(Self::ProcessFlow(flow)),
            Record::K8sEvent(event) => Some(Self::K8s(event)),
            Record::Header(_)
            | Record::Container(_)
            | Record::Process(_)
            | Record::File(_)
            | Record::Pod(_) => None,
        }
    }

    field! {
        /// The process; none for Kubernetes events.
        proc_oid: Oid = Process.proc_oid, NetworkFlow.proc_oid, FileFlow.proc_oid, File.proc_oid,
            Network.proc_oid, ProcessFlow.proc_oid
    }
    field! {
        /// The thread; none for process flows and Kubernetes events.
        tid: i64 = Process.tid, NetworkFlow.tid, FileFlow.tid, File.tid, Network.tid
    }
    field! {
        /// What was done; none for Kubernetes events.
        op_flags: OpFlags = Process.op_flags, NetworkFlow.op_flags, FileFlow.op_flags,
            File.op_flags, Network.op_flags, ProcessFlow.op_flags
    }
    field! {
        /// Time of the last operation; none for events.
        end_ts: i64 = NetworkFlow.end_ts, FileFlow.end_ts, ProcessFlow.end_ts
    }
    field! {
        /// Return value; none for flows.
        ret: i32 = Process.ret, File.ret, Network.ret
    }
    field! {
        /// Descriptor number of a file or network flow.
        fd: i32 = NetworkFlow.fd, FileFlow.fd
    }
    field! {
        /// Reads of a file or network flow.
        read_ops: i64 = NetworkFlow.num_r_recv_ops, FileFlow.num_r_recv_ops
    }
    field! {
        /// Writes of a file or network flow.
        write_ops: i64 = NetworkFlow.num_w_send_ops, FileFlow.num_w_send_ops
    }
    field! {
        /// Bytes read of a file or network flow.
        read_bytes: i64 = NetworkFlow.num_r_recv_bytes, FileFlow.num_r_recv_bytes
    }
    field! {
        /// Bytes written of a file or network flow.
        write_bytes: i64 = NetworkFlow.num_w_send_bytes, FileFlow.num_w_send_bytes
    }

    /// Time of the event, or of the first operation of the flow.
    #[must_use]
    pub fn ts(&self) -> i64 {
        match self {
            Self::Process(event) => event.ts,
            Self::NetworkFlow(flow) => flow.ts,
            Self::FileFlow(flow) => flow.ts,
            Self::File(event) => event.ts,
            Self::Network(event) => event.ts,
            Self::ProcessFlow(flow) => flow.ts,
            Self::K8s(event) => event.ts,
        }
    }

    /// The abbreviation of its type.
    #[must_use]
    pub fn short(&self) -> &'static str {
        match self {
            Self::Process(_) => Kind::ProcessEvent,
            Self::NetworkFlow(_) => Kind::NetworkFlow,
            Self::FileFlow(_) => Kind::FileFlow,
            Self::File(_) => Kind::FileEvent,
            Self::Network(_) => Kind::NetworkEvent,
            Self::ProcessFlow(_) => Kind::ProcessFlow,
            Self::K8s(_) => Kind::K8sEvent,
        }
        .short()
    }
}

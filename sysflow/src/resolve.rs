// SPDX-License-Identifier: Apache-2.0
//! Events together with what they refer to.
//!
//! Events name their process and files by identity; the records that describe them come before, in
//! the same file. [`Resolver`] keeps the descriptions and hands out each event with them. What was
//! not described is none, never an error. A header begins a new, unrelated part and forgets all.
//!
//! The tables hold what one file describes; they are not bounded otherwise.

use std::collections::HashMap;
use std::io::BufRead;

use crate::read::{self, Reader};
use crate::record::{
    Container, File, FileEvent, FileFlow, Foid, Header, K8sEvent, NetworkEvent, NetworkFlow, Oid,
    OpFlags, Pod, Process, ProcessEvent, ProcessFlow, Record,
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

/// An event with what it refers to, as far as that was described.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResolvedEvent<'a> {
    /// The event.
    pub event: Event<'a>,
    /// The header of this part of the file.
    pub header: Option<&'a Header>,
    /// The process.
    pub process: Option<&'a Process>,
    /// Its parent.
    pub parent: Option<&'a Process>,
    /// The container of the process.
    pub container: Option<&'a Container>,
    /// The pod of the container.
    pub pod: Option<&'a Pod>,
    /// The file.
    pub file: Option<&'a File>,
    /// The second file.
    pub new_file: Option<&'a File>,
}

/// What the file has described so far.
#[derive(Debug, Default)]
pub struct Resolver {
    header: Option<Header>,
    containers: HashMap<String, Container>,
    processes: HashMap<Oid, Process>,
    files: HashMap<Foid, File>,
    pods: HashMap<String, Pod>,
    /// The event handed out last.
    current: Option<Record>,
}

impl Resolver {
    /// A resolver that knows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next record of the file. If it is an event, hands it out resolved.
    pub fn accept(&mut self, record: Record) -> Option<ResolvedEvent<'_>> {
        match record {
            Record::Header(header) => {
                *self = Self { header: Some(header), ..Self::default() };
                return None;
            }
            Record::Container(container) => {
                self.containers.insert(container.id.clone(), container);
                return None;
            }
            Record::Process(process) => {
                self.processes.insert(process.oid, process);
                return None;
            }
            Record::File(file) => {
                self.files.insert(file.oid, file);
                return None;
            }
            Record::Pod(pod) => {
                self.pods.insert(pod.id.clone(), pod);
                return None;
            }
            event => self.current = Some(event),
        }
        let event = Event::of(self.current.as_ref()?)?;
        Some(self.resolve(event))
    }

    fn resolve<'a>(&'a self, event: Event<'a>) -> ResolvedEvent<'a> {
        let process = event.proc_oid().and_then(|oid| self.processes.get(&oid));
        let container = process
            .and_then(|process| process.container_id.as_ref())
            .and_then(|id| self.containers.get(id));
        let (file, new_file) = match event {
            Event::FileFlow(flow) => (Some(flow.file_oid), None),
            Event::File(event) => (Some(event.file_oid), event.new_file_oid),
            _ => (None, None),
        };
        ResolvedEvent {
            event,
            header: self.header.as_ref(),
            process,
            parent: process.and_then(|process| self.processes.get(&process.poid?)),
            container,
            pod: container.and_then(|container| self.pods.get(container.pod_id.as_ref()?)),
            file: file.and_then(|oid| self.files.get(&oid)),
            new_file: new_file.and_then(|oid| self.files.get(&oid)),
        }
    }

    /// The header of this part of the file.
    #[must_use]
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// A process described so far.
    #[must_use]
    pub fn process(&self, oid: Oid) -> Option<&Process> {
        self.processes.get(&oid)
    }

    /// A file described so far.
    #[must_use]
    pub fn file(&self, oid: Foid) -> Option<&File> {
        self.files.get(&oid)
    }

    /// A container described so far.
    #[must_use]
    pub fn container(&self, id: &str) -> Option<&Container> {
        self.containers.get(id)
    }
}

/// The events of a file, resolved.
#[derive(Debug)]
pub struct Events<R> {
    reader: Reader<R>,
    resolver: Resolver,
}

impl<R: BufRead> Events<R> {
    /// Resolves what `reader` reads.
    pub fn new(reader: Reader<R>) -> Self {
        Self { reader, resolver: Resolver::new() }
    }

    /// The next event; none at the end.
    ///
    /// # Errors
    /// As [`Reader::next_record`].
    pub fn next_event(&mut self) -> Result<Option<ResolvedEvent<'_>>, read::Error> {
        loop {
            match self.reader.next_record()? {
                None => return Ok(None),
                Some(record) if Event::of(&record).is_some() => {
                    return Ok(self.resolver.accept(record));
                }
                Some(entity) => drop(self.resolver.accept(entity)),
            }
        }
    }

    /// The reader.
    pub fn reader(&self) -> &Reader<R> {
        &self.reader
    }

    /// What was described so far.
    pub fn resolver(&self) -> &Resolver {
        &self.resolver
    }
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
        use crate::record::Kind;
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

// SPDX-License-Identifier: Apache-2.0
//! Hot path. Bytes moved.
//! May not appear here: allocation per event, locks, system calls, formatting,
//! string copies. A first use, which starts a flow, may allocate table room.

use probe_loader::abi::{SF_OP_READ, SF_OP_RECV, sf_rec_io, sf_rec_sockio};

use super::Engine;
use super::sockets::Ends;
use crate::flow::{Direction, Key};
use crate::sink::Sink;
use crate::state::object::ObjRef;
use crate::state::open_file::{Role, Target};
use crate::state::process::ProcRef;

#[inline]
fn direction(io: &sf_rec_io) -> Direction {
    match u32::from(io.h.op) {
        SF_OP_READ | SF_OP_RECV => Direction::In,
        _ => Direction::Out,
    }
}

/// What one I/O record, or several on the same, have moved.
#[derive(Clone, Copy)]
pub(super) struct Moved {
    pub(super) ops: u64,
    pub(super) bytes: u64,
    pub(super) records: u64,
}

impl Moved {
    #[inline]
    pub(super) fn by(io: &sf_rec_io) -> Self {
        Self { ops: u64::from(io.ops), bytes: io.bytes, records: 1 }
    }
}

impl<S: Sink> Engine<S> {
    /// Adds an I/O record to its flow. What is found on the way in the usual
    /// case: the process by pid, its descriptor by number, the open file and
    /// the flow by the places that the descriptor remembers.
    ///
    /// `moved` is what several such records have moved together, of which this
    /// is the last, or what this one has.
    #[inline]
    pub(super) fn io(&mut self, io: &sf_rec_io, moved: Moved) {
        let Some(process) = self.processes.find(io.h.pid) else {
            self.look_up(io.h.pid);
            return self.io_by_identity(io, moved);
        };
        if let Some(known) = self.processes.get(process).descriptor(io.fd)
            && known.file == io.file
            && let Some(open) = self.open_files.at(known.open, io.file)
            && let Target::Object(object) = open.target
        {
            let key = Key { process, tid: io.h.tid, fd: io.fd, object };
            if let Some(flow) = self.flows.at(known.flows.first(), &key) {
                flow.add(direction(io), moved.ops, moved.bytes, io.h.ts);
                self.counts.applied += moved.records;
                return;
            }
        }
        self.io_by_identity(io, moved);
    }

    /// The same for a first use of a descriptor, by a thread, of a file.
    #[cold]
    fn io_by_identity(&mut self, io: &sf_rec_io, moved: Moved) {
        self.bound();
        let process = self.process(&io.h);
        if io.file == 0 {
            // The descriptor was not open: EBADF.
            self.counts.failed += moved.records;
            return;
        }
        let Some(open) = self.open_files.find(io.file) else {
            self.counts.undescribed += moved.records;
            return;
        };
        self.processes.set_descriptor(process, io.fd, io.file, open);
        match self.open_files.get(open).target {
            Target::Object(object) => self.add_io(process, io, object, moved),
            Target::Ipv6 => self.counts.ipv6 += moved.records,
            // A datagram socket brings its ends with each record; without
            // them there is nothing to tell.
            Target::Silent | Target::Datagram(_) => self.counts.silent += moved.records,
        }
    }

    fn add_io(&mut self, process: ProcRef, io: &sf_rec_io, object: ObjRef, moved: Moved) {
        let key = Key { process, tid: io.h.tid, fd: io.fd, object };
        let flow = self.flow(key, io.first);
        self.flows.get_mut(flow).add(direction(io), moved.ops, moved.bytes, io.h.ts);
        self.counts.applied += moved.records;
    }

    /// Bytes moved on a datagram socket: each peer is a flow of its own.
    pub(super) fn sock_io(&mut self, record: &sf_rec_sockio) {
        let io = &record.io;
        let process = self.process(&io.h);
        let Some(open) = self.open_files.find(io.file) else {
            self.counts.undescribed += 1;
            return;
        };
        self.processes.set_descriptor(process, io.fd, io.file, open);
        let role = match self.open_files.get(open).target {
            Target::Datagram(Role::Unknown) => {
                // Who speaks first is the client.
                let role = match direction(io) {
                    Direction::In => Role::Server,
                    Direction::Out => Role::Client,
                };
                self.open_files.get_mut(open).target = Target::Datagram(role);
                role
            }
            Target::Datagram(role) => role,
            _ => Role::Client,
        };
        match Ends::of(&record.tuple, self.settings.schema) {
            Ends::Inet(ends) => {
                let object = self.objects.net(ends.connection(role == Role::Server));
                self.add_io(process, io, object, Moved::by(io));
            }
            Ends::V6 => self.counts.ipv6 += 1,
            Ends::None => self.counts.silent += 1,
        }
    }
}

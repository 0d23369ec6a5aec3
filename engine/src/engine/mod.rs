// SPDX-License-Identifier: Apache-2.0
//! Events to records: one engine for every source.
//!
//! ```text
//! Record (event) ── apply ──> state ──> flows ──> emit ──> Sink
//!                   tick  ─────────────> export ──┘
//! ```
//!
//! The semantics are those of the `SysFlow` reference collector without its
//! defects; `docs/flow-semantics.md` lists the differences.

mod bounds;
mod calls;
mod descriptors;
mod emit;
mod io;
mod lifetime;
mod names;
mod operation;
mod processes;
mod resync;
mod sharing;
mod sockets;
pub(crate) mod text;
mod threads;

pub use bounds::{Evicted, Table};
use io::Moved;
pub(crate) use operation::{Actor, Change, Description, On, Subject};
pub use resync::Corrected;

use std::collections::VecDeque;

use probe_loader::Record;
use probe_loader::abi;
use sysflow::record::Oid;
use sysflow::schema::Version;

use crate::clock::Clock;
use crate::drain::Sum;
use crate::flow::Flows;
use crate::semantics::Semantics;
use crate::sink::Sink;
use crate::snapshot::{Found, Lookup};
use crate::state::container::Containers;
use crate::state::limits::Limits;
use crate::state::object::Objects;
use crate::state::open_file::OpenFiles;
use crate::state::process::{ProcRef, Processes};
use crate::state::texts::Texts;
use crate::state::users::Users;

/// What the engine is told when it is made.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// A flow that goes on is exported each time this long has passed, ns.
    pub export_interval: u64,
    /// What becomes of operations.
    pub semantics: Semantics,
    /// Schema of the output: what it has a place for.
    pub schema: Version,
    /// How much the tables may hold.
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            export_interval: 30_000_000_000,
            semantics: Semantics::default(),
            schema: Version::V5,
            limits: Limits::default(),
        }
    }
}

/// What happened in the engine. Each event ends in exactly one of `applied`
/// and the counters below it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events handed to the engine.
    pub events: u64,
    /// Events that changed its state or became part of a record.
    pub applied: u64,
    /// Operations on things that are no part of the telemetry: eventfd,
    /// epoll, netlink, sockets without a peer.
    pub silent: u64,
    /// Operations that `SysFlow` has no record for: chmod, mount, kill.
    pub untold: u64,
    /// Operations on IPv6 sockets, while schema version 5 is written, which
    /// cannot hold them.
    pub ipv6: u64,
    /// Calls that failed and that `SysFlow` has no record for.
    pub failed: u64,
    /// Closes of descriptors that were not used since the capture started.
    pub unused_close: u64,
    /// Operations on open files whose description did not arrive.
    pub undescribed: u64,
    /// Events of a kind that this version does not know.
    pub unknown: u64,
    /// Events that were not what their header said.
    pub damaged: u64,
    /// Processes that had to be looked up in /proc.
    pub looked_up: u64,
    /// Of those, not found there.
    pub not_found: u64,
    /// Processes that the kernel's iterator told in scans.
    pub scanned_tasks: u64,
    /// Processes that scans read from /proc.
    pub scanned_proc: u64,
    /// Times that all processes were compared with those of the host, after a
    /// loss.
    pub scans: u64,
    /// Processes found by that whose birth was lost.
    pub missed: u64,
    /// Processes ended by that whose exit was lost.
    pub gone: u64,
    /// Processes corrected by that.
    pub changed: u64,
    /// Events older than the one before them.
    pub late: u64,
    /// File flows left out because they only read.
    pub left_out: u64,
    /// Flows exported while they went on.
    pub exported: u64,
    /// Records handed to the sink.
    pub records: u64,
    /// What went because a table was full.
    pub evicted: Evicted,
}

/// Turns events into records.
pub struct Engine<S> {
    settings: Settings,
    clock: Clock,
    users: Users,
    lookup: Box<dyn Lookup>,
    containers: Containers,
    processes: Processes,
    objects: Objects,
    open_files: OpenFiles,
    flows: Flows,
    texts: Texts,
    /// Processes that share descriptors.
    sharing: sharing::Sharing,
    /// A scan of /proc that goes on.
    scan: Option<resync::Scan>,
    listening: crate::snapshot::Listening,
    /// The event is told for the state of its process alone: nothing is written
    /// of it.
    state_alone: bool,
    /// Number of the current output file, from 1.
    file: u32,
    /// Time of the last event, ns of the events' clock.
    now: u64,
    /// Processes whose end was not told, in the order of [`Engine::abandon`].
    abandoned: VecDeque<(ProcRef, Oid, u64)>,
    /// When ended processes were looked at last.
    buried: u64,
    /// The capture is over, and what is open is written.
    ending: bool,
    counts: Counts,
    /// Room for a row of ancestors, kept for the next time.
    chain: Vec<ProcRef>,
    /// Room for a list of flows, kept for the next time.
    batch: Vec<u32>,
    sink: S,
}

/// Files and connections that nothing uses are kept until there are this
/// many: they need not be written again when they come back.
const MAX_UNUSED_OBJECTS: usize = 1 << 16;

impl<S: Sink> Engine<S> {
    /// An engine that knows no process yet.
    pub fn new(
        settings: Settings,
        clock: Clock,
        users: Users,
        lookup: Box<dyn Lookup>,
        sink: S,
    ) -> Self {
        Self {
            settings,
            clock,
            users,
            lookup,
            containers: Containers::default(),
            // Half, so that one process does not make all others forget theirs.
            processes: Processes::with_descriptors(settings.limits.descriptors / 2),
            objects: Objects::default(),
            open_files: OpenFiles::default(),
            flows: Flows::with_grain(settings.semantics.grain),
            texts: Texts::with_limit(settings.limits.texts),
            sharing: sharing::Sharing::default(),
            scan: None,
            listening: crate::snapshot::Listening::default(),
            state_alone: false,
            file: 1,
            now: 0,
            abandoned: VecDeque::new(),
            buried: 0,
            ending: false,
            counts: Counts::default(),
            chain: Vec::new(),
            batch: Vec::new(),
            sink,
        }
    }

    /// Takes over the processes that run already, parents before children.
    pub fn start_with(&mut self, mut found: Vec<Found>, listening: crate::snapshot::Listening) {
        found.sort_by_key(|f| (f.start, f.pid));
        for process in &found {
            self.adopt(process);
            self.bound();
        }
        // A parent can be younger than its child by the rounding of /proc, or
        // by being a subreaper: fill in what the first pass could not.
        for process in &found {
            self.connect_to_parent(process.pid, process.ppid);
        }
        self.listening = listening;
    }

    /// Sockets listen on these ports.
    pub fn listens(&mut self, listening: crate::snapshot::Listening) {
        self.listening.take(listening);
    }

    /// Takes one event, as bytes of a ring.
    #[inline]
    pub fn apply_bytes(&mut self, bytes: &[u8]) {
        match Record::decode(bytes) {
            Ok(record) => self.apply(&record),
            Err(_) => {
                self.counts.events += 1;
                self.counts.damaged += 1;
            }
        }
    }

    /// Takes one event.
    #[inline]
    pub fn apply(&mut self, record: &Record<'_>) {
        let ts = record.header().ts;
        self.state_alone = u32::from(record.header().flags) & abi::SF_F_STATE != 0;
        self.counts.events += 1;
        if ts < self.now {
            self.counts.late += 1;
        } else {
            self.now = ts;
        }
        match *record {
            // The usual case, which adds to no table: it looks by itself.
            Record::Io(io) => return self.io(io, Moved::by(io)),
            Record::SockIo(io) => self.sock_io(io),
            Record::File(file, path) => self.file(file, path),
            Record::Sock(sock, path) => self.sock(sock, path),
            Record::Fd(fd) => self.fd(fd),
            Record::Map(map) => self.mapped(map),
            Record::Call(call) => self.call(call),
            Record::Path(path, paths) => self.path(path, paths),
            Record::Fork(fork) => self.fork(fork),
            Record::Exec(exec, strings) => self.exec(exec, &strings),
            Record::Exit(exit) => self.exit(exit),
            Record::Unknown(_) => self.counts.unknown += 1,
        }
        self.bound();
    }

    /// Takes several I/O records as one. That is what each of them by itself
    /// would have done, under the conditions of [`crate::drain`].
    #[inline]
    pub fn apply_sum(&mut self, sum: &Sum) {
        let Sum { io, ops, records } = sum;
        self.counts.events += records;
        self.now = self.now.max(io.h.ts);
        self.io(io, Moved { ops: *ops, bytes: io.bytes, records: *records });
    }

    /// Lets time pass: exports the flows whose turn it is. `now` is in the
    /// events' clock.
    pub fn tick(&mut self, now: u64) {
        self.now = self.now.max(now);
        self.export_due();
        self.export_threads();
        self.bury_ended();
        self.bury_abandoned();
        if self.objects.unused() > MAX_UNUSED_OBJECTS {
            self.objects.prune();
        }
    }

    /// Looks unknown processes up there from now on.
    pub fn look_up_with(&mut self, lookup: Box<dyn Lookup>) {
        self.lookup = lookup;
    }

    /// The clock that places events in the calendar.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Names of users and groups.
    #[must_use]
    pub fn users(&self) -> &Users {
        &self.users
    }

    /// Takes over a fresh measurement of the clocks.
    pub fn follow_clock(&mut self, fresh: Clock) -> bool {
        self.clock.follow(fresh)
    }

    /// From here on the sink writes another file, which holds no entity yet:
    /// each is written again before it is next referred to.
    pub fn begin_file(&mut self) {
        self.file += 1;
    }

    /// Ends the capture: writes all open flows and gives the sink back.
    pub fn finish(mut self) -> (S, Counts) {
        self.end_all();
        (self.sink, self.counts)
    }

    /// What happened so far.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Open flows.
    #[must_use]
    pub fn open_flows(&self) -> usize {
        self.flows.len()
    }

    /// Living processes.
    #[must_use]
    pub fn living(&self) -> usize {
        self.processes.len()
    }

    /// How much the tables may hold.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.settings.limits
    }

    /// Files and connections that are known.
    #[must_use]
    pub fn known_objects(&self) -> usize {
        self.objects.len()
    }

    /// The sink.
    pub fn sink(&mut self) -> &mut S {
        &mut self.sink
    }

    /// The process that an event names. One that is not known (its birth was
    /// lost, or fell between the start of the probes and the snapshot) is
    /// looked up; the result stands for it from then on.
    #[inline]
    fn process(&mut self, hdr: &abi::sf_hdr) -> ProcRef {
        match self.processes.find(hdr.pid) {
            Some(place) => place,
            None => self.look_up(hdr.pid),
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Events into tables.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use engine::output::Reader;
use sysflow::expression::{Predicate, Scratch};
use sysflow::record::{Foid, Oid, Process, Record};
use sysflow::resolve::{Event, ResolvedEvent, Resolver};

use super::peer::{Peer, Ways};
use super::sums::Sums;
use super::table::{Row, Table};

/// Rows kept in each table at least; twice as many at most.
const KEEP: usize = 4096;

/// Sums up what comes.
pub(super) struct Tally {
    filter: Option<Predicate>,
    scratch: Scratch,
    ways: Ways,
    /// What ended before this, ns since 1970, is none of what happens now.
    from: i64,
    since: Instant,
    records: u64,
    events: u64,
    lost: u64,
    processes: Table<Oid>,
    files: Table<Foid>,
    peers: Table<Peer>,
}

/// What happened in a time.
#[derive(Clone, Debug, Default)]
pub(super) struct Interval {
    pub(super) length: Duration,
    /// Records, entities among them.
    pub(super) records: u64,
    /// Events and flows that passed the filter.
    pub(super) events: u64,
    /// Operations that a recorder said it lost.
    pub(super) lost: u64,
    /// Processes, files and peers.
    pub(super) tables: [Vec<Row>; 3],
    /// Rows of all tables that had no room.
    pub(super) dropped: u64,
}

impl Tally {
    pub(super) fn new(ways: Ways, from: i64) -> Self {
        Self {
            filter: None,
            scratch: Scratch::default(),
            ways,
            from,
            since: Instant::now(),
            records: 0,
            events: 0,
            lost: 0,
            processes: Table::new(KEEP),
            files: Table::new(KEEP),
            peers: Table::new(KEEP),
        }
    }

    /// From here on only events for which it is true are shown.
    pub(super) fn filter(&mut self, filter: Option<Predicate>) {
        self.filter = filter;
    }

    pub(super) fn count_record(&mut self) {
        self.records += 1;
    }

    pub(super) fn event(&mut self, resolved: &ResolvedEvent<'_>) {
        let event = &resolved.event;
        if event.end_ts().unwrap_or_else(|| event.ts()) < self.from {
            return;
        }
        let Some(sums) = Sums::of(event) else {
            if let Event::ProcessFlow(flow) = event {
                let lost = flow.loss.as_ref().map_or(0, |loss| loss.lost());
                self.lost += u64::try_from(lost).unwrap_or(0);
            }
            return;
        };
        if let Some(filter) = &self.filter
            && !filter.matches(resolved, &mut self.scratch)
        {
            return;
        }
        self.events += 1;
        let Some(oid) = event.proc_oid() else { return };
        self.processes.add(oid, &sums, None, || process_row(oid, resolved));
        let name = resolved.process.map_or("", |process| base(&process.exe));
        let by = Some((oid, name));
        match event {
            Event::FileFlow(flow) => {
                self.files.add(flow.file_oid, &sums, by, || file_row(resolved.file, resolved));
            }
            Event::File(event) => {
                self.files.add(event.file_oid, &sums, by, || file_row(resolved.file, resolved));
                if let Some(second) = event.new_file_oid {
                    let row = || file_row(resolved.new_file, resolved);
                    self.files.add(second, &sums, by, row);
                }
            }
            Event::NetworkFlow(flow) => {
                let peer = self.ways.peer(flow);
                self.peers.add(peer, &sums, by, || Row {
                    name: peer.name(),
                    way: peer.way.name(),
                    protocol: peer.protocol(),
                    ..Row::default()
                });
            }
            _ => {}
        }
    }

    /// What came since the last time.
    pub(super) fn take(&mut self, now: Instant) -> Interval {
        let length = now.saturating_duration_since(std::mem::replace(&mut self.since, now));
        let (processes, gone) = self.processes.take();
        let (files, more) = self.files.take();
        let (peers, most) = self.peers.take();
        Interval {
            length,
            records: std::mem::take(&mut self.records),
            events: std::mem::take(&mut self.events),
            lost: std::mem::take(&mut self.lost),
            tables: [processes, files, peers],
            dropped: gone + more + most,
        }
    }
}

/// The last part of a path.
fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The name of a container, or its id while the name is not known.
fn container_of(resolved: &ResolvedEvent<'_>) -> String {
    let known = resolved
        .container
        .filter(|container| !container.name.is_empty() && container.name != "incomplete");
    let id = || resolved.process.and_then(|process| process.container_id.clone());
    known.map_or_else(|| id().unwrap_or_default(), |container| container.name.clone())
}

/// Bytes of a command that are shown at most; there are commands of megabytes.
const COMMAND: usize = 256;

/// Path and arguments, as far as they are shown.
fn command(process: &Process) -> String {
    let part = |text: &str, room: usize| text[..text.floor_char_boundary(room)].to_owned();
    let exe = part(&process.exe, COMMAND);
    match part(&process.exe_args, COMMAND - exe.len()) {
        args if args.is_empty() => exe,
        args => exe + " " + &args,
    }
}

fn process_row(oid: Oid, resolved: &ResolvedEvent<'_>) -> Row {
    Row {
        name: resolved.process.map_or_else(|| "?".to_owned(), command),
        pid: oid.hpid,
        user: resolved.process.map(|process| process.user_name.clone()).unwrap_or_default(),
        container: container_of(resolved),
        ..Row::default()
    }
}

fn file_row(file: Option<&sysflow::record::File>, resolved: &ResolvedEvent<'_>) -> Row {
    let name = file.map_or_else(
        || "?".to_owned(),
        |file| match file.path.as_str() {
            "" => format!("({})", file.restype.letter()),
            path => path.to_owned(),
        },
    );
    Row { name, container: container_of(resolved), ..Row::default() }
}

/// A tally among threads.
pub(super) type Shared = Arc<Mutex<Tally>>;

/// The tally, also after a thread that used it has panicked.
pub(super) fn lock(tally: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bytes of descriptions of processes, files and containers that are kept at most.
const ROOM: usize = 64 << 20;

/// With so many a capture begins to tell them anew, before there is no room for more.
const FULL: usize = 48 << 20;

/// Takes the records of a capture or a stream.
pub(super) struct Records {
    resolver: Resolver,
    tally: Shared,
}

impl Records {
    pub(super) fn new(tally: Shared) -> Self {
        Self { resolver: Resolver::with_limit(ROOM), tally }
    }
}

impl Reader for Records {
    fn begin(&mut self) {
        *self = Self::new(Arc::clone(&self.tally));
    }

    fn record(&mut self, record: Record) {
        let resolved = self.resolver.accept(record);
        let mut tally = lock(&self.tally);
        tally.count_record();
        if let Some(event) = resolved {
            tally.event(&event);
        }
    }

    fn is_full(&self) -> bool {
        self.resolver.room() >= FULL
    }
}

#[cfg(test)]
#[path = "tally_tests.rs"]
mod tests;

// SPDX-License-Identifier: Apache-2.0
//! What a scan tells of all processes, against what is known: at the start of a
//! capture, when nothing is known, and after a loss, when something may be
//! wrong. It comes in parts, while events go on.
//!
//! A part is to be taken over when all events until it was read were applied:
//! then what differs was missed, but for what changed since, which the times
//! tell. A process that both tell of is known by its start time.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use sysflow::record::ObjectState;

use super::Engine;
use super::processes::same_tick;
use crate::sink::Sink;
use crate::snapshot::{Found, Listening, Span};
use crate::state::process::{ProcRef, Program};

/// A scan that goes on.
#[derive(Debug)]
pub(super) struct Scan {
    /// It is the first: what it finds was not missed.
    first: bool,
    /// When it began, ns of the events' clock.
    begun: u64,
    /// Parents by process.
    seen: FxHashMap<u32, u32>,
    corrected: Corrected,
}

/// What a scan of /proc corrected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Corrected {
    /// Processes that were not known.
    pub missed: u64,
    /// Processes that were thought to live.
    pub gone: u64,
    /// Processes with another program, user, group or container.
    pub changed: u64,
}

impl Corrected {
    /// Whether everything was as it was known.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl<S: Sink> Engine<S> {
    /// A scan of /proc began at `begun`, ns of the events' clock. A former one
    /// that did not end counts for nothing more.
    pub fn begin_scan(&mut self, begun: u64, first: bool) {
        let (seen, corrected) = (FxHashMap::default(), Corrected::default());
        self.scan = Some(Scan { first, begun, seen, corrected });
    }

    /// Takes over a part of it.
    pub fn scanned(&mut self, found: &[Found]) {
        let Some(mut scan) = self.scan.take() else { return };
        for process in found {
            // One that waits for its parent has told its end.
            if !process.zombie {
                scan.seen.insert(process.pid, process.ppid);
                self.compare(process, scan.begun, &mut scan.corrected);
                self.bound();
            }
        }
        self.scan = Some(scan);
    }

    /// The scan has ended: processes that it did not find are gone, if it was
    /// whole. What was corrected, if this was not the first scan.
    pub fn end_scan(&mut self, span: &Span, listening: Listening) -> Corrected {
        let Some(scan) = self.scan.take() else { return Corrected::default() };
        self.listening.take(listening);
        self.counts.scanned_tasks += span.told;
        self.counts.scanned_proc += span.read;
        for (pid, ppid) in &scan.seen {
            self.connect_to_parent(*pid, *ppid);
        }
        let mut corrected = scan.corrected;
        if span.whole {
            corrected.gone = self.end_unseen(&scan, span);
        }
        if scan.first {
            return Corrected::default();
        }
        self.counts.scans += 1;
        self.counts.missed += corrected.missed;
        self.counts.gone += corrected.gone;
        self.counts.changed += corrected.changed;
        corrected
    }

    fn compare(&mut self, found: &Found, begun: u64, corrected: &mut Corrected) {
        let Some(place) = self.processes.find(found.pid) else {
            self.add_found(found);
            corrected.missed += 1;
            return;
        };
        let process = self.processes.get(place);
        let same = process.start != 0 && same_tick(process, found.start);
        if process.ended.is_some() && (same || process.start == 0) {
            // It ended after it was looked at.
            return;
        }
        if !same {
            if process.told > begun {
                // It began after it was looked at.
                return;
            }
            // Its number was given to another, or nothing but that was known.
            self.end_process(place, self.now);
            self.add_found(found);
            corrected.missed += 1;
        } else if process.told <= begun && self.correct(place, found) {
            corrected.changed += 1;
        }
    }

    /// Takes over what is different, and writes the process again if that
    /// shows in records of operations. Returns whether it does.
    fn correct(&mut self, place: ProcRef, found: &Found) -> bool {
        let container = self.containers.of_cgroup(&found.cgroup);
        let process = self.processes.get(place);
        let program = found.binary && *process.program.exe != *found.exe;
        let changed = program
            || (process.uid, process.gid) != (found.uid, found.gid)
            || process.container != container;
        if found.binary && *process.cwd != *found.cwd {
            let cwd = self.texts.share(&found.cwd);
            self.processes.get_mut(place).cwd = cwd;
        }
        if !changed {
            return false;
        }
        let ts = self.clock.event(self.now);
        if program {
            let [exe, args, env] =
                [&found.exe, &found.args, &found.env].map(|text| self.texts.share(text));
            let process = self.processes.get_mut(place);
            process.program = Arc::new(Program { exe, args });
            process.env = env;
            process.tty = found.tty;
        }
        let process = self.processes.get_mut(place);
        (process.uid, process.gid) = (found.uid, found.gid);
        process.container = container;
        process.ts = ts;
        if process.written != 0 {
            process.state = ObjectState::Modified;
        }
        if process.written == self.file {
            self.put_process(place);
        }
        true
    }

    /// Ends the processes that were there before the scan and that it did not
    /// find: their exit was lost. Returns how many.
    fn end_unseen(&mut self, scan: &Scan, span: &Span) -> u64 {
        let begun = self.clock.event(span.begun);
        let places: Vec<_> = self.processes.found().collect();
        let mut gone = 0;
        for place in places {
            let process = self.processes.get(place);
            let before = match process.start {
                // Nothing is known of it but when it was heard of.
                0 => process.ts < begun,
                start => start < span.begun_boot,
            };
            if process.ended.is_none() && before && !scan.seen.contains_key(&process.pid) {
                self.end_process(place, self.now);
                gone += 1;
            }
        }
        gone
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Memory stays below its ceiling: what goes when a table is full.
//!
//! Looked at between two events, so that nothing goes that an event is just
//! about. What goes is never lost in silence: a flow is written before, with
//! the mark of one that was cut off; a process is looked up again when it does
//! something; a file is described again by the driver; each is counted.

use rustc_hash::FxHashSet;
use sysflow::record::OpFlags;

use super::Engine;
use crate::flow;
use crate::sink::Sink;
use crate::state::object::{ObjRef, Objects};
use crate::state::open_file::{self, OpenFile, Target};
use crate::state::process;

/// What went because a table was full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evicted {
    /// Flows that were written and ended.
    pub flows: u64,
    /// Files and connections.
    pub objects: u64,
    /// Identities of open files.
    pub open_files: u64,
    /// Descriptors that were forgotten.
    pub descriptors: u64,
    /// Processes that ended, or ancestors that did, forgotten early; and of
    /// those that live the ones that did least.
    pub processes: u64,
    /// Processes whose arguments and environment were not kept.
    pub texts: u64,
    /// Containers that nothing was known of any more.
    pub containers: u64,
}

/// How full a table is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Name, as in metrics.
    pub name: &'static str,
    /// What it holds.
    pub entries: usize,
    /// Bytes that it takes; places that are kept for others count.
    pub bytes: usize,
    /// Most bytes that it may take.
    pub limit: usize,
    /// What went because it was full.
    pub evicted: u64,
}

/// What a container takes, with its share of the index.
const CONTAINER_BYTES: usize = 256;

/// A full table is emptied to this part of what it may hold: that is done once
/// for many that come.
fn low(limit: usize) -> usize {
    limit - limit / 16
}

impl<S: Sink> Engine<S> {
    /// Makes room where a table is full.
    #[inline]
    pub(super) fn bound(&mut self) {
        let limits = &self.settings.limits;
        if self.flows.len() >= limits.flows
            || self.objects.is_full(limits.objects)
            || self.open_files.len() >= limits.open_files
            || self.processes.descriptors() >= limits.descriptors
            || self.processes.kept() >= limits.processes
            || self.containers.len() >= limits.containers
        {
            self.make_room();
        }
    }

    #[cold]
    fn make_room(&mut self) {
        let limits = self.settings.limits;
        if self.flows.len() >= limits.flows {
            self.evict_flows(low(limits.flows));
        }
        if self.processes.kept() >= limits.processes {
            self.evict_processes(low(limits.processes));
        }
        if self.processes.descriptors() >= limits.descriptors {
            self.evict_descriptors(low(limits.descriptors));
        }
        if self.open_files.len() >= limits.open_files {
            let most = limits.open_files / 16 + 1;
            let idle = self.evict_open_files(most, false);
            self.evict_open_files(most - idle, true);
        }
        if self.objects.is_full(limits.objects) {
            self.evict_objects(low(limits.objects));
        }
        if self.containers.len() >= limits.containers {
            let named: FxHashSet<_> =
                self.objects.containers().chain(self.processes.containers()).collect();
            self.counts.evicted.containers += self.containers.keep(&named) as u64;
        }
    }

    /// Writes and ends the flows that were exported longest ago, until there
    /// are this many.
    fn evict_flows(&mut self, most: usize) {
        while self.flows.len() > most
            && let Some(place) = self.flows.oldest()
        {
            self.end_flow(place, OpFlags::TRUNCATE, self.now);
            self.counts.evicted.flows += 1;
        }
    }

    /// Forgets processes until there are this many: those that ended, dead
    /// ancestors, living ones without flows and children, any.
    fn evict_processes(&mut self, most: usize) {
        let before = self.processes.kept();
        while let Some(ended) = self.processes.next_to_bury(u64::MAX) {
            self.cut_off_process(ended, self.now);
            self.end_threads(ended, OpFlags::TRUNCATE, self.now);
            self.processes.bury(ended);
        }
        if self.processes.kept() > most {
            self.processes.drop_dead_ancestors();
        }
        for any in [false, true] {
            while self.processes.kept() > most {
                let idle = |p: &process::Process| {
                    p.children == 0 && p.flows.is_empty() && p.threads.is_none()
                };
                let Some(place) = self.processes.next_living(|p| any || idle(p)) else { break };
                self.cut_off_process(place, self.now);
                self.end_threads(place, OpFlags::TRUNCATE, self.now);
                self.processes.end(place, self.now);
                self.processes.bury(place);
                if any {
                    self.processes.drop_dead_ancestors();
                }
            }
        }
        self.counts.evicted.processes += (before - self.processes.kept()) as u64;
    }

    /// Forgets descriptors until their tables have this much room: those of
    /// processes without flows, of any.
    fn evict_descriptors(&mut self, most: usize) {
        for any in [false, true] {
            while self.processes.descriptors() > most {
                let place = self
                    .processes
                    .next_living(|p| !p.descriptors.is_empty() && (any || p.flows.is_empty()));
                let Some(place) = place else { break };
                self.cut_off_process(place, self.now);
                self.counts.evicted.descriptors += self.processes.drop_descriptors(place) as u64;
            }
        }
    }

    /// Forgets up to so many open files: of those of no interest or without
    /// flows, or of all. Returns how many.
    fn evict_open_files(&mut self, most: usize, any: bool) -> usize {
        let objects = &self.objects;
        let idle = |file: &OpenFile| match file.target {
            Target::Object(object) => any || objects.uses(object) <= 1,
            _ => true,
        };
        let mut named: Vec<ObjRef> = Vec::new();
        let removed = self.open_files.evict(most, idle, |file| {
            if let Target::Object(object) = file.target {
                named.push(object);
            }
        });
        for object in named {
            self.objects.drop_use(object);
        }
        self.counts.evicted.open_files += removed as u64;
        removed
    }

    /// Forgets files and connections until they take this many bytes: those
    /// that nothing names; then what names them goes first.
    fn evict_objects(&mut self, most: usize) {
        // Looking for what nothing names costs a look at all: not for a few.
        let few = |objects: &Objects| objects.unused() * 16 < objects.len();
        for any in [false, false, false, false, true] {
            if few(&self.objects) {
                self.evict_open_files(self.objects.len() / 8 + 1, any);
            }
            if few(&self.objects) {
                self.evict_flows(self.flows.len() - self.flows.len() / 4);
                self.evict_open_files(self.objects.len() / 8 + 1, any);
            }
            self.counts.evicted.objects += self.objects.prune() as u64;
            if !self.objects.is_full(most) {
                return;
            }
        }
    }

    /// How full the tables are.
    #[must_use]
    pub fn tables(&self) -> [Table; 7] {
        let limits = &self.settings.limits;
        let evicted = &self.counts.evicted;
        let table =
            |name, entries, bytes, limit, evicted| Table { name, entries, bytes, limit, evicted };
        let descriptors = self.processes.descriptors();
        [
            table(
                "flows",
                self.flows.len(),
                self.flows.bytes(),
                limits.flows.saturating_mul(flow::BYTES),
                evicted.flows,
            ),
            table(
                "objects",
                self.objects.len(),
                self.objects.bytes(),
                limits.objects,
                evicted.objects,
            ),
            table(
                "open_files",
                self.open_files.len(),
                self.open_files.bytes(),
                limits.open_files.saturating_mul(open_file::BYTES),
                evicted.open_files,
            ),
            table(
                "descriptors",
                descriptors,
                descriptors * process::DESCRIPTOR_BYTES,
                limits.descriptors.saturating_mul(process::DESCRIPTOR_BYTES),
                evicted.descriptors,
            ),
            table(
                "processes",
                self.processes.kept(),
                self.processes.bytes(),
                limits.processes.saturating_mul(process::BYTES),
                evicted.processes,
            ),
            table("texts", self.texts.len(), self.texts.bytes(), limits.texts, evicted.texts),
            table(
                "containers",
                self.containers.len(),
                self.containers.len() * CONTAINER_BYTES,
                limits.containers.saturating_mul(CONTAINER_BYTES),
                evicted.containers,
            ),
        ]
    }
}

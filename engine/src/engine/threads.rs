// SPDX-License-Identifier: Apache-2.0
//! Process flows: threads that a process starts and ends, summed.

use sysflow::record::{OpFlags, ProcessFlow};

use super::{Actor, Engine};
use crate::sink::Sink;
use crate::state::process::{ProcRef, ThreadSums};

impl<S: Sink> Engine<S> {
    /// Adds an event to the process flow, which begins with the first.
    pub(super) fn thread_event(
        &mut self,
        by: Actor,
        op: OpFlags,
        add: impl FnOnce(&mut ThreadSums),
    ) {
        self.need_process(by.process);
        let exported = self.coarse(by.ts);
        let process = self.processes.get_mut(by.process);
        let sums = process.threads.get_or_insert_with(|| {
            Box::new(ThreadSums { first: by.ts, exported, ..ThreadSums::default() })
        });
        sums.ops |= op;
        sums.last = by.ts;
        add(sums);
    }

    /// A time in units of the timers.
    pub(super) fn coarse(&self, time: u64) -> u64 {
        time - time % self.settings.semantics.grain
    }

    fn put_threads(&mut self, place: ProcRef, sums: &ThreadSums, last: OpFlags, end: u64) {
        let op_flags = sums.ops | last;
        if sums.ops.is_empty() {
            return;
        }
        self.need_process(place);
        let record = ProcessFlow {
            proc_oid: self.processes.get(place).oid,
            ts: self.clock.event(sums.first),
            num_threads_cloned: sums.cloned.cast_signed(),
            op_flags,
            end_ts: self.clock.event(end.max(sums.first)),
            num_threads_exited: sums.exited.cast_signed(),
            num_clone_errors: sums.errors.cast_signed(),
            loss: None,
        };
        self.put(record);
    }

    /// Writes the process flow, if one is open, and ends it.
    pub(super) fn end_threads(&mut self, place: ProcRef, last: OpFlags, end: u64) {
        if let Some(sums) = self.processes.get_mut(place).threads.take() {
            self.put_threads(place, &sums, last, end);
        }
    }

    /// Exports process flows as other flows.
    pub(super) fn export_threads(&mut self) {
        if !self.settings.semantics.process_flows {
            return;
        }
        let (now, interval) = (self.coarse(self.now), self.settings.export_interval);
        let due: Vec<_> = self
            .processes
            .found()
            .filter(|place| {
                let sums = self.processes.get(*place).threads.as_ref();
                sums.is_some_and(|sums| now.saturating_sub(sums.exported) >= interval)
            })
            .collect();
        for place in due {
            let Some(sums) = self.processes.get(place).threads.as_deref().copied() else {
                continue;
            };
            let idle = now.saturating_sub(self.coarse(sums.last)) >= 2 * interval;
            if !(idle && self.settings.semantics.compat) {
                self.put_threads(place, &sums, OpFlags::NONE, self.now);
            }
            let fresh = ThreadSums {
                first: self.now,
                last: sums.last,
                exported: now,
                ..ThreadSums::default()
            };
            self.processes.get_mut(place).threads = (!idle).then(|| Box::new(fresh));
        }
    }
}

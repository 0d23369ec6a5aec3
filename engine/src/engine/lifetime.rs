// SPDX-License-Identifier: Apache-2.0
//! How flows begin and end: by use, close, exit, interval, end of capture.

use sysflow::record::OpFlags;

use super::Engine;
use crate::flow::Key;
use crate::sink::Sink;
use crate::state::object::Object;
use crate::state::process::ProcRef;

/// Whose flows.
#[derive(Clone, Copy)]
enum Scope {
    Process(ProcRef),
    Descriptor(ProcRef, i32),
}

impl<S: Sink> Engine<S> {
    /// The flow with this key, started at `first` if there is none; it becomes
    /// the first of its descriptor.
    pub(super) fn flow(&mut self, key: Key, first: u64) -> u32 {
        let process = self.processes.get_mut(key.process);
        if let Some(place) = self.flows.find(&key) {
            if let Some(list) = process.lists(key.fd).descriptor {
                self.flows.touch(place, list);
            }
            return place;
        }
        self.objects.hold(key.object);
        let net = matches!(self.objects.get(key.object), Object::Net(_));
        self.flows.start(key, net, first, process.lists(key.fd))
    }

    /// Writes a flow and removes it. `last` is what ended it.
    pub(super) fn end_flow(&mut self, place: u32, last: OpFlags, end: u64) {
        let flow = *self.flows.get(place);
        self.put_flow(&flow, last, end);
        let lists = self.processes.get_mut(flow.key.process).lists(flow.key.fd);
        self.flows.end(place, lists);
        self.objects.drop_use(flow.key.object);
    }

    /// Ends the flows of `scope` that `pick` picks, as cut off: files in the
    /// first pass and connections in the second, or the other way round.
    fn cut_off(&mut self, scope: Scope, net_first: bool, end: u64, pick: impl Fn(&Key) -> bool) {
        let mut batch = std::mem::take(&mut self.batch);
        for net in [net_first, !net_first] {
            batch.clear();
            let flows = &self.flows;
            let wanted = |place: &u32| {
                let flow = flows.get(*place);
                flow.net == net && pick(&flow.key)
            };
            match scope {
                Scope::Process(process) => {
                    let list = self.processes.get(process).flows;
                    batch.extend(flows.of(list).filter(wanted));
                }
                Scope::Descriptor(process, fd) => {
                    let list = self.processes.get(process).flows_on(fd);
                    batch.extend(flows.on(list).filter(wanted));
                }
            }
            for place in &batch {
                self.end_flow(*place, OpFlags::TRUNCATE, end);
            }
        }
        batch.clear();
        self.batch = batch;
    }

    /// Ends the flows of other threads on a descriptor that `tid` closed.
    pub(super) fn cut_off_related(&mut self, process: ProcRef, fd: i32, tid: u32, end: u64) {
        self.cut_off(Scope::Descriptor(process, fd), false, end, |key| key.tid != tid);
    }

    /// Ends the flows of a thread that exits.
    pub(super) fn cut_off_thread(&mut self, process: ProcRef, tid: u32, end: u64) {
        self.cut_off(Scope::Process(process), false, end, |key| key.tid == tid);
    }

    /// Ends all flows of a process that exits.
    pub(super) fn cut_off_process(&mut self, process: ProcRef, end: u64) {
        self.cut_off(Scope::Process(process), false, end, |_| true);
    }

    /// Ends everything: the capture is over.
    pub(super) fn end_all(&mut self) {
        let end = self.now;
        let found: Vec<_> = self.processes.found().collect();
        for process in found {
            self.cut_off(Scope::Process(process), true, end, |_| true);
        }
    }

    /// Exports the flows that were not for an interval. Those in which nothing
    /// happened for two are forgotten; they hold nothing unwritten.
    pub(super) fn export_due(&mut self) {
        let (now, interval) = (self.now, self.settings.export_interval);
        while let Some(place) = self.flows.due(now, interval) {
            let flow = *self.flows.get(place);
            if !flow.ops.is_empty() {
                self.put_flow(&flow, OpFlags::NONE, now);
                self.counts.exported += 1;
                self.flows.restart(place, now);
            } else if now.saturating_sub(flow.last) >= 2 * interval {
                self.end_flow(place, OpFlags::NONE, now);
            } else {
                self.flows.requeue(place, now);
            }
        }
    }
}

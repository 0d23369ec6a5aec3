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

/// Operations that tell how a flow began.
const BEGINNINGS: OpFlags = OpFlags(OpFlags::OPEN.0 | OpFlags::ACCEPT.0 | OpFlags::CONNECT.0);

impl<S: Sink> Engine<S> {
    /// The flow with this key, started at `first` if there is none; it becomes
    /// the first of its descriptor.
    pub(super) fn flow(&mut self, key: Key, first: u64) -> u32 {
        match self.find_flow(&key) {
            Some(place) => place,
            None => self.start_flow(key, first),
        }
    }

    /// The flow with this key; it becomes the first of its descriptor.
    pub(super) fn find_flow(&mut self, key: &Key) -> Option<u32> {
        let mut lists = self.processes.get_mut(key.process).lists(key.fd);
        let list = lists.descriptor.as_deref().copied().unwrap_or_default();
        let place = self.flows.find(key, list)?;
        if let Some(list) = &mut lists.descriptor {
            self.flows.touch(place, list);
        }
        Some(place)
    }

    /// Starts a flow. There is none with this key.
    pub(super) fn start_flow(&mut self, key: Key, first: u64) -> u32 {
        self.objects.hold(key.object);
        let net = matches!(self.objects.get(key.object), Object::Net(_));
        self.processes.make_room(key.process, key.fd);
        let lists = self.processes.get_mut(key.process).lists(key.fd);
        self.flows.start(key, net, first, lists)
    }

    /// Writes a flow and removes it. `last` is what ended it.
    pub(super) fn end_flow(&mut self, place: u32, last: OpFlags, end: u64) {
        self.put_flow(place, last, end);
        self.forget_flow(place);
    }

    /// Removes a flow.
    fn forget_flow(&mut self, place: u32) {
        let Key { process, fd, object, .. } = self.flows.get(place).key;
        let lists = self.processes.get_mut(process).lists(fd);
        self.flows.end(place, lists);
        self.objects.drop_use(object);
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

    /// Ends all flows on a descriptor.
    pub(super) fn cut_off_descriptor(&mut self, process: ProcRef, fd: i32, end: u64) {
        self.cut_off(Scope::Descriptor(process, fd), false, end, |_| true);
    }

    /// Ends the flows of other threads on the same descriptor and object. As
    /// in the reference those that saw the beginning come first.
    pub(super) fn cut_off_same(&mut self, place: u32, end: u64) {
        let key = self.flows.get(place).key;
        let others = |other: &Key| other.object == key.object && other.tid != key.tid;
        let list = self.processes.get(key.process).flows_on(key.fd);
        if !self.flows.on(list).any(|place| others(&self.flows.get(place).key)) {
            return;
        }
        let mut batch = std::mem::take(&mut self.batch);
        for beginning in [true, false] {
            batch.clear();
            let flows = &self.flows;
            // The first pass may have ended the list's first flow.
            let list = self.processes.get(key.process).flows_on(key.fd);
            batch.extend(flows.on(list).filter(|place| {
                let flow = flows.get(*place);
                others(&flow.key) && flow.ops.intersects(BEGINNINGS) == beginning
            }));
            for place in &batch {
                self.end_flow(*place, OpFlags::TRUNCATE, end);
            }
        }
        batch.clear();
        self.batch = batch;
    }

    /// Ends the flows of a thread that exits.
    pub(super) fn cut_off_thread(&mut self, process: ProcRef, tid: u32, end: u64) {
        if self.settings.semantics.related_by_object {
            self.cut_off_thread_and_same(process, tid, end);
        } else {
            self.cut_off_own(process, tid, end);
        }
    }

    /// Ends the flows of a thread, and nothing else.
    pub(super) fn cut_off_own(&mut self, process: ProcRef, tid: u32, end: u64) {
        self.cut_off(Scope::Process(process), false, end, |key| key.tid == tid);
    }

    /// The same, with what other threads do on the same descriptors and
    /// objects: before each flow of the thread.
    fn cut_off_thread_and_same(&mut self, process: ProcRef, tid: u32, end: u64) {
        let list = self.processes.get(process).flows;
        let mut own: Vec<(bool, u32)> = Vec::new();
        for place in self.flows.of(list) {
            let flow = self.flows.get(place);
            if flow.key.tid == tid {
                own.push((flow.net, place));
            }
        }
        own.sort_by_key(|(net, _)| *net);
        for (_, place) in own {
            self.cut_off_same(place, end);
            self.end_flow(place, OpFlags::TRUNCATE, end);
        }
    }

    /// Removes all flows of a process unwritten.
    pub(super) fn forget_flows(&mut self, process: ProcRef) {
        let list = self.processes.get(process).flows;
        let all: Vec<_> = self.flows.of(list).collect();
        for place in all {
            self.forget_flow(place);
        }
    }

    /// Ends all flows of a process that exits.
    pub(super) fn cut_off_process(&mut self, process: ProcRef, end: u64) {
        self.cut_off(Scope::Process(process), false, end, |_| true);
    }

    /// Ends everything: the capture is over. What is open is written whatever
    /// it read, as in the reference.
    pub(super) fn end_all(&mut self) {
        let end = self.now;
        self.ending = true;
        let found: Vec<_> = self.processes.found().collect();
        for process in found {
            self.cut_off(Scope::Process(process), true, end, |_| true);
            self.end_threads(process, OpFlags::TRUNCATE, end);
        }
    }

    /// Ends everything and forgets all processes: what comes is of another
    /// capture, perhaps of another host, perhaps of an earlier time.
    pub(crate) fn start_over(&mut self) {
        self.end_all();
        self.ending = false;
        let found: Vec<_> = self.processes.found().collect();
        for process in found {
            self.processes.end(process, self.now);
            self.processes.bury(process);
        }
        self.abandoned.clear();
        (self.now, self.buried) = (0, 0);
    }

    /// Exports the flows that were not for an interval. Those in which nothing
    /// happened for two are forgotten.
    pub(super) fn export_due(&mut self) {
        let (now, interval) = (self.now, self.settings.export_interval);
        while let Some(place) = self.flows.due(now, interval) {
            if self.flows.idle(place, now) >= 2 * interval {
                if self.settings.semantics.compat {
                    // The reference does not look at what it throws away,
                    // which after a gap in time is unwritten.
                    self.forget_flow(place);
                } else {
                    self.end_flow(place, OpFlags::NONE, now);
                }
            } else if self.flows.get(place).ops.is_empty() {
                self.flows.requeue(place, now);
            } else {
                self.put_flow(place, OpFlags::NONE, now);
                self.counts.exported += 1;
                self.flows.restart(place, now);
            }
        }
    }
}

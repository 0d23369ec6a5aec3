// SPDX-License-Identifier: Apache-2.0
//! Operations of sources that know processes and files by themselves.
//!
//! A driver's record names its process by number and its file by identity, and
//! the engine knows both from earlier records. A capture tells neither: its
//! source keeps threads and descriptor tables as the capturing library did,
//! and names processes and objects by their place here. From there on the way
//! is the same: the same flows, lifetimes and records.

use std::sync::Arc;

use sysflow::record::{FileEvent, ObjectState, Oid, OpFlags, OpenFlags, RestType};

use super::{Counts, Engine};
use crate::flow::{Direction, Key, NONE};
use crate::semantics::Collect;
use crate::sink::Sink;
use crate::state::container::{ContainerRef, Containers};
use crate::state::object::{ObjRef, Object, Objects};
use crate::state::process::{Names, ProcRef, Process, Processes, Program, ThreadSums};

/// Who did it, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Actor {
    pub(crate) process: ProcRef,
    pub(crate) tid: u32,
    /// ns of the events' clock.
    pub(crate) ts: u64,
}

/// On what it was done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct On {
    pub(crate) fd: i32,
    pub(crate) object: ObjRef,
    /// Of a file: its type now, and the container that its record tells if
    /// this is its first use.
    pub(crate) restype: RestType,
    pub(crate) told: Option<ContainerRef>,
    /// Where its flow was the last time.
    pub(crate) hint: u32,
}

/// A name that something was done to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject {
    pub(crate) object: ObjRef,
    pub(crate) restype: RestType,
    pub(crate) told: Option<ContainerRef>,
    /// State of its record, if it has none yet.
    pub(crate) state: ObjectState,
}

/// A process as its source knows it.
#[derive(Debug)]
pub(crate) struct Description {
    pub(crate) oid: Oid,
    pub(crate) poid: Option<Oid>,
    pub(crate) parent: Option<ProcRef>,
    pub(crate) state: ObjectState,
    pub(crate) ts: u64,
    pub(crate) program: Arc<Program>,
    pub(crate) env: Arc<str>,
    pub(crate) cwd: Arc<str>,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) names: Arc<Names>,
    pub(crate) tty: bool,
    pub(crate) entry: bool,
    pub(crate) container: Option<ContainerRef>,
}

/// What changes when a process starts a program or changes its user.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) program: Arc<Program>,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) names: Arc<Names>,
}

#[inline]
fn key(by: &Actor, on: &On) -> Key {
    Key { process: by.process, tid: by.tid, fd: on.fd, object: on.object }
}

impl<S: Sink> Engine<S> {
    pub(crate) fn processes(&self) -> &Processes {
        &self.processes
    }

    pub(crate) fn containers(&mut self) -> &mut Containers {
        &mut self.containers
    }

    pub(crate) fn objects(&mut self) -> (&mut Objects, &Containers) {
        (&mut self.objects, &self.containers)
    }

    /// The same, to be looked at.
    pub(crate) fn known(&self) -> &Objects {
        &self.objects
    }

    pub(crate) fn counted(&mut self) -> &mut Counts {
        &mut self.counts
    }

    /// Lets the time go to that of the next event.
    #[inline]
    pub(crate) fn set_time(&mut self, now: u64) {
        if now < self.now {
            self.counts.late += 1;
        }
        self.now = now;
    }

    /// Takes a process that its source describes.
    pub(crate) fn describe_process(&mut self, d: Description) -> ProcRef {
        let ts = self.clock.event(d.ts);
        let pid = d.oid.hpid as u32;
        let process = Process {
            poid: d.poid,
            parent: d.parent,
            state: d.state,
            ts,
            program: d.program,
            env: d.env,
            cwd: d.cwd,
            uid: d.uid,
            gid: d.gid,
            names: Some(d.names),
            tty: d.tty,
            entry: d.entry,
            container: d.container,
            ..Process::unknown(pid, d.oid)
        };
        self.processes.insert_identity(process)
    }

    /// A process is gone, although its end was not told: its number is
    /// another's. It is forgotten when its flows have run out.
    pub(crate) fn abandon(&mut self, place: ProcRef, oid: Oid) {
        if self.processes.is(place, oid) {
            self.abandoned.push_back((place, oid, self.now));
        }
    }

    /// Forgets abandoned processes whose time has come and that have no flow.
    pub(super) fn bury_abandoned(&mut self) {
        let patience = 3 * self.settings.export_interval;
        for _ in 0..self.abandoned.len() {
            let Some(&(place, oid, at)) = self.abandoned.front() else { return };
            if self.now.saturating_sub(at) < patience {
                return;
            }
            self.abandoned.pop_front();
            if !self.processes.is(place, oid) {
                continue;
            }
            let process = self.processes.get(place);
            if process.flows.is_empty() && process.threads.is_none() {
                self.processes.end(place, at);
                self.processes.bury(place);
            } else {
                self.abandoned.push_back((place, oid, self.now));
            }
        }
    }

    /// A process known before runs another program or has another user: it is
    /// written again.
    pub(crate) fn change_process(&mut self, place: ProcRef, ts: u64, change: Change) {
        let ts = self.clock.event(ts);
        let process = self.processes.get_mut(place);
        process.state = ObjectState::Modified;
        process.ts = ts;
        process.program = change.program;
        (process.uid, process.gid) = (change.uid, change.gid);
        process.names = Some(change.names);
        if process.written == self.file {
            self.put_process(place);
        }
    }

    /// Bytes moved, and not for the first time: the flow is where it was the last time. Else
    /// nothing is done.
    #[inline(always)]
    pub(crate) fn moved_again(
        &mut self,
        by: &Actor,
        on: &On,
        direction: Direction,
        bytes: u64,
    ) -> bool {
        let Some(flow) = self.flows.at(on.hint, &key(by, on)) else { return false };
        flow.add(direction, 1, bytes, by.ts);
        self.counts.applied += 1;
        true
    }

    /// Bytes moved. Returns where the flow is.
    pub(crate) fn moved(&mut self, by: &Actor, on: &On, direction: Direction, bytes: u64) -> u32 {
        if self.consumes(on.object) {
            self.counts.silent += 1;
            return NONE;
        }
        let Some(place) = self.flow_on(by, on) else { return NONE };
        self.flows.get_mut(place).add(direction, 1, bytes, by.ts);
        self.counts.applied += 1;
        place
    }

    /// A file was opened, on a descriptor that holds its object already.
    pub(crate) fn opened(&mut self, by: &Actor, on: &On, flags: OpenFlags) -> u32 {
        // If nothing else holds it there is no flow to be looked for.
        let first = self.objects.uses(on.object) == 1;
        let flow = if first { self.begin_flow(by, on) } else { self.flow_on(by, on) };
        let Some(place) = flow else { return NONE };
        self.counts.applied += 1;
        let flow = self.flows.get_mut(place);
        flow.mark(OpFlags::OPEN, by.ts);
        flow.open_flags = flags;
        if self.settings.semantics.collect == Collect::Consume && !flow.net {
            self.end_flow(place, OpFlags::NONE, by.ts);
            return NONE;
        }
        place
    }

    /// Something without bytes: connect, accept, mmap, setns, shutdown.
    pub(crate) fn marked(&mut self, by: &Actor, on: &On, op: OpFlags) -> u32 {
        if self.consumes(on.object) {
            self.counts.silent += 1;
            return NONE;
        }
        let Some(place) = self.flow_on(by, on) else { return NONE };
        self.flows.get_mut(place).mark(op, by.ts);
        self.counts.applied += 1;
        place
    }

    /// A descriptor was closed, which holds the object still: its flow ends, and
    /// before it those of other threads on it.
    pub(crate) fn closed(&mut self, by: &Actor, on: &On) {
        if self.consumes(on.object) {
            self.counts.silent += 1;
            return;
        }
        let Some(place) = self.flow_on(by, on) else { return };
        self.counts.applied += 1;
        // This flow holds it too: there is another one only if something else does.
        let uses = self.objects.uses(on.object);
        debug_assert!(uses >= 2, "flow and descriptor hold what they are of");
        if uses > 2 {
            self.cut_off_same(place, by.ts);
        }
        self.end_flow(place, OpFlags::CLOSE, by.ts);
    }

    /// A file of which only opens are collected.
    fn consumes(&self, object: ObjRef) -> bool {
        self.settings.semantics.collect == Collect::Consume
            && matches!(self.objects.get(object), Object::File(_))
    }

    /// The flow of who did it on what; none if that is not collected.
    fn flow_on(&mut self, by: &Actor, on: &On) -> Option<u32> {
        let key = key(by, on);
        if self.flows.at(on.hint, &key).is_some() {
            return Some(on.hint);
        }
        match self.find_flow(&key) {
            Some(place) => Some(place),
            None => self.begin_flow(by, on),
        }
    }

    /// Begins it; there is none. The process, and a file, are written when they
    /// are first used.
    fn begin_flow(&mut self, by: &Actor, on: &On) -> Option<u32> {
        let semantics = self.settings.semantics;
        let file = matches!(self.objects.get(on.object), Object::File(_));
        if file
            && (semantics.collect == Collect::NoFiles
                || (semantics.file_only && on.restype != RestType::FILE))
        {
            self.counts.silent += 1;
            return None;
        }
        self.objects.first_use(on.object, on.restype, on.told);
        if semantics.entities_early {
            self.need_process(by.process);
            let ts = self.clock.event(by.ts);
            self.need_file(on.object, ObjectState::Reup, ts);
        }
        Some(self.start_flow(key(by, on), by.ts))
    }

    /// clone returned. `thread`: it made, or is, a thread.
    pub(crate) fn cloned(&mut self, by: Actor, ret: i32, main: bool, thread: bool) {
        self.counts.applied += 1;
        let alone = (main && ret == 0) || (ret > 0 && !thread);
        if self.settings.semantics.process_flows && !alone {
            let compat = self.settings.semantics.compat;
            self.thread_event(by, OpFlags::CLONE, |sums: &mut ThreadSums| {
                sums.cloned += u64::from(ret == 0);
                // The reference knows one error only.
                sums.errors += u64::from(if compat { ret == -1 } else { ret < 0 });
            });
            return;
        }
        self.put_process_event(by.process, by.ts, by.tid, OpFlags::CLONE, "", ret);
    }

    /// A program was started, or could not be. [`Engine::change_process`]
    /// comes before.
    pub(crate) fn executed(&mut self, by: Actor, ret: i32) {
        self.counts.applied += 1;
        self.put_process_event(by.process, by.ts, by.tid, OpFlags::EXEC, "", ret);
    }

    /// The user was changed, or could not be. `args`: the new one, ended by
    /// NUL.
    pub(crate) fn user_set(&mut self, by: Actor, args: &str, ret: i32) {
        self.counts.applied += 1;
        self.put_process_event(by.process, by.ts, by.tid, OpFlags::SETUID, args, ret);
    }

    /// A thread ended; with its main thread a process.
    pub(crate) fn exited(&mut self, by: Actor, ret: i32, main: bool) {
        self.counts.applied += 1;
        if !main && self.settings.semantics.process_flows {
            let compat = self.settings.semantics.compat;
            if !compat {
                self.cut_off_own(by.process, by.tid, by.ts);
            }
            self.thread_event(by, OpFlags::EXIT, |sums: &mut ThreadSums| sums.exited += 1);
            return;
        }
        if main {
            self.need_process(by.process);
            self.end_threads(by.process, OpFlags::NONE, by.ts);
            self.cut_off_process(by.process, by.ts);
        } else {
            self.cut_off_thread(by.process, by.tid, by.ts);
        }
        self.put_process_event(by.process, by.ts, by.tid, OpFlags::EXIT, "", ret);
        if main {
            let grain = self.settings.semantics.grain;
            self.processes.end(by.process, by.ts - by.ts % grain);
        }
    }

    /// Something was done to one name, or two.
    pub(crate) fn named(
        &mut self,
        by: Actor,
        op: OpFlags,
        first: Subject,
        second: Option<Subject>,
        ret: i32,
    ) {
        if self.settings.semantics.collect == Collect::NoFiles {
            self.counts.silent += 1;
            return;
        }
        self.counts.applied += 1;
        self.need_process(by.process);
        let ts = self.clock.event(by.ts);
        for subject in [Some(first), second].into_iter().flatten() {
            self.objects.first_use(subject.object, subject.restype, subject.told);
            self.need_file(subject.object, subject.state, ts);
        }
        let record = FileEvent {
            proc_oid: self.processes.get(by.process).oid,
            ts,
            tid: i64::from(by.tid),
            op_flags: op,
            file_oid: self.objects.foid(first.object),
            ret,
            new_file_oid: second.map(|second| self.objects.foid(second.object)),
        };
        self.put(record);
    }
}

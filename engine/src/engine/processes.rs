// SPDX-License-Identifier: Apache-2.0
//! Processes: born, changed, gone; known from before or looked up.

use std::sync::Arc;

use probe_loader::abi::{
    SF_EXIT_LAST, SF_OP_EXEC, SF_SHARE_FILES, SF_SHARE_THREAD, sf_rec_call, sf_rec_exec,
    sf_rec_exit, sf_rec_fork,
};
use probe_loader::record::ExecStrings;
use sysflow::record::{ObjectState, Oid, OpFlags};

use super::Engine;
use super::operation::Actor;
use super::text::{joined, with_slash};
use crate::semantics::Semantics;
use crate::sink::Sink;
use crate::snapshot::Found;
use crate::state::process::{ProcRef, Process, Program};

/// Flag of clone(2): the child is a thread.
const CLONE_THREAD: u64 = 0x1_0000;

/// /proc tells start times in clock ticks of 10 ms, rounded down; the kernel's
/// iterator to the nanosecond.
const TICK: u64 = 10_000_000;

/// Ancestors that are looked up with a process at most.
const MAX_LOOKED_UP: usize = 32;

/// An ended process is still found for this long, ns: for the other threads
/// that ended in the same moment.
const GRACE: u64 = 1_000_000_000;

/// Whether a start time told by the driver is that of the known process.
fn same_start(process: &Process, start: u64) -> bool {
    if process.start_exact {
        process.start == start
    } else {
        start.wrapping_sub(process.start) < TICK
    }
}

/// Whether a start time told by a scan is that of the known process.
pub(super) fn same_tick(process: &Process, start: u64) -> bool {
    process.start / TICK == start / TICK
}

impl<S: Sink> Engine<S> {
    fn oid(&self, pid: u32, start: u64) -> Oid {
        Oid { create_ts: self.clock.start(start), hpid: i64::from(pid) }
    }

    /// Takes over a process found in /proc.
    pub(super) fn adopt(&mut self, found: &Found) -> ProcRef {
        match self.processes.find(found.pid) {
            Some(known) => known,
            None => self.add_found(found),
        }
    }

    /// The same for one whose number nobody has, or one that ended.
    pub(super) fn add_found(&mut self, found: &Found) -> ProcRef {
        let mut room = true;
        let [exe, args, env, cwd] = [&found.exe, &found.args, &found.env, &found.cwd].map(|text| {
            let text = self.texts.share(text);
            room &= !self.texts.is_full();
            text
        });
        let oid = self.oid(found.pid, found.start);
        let process = Process {
            ts: oid.create_ts,
            start: found.start,
            start_exact: !found.start.is_multiple_of(TICK),
            told: self.now,
            program: Arc::new(Program { exe, args }),
            env,
            cwd,
            uid: found.uid,
            gid: found.gid,
            tty: found.tty,
            entry: found.vpid == 1,
            container: self.containers.of_cgroup(&found.cgroup),
            ..Process::unknown(found.pid, oid)
        };
        let place = self.processes.insert(process);
        if !room {
            self.forget_texts(place);
        }
        self.connect_to_parent(found.pid, found.ppid);
        place
    }

    /// There was no room for the texts of a process: it keeps the path of its
    /// program.
    fn forget_texts(&mut self, place: ProcRef) {
        self.counts.evicted.texts += 1;
        let process = self.processes.get_mut(place);
        let exe = Arc::clone(&process.program.exe);
        process.program = Arc::new(Program { exe, args: Arc::default() });
        (process.env, process.cwd) = (Arc::default(), Arc::default());
    }

    /// Gives a process from /proc its parent, if that is known.
    pub(super) fn connect_to_parent(&mut self, pid: u32, ppid: u32) {
        let (Some(child), Some(parent)) = (self.processes.find(pid), self.processes.find(ppid))
        else {
            return;
        };
        if self.processes.get(child).poid.is_none() && child != parent {
            self.processes.get_mut(child).poid = Some(self.processes.get(parent).oid);
            self.processes.set_parent(child, Some(parent));
        }
    }

    /// Looks an unknown process up. One that is gone stands as unknown.
    #[cold]
    pub(super) fn look_up(&mut self, pid: u32) -> ProcRef {
        self.counts.looked_up += 1;
        match self.lookup.process(pid) {
            Some(found) => {
                let mut chain = vec![found];
                while let Some(Found { ppid, .. }) = chain.last()
                    && *ppid != 0
                    && chain.len() < MAX_LOOKED_UP
                    && self.processes.find(*ppid).is_none()
                    && let Some(parent) = self.lookup.process(*ppid)
                {
                    chain.push(parent);
                }
                let known = chain.iter().rev().map(|found| self.adopt(found)).last();
                known.expect("the process itself was found")
            }
            None => {
                self.counts.not_found += 1;
                let ts = self.clock.event(self.now);
                let oid = Oid { create_ts: 0, hpid: i64::from(pid) };
                self.processes.insert(Process { ts, ..Process::unknown(pid, oid) })
            }
        }
    }

    /// A task was made: a thread, or a process that starts as a copy of its
    /// parent. The records of the two clone calls follow when they return.
    pub(super) fn fork(&mut self, fork: &sf_rec_fork) {
        self.counts.applied += 1;
        if fork.shared & SF_SHARE_THREAD != 0 {
            return;
        }
        let caller = self.process(&fork.h);
        if let Some(known) = self.processes.find(fork.child_pid) {
            let process = self.processes.get_mut(known);
            if process.ended.is_none() && same_start(process, fork.start) {
                // The snapshot was faster than this record.
                process.start = fork.start;
                process.start_exact = true;
                return;
            }
            self.end_process(known, fork.h.ts);
        }
        let oid = self.oid(fork.child_pid, fork.start);
        let parent = self.processes.find(fork.ppid).unwrap_or(caller);
        // Of its own number no kernel tells a parent, and that one is forgotten now.
        let is_kept = self.processes.get(parent).pid != fork.child_pid;
        let child = Process {
            poid: Some(self.processes.get(parent).oid),
            parent: is_kept.then_some(parent),
            ts: self.clock.event(fork.h.ts),
            told: fork.h.ts,
            start: fork.start,
            start_exact: true,
            uid: fork.uid,
            gid: fork.gid,
            entry: fork.vtid == 1,
            ..self.processes.get(caller).child(fork.child_pid, oid)
        };
        let child = self.processes.insert(child);
        if fork.shared & SF_SHARE_FILES != 0 {
            self.share_files(caller, child);
        }
    }

    /// clone returned, in the parent or in the child.
    pub(super) fn clone_returned(&mut self, call: &sf_rec_call) {
        let process = self.process(&call.h);
        let by = Actor { process, tid: call.h.tid, ts: call.h.ts };
        let thread = call.arg[0] & CLONE_THREAD != 0;
        // Task numbers fit 22 bits, errors are small.
        self.cloned(by, call.ret as i32, call.h.pid == call.h.tid, thread);
    }

    /// A program was started, or could not be.
    pub(super) fn exec(&mut self, exec: &sf_rec_exec, strings: &ExecStrings<'_>) {
        if u32::from(exec.h.op) != SF_OP_EXEC {
            self.counts.unknown += 1;
            return;
        }
        self.counts.applied += 1;
        let place = self.exec_process(exec);
        let ts = self.clock.event(exec.h.ts);
        let container = self.containers.of_cgroup(strings.cgroup);
        let mut room = true;
        if exec.ret >= 0 {
            room = self.take_texts(place, strings);
        }
        let process = self.processes.get_mut(place);
        process.told = exec.h.ts;
        // The first record of a process that starts a program tells of its
        // creation; later ones of a change.
        process.state =
            if process.written == 0 { ObjectState::Created } else { ObjectState::Modified };
        process.ts = ts;
        if exec.ret >= 0 {
            process.uid = exec.uid;
            process.gid = exec.gid;
            process.tty = exec.tty != 0;
            process.entry = exec.vpid == 1;
            process.container = container;
            // Which descriptors the exec closed is not told; those that are
            // still open are known again at their next use.
            process.forget_descriptors();
            process.files = 0;
            if exec.old_tid != 0 && exec.old_tid != exec.h.tid {
                // The thread has become the leader: nobody has its number now.
                self.cut_off_own(place, exec.old_tid, exec.h.ts);
            }
        }
        // need_process writes the ancestors, and the process itself if this
        // file lacks it; otherwise it is written again, changed.
        if self.processes.get(place).written == self.file {
            self.put_process(place);
        }
        self.put_process_event(place, exec.h.ts, exec.h.tid, OpFlags::EXEC, "", exec.ret);
        if !room {
            // This file has them; a later one does without.
            self.forget_texts(place);
        }
    }

    /// Takes over the texts of an exec. Returns whether there was room for all.
    fn take_texts(&mut self, place: ProcRef, strings: &ExecStrings<'_>) -> bool {
        let (first, args) = joined(strings.args);
        let exe = match String::from_utf8_lossy(strings.exe) {
            none if none.is_empty() => first.into(),
            exe => exe,
        };
        let mut room = true;
        let mut share = |text: &str| {
            let text = self.texts.share(text);
            room &= !self.texts.is_full();
            text
        };
        let program = Program { exe: share(&exe), args: share(&args) };
        let env = share(&String::from_utf8_lossy(strings.env));
        let cwd = share(&with_slash(strings.cwd));
        let process = self.processes.get_mut(place);
        process.program = Arc::new(program);
        (process.env, process.cwd) = (env, cwd);
        room
    }

    /// The process of an exec, which tells its start time: one of the same
    /// number and another start is another process, whose birth was lost.
    fn exec_process(&mut self, exec: &sf_rec_exec) -> ProcRef {
        let place = self.process(&exec.h);
        let process = self.processes.get_mut(place);
        if process.start == 0 || same_start(process, exec.start) {
            let unknown = process.start == 0;
            process.start = exec.start;
            process.start_exact = true;
            if unknown && process.written == 0 {
                let oid = self.oid(exec.h.pid, exec.start);
                self.processes.get_mut(place).oid = oid;
                self.adopt_parent(place, exec.ppid);
            }
            return place;
        }
        self.end_process(place, exec.h.ts);
        let oid = self.oid(exec.h.pid, exec.start);
        let fresh = Process {
            told: exec.h.ts,
            start: exec.start,
            start_exact: true,
            ..Process::unknown(exec.h.pid, oid)
        };
        let place = self.processes.insert(fresh);
        self.adopt_parent(place, exec.ppid);
        place
    }

    fn adopt_parent(&mut self, child: ProcRef, ppid: u32) {
        if let Some(parent) = self.processes.find(ppid)
            && parent != child
        {
            self.processes.get_mut(child).poid = Some(self.processes.get(parent).oid);
            self.processes.set_parent(child, Some(parent));
        }
    }

    /// A thread ends; with the last one its process.
    pub(super) fn exit(&mut self, exit: &sf_rec_exit) {
        self.counts.applied += 1;
        let process = self.process(&exit.h);
        let last = exit.flags & SF_EXIT_LAST != 0;
        if last {
            self.end_threads(process, OpFlags::NONE, exit.h.ts);
            self.cut_off_process(process, exit.h.ts);
        } else {
            self.cut_off_thread(process, exit.h.tid, exit.h.ts);
            if self.settings.semantics.process_flows && !self.state_alone {
                let by = Actor { process, tid: exit.h.tid, ts: exit.h.ts };
                self.thread_event(by, OpFlags::EXIT, |sums| sums.exited += 1);
                return;
            }
        }
        self.put_process_event(process, exit.h.ts, exit.h.tid, OpFlags::EXIT, "", exit.code);
        if last {
            self.processes.end(process, exit.h.ts);
        }
    }

    /// Ends a process whose number another has now.
    pub(super) fn end_process(&mut self, process: ProcRef, end: u64) {
        self.cut_off_process(process, end);
        self.end_threads(process, OpFlags::TRUNCATE, end);
        self.processes.end(process, end);
    }

    /// Forgets processes that ended a while ago.
    pub(super) fn bury_ended(&mut self) {
        let Semantics { grain, compat, .. } = self.settings.semantics;
        let now = self.now - self.now % grain;
        if grain > 1 {
            // As the reference: looked at less than once in a second, and the
            // first time only starts the clock.
            if self.buried == 0 || now.saturating_sub(self.buried) <= grain {
                self.buried = if self.buried == 0 { now } else { self.buried };
                return;
            }
            self.buried = now;
        }
        let time = now.saturating_sub(GRACE) + u64::from(grain > 1);
        while let Some(process) = self.processes.next_to_bury(time) {
            // What other threads did meanwhile; the reference loses it.
            if !compat {
                self.cut_off_process(process, self.now);
                self.end_threads(process, OpFlags::TRUNCATE, self.now);
            } else {
                self.forget_flows(process);
            }
            self.processes.bury(process);
        }
    }
}

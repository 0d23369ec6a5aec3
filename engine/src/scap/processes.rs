// SPDX-License-Identifier: Apache-2.0
//! Threads and processes: made, started with a program, ended, given a user.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::engine::Actor;
use crate::sink::Sink;

use super::convert::{Converter, Here};
use super::file::{Params, RawEvent};
use super::path;
use super::rows::{Act, CloneParams, ExecParams};
use super::state::thread::{Thread, UNKNOWN, clone};
use super::state::threads::ThreadRef;
use super::value::{self, signed, text, unsigned};

/// A thread that its own event made stands for this long, ns: what its parent
/// tells of it later is older news.
const FRESH: u64 = 2_000_000_000;

/// A parameter that not every version of an event has; 0: this one has not.
fn optional<'a>(params: &Params<'a>, index: u8) -> Option<&'a [u8]> {
    if index == 0 { None } else { params.get(usize::from(index)) }
}

/// The low half of what a call returned, as records have it; -1 without one.
fn told(result: Option<i64>) -> i32 {
    result.map_or(-1, |result| result as i32)
}

impl<S: Sink> Converter<S> {
    /// clone, fork or vfork returned, in the parent or in the child.
    pub(super) fn cloned(
        &mut self,
        here: &Here<'_>,
        params: CloneParams,
        known: Option<ThreadRef>,
    ) {
        let Some(result) = here.result() else {
            self.counts.incomplete += 1;
            return;
        };
        let thread = match result {
            1.. => Some(self.parent_returned(here.event, params, result)),
            0 => Some(self.child_returned(here.event, params)),
            _ => known,
        };
        let Some(thread) = thread else {
            self.counts.incomplete += 1;
            return;
        };
        self.counts.used += 1;
        if self.compat && here.row.newer {
            return;
        }
        let ts = here.event.ts;
        let (process, _) = self.process_of(thread, ts, true);
        let flags = unsigned(optional(&here.event.params, params.flags)).unwrap_or(0);
        let main = self.threads.get(thread).is_main();
        let by = Actor { process, tid: here.tid(), ts };
        self.engine.cloned(by, told(Some(result)), main, flags & clone::THREAD != 0);
    }

    /// What a clone tells of the new thread.
    fn fill(&mut self, new: &mut Thread, event: &RawEvent<'_>, at: CloneParams, like: ThreadRef) {
        let params = &event.params;
        let like = self.threads.try_get_mut(like);
        let (exe, args) = like.map_or((&new.exe, &new.args), |like| (&like.exe, &like.args));
        let exe = value::shared(exe, text(params.get(1)).unwrap_or_default());
        let args = value::arguments(args, params.get(2).unwrap_or_default());
        (new.exe, new.args) = (exe, args);
        if let Some(uid) = unsigned(optional(params, at.uid)) {
            new.user.set(uid, None, &self.users);
        }
        if let Some(gid) = unsigned(optional(params, at.gid)) {
            new.group_id.set(gid, None, &self.groups);
        }
        if let Some(cgroups) = optional(params, at.cgroups) {
            new.container = self.engine.containers().of_cgroups(cgroups);
        }
        if new.container.is_some() {
            new.user.rename(new.container, &self.users);
            new.group_id.rename(new.container, &self.groups);
        }
        new.cloned = event.ts;
    }

    /// What a child has of the thread that made it.
    fn inherit(&mut self, new: &mut Thread, from: ThreadRef, process: bool) {
        let main = self.threads.main_of(from);
        let (env, cwd) = {
            let main = self.threads.get(main);
            (Arc::clone(&main.env), Arc::clone(&main.cwd))
        };
        let maker = self.threads.get(from);
        new.exepath = Arc::clone(&maker.exepath);
        new.tty = maker.tty;
        let same = Arc::ptr_eq(&new.exe, &maker.exe) && Arc::ptr_eq(&new.args, &maker.args);
        new.program = maker.program.clone().filter(|_| same);
        if process {
            (new.env, new.cwd) = (env, cwd);
            if let Some(table) = self.threads.table(from) {
                new.descriptors = table.copy(&mut self.things);
            }
        }
    }

    fn join(&mut self, new: Thread) -> ThreadRef {
        let place = self.threads.insert(new);
        if !self.threads.get(place).is_invalid() {
            self.threads.join_group(place);
            self.threads.join_parent(place);
        }
        place
    }

    /// The half of the parent. Returns the parent.
    fn parent_returned(&mut self, event: &RawEvent<'_>, at: CloneParams, child: i64) -> ThreadRef {
        let tid = event.tid.cast_signed();
        let params = &event.params;
        let caller = self.threads.find_or_insert(tid);
        let valid = !self.threads.get(caller).is_invalid();
        if !valid {
            let thread = self.threads.get_mut(caller);
            thread.pid = signed(params.get(4)).unwrap_or(-1);
            thread.ptid = signed(params.get(5)).unwrap_or(-1);
            thread.vtid = signed(optional(params, at.vtid)).unwrap_or(tid);
            thread.vpid = signed(optional(params, at.vpid)).unwrap_or(-1);
            self.threads.join_group(caller);
        }
        let flags = unsigned(optional(params, at.flags)).unwrap_or(0);
        let elsewhere = clone::IN_PID_NAMESPACE | clone::NEW_PID | clone::PARENT;
        if flags & elsewhere != 0 || tid != self.threads.get(caller).vtid {
            // The number is not one of the host: the child's event will tell.
            return caller;
        }
        if let Some(known) = self.threads.find(child) {
            if self.threads.get(known).by_itself || known == caller {
                return caller;
            }
            self.remove_stale(known);
        }
        // With the last thread of its group the caller can be gone, too.
        let caller = self.threads.find_or_insert(tid);
        let valid = valid && !self.threads.get(caller).is_invalid();
        let mut new = Thread::unknown(child, &self.threads.texts);
        new.flags = flags;
        let maker = self.threads.get(caller);
        if flags & clone::THREAD == 0 {
            (new.pid, new.ptid) = (child, tid);
        } else {
            (new.pid, new.ptid) = (maker.pid, maker.ptid);
            new.flags |= clone::FILES;
        }
        (new.vtid, new.vpid) = (new.tid, new.pid);
        self.fill(&mut new, event, at, caller);
        if valid {
            self.inherit(&mut new, caller, flags & clone::THREAD == 0);
        } else {
            // What the event tells is the caller's own.
            self.threads.get_mut(caller).share_program(&new);
        }
        self.join(new);
        caller
    }

    /// The half of the child. Returns the child.
    fn child_returned(&mut self, event: &RawEvent<'_>, at: CloneParams) -> ThreadRef {
        let tid = event.tid.cast_signed();
        let params = &event.params;
        if let Some(known) = self.threads.find(tid) {
            let cloned = self.threads.get(known).cloned;
            if cloned != 0 && event.ts.saturating_sub(cloned) < FRESH {
                return known;
            }
            self.remove_stale(known);
        }
        let mut new = Thread::unknown(tid, &self.threads.texts);
        new.pid = signed(params.get(4)).unwrap_or(-1);
        new.ptid = signed(params.get(5)).unwrap_or(-1);
        new.vtid = signed(optional(params, at.vtid)).unwrap_or(tid);
        new.vpid = signed(optional(params, at.vpid)).unwrap_or(-1);
        new.flags = unsigned(optional(params, at.flags)).unwrap_or(0);
        new.by_itself = true;
        let process = new.flags & clone::THREAD == 0;
        if !process {
            new.flags |= clone::FILES;
        }
        let looked_up = if process { new.ptid } else { new.pid };
        if looked_up == tid {
            // It claims to be its own parent: damage.
            self.fill(&mut new, event, at, ThreadRef::nowhere());
            return self.join(new);
        }
        let maker = self.threads.find_or_insert(looked_up);
        let valid = !self.threads.get(maker).is_invalid();
        if !valid && !process {
            let thread = self.threads.get_mut(maker);
            (thread.pid, thread.ptid) = (new.pid, new.ptid);
            (thread.vpid, thread.vtid) = (new.vpid, new.vpid);
            self.threads.join_group(maker);
            if !self.threads.get(maker).is_invalid() {
                self.threads.join_parent(maker);
            }
        }
        self.fill(&mut new, event, at, maker);
        if valid {
            self.inherit(&mut new, maker, process);
        } else if !process {
            self.threads.get_mut(maker).share_program(&new);
        }
        self.join(new)
    }

    /// Removes a thread whose number another has now, and whose end was not
    /// told: also a leader whose threads are thought to live.
    fn remove_stale(&mut self, stale: ThreadRef) {
        let thread = self.threads.get(stale);
        let (tid, process, main) = (thread.tid, thread.process, thread.is_main());
        let oid = self.oid(stale);
        self.threads.remove(stale);
        if let Some(left) = self.threads.find(tid) {
            self.threads.erase(left);
        }
        self.clear_away();
        if main {
            self.engine.abandon(process, oid);
        }
    }

    /// A program was started, or could not be.
    pub(super) fn executed(&mut self, here: &Here<'_>, at: ExecParams) {
        let Some(result) = here.result() else {
            self.counts.incomplete += 1;
            return;
        };
        if result >= 0 {
            self.program_started(here, at);
        }
        self.counts.used += 1;
        if self.compat && here.row.newer {
            return;
        }
        let ts = here.event.ts;
        let (process, made) = self.process_of(here.thread, ts, true);
        if !made {
            let change = self.change_of(here.thread);
            self.engine.change_process(process, ts, change);
        }
        let by = Actor { process, tid: here.tid(), ts };
        self.engine.executed(by, told(Some(result)));
    }

    fn program_started(&mut self, here: &Here<'_>, at: ExecParams) {
        let place = here.thread;
        let params = &here.event.params;
        self.threads.revive(place);
        let exepath = self.program_path(here, at);
        let thread = self.threads.get_mut(place);
        let was_invalid = thread.is_invalid();
        thread.exe = value::shared(&thread.exe, text(params.get(1)).unwrap_or_default());
        thread.args = value::arguments(&thread.args, params.get(2).unwrap_or_default());
        if let Some(exepath) = exepath {
            thread.exepath = exepath;
        }
        thread.program = None;
        // Of one that is known it is the same: only damage moves a thread to
        // another process.
        if was_invalid {
            thread.pid = signed(params.get(4)).unwrap_or(-1);
            thread.ptid = signed(params.get(5)).unwrap_or(-1);
            if thread.flags & clone::IN_PID_NAMESPACE == 0 {
                (thread.vtid, thread.vpid) = (thread.tid, thread.pid);
            }
        }
        if let Some(env) = optional(params, at.env) {
            thread.env = value::environment(&thread.env, env);
        }
        if let Some(tty) = unsigned(optional(params, at.tty)) {
            thread.tty = tty != 0;
        }
        thread.flags = 0;
        if was_invalid && !thread.is_invalid() {
            self.threads.join_group(place);
            self.threads.join_parent(place);
        }
        self.user_of_program(here, at);
        self.threads.remove_others(place);
    }

    /// Container and user after an exec.
    fn user_of_program(&mut self, here: &Here<'_>, at: ExecParams) {
        let params = &here.event.params;
        let thread = self.threads.get_mut(here.thread);
        let before = thread.container;
        if let Some(cgroups) = optional(params, at.cgroups) {
            thread.container = self.engine.containers().of_cgroups(cgroups);
        }
        if let Some(uid) = unsigned(optional(params, at.uid)) {
            thread.user.set(uid, thread.container, &self.users);
        }
        if thread.container != before {
            thread.user.rename(thread.container, &self.users);
            thread.group_id.rename(thread.container, &self.groups);
        }
    }

    /// Path of the program: as told, or made of the name that was asked for.
    /// None: not known any better than before.
    fn program_path(&mut self, here: &Here<'_>, at: ExecParams) -> Option<Arc<str>> {
        let old = Arc::clone(&self.threads.get(here.thread).exepath);
        if let Some(told) = text(optional(&here.event.params, at.path)) {
            return Some(value::shared(&old, told));
        }
        if !here.entered {
            return None;
        }
        // An execve can come of an execveat, which names a directory too.
        let thread = self.threads.get(here.thread);
        let with_directory = at.at || thread.call.kind == 330;
        let kept = &thread.kept;
        let (directory, index) =
            if with_directory { (signed(kept.get(0)), 1) } else { (Some(AT_FDCWD), 0) };
        let name = text(kept.get(index))?.to_vec();
        if name == UNKNOWN.as_bytes() {
            return Some(Arc::clone(&self.threads.texts.unknown));
        }
        let directory = directory.unwrap_or(AT_FDCWD);
        if name.is_empty() && with_directory {
            // AT_EMPTY_PATH: the program is what the descriptor is.
            let path = self.name_of(here.thread, directory)?;
            return Some(value::shared(&old, &path));
        }
        let base = self.base(here.thread, directory, &name);
        path::join(&mut self.path, &base, &name);
        Some(value::shared(&old, &self.path))
    }

    /// A thread ends.
    pub(super) fn exited(&mut self, here: &Here<'_>) {
        self.counts.used += 1;
        let main = self.threads.get(here.thread).is_main();
        let ts = here.event.ts;
        self.threads.die(here.thread);
        if let Some(reaper) = signed(here.event.params.get(4)) {
            self.threads.get_mut(here.thread).reaper = reaper;
        }
        let (process, _) = self.process_of(here.thread, ts, false);
        let by = Actor { process, tid: here.tid(), ts };
        self.engine.exited(by, told(here.result()), main);
        self.threads.remove(here.thread);
    }

    /// setuid was entered: the reference keeps how the user is shown until a
    /// call returns, whosever that is; and the library's scratch text is the
    /// number from then on.
    pub(super) fn asking_for_user(&mut self, here: &Here<'_>) {
        let uid = unsigned(here.event.params.get(0)).unwrap_or(u32::MAX);
        self.scratch.clear();
        self.scratch.extend_from_slice(uid.cast_signed().to_string().as_bytes());
        self.last_user = self.shown_user(here.thread, uid);
    }

    fn shown_user(&self, thread: ThreadRef, uid: u32) -> String {
        if uid == u32::MAX {
            return "<NONE>".to_owned();
        }
        let of = self.threads.get(thread).container;
        match self.users.get(of, uid) {
            Some(name) => name.to_string(),
            None => UNKNOWN.to_owned(),
        }
    }

    /// setuid, setresuid or setreuid returned.
    pub(super) fn user_set(&mut self, here: &Here<'_>) {
        let Some(result) = here.result() else {
            self.counts.incomplete += 1;
            return;
        };
        self.counts.used += 1;
        let asked = self.asked_id(here);
        if result >= 0
            && let Some(uid) = asked.filter(|uid| *uid != u32::MAX)
        {
            let thread = self.threads.get_mut(here.thread);
            thread.user.set(uid, thread.container, &self.users);
        }
        if here.row.act == Act::Setreuid {
            return;
        }
        let ts = here.event.ts;
        let mut args = match here.row.act {
            // The reference asks setresuid for a parameter that it has not.
            Act::Setresuid => String::new(),
            _ if self.compat => self.last_user.clone(),
            _ => asked.map_or_else(String::new, |uid| self.shown_user(here.thread, uid)),
        };
        let _ = args.write_char('\0');
        let (process, made) = self.process_of(here.thread, ts, false);
        if !made {
            let change = self.change_of(here.thread);
            self.engine.change_process(process, ts, change);
        }
        let by = Actor { process, tid: here.tid(), ts };
        self.engine.user_set(by, &args, told(Some(result)));
    }

    /// The same for groups, which records tell of with their process only.
    pub(super) fn group_set(&mut self, here: &Here<'_>) {
        let asked = self.asked_id(here).filter(|gid| *gid != u32::MAX);
        let (Some(0..), Some(gid)) = (here.result(), asked) else {
            self.counts.passed += 1;
            return;
        };
        self.counts.used += 1;
        let thread = self.threads.get_mut(here.thread);
        thread.group_id.set(gid, thread.container, &self.groups);
    }

    /// The id that a call was to set: of several the effective one.
    fn asked_id(&self, here: &Here<'_>) -> Option<u32> {
        let kept = &self.threads.get(here.thread).kept;
        match here.row.act {
            Act::Setuid | Act::Setgid => unsigned(kept.get(0)),
            Act::Setresuid | Act::Setresgid => unsigned(kept.get(1)),
            _ => unsigned(here.event.params.get(2)),
        }
        .filter(|_| here.entered || matches!(here.row.act, Act::Setreuid | Act::Setregid))
    }
}

/// The directory that relative names start from, unless another is given.
pub(super) const AT_FDCWD: i64 = -100;

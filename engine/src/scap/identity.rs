// SPDX-License-Identifier: Apache-2.0
//! Which process of the engine an event's thread belongs to. A process is made
//! there, with its ancestors, when the first operation of it is told.

use std::sync::Arc;

use sysflow::record::{ObjectState, Oid};

use crate::engine::{Change, Description};
use crate::sink::Sink;
use crate::state::process::{Names, ProcRef};

use super::convert::Converter;
use super::state::threads::ThreadRef;

/// Ancestors described with a process at most.
const MAX_ANCESTORS: usize = 128;

impl<S: Sink> Converter<S> {
    pub(super) fn oid(&self, main: ThreadRef) -> Oid {
        self.threads.get(main).oid()
    }

    /// The process of a thread, and whether it had to be made. `born`: the
    /// event is one that makes processes.
    #[inline(always)]
    pub(super) fn process_of(&mut self, thread: ThreadRef, ts: u64, born: bool) -> (ProcRef, bool) {
        let main = self.threads.main_of(thread);
        let oid = self.oid(main);
        let known = self.threads.get(main).process;
        if self.engine.processes().is(known, oid) {
            return (known, false);
        }
        self.process_by_identity(thread, main, ts, born)
    }

    #[cold]
    fn process_by_identity(
        &mut self,
        thread: ThreadRef,
        main: ThreadRef,
        ts: u64,
        born: bool,
    ) -> (ProcRef, bool) {
        if let Some(known) = self.engine.processes().find_identity(self.oid(main)) {
            self.threads.get_mut(main).process = known;
            return (known, false);
        }
        let ancestors = self.unknown_ancestors(main);
        let mut parent = match ancestors.last() {
            Some(oldest) => self.parent_of(*oldest),
            None => self.parent_of(main),
        };
        for ancestor in ancestors.into_iter().rev() {
            let made = self.describe(ancestor, ancestor, parent, ts, ObjectState::Reup);
            parent = Some(made);
        }
        let state = if born { ObjectState::Created } else { ObjectState::Reup };
        (self.describe(thread, main, parent, ts, state), true)
    }

    /// Main threads above this one whose processes the engine does not know,
    /// up to the first that it knows.
    fn unknown_ancestors(&self, main: ThreadRef) -> Vec<ThreadRef> {
        let mut found: Vec<ThreadRef> = Vec::new();
        let mut at = main;
        while found.len() < MAX_ANCESTORS {
            let Some(parent) = self.threads.find(self.threads.get(at).ptid) else { break };
            let parent = self.threads.main_of(parent);
            let oid = self.oid(parent);
            // Thread 0 is the kernel's idle loop.
            if oid == Oid::default()
                || parent == main
                || found.contains(&parent)
                || self.engine.processes().find_identity(oid).is_some()
            {
                break;
            }
            found.push(parent);
            at = parent;
        }
        found
    }

    /// The process of the parent of a main thread, if the engine knows it: by
    /// its thread, or when that is gone by the number.
    fn parent_of(&self, main: ThreadRef) -> Option<ProcRef> {
        let ptid = self.threads.get(main).ptid;
        let processes = self.engine.processes();
        match self.threads.find(ptid) {
            Some(parent) => {
                let parent = self.threads.main_of(parent);
                processes.find_identity(self.oid(parent)).filter(|_| parent != main)
            }
            None if ptid == -1 => None,
            None => processes.find(u32::try_from(ptid).ok()?),
        }
    }

    fn describe(
        &mut self,
        thread: ThreadRef,
        main: ThreadRef,
        parent: Option<ProcRef>,
        ts: u64,
        state: ObjectState,
    ) -> ProcRef {
        let oid = self.oid(main);
        let container = self.threads.get(thread).container;
        let names = self.names_of(main);
        let poid = parent.map(|parent| self.engine.processes().get(parent).oid);
        let main = self.threads.get_mut(main);
        let made = self.engine.describe_process(Description {
            oid,
            poid,
            parent,
            state,
            ts,
            program: main.program(),
            env: Arc::clone(&main.env),
            cwd: Arc::clone(&main.cwd),
            uid: main.user.id,
            gid: main.group_id.id,
            names,
            tty: main.tty,
            entry: main.vpid == 1,
            container,
        });
        main.process = made;
        made
    }

    fn names_of(&self, main: ThreadRef) -> Arc<Names> {
        let main = self.threads.get(main);
        Arc::new(Names { user: main.user.shown().into(), group: main.group_id.shown().into() })
    }

    /// What of a process can change, as it is now.
    pub(super) fn change_of(&mut self, thread: ThreadRef) -> Change {
        let main = self.threads.main_of(thread);
        let names = self.names_of(main);
        let main = self.threads.get_mut(main);
        let (uid, gid) = (main.user.id, main.group_id.id);
        Change { program: main.program(), uid, gid, names }
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Threads, their groups and their parents.

use rustc_hash::FxHashMap;

use super::descriptors::{Table, ThingRef};
use super::thread::{NO_GROUP, Texts, Thread};
use super::tids::{NONE, Tids};

/// Links followed towards the root at most: damage can close a circle.
const MAX_ANCESTORS: usize = 256;

/// Pid 1: who takes over orphans.
const INIT: i64 = 1;

/// The threads of a process.
#[derive(Debug, Default)]
struct Group {
    pid: i64,
    /// Places, the leader first.
    threads: Vec<u32>,
    living: usize,
    /// Takes over orphans of its pid namespace.
    reaper: bool,
}

/// A thread, by its place. Valid until the thread is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scap) struct ThreadRef(u32);

impl ThreadRef {
    /// The place of no thread.
    pub(in crate::scap) fn nowhere() -> Self {
        Self(u32::MAX)
    }
}

/// All threads.
#[derive(Debug, Default)]
pub(in crate::scap) struct Threads {
    slots: Vec<Option<Box<Thread>>>,
    free: Vec<u32>,
    index: Tids,
    groups: Vec<Group>,
    free_groups: Vec<u32>,
    by_pid: FxHashMap<i64, u32>,
    pub(in crate::scap) texts: Texts,
    /// Tables of removed threads, to be released.
    pub(in crate::scap) left: Vec<Table>,
}

impl Threads {
    #[inline]
    pub(in crate::scap) fn find(&self, tid: i64) -> Option<ThreadRef> {
        let place = self.index.get(tid);
        (place != NONE).then_some(ThreadRef(place))
    }

    #[inline]
    pub(in crate::scap) fn get(&self, place: ThreadRef) -> &Thread {
        self.slots[place.0 as usize].as_deref().expect("the thread is in the table")
    }

    #[inline]
    pub(in crate::scap) fn get_mut(&mut self, place: ThreadRef) -> &mut Thread {
        self.slots[place.0 as usize].as_deref_mut().expect("the thread is in the table")
    }

    /// The thread, if the place is still one's.
    #[inline]
    pub(in crate::scap) fn try_get_mut(&mut self, place: ThreadRef) -> Option<&mut Thread> {
        self.slots.get_mut(place.0 as usize)?.as_deref_mut()
    }

    /// Number of threads kept.
    pub(in crate::scap) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Adds a thread; there is none of its number. It has no group yet.
    pub(in crate::scap) fn insert(&mut self, thread: Thread) -> ThreadRef {
        debug_assert!(self.find(thread.tid).is_none(), "the former one was removed");
        let tid = thread.tid;
        let place = match self.free.pop() {
            Some(place) => {
                self.slots[place as usize] = Some(Box::new(thread));
                place
            }
            None => {
                self.slots.push(Some(Box::new(thread)));
                u32::try_from(self.slots.len() - 1).expect("threads are fewer than 2^32")
            }
        };
        self.index.set(tid, place);
        ThreadRef(place)
    }

    /// The same, and its place.
    #[inline(always)]
    pub(in crate::scap) fn of_event(&mut self, tid: i64) -> (ThreadRef, &mut Thread) {
        let place = self.find_or_insert(tid);
        (place, self.get_mut(place))
    }

    /// What a descriptor stands for, of a thread without a table of its own.
    #[inline(never)]
    pub(in crate::scap) fn look_up_shared(
        &self,
        place: ThreadRef,
        fd: i64,
    ) -> Option<(ThingRef, bool)> {
        self.table(place)?.look_up(fd)
    }

    /// The thread of this number; one that is not known stands as unknown.
    #[inline]
    pub(in crate::scap) fn find_or_insert(&mut self, tid: i64) -> ThreadRef {
        match self.find(tid) {
            Some(place) => place,
            None => self.insert_unknown(tid),
        }
    }

    #[cold]
    fn insert_unknown(&mut self, tid: i64) -> ThreadRef {
        let thread = Thread::unknown(tid, &self.texts);
        self.insert(thread)
    }

    /// The thread that stands for the process: the leader of the group if it
    /// is known, else the thread itself.
    #[inline]
    pub(in crate::scap) fn main_of(&self, place: ThreadRef) -> ThreadRef {
        if self.get(place).is_main() { place } else { self.leader_of(place).unwrap_or(place) }
    }

    fn leader_of(&self, place: ThreadRef) -> Option<ThreadRef> {
        let thread = self.get(place);
        if thread.group == NO_GROUP {
            return None;
        }
        let first = ThreadRef(*self.groups[thread.group as usize].threads.first()?);
        (first == place && thread.is_main() || self.get(first).is_main()).then_some(first)
    }

    /// The thread whose descriptor table this one uses.
    #[inline]
    pub(in crate::scap) fn table_owner(&self, place: ThreadRef) -> Option<ThreadRef> {
        if self.get(place).has_table() { Some(place) } else { self.leader_of(place) }
    }

    #[inline]
    pub(in crate::scap) fn table(&self, place: ThreadRef) -> Option<&Table> {
        Some(&self.get(self.table_owner(place)?).descriptors)
    }

    #[inline]
    pub(in crate::scap) fn table_mut(&mut self, place: ThreadRef) -> Option<&mut Table> {
        let owner = self.table_owner(place)?;
        Some(&mut self.get_mut(owner).descriptors)
    }

    /// Puts a thread that is valid into the group of its process.
    pub(in crate::scap) fn join_group(&mut self, place: ThreadRef) {
        let thread = self.get(place);
        if thread.is_invalid() || thread.group != NO_GROUP {
            return;
        }
        let (pid, main, vpid) = (thread.pid, thread.is_main(), thread.vpid);
        let index = match self.by_pid.get(&pid) {
            Some(index) => *index,
            None => self.new_group(pid, pid == INIT || vpid == INIT),
        };
        let group = &mut self.groups[index as usize];
        if main {
            group.threads.insert(0, place.0);
        } else {
            group.threads.push(place.0);
        }
        group.living += 1;
        self.get_mut(place).group = index;
    }

    fn new_group(&mut self, pid: i64, reaper: bool) -> u32 {
        let group = Group { pid, threads: Vec::new(), living: 0, reaper };
        let index = match self.free_groups.pop() {
            Some(index) => {
                self.groups[index as usize] = group;
                index
            }
            None => {
                self.groups.push(group);
                u32::try_from(self.groups.len() - 1).expect("processes are fewer than 2^32")
            }
        };
        self.by_pid.insert(pid, index);
        index
    }

    /// Makes a thread the child of its parent, if that is known.
    pub(in crate::scap) fn join_parent(&mut self, place: ThreadRef) {
        let thread = self.get(place);
        if thread.pid == INIT {
            return;
        }
        let (tid, ptid) = (thread.tid, thread.ptid);
        match self.find(ptid).filter(|parent| !self.get(*parent).is_invalid()) {
            Some(parent) => self.get_mut(parent).children.push(tid),
            None => self.get_mut(place).ptid = 0,
        }
    }

    /// The thread exits. It is removed with [`Threads::remove`], after what its
    /// exit tells has been used.
    pub(in crate::scap) fn die(&mut self, place: ThreadRef) {
        let thread = self.get_mut(place);
        if thread.dead {
            return;
        }
        thread.dead = true;
        if thread.group != NO_GROUP {
            let group = thread.group as usize;
            self.groups[group].living = self.groups[group].living.saturating_sub(1);
        }
    }

    /// A thread thought dead goes on: it is the one that runs a new program.
    pub(in crate::scap) fn revive(&mut self, place: ThreadRef) {
        let thread = self.get_mut(place);
        if std::mem::take(&mut thread.dead) && thread.group != NO_GROUP {
            let group = thread.group as usize;
            self.groups[group].living += 1;
        }
    }

    /// Removes a thread: its children get another parent, and the leader of a
    /// group stays until the last thread is gone.
    pub(in crate::scap) fn remove(&mut self, place: ThreadRef) {
        let thread = self.get(place);
        if thread.is_invalid() || thread.group == NO_GROUP {
            self.erase(place);
            return;
        }
        let group = thread.group as usize;
        self.die(place);
        self.give_children_away(place);
        let leader = self.leader_of(place);
        if self.groups[group].living > 0 && leader == Some(place) {
            return;
        }
        self.erase(place);
        if let Some(leader) = leader.filter(|leader| *leader != place)
            && self.groups[group].living == 0
            && self.get(leader).dead
        {
            self.give_children_away(leader);
            self.erase(leader);
        }
    }

    /// The threads of the group but its leader, if others live: exec ends them.
    pub(in crate::scap) fn remove_others(&mut self, place: ThreadRef) {
        let thread = self.get(place);
        if thread.group == NO_GROUP || self.groups[thread.group as usize].living <= 1 {
            return;
        }
        let others: Vec<_> = self.groups[thread.group as usize].threads.clone();
        for other in others.into_iter().map(ThreadRef) {
            if other != place && !self.get(other).is_main() {
                self.remove(other);
            }
        }
    }

    fn give_children_away(&mut self, place: ThreadRef) {
        let children = std::mem::take(&mut self.get_mut(place).children);
        if children.is_empty() {
            return;
        }
        let tid = self.get(place).tid;
        let reaper = self.reaper_for(place);
        let new_parent = reaper.map_or(0, |reaper| self.get(reaper).tid);
        for child in children {
            let Some(at) = self.find(child).filter(|at| self.get(*at).ptid == tid) else {
                continue;
            };
            self.get_mut(at).ptid = new_parent;
            if let Some(reaper) = reaper {
                self.get_mut(reaper).children.push(child);
            }
        }
    }

    fn reaper_for(&self, place: ThreadRef) -> Option<ThreadRef> {
        let thread = self.get(place);
        let valid = |at: &ThreadRef| !self.get(*at).is_invalid() && *at != place;
        if thread.reaper > 0
            && let Some(hinted) = self.find(thread.reaper).filter(valid)
        {
            return Some(hinted);
        }
        if let Some(other) = self.living_in(thread.group) {
            return Some(other);
        }
        let namespace = thread.in_pid_namespace();
        let mut at = self.find(thread.ptid);
        for _ in 0..MAX_ANCESTORS {
            let here = at.filter(|at| self.get(*at).in_pid_namespace() == namespace)?;
            let ancestor = self.get(here);
            if ancestor.group != NO_GROUP
                && self.groups[ancestor.group as usize].reaper
                && let Some(living) = self.living_in(ancestor.group)
            {
                return Some(living);
            }
            at = self.find(ancestor.ptid);
        }
        None
    }

    fn living_in(&self, group: u32) -> Option<ThreadRef> {
        let group = self.groups.get(group as usize)?;
        group.threads.iter().map(|at| ThreadRef(*at)).find(|at| !self.get(*at).dead)
    }

    /// Takes a thread out of everything.
    pub(in crate::scap) fn erase(&mut self, place: ThreadRef) {
        let Some(thread) = self.slots[place.0 as usize].take() else { return };
        self.free.push(place.0);
        if self.index.get(thread.tid) == place.0 {
            self.index.set(thread.tid, NONE);
        }
        if thread.group != NO_GROUP {
            let index = thread.group as usize;
            let group = &mut self.groups[index];
            group.threads.retain(|other| *other != place.0);
            if group.threads.is_empty() {
                self.by_pid.remove(&group.pid);
                self.free_groups.push(thread.group);
            }
        }
        if let Some(parent) = self.find(thread.ptid) {
            let children = &mut self.get_mut(parent).children;
            if let Some(at) = children.iter().rposition(|child| *child == thread.tid) {
                children.swap_remove(at);
            }
        }
        if !thread.descriptors.is_empty() {
            self.left.push(thread.descriptors);
        }
    }

    /// Removes all threads: another capture begins.
    pub(in crate::scap) fn clear(&mut self) {
        let slots = std::mem::take(&mut self.slots);
        let tables = slots.into_iter().flatten().map(|thread| thread.descriptors);
        let left = std::mem::take(&mut self.left).into_iter().chain(tables).collect();
        *self = Self { left, ..Self::default() };
    }

    /// All threads.
    pub(in crate::scap) fn all(&self) -> Vec<ThreadRef> {
        let used = self.slots.iter().enumerate().filter(|(_, slot)| slot.is_some());
        used.filter_map(|(at, _)| u32::try_from(at).ok().map(ThreadRef)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::thread::clone;
    use super::*;

    fn thread(all: &mut Threads, tid: i64, pid: i64, ptid: i64) -> ThreadRef {
        let flags = if tid == pid { 0 } else { clone::FILES | clone::THREAD };
        let thread =
            Thread { pid, ptid, vtid: tid, vpid: pid, flags, ..Thread::unknown(tid, &all.texts) };
        let place = all.insert(thread);
        all.join_group(place);
        all.join_parent(place);
        place
    }

    fn exit(all: &mut Threads, place: ThreadRef) {
        all.die(place);
        all.remove(place);
    }

    #[test]
    fn the_leader_stays_until_its_threads_are_gone() {
        let mut all = Threads::default();
        let leader = thread(&mut all, 10, 10, 0);
        let other = thread(&mut all, 11, 10, 0);
        assert_eq!((all.main_of(other), all.table_owner(other)), (leader, Some(leader)));
        exit(&mut all, leader);
        assert_eq!(all.find(10), Some(leader));
        exit(&mut all, other);
        assert_eq!((all.find(10), all.find(11), all.len()), (None, None, 0));
    }

    #[test]
    fn orphans_go_to_a_thread_of_their_parent_or_to_a_reaper() {
        let mut all = Threads::default();
        let init = thread(&mut all, 1, 1, 0);
        let shell = thread(&mut all, 5, 5, 1);
        let helper = thread(&mut all, 6, 5, 1);
        let child = thread(&mut all, 7, 7, 5);
        exit(&mut all, shell);
        assert_eq!(all.get(child).ptid, 6, "a thread of the same process");
        exit(&mut all, helper);
        assert_eq!(all.get(child).ptid, 1, "init");
        assert!(all.get(init).children.contains(&7));
        exit(&mut all, child);
        assert!(!all.get(init).children.contains(&7));
    }

    #[test]
    fn a_parent_that_is_not_known_is_none() {
        let mut all = Threads::default();
        let child = thread(&mut all, 7, 7, 5);
        assert_eq!(all.get(child).ptid, 0);
        let unknown = all.find_or_insert(99);
        assert!(all.get(unknown).is_invalid());
        assert_eq!(all.main_of(unknown), unknown);
        all.remove(unknown);
        assert_eq!(all.find(99), None);
    }

    #[test]
    fn exec_ends_the_other_threads() {
        let mut all = Threads::default();
        let leader = thread(&mut all, 10, 10, 0);
        thread(&mut all, 11, 10, 0);
        thread(&mut all, 12, 10, 0);
        all.remove_others(leader);
        assert_eq!((all.len(), all.find(10)), (1, Some(leader)));
    }

    #[test]
    fn a_thread_without_its_leader_has_no_table() {
        let mut all = Threads::default();
        let lone = thread(&mut all, 11, 10, 0);
        assert_eq!((all.main_of(lone), all.table_owner(lone)), (lone, None));
    }
}

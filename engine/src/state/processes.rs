// SPDX-License-Identifier: Apache-2.0
//! The table of processes: found by number while they live and a moment after,
//! kept as long as a descendant needs them.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;
use sysflow::record::Oid;

use super::container::ContainerRef;
use super::process::{BYTES, Descriptor, ProcRef, Process};

/// Descriptors above this are not remembered, whatever the limit on memory: a
/// process that has more costs no more than this many entries.
const MAX_DESCRIPTORS: usize = 1 << 20;

/// Dead ancestors that are kept in a row for the sake of a living process.
const MAX_DEAD_IN_A_ROW: usize = 8;

/// All processes.
#[derive(Debug, Default)]
pub struct Processes {
    slots: Vec<Option<Process>>,
    free: Vec<u32>,
    by_pid: FxHashMap<u32, ProcRef>,
    /// Those of a source that names processes by identity.
    by_oid: FxHashMap<Oid, ProcRef>,
    /// Ended processes that are still found, in the order of their end.
    ended: VecDeque<(ProcRef, u64)>,
    living: usize,
    /// Room for descriptors, in all tables.
    descriptors: usize,
    /// Descriptors of one process that are remembered.
    max_descriptors: MaxDescriptors,
    /// Where [`Processes::next_living`] looks next.
    hand: usize,
}

/// Descriptors that are remembered of a process whose large table had to go: it
/// would be as large again with the next use of a high number.
const AFTER_EVICTION: u32 = 1 << 10;

/// How many descriptors of one process are remembered. The same for all and for
/// ever: a flow is in the list of its descriptor or not, but never only later.
#[derive(Clone, Copy, Debug)]
struct MaxDescriptors(usize);

impl Default for MaxDescriptors {
    fn default() -> Self {
        Self(MAX_DESCRIPTORS)
    }
}

impl Processes {
    /// No processes, of which each is remembered with this many descriptors.
    #[must_use]
    pub fn with_descriptors(most: usize) -> Self {
        Self { max_descriptors: MaxDescriptors(most.min(MAX_DESCRIPTORS)), ..Self::default() }
    }

    /// The process of a number: a living one, or one that ended a moment ago.
    #[must_use]
    #[inline]
    pub fn find(&self, pid: u32) -> Option<ProcRef> {
        self.by_pid.get(&pid).copied()
    }

    /// The process of an identity, if its source names processes so.
    #[must_use]
    pub fn find_identity(&self, oid: Oid) -> Option<ProcRef> {
        self.by_oid.get(&oid).copied()
    }

    /// Whether a place still holds the process of this identity, and it is
    /// still found.
    #[must_use]
    #[inline]
    pub fn is(&self, place: ProcRef, oid: Oid) -> bool {
        matches!(self.slots.get(place.0 as usize), Some(Some(p)) if p.oid == oid && !p.buried)
    }

    /// Adds a process of a source that names processes by identity: several
    /// can have the same number, and the last of them is found by it.
    pub fn insert_identity(&mut self, process: Process) -> ProcRef {
        let (pid, oid) = (process.pid, process.oid);
        let place = self.place(process);
        self.by_pid.insert(pid, place);
        self.by_oid.insert(oid, place);
        place
    }

    /// Adds a process, which takes the place of a former one of its number.
    /// The caller has ended that one before.
    pub fn insert(&mut self, process: Process) -> ProcRef {
        if let Some(former) = self.find(process.pid) {
            debug_assert!(self.get(former).ended.is_some(), "the former one was ended");
            self.bury(former);
        }
        let pid = process.pid;
        let place = self.place(process);
        self.by_pid.insert(pid, place);
        place
    }

    fn place(&mut self, process: Process) -> ProcRef {
        self.living += 1;
        self.descriptors += process.descriptors.capacity();
        if let Some(parent) = process.parent {
            self.get_mut(parent).children += 1;
        }
        if let Some(index) = self.free.pop() {
            self.slots[index as usize] = Some(process);
            ProcRef(index)
        } else {
            self.slots.push(Some(process));
            ProcRef(u32::try_from(self.slots.len() - 1).expect("pids are fewer than 2^32"))
        }
    }

    /// The process.
    ///
    /// # Panics
    /// When it was removed; places are not kept beyond that.
    #[must_use]
    #[inline]
    pub fn get(&self, place: ProcRef) -> &Process {
        self.slots[place.0 as usize].as_ref().expect("the process is in the table")
    }

    /// The process, to be changed.
    ///
    /// # Panics
    /// As [`Processes::get`].
    #[inline]
    pub fn get_mut(&mut self, place: ProcRef) -> &mut Process {
        self.slots[place.0 as usize].as_mut().expect("the process is in the table")
    }

    /// Remembers the use of a descriptor for an open file. The flows on it
    /// stay.
    pub fn set_descriptor(&mut self, place: ProcRef, fd: i32, file: u64, open: u32) {
        if let Some(descriptor) = self.descriptor_mut(place, fd) {
            (descriptor.file, descriptor.open) = (file, open);
        }
    }

    /// Makes room to keep the flows of a descriptor.
    #[inline]
    pub fn make_room(&mut self, place: ProcRef, fd: i32) {
        self.descriptor_mut(place, fd);
    }

    #[inline]
    fn descriptor_mut(&mut self, place: ProcRef, fd: i32) -> Option<&mut Descriptor> {
        let index = usize::try_from(fd).ok().filter(|index| *index < self.max_descriptors.0)?;
        let process = self.slots[place.0 as usize].as_mut()?;
        if index >= process.most_descriptors as usize {
            return None;
        }
        let table = &mut process.descriptors;
        if index >= table.len() {
            let before = table.capacity();
            if index >= before {
                // Most processes use few: no doubling from the start.
                let room = (index + 1).next_multiple_of(4).max(before + before / 2);
                table.reserve_exact(room - table.len());
            }
            table.resize(index + 1, Descriptor::default());
            self.descriptors += table.capacity() - before;
        }
        table.get_mut(index)
    }

    /// Forgets all descriptors of a process, which has no flows, and gives back
    /// their room. Returns how many were known.
    pub fn drop_descriptors(&mut self, place: ProcRef) -> usize {
        let process = self.get_mut(place);
        debug_assert!(process.flows.is_empty(), "flows are in the lists of descriptors");
        let table = std::mem::take(&mut process.descriptors);
        if table.len() > AFTER_EVICTION as usize {
            process.most_descriptors = AFTER_EVICTION;
        }
        self.descriptors -= table.capacity();
        table.iter().filter(|d| d.file != 0).count()
    }

    /// Gives a process another parent (or its first).
    pub fn set_parent(&mut self, place: ProcRef, parent: Option<ProcRef>) {
        let old = self.get(place).parent;
        if old == parent || parent == Some(place) {
            return;
        }
        if let Some(parent) = parent {
            self.get_mut(parent).children += 1;
        }
        self.get_mut(place).parent = parent;
        if let Some(old) = old {
            self.disown(old);
        }
    }

    /// The last thread of a process is gone. The process is found until
    /// [`Processes::next_to_bury`]: two threads that end at once can each be
    /// told as the last one.
    pub fn end(&mut self, place: ProcRef, at: u64) {
        let process = self.get_mut(place);
        if process.ended.is_none() {
            process.ended = Some(at);
            self.living -= 1;
            self.ended.push_back((place, at));
        }
    }

    /// The next process that ended before `time` and is still found.
    pub fn next_to_bury(&mut self, time: u64) -> Option<ProcRef> {
        while let Some(&(place, at)) = self.ended.front() {
            if at >= time {
                return None;
            }
            self.ended.pop_front();
            // The place may be another's by now.
            let process = self.slots[place.0 as usize].as_ref();
            if process.is_some_and(|p| p.ended == Some(at) && !p.buried) {
                return Some(place);
            }
        }
        None
    }

    /// An ended process is not found any more. It is kept while it has
    /// children, whose ancestor it is, and removed otherwise.
    pub fn bury(&mut self, place: ProcRef) {
        let process = self.get_mut(place);
        if process.buried {
            return;
        }
        process.buried = true;
        let table = std::mem::take(&mut process.descriptors);
        let (pid, oid) = (process.pid, process.oid);
        self.descriptors -= table.capacity();
        if self.by_pid.get(&pid) == Some(&place) {
            self.by_pid.remove(&pid);
        }
        if self.by_oid.get(&oid) == Some(&place) {
            self.by_oid.remove(&oid);
        }
        self.remove_unneeded(place);
        self.shorten(place);
    }

    fn disown(&mut self, parent: ProcRef) {
        self.get_mut(parent).children -= 1;
        self.remove_unneeded(parent);
    }

    fn remove_unneeded(&mut self, place: ProcRef) {
        let mut next = Some(place);
        while let Some(place) = next.take() {
            let process = self.get(place);
            if process.buried && process.children == 0 {
                next = process.parent;
                self.slots[place.0 as usize] = None;
                self.free.push(place.0);
                if let Some(parent) = next {
                    self.get_mut(parent).children -= 1;
                }
            }
        }
    }

    /// Cuts a long row of dead ancestors: a program that goes on by forking
    /// and exiting, for ever, must not be remembered for ever.
    fn shorten(&mut self, place: ProcRef) {
        let mut at = Some(place);
        for _ in 0..MAX_DEAD_IN_A_ROW {
            at = at
                .and_then(|at| self.slots[at.0 as usize].as_ref())
                .filter(|p| p.buried)
                .and_then(|p| p.parent);
        }
        if let Some(at) = at {
            self.set_parent(at, None);
        }
    }

    /// Forgets the ancestors that are kept only for their descendants. Returns
    /// how many.
    pub fn drop_dead_ancestors(&mut self) -> usize {
        let before = self.kept();
        for index in 0..self.slots.len() {
            let dead = |place: &ProcRef| self.get(*place).buried;
            let parent = self.slots[index].as_ref().and_then(|process| process.parent);
            if parent.as_ref().is_some_and(dead)
                && let Ok(index) = u32::try_from(index)
            {
                self.set_parent(ProcRef(index), None);
            }
        }
        before - self.kept()
    }

    /// The next process that lives and that `pick` picks, going on where it
    /// ended the last time, once around at most.
    pub fn next_living(&mut self, pick: impl Fn(&Process) -> bool) -> Option<ProcRef> {
        for _ in 0..self.slots.len() {
            self.hand = if self.hand + 1 < self.slots.len() { self.hand + 1 } else { 0 };
            let living = |p: &&Process| p.ended.is_none() && !p.buried;
            if self.slots[self.hand].as_ref().filter(living).is_some_and(&pick) {
                return u32::try_from(self.hand).ok().map(ProcRef);
            }
        }
        None
    }

    /// Room for descriptors, in all tables.
    #[must_use]
    #[inline]
    pub fn descriptors(&self) -> usize {
        self.descriptors
    }

    /// Containers that processes are in.
    pub fn containers(&self) -> impl Iterator<Item = ContainerRef> {
        self.slots.iter().flatten().filter_map(|process| process.container)
    }

    /// Processes that are found, in the order of their places.
    pub fn found(&self) -> impl Iterator<Item = ProcRef> {
        self.slots.iter().enumerate().filter_map(|(index, slot)| {
            let index = u32::try_from(index).ok()?;
            slot.as_ref().filter(|p| !p.buried).map(|_| ProcRef(index))
        })
    }

    /// Number of living processes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.living
    }

    /// Whether no process lives.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.living == 0
    }

    /// Bytes that the table takes, without descriptors and texts.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.slots.len() * BYTES
    }

    /// Processes kept, living or for their children.
    #[must_use]
    #[inline]
    pub fn kept(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oid(n: i64) -> Oid {
        Oid { create_ts: n, hpid: n }
    }

    fn fork(all: &mut Processes, parent: ProcRef, pid: u32) -> ProcRef {
        let mut child = all.get(parent).child(pid, oid(i64::from(pid)));
        child.parent = Some(parent);
        all.insert(child)
    }

    fn exit(all: &mut Processes, place: ProcRef) {
        all.end(place, 1);
        while let Some(place) = all.next_to_bury(2) {
            all.bury(place);
        }
    }

    #[test]
    fn an_ended_process_is_found_until_it_is_buried() {
        let mut all = Processes::default();
        let a = all.insert(Process::unknown(1, oid(1)));
        all.end(a, 5);
        all.end(a, 6);
        assert_eq!((all.find(1), all.len(), all.next_to_bury(5)), (Some(a), 0, None));
        assert_eq!(all.next_to_bury(6), Some(a));
        all.bury(a);
        assert_eq!((all.find(1), all.kept()), (None, 0));
    }

    #[test]
    fn a_number_is_used_again_at_once() {
        let mut all = Processes::default();
        let a = all.insert(Process::unknown(1, oid(1)));
        all.end(a, 5);
        let b = all.insert(Process::unknown(1, oid(2)));
        assert_eq!((all.find(1), all.kept()), (Some(b), 1));
        assert_eq!(all.next_to_bury(9), None, "the grave was cleared");
        assert_eq!(all.get(b).oid, oid(2));
    }

    #[test]
    fn a_dead_parent_is_kept_for_its_child_only() {
        let mut all = Processes::default();
        let init = all.insert(Process::unknown(1, oid(1)));
        let parent = fork(&mut all, init, 2);
        let child = fork(&mut all, parent, 3);
        exit(&mut all, parent);
        assert_eq!(all.find(2), None);
        assert_eq!(all.get(child).parent, Some(parent));
        assert_eq!((all.len(), all.kept()), (2, 3));
        exit(&mut all, child);
        assert_eq!((all.len(), all.kept()), (1, 1));
    }

    #[test]
    fn forking_and_exiting_for_ever_takes_no_memory() {
        let mut all = Processes::default();
        let mut at = all.insert(Process::unknown(1, oid(1)));
        for pid in 2..10_000 {
            let child = fork(&mut all, at, pid);
            exit(&mut all, at);
            at = child;
        }
        assert!(all.kept() <= MAX_DEAD_IN_A_ROW + 2, "{} kept", all.kept());
    }

    #[test]
    fn a_child_inherits_descriptors_without_flows() {
        let mut all = Processes::default();
        let init = all.insert(Process::unknown(1, oid(1)));
        all.set_descriptor(init, 5, 9, 1);
        let child = fork(&mut all, init, 2);
        let d = all.get(child).descriptor(5).expect("inherited");
        assert!(d.file == 9 && d.flows.is_empty());
        all.get_mut(init).clear_descriptor(5);
        assert!(all.get(init).descriptor(5).is_none());
        assert!(all.get(child).descriptor(5).is_some(), "the tables are separate");
        assert!(all.get(child).descriptor(-1).is_none());
        all.set_descriptor(child, i32::MAX, 9, 1);
        assert!(all.get(child).descriptor(i32::MAX).is_none(), "the table is bounded");
    }

    #[test]
    fn the_room_for_descriptors_is_counted() {
        let mut all = Processes::with_descriptors(100);
        let init = all.insert(Process::unknown(1, oid(1)));
        all.set_descriptor(init, 9, 5, 1);
        all.set_descriptor(init, 99, 6, 1);
        all.set_descriptor(init, 100, 7, 1);
        assert!(all.get(init).descriptor(99).is_some() && all.get(init).descriptor(100).is_none());
        let child = fork(&mut all, init, 2);
        let room = |all: &Processes| {
            let tables = all.slots.iter().flatten().map(|p| p.descriptors.capacity());
            tables.sum::<usize>()
        };
        assert_eq!((all.descriptors(), all.descriptors() >= 200), (room(&all), true));
        assert_eq!(all.drop_descriptors(init), 2);
        all.set_descriptor(init, 99, 6, 1);
        assert!(all.get(init).descriptor(99).is_some(), "a small table can grow again");
        all.drop_descriptors(init);
        assert_eq!(all.descriptors(), room(&all));
        exit(&mut all, child);
        assert_eq!(all.descriptors(), 0);
    }

    #[test]
    fn dead_ancestors_go_when_there_is_no_room() {
        let mut all = Processes::default();
        let init = all.insert(Process::unknown(1, oid(1)));
        let parent = fork(&mut all, init, 2);
        let child = fork(&mut all, parent, 3);
        exit(&mut all, parent);
        assert_eq!((all.kept(), all.drop_dead_ancestors(), all.kept()), (3, 1, 2));
        assert_eq!((all.get(child).parent, all.get(child).poid), (None, Some(oid(2))));
        assert_eq!(all.drop_dead_ancestors(), 0);
    }

    #[test]
    fn the_living_are_looked_at_in_turn() {
        let mut all = Processes::default();
        let [a, b, c] = [1, 2, 3].map(|n| all.insert(Process::unknown(n, oid(i64::from(n)))));
        exit(&mut all, b);
        let turn: Vec<_> = (0..3).filter_map(|_| all.next_living(|_| true)).collect();
        assert_eq!(turn, [c, a, c]);
        assert_eq!(all.next_living(|p| p.pid == 2), None);
    }
}

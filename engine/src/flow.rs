// SPDX-License-Identifier: Apache-2.0
//! Hot path. Flows: what one thread did on one descriptor with one object.
//! May not appear here: locks, system calls, formatting, string copies.
//!
//! A flow is in three lists at once, by number: that of its process (in the
//! order of their start), that of its descriptor (the one used last comes
//! first), and the queue for export (in the order of their last export, which
//! with one interval for all is the order of the next). It is found by its
//! descriptor, on which there is rarely more than one; where there are more, or
//! the descriptor is not remembered, by an index of keys.

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;
use std::hash::BuildHasher;
use sysflow::record::{OpFlags, OpenFlags};

use crate::state::object::ObjRef;
use crate::state::process::ProcRef;

/// No flow.
pub const NONE: u32 = u32::MAX;

/// What makes two operations the same flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Process.
    pub process: ProcRef,
    /// Thread.
    pub tid: u32,
    /// Descriptor.
    pub fd: i32,
    /// File or connection.
    pub object: ObjRef,
}

/// Whether bytes came or went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Read, received.
    In,
    /// Written, sent.
    Out,
}

/// A flow. Times are ns of the events' clock.
#[derive(Clone, Copy, Debug)]
pub struct Flow {
    /// Identity.
    pub key: Key,
    /// Operations since the last export.
    pub ops: OpFlags,
    /// How the file was opened, if this flow saw that.
    pub open_flags: OpenFlags,
    /// Is about a connection, not a file.
    pub net: bool,
    /// First operation, or the last export.
    pub first: u64,
    /// Last operation.
    pub last: u64,
    /// Reads: operations and bytes.
    pub reads: (u64, u64),
    /// Writes: operations and bytes.
    pub writes: (u64, u64),
    /// When it was exported last, or started.
    exported: u64,
    of_process: Links,
    of_descriptor: Links,
    of_queue: Links,
    /// It is in the list of its descriptor.
    listed: bool,
    /// It is in the index.
    indexed: bool,
}

/// Neighbours in a list.
#[derive(Clone, Copy, Debug)]
struct Links {
    previous: u32,
    next: u32,
}

const LOOSE: Links = Links { previous: NONE, next: NONE };

/// Ends of a list of flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct List {
    first: u32,
    last: u32,
}

impl Default for List {
    fn default() -> Self {
        Self { first: NONE, last: NONE }
    }
}

impl List {
    /// Whether it has no flow.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first == NONE
    }

    /// Its first flow, or [`NONE`].
    #[must_use]
    #[inline]
    pub fn first(&self) -> u32 {
        self.first
    }
}

/// The lists of a process that a flow is in.
#[derive(Debug)]
pub struct Lists<'a> {
    /// Of the process.
    pub process: &'a mut List,
    /// Of the descriptor, unless its number is beyond what is remembered.
    pub descriptor: Option<&'a mut List>,
}

/// Flows on a descriptor that are looked through one by one. All flows on one
/// with more are in the index.
const FEW: usize = 4;

/// Memory of a flow: its place and its share of the index, which is at least
/// 7/16 full.
pub(crate) const BYTES: usize = size_of::<Option<Flow>>() + 2 * size_of::<u32>();

/// All flows.
#[derive(Debug, Default)]
pub struct Flows {
    slots: Vec<Option<Flow>>,
    free: Vec<u32>,
    /// By key, of those that are on a descriptor with many, or on none that is
    /// remembered.
    index: HashTable<u32>,
    /// Those that are in no list of a descriptor.
    unlisted: usize,
    queue: List,
    /// Times of export count in units of this, ns.
    grain: Grain,
}

/// A unit of time, ns.
#[derive(Clone, Copy, Debug)]
struct Grain(u64);

impl Default for Grain {
    fn default() -> Self {
        Self(1)
    }
}

impl Grain {
    #[inline]
    fn down(self, time: u64) -> u64 {
        if self.0 == 1 { time } else { time - time % self.0 }
    }
}

#[inline]
fn hash(key: &Key) -> u64 {
    // In two words, which is half the work of four numbers.
    let Key { process, tid, fd, object } = *key;
    let who = (u64::from(process.0) << 32) | u64::from(tid);
    let on = (u64::from(object.0) << 32) | u64::from(fd.cast_unsigned());
    FxBuildHasher.hash_one((who, on))
}

impl Flow {
    /// Adds operations that moved bytes.
    #[inline]
    pub fn add(&mut self, direction: Direction, ops: u64, bytes: u64, last: u64) {
        let (flag, sums) = match direction {
            Direction::In => (OpFlags::READ_RECV, &mut self.reads),
            Direction::Out => (OpFlags::WRITE_SEND, &mut self.writes),
        };
        self.ops |= flag;
        // Numbers that no host has, of a recording, wrap around; as they do
        // where they were summed before.
        sums.0 = sums.0.wrapping_add(ops);
        sums.1 = sums.1.wrapping_add(bytes);
        self.last = self.last.max(last);
    }

    /// Adds an operation that moved none.
    #[inline]
    pub fn mark(&mut self, op: OpFlags, at: u64) {
        self.ops |= op;
        self.last = self.last.max(at);
    }
}

impl Flows {
    /// No flows, whose times of export count in units of `grain` ns.
    #[must_use]
    pub fn with_grain(grain: u64) -> Self {
        Self { grain: Grain(grain.max(1)), ..Self::default() }
    }

    /// The flow at a place, if its key is this one.
    #[inline]
    pub fn at(&mut self, place: u32, key: &Key) -> Option<&mut Flow> {
        self.slots.get_mut(place as usize)?.as_mut().filter(|flow| flow.key == *key)
    }

    /// The flow at a place.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    #[inline]
    pub fn get(&self, place: u32) -> &Flow {
        self.slots[place as usize].as_ref().expect("the flow is in the table")
    }

    /// The same, to be changed.
    ///
    /// # Panics
    /// When there is none.
    #[inline]
    pub fn get_mut(&mut self, place: u32) -> &mut Flow {
        self.slots[place as usize].as_mut().expect("the flow is in the table")
    }

    /// Place of the flow with this key; `list` is that of its descriptor.
    #[must_use]
    #[inline]
    pub fn find(&self, key: &Key, list: List) -> Option<u32> {
        let mut at = list.first;
        for _ in 0..FEW {
            if at == NONE {
                break;
            }
            let flow = self.get(at);
            if flow.key == *key {
                return Some(at);
            }
            at = flow.of_descriptor.next;
        }
        if at == NONE && self.unlisted == 0 { None } else { self.find_in_index(key) }
    }

    #[cold]
    fn find_in_index(&self, key: &Key) -> Option<u32> {
        let slots = &self.slots;
        self.index
            .find(hash(key), |at| slots[*at as usize].as_ref().is_some_and(|f| f.key == *key))
            .copied()
    }

    #[cold]
    fn add_to_index(&mut self, place: u32) {
        let flow = self.get_mut(place);
        if std::mem::replace(&mut flow.indexed, true) {
            return;
        }
        let hashed = hash(&flow.key);
        let slots = &self.slots;
        self.index.insert_unique(hashed, place, |at| {
            slots[*at as usize].as_ref().map_or(0, |flow| hash(&flow.key))
        });
    }

    #[cold]
    fn remove_from_index(&mut self, place: u32) {
        let hash = hash(&self.get(place).key);
        if let Ok(entry) = self.index.find_entry(hash, |other| *other == place) {
            entry.remove();
        }
    }

    /// Whether another one on the descriptor makes them too many to be looked
    /// through. Those that are there are in the index then.
    #[inline]
    fn becomes_long(&mut self, list: List) -> bool {
        let few = self.on(list).take(FEW).count();
        if few == FEW {
            self.index_all(list);
        }
        few == FEW
    }

    #[cold]
    fn index_all(&mut self, list: List) {
        let mut at = list.first;
        for _ in 0..FEW {
            self.add_to_index(at);
            at = self.get(at).of_descriptor.next;
        }
    }

    /// Starts a flow. There is none with this key.
    pub fn start(&mut self, key: Key, net: bool, first: u64, lists: Lists<'_>) -> u32 {
        let flow = Flow {
            key,
            ops: OpFlags::NONE,
            open_flags: OpenFlags::NONE,
            net,
            first,
            last: first,
            reads: (0, 0),
            writes: (0, 0),
            exported: self.grain.down(first),
            of_process: LOOSE,
            of_descriptor: LOOSE,
            of_queue: LOOSE,
            listed: lists.descriptor.is_some(),
            indexed: false,
        };
        let place = match self.free.pop() {
            Some(at) => {
                self.slots[at as usize] = Some(flow);
                at
            }
            None => {
                self.slots.push(Some(flow));
                u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 flows")
            }
        };
        self.append(place, lists.process, |flow| &mut flow.of_process);
        match lists.descriptor {
            Some(list) => {
                if self.becomes_long(*list) {
                    self.add_to_index(place);
                }
                self.prepend(place, list, |flow| &mut flow.of_descriptor);
            }
            None => {
                self.unlisted += 1;
                self.add_to_index(place);
            }
        }
        let mut queue = self.queue;
        self.append(place, &mut queue, |flow| &mut flow.of_queue);
        self.queue = queue;
        place
    }

    /// Ends a flow: takes it out of everything. Its key.
    pub fn end(&mut self, place: u32, lists: Lists<'_>) -> Key {
        self.unlink(place, lists.process, |flow| &mut flow.of_process);
        let Flow { key, listed, indexed, .. } = *self.get(place);
        match lists.descriptor {
            Some(list) if listed => self.unlink(place, list, |flow| &mut flow.of_descriptor),
            _ => self.unlisted -= usize::from(!listed),
        }
        let mut queue = self.queue;
        self.unlink(place, &mut queue, |flow| &mut flow.of_queue);
        self.queue = queue;
        if indexed {
            self.remove_from_index(place);
        }
        self.slots[place as usize] = None;
        self.free.push(place);
        key
    }

    /// Makes the flow the first of its descriptor's list, where the next
    /// operation looks.
    #[inline]
    pub fn touch(&mut self, place: u32, list: &mut List) {
        if list.first != place && self.get(place).listed {
            self.unlink(place, list, |flow| &mut flow.of_descriptor);
            self.prepend(place, list, |flow| &mut flow.of_descriptor);
        }
    }

    /// Begins a new period of a flow that was exported: sums from zero.
    pub fn restart(&mut self, place: u32, now: u64) {
        let flow = self.get_mut(place);
        flow.ops = OpFlags::NONE;
        flow.first = now;
        flow.reads = (0, 0);
        flow.writes = (0, 0);
        self.requeue(place, now);
    }

    /// Puts a flow at the end of the queue for export.
    pub fn requeue(&mut self, place: u32, now: u64) {
        self.get_mut(place).exported = self.grain.down(now);
        let mut queue = self.queue;
        self.unlink(place, &mut queue, |flow| &mut flow.of_queue);
        self.append(place, &mut queue, |flow| &mut flow.of_queue);
        self.queue = queue;
    }

    /// The flow that was exported longest ago, if that is at least `interval`
    /// before `now`.
    #[must_use]
    pub fn due(&self, now: u64, interval: u64) -> Option<u32> {
        let first = self.queue.first;
        let now = self.grain.down(now);
        (first != NONE && now.saturating_sub(self.get(first).exported) >= interval).then_some(first)
    }

    /// The flow that was exported longest ago.
    #[must_use]
    pub fn oldest(&self) -> Option<u32> {
        (self.queue.first != NONE).then_some(self.queue.first)
    }

    /// How long the flow has been idle, in whole units.
    #[must_use]
    pub fn idle(&self, place: u32, now: u64) -> u64 {
        self.grain.down(now).saturating_sub(self.grain.down(self.get(place).last))
    }

    /// Places of the flows in a process's list, in the order of their start.
    pub fn of(&self, list: List) -> impl Iterator<Item = u32> + '_ {
        let mut at = list.first;
        std::iter::from_fn(move || {
            let here = (at != NONE).then_some(at)?;
            at = self.get(here).of_process.next;
            Some(here)
        })
    }

    /// Places of the flows in a descriptor's list.
    pub fn on(&self, list: List) -> impl Iterator<Item = u32> + '_ {
        let mut at = list.first;
        std::iter::from_fn(move || {
            let here = (at != NONE).then_some(at)?;
            at = self.get(here).of_descriptor.next;
            Some(here)
        })
    }

    /// Number of open flows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Whether none is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that the table takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.slots.len() * BYTES
    }

    fn append(&mut self, place: u32, list: &mut List, links: impl Fn(&mut Flow) -> &mut Links) {
        *links(self.get_mut(place)) = Links { previous: list.last, next: NONE };
        match list.last {
            NONE => list.first = place,
            last => links(self.get_mut(last)).next = place,
        }
        list.last = place;
    }

    fn prepend(&mut self, place: u32, list: &mut List, links: impl Fn(&mut Flow) -> &mut Links) {
        *links(self.get_mut(place)) = Links { previous: NONE, next: list.first };
        match list.first {
            NONE => list.last = place,
            first => links(self.get_mut(first)).previous = place,
        }
        list.first = place;
    }

    fn unlink(&mut self, place: u32, list: &mut List, links: impl Fn(&mut Flow) -> &mut Links) {
        let Links { previous, next } = *links(self.get_mut(place));
        match previous {
            NONE => list.first = next,
            previous => links(self.get_mut(previous)).next = next,
        }
        match next {
            NONE => list.last = previous,
            next => links(self.get_mut(next)).previous = previous,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(process: u32, fd: i32) -> Key {
        Key { process: ProcRef(process), tid: 1, fd, object: ObjRef(0) }
    }

    fn lists<'a>(process: &'a mut List, descriptor: &'a mut List) -> Lists<'a> {
        Lists { process, descriptor: Some(descriptor) }
    }

    proptest! {
        /// Lists, queue and table agree with a plain model, with few flows on a
        /// descriptor, with many, and with none that is remembered.
        #[test]
        fn the_table_agrees_with_a_model(
            steps in proptest::collection::vec((0u8..5, 0u32..20, 0usize..3), 0..300)
        ) {
            let (mut flows, mut list) = (Flows::default(), List::default());
            // The descriptor of each thread is told by the number; the last is not remembered.
            let mut fds = [List::default(); 2];
            let (mut model, mut queue): (Vec<(u32, usize)>, Vec<_>) = (Vec::new(), Vec::new());
            for (now, (what, tid, fd)) in steps.into_iter().enumerate() {
                let (now, is) = (now as u64, (tid, fd));
                let key = Key { tid, ..key(1, fd as i32) };
                let on = fds.get(fd).copied().unwrap_or_default();
                let found = flows.find(&key, on);
                prop_assert_eq!(found.map(|at| flows.get(at).key), model.contains(&is).then_some(key));
                let lists = Lists { process: &mut list, descriptor: fds.get_mut(fd) };
                match (what, found) {
                    (0..=2, None) => {
                        flows.start(key, false, now, lists);
                        model.push(is);
                        queue.push(is);
                    }
                    (3, Some(at)) => {
                        prop_assert_eq!(flows.end(at, lists), key);
                        model.retain(|other| *other != is);
                        queue.retain(|other| *other != is);
                    }
                    (4, Some(at)) => {
                        flows.restart(at, now);
                        if let Some(on) = lists.descriptor {
                            flows.touch(at, on);
                            prop_assert_eq!(on.first(), at);
                        }
                        queue.retain(|other| *other != is);
                        queue.push(is);
                    }
                    _ => {}
                }
                let is = |at: u32| (flows.get(at).key.tid, flows.get(at).key.fd as usize);
                let listed: Vec<_> = flows.of(list).map(is).collect();
                prop_assert_eq!(&listed, &model);
                prop_assert_eq!((flows.len(), flows.is_empty()), (model.len(), model.is_empty()));
                for (fd, on) in fds.iter().enumerate() {
                    let mut here: Vec<_> = flows.on(*on).map(is).collect();
                    here.sort_by_key(|other| model.iter().position(|is| is == other));
                    let want: Vec<_> = model.iter().copied().filter(|is| is.1 == fd).collect();
                    prop_assert_eq!(here, want);
                }
                let due = flows.due(u64::MAX, 1).map(is);
                prop_assert_eq!(due, queue.first().copied());
            }
        }
    }

    /// A flow of a descriptor that was not remembered when it began is found
    /// when it is, and leaves its list alone.
    #[test]
    fn a_descriptor_can_be_remembered_later() {
        let (mut flows, mut list, mut on) = (Flows::default(), List::default(), List::default());
        let one = flows.start(key(1, 3), false, 0, Lists { process: &mut list, descriptor: None });
        let other = Key { tid: 2, ..key(1, 3) };
        let two = flows.start(other, false, 0, lists(&mut list, &mut on));
        assert_eq!(flows.find(&key(1, 3), on), Some(one));
        flows.touch(one, &mut on);
        flows.end(one, lists(&mut list, &mut on));
        assert_eq!((on.first(), flows.find(&key(1, 3), on)), (two, None));
        assert_eq!(flows.find(&other, on), Some(two));
    }

    /// A recording can tell any numbers.
    #[test]
    fn numbers_that_no_host_has_are_no_panic() {
        let (mut flows, mut list, mut on) = (Flows::default(), List::default(), List::default());
        let at = flows.start(key(1, 3), false, 0, lists(&mut list, &mut on));
        for _ in 0..2 {
            flows.get_mut(at).add(Direction::In, u64::MAX, u64::MAX, 1);
        }
        assert_eq!(flows.get(at).reads, (u64::MAX - 1, u64::MAX - 1));
    }

    #[test]
    fn a_place_is_only_good_for_its_key() {
        let (mut flows, mut list, mut on) = (Flows::default(), List::default(), List::default());
        let at = flows.start(key(1, 3), false, 0, lists(&mut list, &mut on));
        assert!(flows.at(at, &key(1, 3)).is_some());
        assert!(flows.at(at, &key(1, 4)).is_none());
        assert!(flows.at(NONE, &key(1, 3)).is_none());
        flows.end(at, lists(&mut list, &mut on));
        assert!(flows.at(at, &key(1, 3)).is_none());
    }
}

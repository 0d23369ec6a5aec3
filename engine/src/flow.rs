// SPDX-License-Identifier: Apache-2.0
//! Hot path. Flows: what one thread did on one descriptor with one object.
//! May not appear here: locks, system calls, formatting, string copies.
//!
//! A flow is in four places at once, by number: the table by key, the list of
//! its process (in the order of their start), the list of its descriptor (the
//! one used last comes first), and the queue for export (in the order of their
//! last export, which with one interval for all is the order of the next).

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

/// Memory of a flow: its place and its share of the index, which is at least
/// 7/16 full.
pub(crate) const BYTES: usize = size_of::<Option<Flow>>() + 2 * size_of::<u32>();

/// All flows.
#[derive(Debug, Default)]
pub struct Flows {
    slots: Vec<Option<Flow>>,
    free: Vec<u32>,
    index: HashTable<u32>,
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

    /// Place of the flow with this key.
    #[must_use]
    pub fn find(&self, key: &Key) -> Option<u32> {
        let slots = &self.slots;
        self.index
            .find(hash(key), |at| slots[*at as usize].as_ref().is_some_and(|f| f.key == *key))
            .copied()
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
        let slots = &self.slots;
        self.index.insert_unique(hash(&key), place, |at| {
            slots[*at as usize].as_ref().map_or(0, |flow| hash(&flow.key))
        });
        self.append(place, lists.process, |flow| &mut flow.of_process);
        if let Some(list) = lists.descriptor {
            self.prepend(place, list, |flow| &mut flow.of_descriptor);
        }
        let mut queue = self.queue;
        self.append(place, &mut queue, |flow| &mut flow.of_queue);
        self.queue = queue;
        place
    }

    /// Ends a flow: takes it out of everything. Its key.
    pub fn end(&mut self, place: u32, lists: Lists<'_>) -> Key {
        self.unlink(place, lists.process, |flow| &mut flow.of_process);
        if let Some(list) = lists.descriptor {
            self.unlink(place, list, |flow| &mut flow.of_descriptor);
        }
        let mut queue = self.queue;
        self.unlink(place, &mut queue, |flow| &mut flow.of_queue);
        self.queue = queue;
        let key = self.get(place).key;
        self.slots[place as usize] = None;
        if let Ok(entry) = self.index.find_entry(hash(&key), |other| *other == place) {
            entry.remove();
        }
        self.free.push(place);
        key
    }

    /// Makes the flow the first of its descriptor's list, where the next
    /// operation looks.
    pub fn touch(&mut self, place: u32, list: &mut List) {
        if list.first != place {
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
        self.index.len()
    }

    /// Whether none is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
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
        /// Lists, queue and table agree with a plain model.
        #[test]
        fn the_table_agrees_with_a_model(steps in proptest::collection::vec((0u8..4, 0i32..8), 0..200)) {
            let (mut flows, mut list, mut fds) =
                (Flows::default(), List::default(), [List::default(); 2]);
            let (mut model, mut queue): (Vec<i32>, Vec<i32>) = (Vec::new(), Vec::new());
            for (now, (what, fd)) in steps.into_iter().enumerate() {
                let now = now as u64;
                // Two descriptor lists, chosen by parity.
                let on = &mut fds[fd as usize % 2];
                match (what, flows.find(&key(1, fd))) {
                    (0 | 1, None) => {
                        flows.start(key(1, fd), false, now, lists(&mut list, on));
                        model.push(fd);
                        queue.push(fd);
                    }
                    (2, Some(at)) => {
                        prop_assert_eq!(flows.end(at, lists(&mut list, on)), key(1, fd));
                        model.retain(|other| *other != fd);
                        queue.retain(|other| *other != fd);
                    }
                    (3, Some(at)) => {
                        flows.restart(at, now);
                        flows.touch(at, on);
                        prop_assert_eq!(on.first(), at);
                        queue.retain(|other| *other != fd);
                        queue.push(fd);
                    }
                    _ => {}
                }
                let listed: Vec<_> = flows.of(list).map(|at| flows.get(at).key.fd).collect();
                prop_assert_eq!(&listed, &model);
                prop_assert_eq!(flows.len(), model.len());
                let on: Vec<_> = fds
                    .iter()
                    .flat_map(|on| flows.on(*on))
                    .map(|at| flows.get(at).key.fd)
                    .collect();
                let mut sorted = on.clone();
                sorted.sort_by_key(|fd| model.iter().position(|other| other == fd));
                prop_assert_eq!(&sorted, &model);
                prop_assert!(on.is_sorted_by_key(|fd| fd % 2));
                let due = flows.due(u64::MAX, 1).map(|at| flows.get(at).key.fd);
                prop_assert_eq!(due, queue.first().copied());
            }
        }
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

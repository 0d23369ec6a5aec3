// SPDX-License-Identifier: Apache-2.0
//! Hot path. Descriptor tables, and what their descriptors stand for.
//! May not appear here: locks, system calls, formatting, string copies.
//!
//! A child gets a copy of its parent's table. The copies share what they stand
//! for until one of them is changed: the library copies at once, which is the
//! same and costs more.

use crate::scap::value::Ends;
use crate::state::container::ContainerRef;
use crate::state::object::ObjRef;

/// What a descriptor is of, by the numbers of the format.
pub(in crate::scap) mod kind {
    pub(in crate::scap) const FILE: u8 = 1;
    pub(in crate::scap) const DIRECTORY: u8 = 2;
    pub(in crate::scap) const IPV4: u8 = 3;
    pub(in crate::scap) const IPV6: u8 = 4;
    pub(in crate::scap) const IPV4_SERVER: u8 = 5;
    pub(in crate::scap) const IPV6_SERVER: u8 = 6;
    pub(in crate::scap) const PIPE: u8 = 7;
    pub(in crate::scap) const UNIX: u8 = 8;
    pub(in crate::scap) const EVENT: u8 = 9;
    pub(in crate::scap) const SIGNAL: u8 = 11;
    pub(in crate::scap) const EPOLL: u8 = 12;
    pub(in crate::scap) const INOTIFY: u8 = 13;
    pub(in crate::scap) const TIMER: u8 = 14;
    pub(in crate::scap) const NETLINK: u8 = 15;
    pub(in crate::scap) const FILE_WITH_FLAGS: u8 = 16;
    pub(in crate::scap) const BPF: u8 = 17;
    pub(in crate::scap) const USERFAULT: u8 = 18;
    pub(in crate::scap) const IO_URING: u8 = 19;
    pub(in crate::scap) const MEMFD: u8 = 20;
    pub(in crate::scap) const PIDFD: u8 = 21;
}

/// Protocols, by the numbers of the format.
pub(in crate::scap) mod l4 {
    pub(in crate::scap) const UNKNOWN: u8 = 0;
    pub(in crate::scap) const TCP: u8 = 2;
    pub(in crate::scap) const UDP: u8 = 3;
    pub(in crate::scap) const ICMP: u8 = 4;
    pub(in crate::scap) const RAW: u8 = 5;
}

/// Which end of a connection a socket is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::scap) enum Role {
    #[default]
    None,
    Client,
    Server,
}

/// What descriptors stand for.
#[derive(Clone, Copy, Debug)]
pub(in crate::scap) struct Thing {
    /// The file or connection in the engine, held there; none of what is no
    /// part of the telemetry, and of a connection until it is used.
    pub(in crate::scap) object: Option<ObjRef>,
    /// Container that the name of a file is in.
    pub(in crate::scap) container: Option<ContainerRef>,
    /// Where its flow was the last time.
    pub(in crate::scap) flow: u32,
    pub(in crate::scap) kind: u8,
    pub(in crate::scap) l4: u8,
    pub(in crate::scap) role: Role,
    /// An IP socket whose ends were told.
    pub(in crate::scap) named: bool,
    pub(in crate::scap) ends: Ends,
    /// Descriptors that stand for it; kept by [`Things`].
    pub(in crate::scap) refs: u32,
}

impl Thing {
    pub(in crate::scap) fn new(kind: u8) -> Self {
        Self {
            object: None,
            container: None,
            flow: crate::flow::NONE,
            kind,
            l4: l4::UNKNOWN,
            role: Role::None,
            named: false,
            ends: Ends::default(),
            refs: 0,
        }
    }

    /// A file, a pipe, or what else has a name and no ends.
    pub(in crate::scap) fn of_object(
        kind: u8,
        object: ObjRef,
        container: Option<ContainerRef>,
    ) -> Self {
        Self { object: Some(object), container, ..Self::new(kind) }
    }
}

/// A thing, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scap) struct ThingRef(u32);

/// All things.
#[derive(Debug, Default)]
pub(in crate::scap) struct Things {
    list: Vec<Thing>,
    free: Vec<u32>,
}

impl Things {
    #[inline]
    pub(in crate::scap) fn get(&self, place: ThingRef) -> &Thing {
        &self.list[place.0 as usize]
    }

    #[inline]
    pub(in crate::scap) fn get_mut(&mut self, place: ThingRef) -> &mut Thing {
        &mut self.list[place.0 as usize]
    }

    /// Adds a thing, that one descriptor stands for.
    #[inline(always)]
    pub(in crate::scap) fn add(&mut self, thing: Thing) -> ThingRef {
        let thing = Thing { refs: 1, ..thing };
        match self.free.pop() {
            Some(index) => {
                self.list[index as usize] = thing;
                ThingRef(index)
            }
            None => {
                self.list.push(thing);
                ThingRef(u32::try_from(self.list.len() - 1).expect("fewer than 2^32 descriptors"))
            }
        }
    }

    pub(in crate::scap) fn hold(&mut self, place: ThingRef) {
        self.get_mut(place).refs += 1;
    }

    /// One descriptor less stands for it. With the last it goes, and its object
    /// is given back.
    #[must_use]
    pub(in crate::scap) fn release(&mut self, place: ThingRef) -> Option<ObjRef> {
        let thing = self.get_mut(place);
        thing.refs -= 1;
        if thing.refs > 0 {
            return None;
        }
        let object = thing.object.take();
        self.free.push(place.0);
        object
    }

    /// Whether other descriptors stand for it too.
    pub(in crate::scap) fn is_shared(&self, place: ThingRef) -> bool {
        self.get(place).refs > 1
    }
}

/// Numbers above this are not kept: a table costs no more than this many entries.
const MAX_FD: usize = 1 << 20;

/// No entry.
const EMPTY: u32 = u32::MAX;

/// Being closed: close was entered and did not return yet.
const CLOSING: u32 = 1 << 31;

/// Opened between the two halves of the close of its number.
const CANCELLED: u32 = 1 << 30;

const MARKS: u32 = CLOSING | CANCELLED;

/// The descriptors of a process.
#[derive(Debug, Default)]
pub(in crate::scap) struct Table {
    entries: Vec<u32>,
    /// The thing whose number was taken while it was being closed.
    parked: Option<ThingRef>,
}

impl Table {
    #[inline]
    fn entry(&self, fd: i64) -> Option<u32> {
        let entry = *self.entries.get(usize::try_from(fd).ok()?)?;
        (entry != EMPTY).then_some(entry)
    }

    #[inline]
    pub(in crate::scap) fn get(&self, fd: i64) -> Option<ThingRef> {
        self.entry(fd).map(|entry| ThingRef(entry & !MARKS))
    }

    fn set_mark(&mut self, fd: i64, mark: u32, on: bool) {
        if self.entry(fd).is_some() {
            let entry = &mut self.entries[fd as usize];
            *entry = if on { *entry | mark } else { *entry & !mark };
        }
    }

    /// close was entered, or returned an error.
    pub(in crate::scap) fn set_closing(&mut self, fd: i64, on: bool) {
        self.set_mark(fd, CLOSING, on);
    }

    /// What a number stands for, and whether it was given anew while it was
    /// being closed.
    #[inline]
    pub(in crate::scap) fn look_up(&self, fd: i64) -> Option<(ThingRef, bool)> {
        self.entry(fd).map(|entry| (ThingRef(entry & !MARKS), entry & CANCELLED != 0))
    }

    /// Takes the mark of a number away that was given anew while it was being
    /// closed. What had it before, to be released.
    #[must_use]
    pub(in crate::scap) fn uncancel(&mut self, fd: i64) -> Option<ThingRef> {
        self.set_mark(fd, CANCELLED, false);
        self.parked.take()
    }

    /// Gives a number to a thing. What has to be released comes back: the thing
    /// that had it before, or was parked before that one; or this one, if its
    /// number is not kept.
    #[must_use]
    pub(in crate::scap) fn add(&mut self, fd: i64, thing: ThingRef) -> Option<ThingRef> {
        let Some(index) = usize::try_from(fd).ok().filter(|index| *index < MAX_FD) else {
            return Some(thing);
        };
        if index >= self.entries.len() {
            self.entries.resize(index + 1, EMPTY);
        }
        match std::mem::replace(&mut self.entries[index], thing.0) {
            EMPTY => None,
            old if old & CLOSING != 0 => {
                self.entries[index] |= CANCELLED;
                self.parked.replace(ThingRef(old & !MARKS))
            }
            old => Some(ThingRef(old & !MARKS)),
        }
    }

    /// Puts another thing in the place of one, whose marks stay.
    pub(in crate::scap) fn replace(&mut self, fd: i64, thing: ThingRef) {
        if let Some(entry) = self.entry(fd) {
            self.entries[fd as usize] = thing.0 | entry & MARKS;
        }
    }

    #[must_use]
    pub(in crate::scap) fn remove(&mut self, fd: i64) -> Option<ThingRef> {
        let thing = self.get(fd)?;
        self.entries[fd as usize] = EMPTY;
        Some(thing)
    }

    /// A copy, for a child.
    pub(in crate::scap) fn copy(&self, things: &mut Things) -> Self {
        let last = self.entries.iter().rposition(|entry| *entry != EMPTY).map_or(0, |at| at + 1);
        let entries = self.entries[..last].to_vec();
        for entry in entries.iter().filter(|entry| **entry != EMPTY) {
            things.hold(ThingRef(entry & !MARKS));
        }
        Self { entries, parked: None }
    }

    /// All things, to be released.
    pub(in crate::scap) fn into_things(self) -> impl Iterator<Item = ThingRef> {
        let kept = self.entries.into_iter().filter(|entry| *entry != EMPTY);
        kept.map(|entry| ThingRef(entry & !MARKS)).chain(self.parked)
    }

    /// Numbers that are in use.
    pub(in crate::scap) fn numbers(&self) -> impl Iterator<Item = i64> + '_ {
        let used = self.entries.iter().enumerate().filter(|(_, entry)| **entry != EMPTY);
        used.map(|(fd, _)| fd as i64)
    }

    pub(in crate::scap) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thing(things: &mut Things, kind: u8) -> ThingRef {
        things.add(Thing::new(kind))
    }

    #[test]
    fn numbers_stand_for_things() {
        let (mut things, mut table) = (Things::default(), Table::default());
        let (a, b) = (thing(&mut things, 1), thing(&mut things, 2));
        assert_eq!(table.add(3, a), None);
        assert_eq!(table.add(3, b), Some(a), "the former one is to be released");
        assert_eq!(table.get(3), Some(b));
        assert_eq!(table.add(-1, a), Some(a));
        assert_eq!(table.add(i64::MAX, a), Some(a));
        assert_eq!((table.get(-1), table.get(2), table.get(i64::MAX)), (None, None, None));
        assert_eq!(table.numbers().collect::<Vec<_>>(), [3]);
        assert_eq!((table.remove(3), table.remove(3)), (Some(b), None));
    }

    #[test]
    fn a_number_can_be_given_while_it_is_closed() {
        let (mut things, mut table) = (Things::default(), Table::default());
        let (a, b) = (thing(&mut things, 1), thing(&mut things, 2));
        assert_eq!(table.add(3, a), None);
        table.set_closing(3, true);
        assert_eq!(table.add(3, b), None, "the old one is parked");
        assert_eq!(table.get(3), Some(b));
        assert_eq!(table.look_up(3), Some((b, true)));
        assert_eq!(table.uncancel(3), Some(a));
        assert_eq!(table.look_up(3), Some((b, false)));
        table.set_closing(3, true);
        table.set_closing(3, false);
        assert_eq!(table.add(3, a), Some(b), "a close that failed leaves no mark");
    }

    #[test]
    fn a_copy_shares_its_things_until_the_last_is_gone() {
        let (mut things, mut table) = (Things::default(), Table::default());
        let a = thing(&mut things, 1);
        things.get_mut(a).object = Some(ObjRef(7));
        assert_eq!(table.add(3, a), None);
        let copy = table.copy(&mut things);
        assert!(things.is_shared(a));
        let gone: Vec<_> = copy.into_things().map(|thing| things.release(thing)).collect();
        assert_eq!(gone, [None]);
        assert!(!things.is_shared(a));
        let gone: Vec<_> = table.into_things().map(|thing| things.release(thing)).collect();
        assert_eq!(gone, [Some(ObjRef(7))]);
        assert_eq!(thing(&mut things, 4), a, "the place is used again");
    }
}

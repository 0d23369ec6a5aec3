// SPDX-License-Identifier: Apache-2.0
//! Hot path. What is done on which descriptor, and the sums of it.
//! May not appear here: allocation, locks, system calls, formatting.
//!
//! Two cache lines are touched for a record that is summed. All branches depend
//! on the first, which is found by the descriptor's hash; the second is only
//! added to. Places are taken one by one and become free all at once, so that
//! open addressing needs no marks where something was.

use probe_loader::abi::{sf_hdr, sf_rec_io};

use super::sums::Sum;

/// Descriptors that are known at once.
const DESCRIPTORS: usize = 512;

/// What is done on one at once: threads times directions.
const WAYS: usize = 4;

/// Sums that can be open at once.
pub(super) const MAX: usize = DESCRIPTORS * WAYS;

/// Places of the table: three in four are free at least.
const PLACES: usize = 4 * DESCRIPTORS;

/// A descriptor that is known, and what is done on it.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
pub(super) struct Slot {
    /// The open file.
    pub(super) file: u64,
    pub(super) pid: u32,
    pub(super) fd: i32,
    /// Who does what, each in one number; zero where there is none.
    ways: [u64; WAYS],
    /// How many of them there are.
    pub(super) len: u16,
    /// The number of its sums and one; zero in a place that is free.
    number: u16,
}

const _: () = assert!(size_of::<Slot>() == 64 && MAX <= u16::MAX as usize);

/// The sum of what a thread does, since it was handed on last: none if that has
/// no records.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
struct Open {
    /// Time of the last record.
    ts: u64,
    bytes: u64,
    ops: u64,
    records: u64,
    /// Grows with each use.
    used: u64,
}

/// The sums on a descriptor, and the first record of each.
#[derive(Clone, Copy, Default)]
struct Sums {
    open: [Open; WAYS],
    first: [sf_rec_io; WAYS],
}

/// The descriptors that are known.
pub(super) struct Slots {
    slots: Box<[Slot]>,
    sums: Box<[Sums]>,
    /// The places that are taken, in the order of their sums.
    taken: Vec<u16>,
    uses: u64,
}

/// What became of a record.
pub(super) enum Added {
    /// It is part of a sum.
    Yes,
    /// The descriptor is known, by its place; this is new on it.
    NotYet(usize),
    /// The descriptor is not known.
    Unknown,
}

/// Who does what.
#[inline]
fn way(io: &sf_rec_io) -> u64 {
    u64::from(io.h.tid) << 8 | u64::from(io.h.op)
}

#[inline]
fn place_of(pid: u32, fd: i32) -> usize {
    let both = u64::from(pid) << 32 | u64::from(fd.cast_unsigned());
    (both.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - PLACES.trailing_zeros())) as usize
}

impl Default for Slots {
    fn default() -> Self {
        Self {
            slots: vec![Slot::default(); PLACES].into_boxed_slice(),
            sums: vec![Sums::default(); DESCRIPTORS].into_boxed_slice(),
            taken: Vec::with_capacity(DESCRIPTORS),
            uses: 0,
        }
    }
}

impl Slots {
    /// Adds a record to the sum that there is for it.
    #[inline]
    pub(super) fn add(&mut self, io: &sf_rec_io) -> Added {
        let Ok(place) = self.find(io.h.pid, io.fd) else { return Added::Unknown };
        let (slot, way) = (&self.slots[place], way(io));
        let mut number = WAYS;
        // All of them, because which it is cannot be foreseen.
        for (other, is) in slot.ways.iter().enumerate() {
            number = if *is == way { other } else { number };
        }
        if number == WAYS || slot.file != io.file {
            return Added::NotYet(place);
        }
        self.uses += 1;
        let open = &mut self.sums[usize::from(slot.number) - 1].open[number];
        open.ts = io.h.ts;
        open.bytes = open.bytes.wrapping_add(io.bytes);
        open.ops += u64::from(io.ops);
        open.records += 1;
        open.used = self.uses;
        Added::Yes
    }

    /// The place of a descriptor, or that where it would have its own.
    #[inline]
    pub(super) fn find(&self, pid: u32, fd: i32) -> Result<usize, usize> {
        let mut place = place_of(pid, fd);
        loop {
            let slot = &self.slots[place];
            if slot.number == 0 {
                return Err(place);
            }
            if slot.pid == pid && slot.fd == fd {
                return Ok(place);
            }
            place = (place + 1) % PLACES;
        }
    }

    /// Whether no further descriptor can be known.
    pub(super) fn is_full(&self) -> bool {
        self.taken.len() == DESCRIPTORS
    }

    /// Gives a descriptor a place, if it has none.
    pub(super) fn take(&mut self, pid: u32, fd: i32) -> usize {
        debug_assert!(!self.is_full());
        let place = match self.find(pid, fd) {
            Ok(place) => return place,
            Err(place) => place,
        };
        self.taken.push(place as u16);
        let number = self.taken.len() as u16;
        self.slots[place] = Slot { pid, fd, number, ..Slot::default() };
        place
    }

    /// The places that are taken, by number.
    pub(super) fn taken(&self) -> usize {
        self.taken.len()
    }

    /// One of them.
    pub(super) fn place(&self, number: usize) -> usize {
        usize::from(self.taken[number])
    }

    pub(super) fn slot(&self, place: usize) -> &Slot {
        &self.slots[place]
    }

    /// Whether there is room for something else that is done on a descriptor,
    /// on the same open file.
    pub(super) fn has_room(&self, place: usize, file: u64) -> bool {
        let slot = &self.slots[place];
        usize::from(slot.len) < WAYS && (slot.len == 0 || slot.file == file)
    }

    /// From now on more of this is summed. There has to be room.
    pub(super) fn begin(&mut self, place: usize, io: &sf_rec_io) {
        let slot = &mut self.slots[place];
        let sums = &mut self.sums[usize::from(slot.number) - 1];
        let number = usize::from(slot.len);
        (slot.file, slot.ways[number]) = (io.file, way(io));
        (sums.open[number], sums.first[number]) = (Open::default(), *io);
        slot.len += 1;
    }

    /// Hands out the sums on a descriptor, that of the oldest last use first.
    /// They begin anew.
    pub(super) fn hand_out(&mut self, place: usize, mut each: impl FnMut(&Sum)) {
        let slot = &self.slots[place];
        let Sums { open, first } = &mut self.sums[usize::from(slot.number) - 1];
        let len = usize::from(slot.len);
        loop {
            let sums = open[..len].iter_mut().zip(first.iter());
            let next = sums.filter(|(open, _)| open.records > 0).min_by_key(|(open, _)| open.used);
            let Some((open, first)) = next else { return };
            let h = sf_hdr { ts: open.ts, ..first.h };
            let io = sf_rec_io { h, bytes: open.bytes, ..*first };
            each(&Sum { io, ops: open.ops, records: open.records });
            *open = Open::default();
        }
    }

    /// Nothing is done on a descriptor any more.
    pub(super) fn clear(&mut self, place: usize) {
        let slot = &mut self.slots[place];
        (slot.ways, slot.len) = ([0; WAYS], 0);
    }

    /// Forgets all descriptors.
    pub(super) fn clear_all(&mut self) {
        for place in self.taken.drain(..) {
            self.slots[usize::from(place)] = Slot::default();
        }
    }
}

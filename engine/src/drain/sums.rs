// SPDX-License-Identifier: Apache-2.0
//! Hot path. I/O records of a thread on a descriptor, summed before they reach
//! the engine.
//! May not appear here: allocation, locks, system calls, formatting.
//!
//! A read or write changes little: it adds to its flow, and makes that the first
//! in the list of its descriptor. Everything else that it may do (start a flow,
//! look a process up) the first of several does. So the first is handed on as it
//! is, and those that follow as one sum, later. That the sum comes later must
//! not be seen:
//!
//! - by another record on the same descriptor of the same process: sums on it
//!   come before, in the order of their last operations. What is done on one
//!   descriptor looks at nothing that belongs to another;
//! - by a record of the process that is not about one descriptor, and by a fork
//!   that makes a process of that number: all sums of the process come before;
//! - by a record that says what an open file is, of whatever process: in the same
//!   way those on that file;
//! - by the clock: what is older than a record before it, or than a time that
//!   has passed, is never summed; nor is anything over the end of a batch, after
//!   which flows may be exported and files begun.
//!
//! After any of these the next operation is a first one again. That nothing else
//! looks there is tried by `tests/drain/`, with all that drivers tell.

use probe_loader::abi::{
    Plain, SF_F_STATE, SF_F_TUPLE, SF_OP_ACCEPT, SF_OP_ANON, SF_OP_CLOSE, SF_OP_DESCRIBE_FILE,
    SF_OP_DESCRIBE_SOCKET, SF_OP_DUP, SF_OP_FORK, SF_OP_MMAP, SF_OP_OPEN, SF_OP_PIPE, SF_OP_READ,
    SF_OP_SEND, SF_OP_SOCKET, SF_OP_SOCKETPAIR, sf_hdr, sf_rec_fd, sf_rec_file, sf_rec_fork,
    sf_rec_io, sf_rec_sock,
};

use super::batch::Batch;

/// Several I/O records as one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum {
    /// The last of them, with the bytes of all.
    pub io: sf_rec_io,
    /// Operations of all.
    pub ops: u64,
    /// How many records.
    pub records: u64,
}

/// Descriptors with open sums at once.
const SLOTS: usize = 256;

/// What is done on one at once: threads times directions.
const WAYS: usize = 4;

/// Sums that can be open at once.
pub(super) const MAX: usize = SLOTS * WAYS;

/// Places to count in.
const PLACES: usize = 1024;

/// Something that a thread does on a descriptor, and its sum since it was
/// handed on last: none if that has no records.
#[derive(Clone, Copy, Default)]
struct Entry {
    sum: Sum,
    /// Grows with each use.
    used: u64,
}

/// What is done on a descriptor.
#[derive(Clone, Copy, Default)]
struct Slot {
    pid: u32,
    fd: i32,
    len: usize,
    entries: [Entry; WAYS],
}

impl Slot {
    fn open(&self) -> &[Entry] {
        &self.entries[..self.len]
    }
}

/// How many entries there are about something, by its hash: zero means none.
struct Tally(Box<[u16; PLACES]>);

impl Tally {
    #[inline]
    fn of(&mut self, what: u64) -> &mut u16 {
        let hash = what.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        &mut self.0[(hash >> (64 - PLACES.trailing_zeros())) as usize]
    }
}

/// The open sums.
pub(super) struct Sums {
    slots: Box<[Slot; SLOTS]>,
    /// Entries by process and by open file.
    processes: Tally,
    files: Tally,
    /// Entries of all.
    open: usize,
    uses: u64,
    /// The latest time that was handed on.
    newest: u64,
}

#[inline]
fn slot_of(pid: u32, fd: i32) -> usize {
    let both = u64::from(pid) << 32 | u64::from(fd.cast_unsigned());
    (both.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - SLOTS.trailing_zeros())) as usize
}

/// Whether both add to the same sum, on the same descriptor of a process.
#[inline]
fn same(a: &sf_rec_io, b: &sf_rec_io) -> bool {
    a.h.tid == b.h.tid && a.file == b.file && a.h.op == b.h.op
}

impl Default for Sums {
    fn default() -> Self {
        let tally = || Tally(Box::new([0; PLACES]));
        Self {
            slots: Box::new([Slot::default(); SLOTS]),
            processes: tally(),
            files: tally(),
            open: 0,
            uses: 0,
            newest: 0,
        }
    }
}

impl Sums {
    /// Takes a record. Returns whether it has become part of a sum; if not it
    /// is to be handed on, after what was put into the batch here.
    #[inline]
    pub(super) fn take(&mut self, bytes: &[u8], batch: &mut Batch) -> bool {
        let Some(hdr) = sf_hdr::at(bytes) else { return false };
        if hdr.ts < self.newest {
            // The engine notices that by its clock, which is to be right.
            self.forget_all(batch);
            return false;
        }
        self.newest = hdr.ts;
        let io = matches!(u32::from(hdr.op), SF_OP_READ..=SF_OP_SEND)
            && u32::from(hdr.flags) & (SF_F_TUPLE | SF_F_STATE) == 0;
        if io && let Some(io) = sf_rec_io::at(bytes) {
            return self.add(io, batch);
        }
        self.disturbed(hdr, bytes, batch);
        false
    }

    /// Time has passed until then, or a record of that time was handed on.
    #[inline]
    pub(super) fn pass(&mut self, time: u64) {
        self.newest = self.newest.max(time);
    }

    #[inline]
    fn add(&mut self, io: &sf_rec_io, batch: &mut Batch) -> bool {
        self.uses += 1;
        let at = slot_of(io.h.pid, io.fd);
        let slot = &mut self.slots[at];
        if slot.pid != io.h.pid || slot.fd != io.fd {
            self.forget(at, batch);
        } else if let Some(entry) =
            slot.entries[..slot.len].iter_mut().find(|entry| same(&entry.sum.io, io))
        {
            let Sum { io: last, ops, records } = &mut entry.sum;
            last.h.ts = io.h.ts;
            last.bytes = last.bytes.wrapping_add(io.bytes);
            *ops += u64::from(io.ops);
            *records += 1;
            entry.used = self.uses;
            return true;
        }
        self.begin(at, io, batch);
        false
    }

    /// Something that was not done on the descriptor yet: it is handed on by
    /// itself, after all that was.
    fn begin(&mut self, at: usize, io: &sf_rec_io, batch: &mut Batch) {
        if self.slots[at].len == WAYS {
            self.forget(at, batch);
        } else {
            self.hand_on(at, batch);
        }
        let slot = &mut self.slots[at];
        let sum = Sum { io: sf_rec_io { bytes: 0, ..*io }, ops: 0, records: 0 };
        (slot.pid, slot.fd) = (io.h.pid, io.fd);
        slot.entries[slot.len] = Entry { sum, used: self.uses };
        slot.len += 1;
        self.open += 1;
        *self.processes.of(u64::from(io.h.pid)) += 1;
        *self.files.of(io.file) += 1;
    }

    /// A record that is not summed: what it could see comes before it.
    #[inline]
    fn disturbed(&mut self, hdr: &sf_hdr, bytes: &[u8], batch: &mut Batch) {
        match u32::from(hdr.op) {
            SF_OP_CLOSE | SF_OP_PIPE | SF_OP_DUP | SF_OP_MMAP => {
                if let Some(record) = sf_rec_fd::at(bytes) {
                    self.forget_descriptor(hdr.pid, record.fd, batch);
                    // Of DUP the new one; else no descriptor, or one too many.
                    self.forget_descriptor(hdr.pid, record.ret, batch);
                }
            }
            SF_OP_OPEN | SF_OP_ANON | SF_OP_DESCRIBE_FILE => {
                if let Some(record) = sf_rec_file::at(bytes) {
                    self.forget_descriptor(hdr.pid, record.fd, batch);
                    self.forget_file(record.file, batch);
                }
            }
            SF_OP_SOCKET..=SF_OP_SOCKETPAIR | SF_OP_DESCRIBE_SOCKET => {
                if let Some(record) = sf_rec_sock::at(bytes) {
                    self.forget_descriptor(hdr.pid, record.fd, batch);
                    self.forget_file(record.file, batch);
                }
            }
            SF_OP_READ..=SF_OP_SEND => {
                if let Some(record) = sf_rec_io::at(bytes) {
                    self.forget_descriptor(hdr.pid, record.fd, batch);
                }
            }
            SF_OP_FORK => {
                self.forget_process(hdr.pid, batch);
                if let Some(record) = sf_rec_fork::at(bytes) {
                    self.forget_process(record.child_pid, batch);
                }
            }
            _ => self.forget_process(hdr.pid, batch),
        }
    }

    #[inline]
    fn forget_descriptor(&mut self, pid: u32, fd: i32, batch: &mut Batch) {
        let at = slot_of(pid, fd);
        let slot = &self.slots[at];
        if slot.len > 0 && slot.pid == pid && slot.fd == fd {
            self.forget(at, batch);
        }
    }

    #[inline]
    fn forget_process(&mut self, pid: u32, batch: &mut Batch) {
        if *self.processes.of(u64::from(pid)) > 0 {
            self.forget_where(batch, |slot| slot.pid == pid);
        }
    }

    #[inline]
    fn forget_file(&mut self, file: u64, batch: &mut Batch) {
        if *self.files.of(file) > 0 {
            let about = |entry: &Entry| entry.sum.io.file == file;
            self.forget_where(batch, |slot| slot.open().iter().any(about));
        }
    }

    /// Hands on all sums: what follows is not added to them.
    pub(super) fn forget_all(&mut self, batch: &mut Batch) {
        self.forget_where(batch, |_| true);
    }

    fn forget_where(&mut self, batch: &mut Batch, pick: impl Fn(&Slot) -> bool) {
        for at in 0..SLOTS {
            if self.open == 0 {
                return;
            }
            if pick(&self.slots[at]) {
                self.forget(at, batch);
            }
        }
    }

    /// Hands on the sums on a descriptor: what follows is not added to them.
    fn forget(&mut self, at: usize, batch: &mut Batch) {
        self.hand_on(at, batch);
        let slot = &mut self.slots[at];
        for entry in slot.open() {
            *self.processes.of(u64::from(slot.pid)) -= 1;
            *self.files.of(entry.sum.io.file) -= 1;
        }
        self.open -= slot.len;
        slot.len = 0;
    }

    /// Hands on the sums on a descriptor, that of the oldest last use first.
    fn hand_on(&mut self, at: usize, batch: &mut Batch) {
        let slot = &mut self.slots[at];
        let entries = &mut slot.entries[..slot.len];
        let open = |entry: &&mut Entry| entry.sum.records > 0;
        while let Some(entry) = entries.iter_mut().filter(open).min_by_key(|entry| entry.used) {
            batch.push_sum(&entry.sum);
            (entry.sum.io.bytes, entry.sum.ops, entry.sum.records) = (0, 0, 0);
        }
    }
}

const _: () = assert!(SF_OP_ACCEPT > SF_OP_SOCKET && SF_OP_ACCEPT < SF_OP_SOCKETPAIR);

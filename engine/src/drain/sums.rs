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
use super::slots::{Added, Slot, Slots};

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

/// Places to count in.
const PLACES: usize = 1024;

/// How many sums there are about something, by its hash: zero means none.
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
    slots: Slots,
    /// How many there are by process and by open file.
    processes: Tally,
    files: Tally,
    /// How many there are, with those that have no records yet.
    open: usize,
    /// The latest time that was handed on.
    newest: u64,
}

impl Default for Sums {
    fn default() -> Self {
        let tally = || Tally(Box::new([0; PLACES]));
        Self { slots: Slots::default(), processes: tally(), files: tally(), open: 0, newest: 0 }
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
        match self.slots.add(io) {
            Added::Yes => return true,
            Added::NotYet(place) => self.begin(place, io, batch),
            Added::Unknown => {
                if self.slots.is_full() {
                    self.forget_all(batch);
                }
                let place = self.slots.take(io.h.pid, io.fd);
                self.begin(place, io, batch);
            }
        }
        false
    }

    /// Something that was not done on the descriptor yet: it is handed on by
    /// itself, after all that was.
    fn begin(&mut self, place: usize, io: &sf_rec_io, batch: &mut Batch) {
        if self.slots.has_room(place, io.file) {
            self.slots.hand_out(place, |sum| batch.push_sum(sum));
        } else {
            self.forget(place, batch);
        }
        self.slots.begin(place, io);
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
        if let Ok(place) = self.slots.find(pid, fd) {
            self.forget(place, batch);
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
            self.forget_where(batch, |slot| slot.file == file);
        }
    }

    /// Hands on all sums: what follows is not added to them.
    pub(super) fn forget_all(&mut self, batch: &mut Batch) {
        self.forget_where(batch, |_| true);
        self.slots.clear_all();
    }

    fn forget_where(&mut self, batch: &mut Batch, pick: impl Fn(&Slot) -> bool) {
        for number in 0..self.slots.taken() {
            if self.open == 0 {
                return;
            }
            let place = self.slots.place(number);
            if pick(self.slots.slot(place)) {
                self.forget(place, batch);
            }
        }
    }

    /// Hands on the sums on a descriptor: what follows is not added to them.
    fn forget(&mut self, place: usize, batch: &mut Batch) {
        self.slots.hand_out(place, |sum| batch.push_sum(sum));
        let Slot { pid, file, len, .. } = *self.slots.slot(place);
        *self.processes.of(u64::from(pid)) -= len;
        *self.files.of(file) -= len;
        self.open -= usize::from(len);
        self.slots.clear(place);
    }
}

const _: () = assert!(SF_OP_ACCEPT > SF_OP_SOCKET && SF_OP_ACCEPT < SF_OP_SOCKETPAIR);

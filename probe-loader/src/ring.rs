// SPDX-License-Identifier: Apache-2.0
//! The reader's end of a ring, the same for every driver.
//!
//! ```text
//!  map (read-only)                                      cons (read-write)
//!  ┌───────────┬───────────┬───────────────┬─────────┐  ┌───────────┐
//!  │ prod page │ cons page │ data, 2^n     │ overrun │  │ cons page │
//!  └───────────┴───────────┴───────────────┴─────────┘  └───────────┘
//!    written by the driver    [tail .. head) is ours       tail, wake_at
//! ```
//!
//! `driver/include/sysflow/ring.h` is the protocol. Two orderings carry it:
//!
//! * `head` is loaded with Acquire and pairs with the writer's store-release
//!   in `sf_ring_commit`: what lies before the head is completely written.
//! * `tail` is stored with Release and pairs with the writer's load-acquire in
//!   `sf_ring_reserve`: our reads of a record happen before it is overwritten.
//!
//! Everything else in the shared pages is a counter or a hint, loaded Relaxed;
//! `writing` has its own argument at [`Ring::quiet`]. `ring/model.rs` checks
//! that these orderings are enough, and that none can be spared.

use std::num::NonZeroUsize;
use std::os::fd::{AsFd, BorrowedFd};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

use crate::abi::{
    Plain, SF_RECORD_MAX, SF_RING_CONS, SF_RING_DATA, SF_RING_MAGIC, SF_RING_SIZE_MAX,
    SF_RING_SIZE_MIN, sf_hdr, sf_ring_cons, sf_ring_prod,
};
use crate::counters::Counters;

pub use loan::Loan;

const HEAD_LOAD: Ordering = Ordering::Acquire;
const TAIL_STORE: Ordering = Ordering::Release;
const WRITING_LOAD: Ordering = Ordering::Acquire;

/// Bytes from one ring to the next in a driver's mapping (`SF_RING_STRIDE`).
#[must_use]
pub const fn stride(size: usize) -> usize {
    SF_RING_DATA as usize + size + SF_RECORD_MAX as usize
}

/// Whether a ring can have `size` bytes of data.
#[must_use]
pub const fn valid_size(size: usize) -> bool {
    size.is_power_of_two() && size >= SF_RING_SIZE_MIN as usize && size <= SF_RING_SIZE_MAX as usize
}

/// Why a ring could not be mapped or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The driver's memory could not be mapped.
    #[error("ring of cpu {cpu}: cannot map {bytes} bytes: {source}")]
    Map {
        /// Ring.
        cpu: u32,
        /// Length asked for.
        bytes: usize,
        /// The system's answer.
        source: nix::Error,
    },
    /// What was mapped is not the ring that was asked for.
    #[error("ring of cpu {cpu}: the mapped memory is no such ring ({what})")]
    Foreign {
        /// Ring.
        cpu: u32,
        /// What differs.
        what: &'static str,
    },
}

/// Part of a driver's memory, unmapped on drop.
struct Mapping {
    base: NonNull<u8>,
    len: usize,
}

impl Mapping {
    fn new(
        fd: BorrowedFd<'_>,
        cpu: u32,
        offset: usize,
        len: usize,
        prot: ProtFlags,
    ) -> Result<Self, Error> {
        let fail = |source| Error::Map { cpu, bytes: len, source };
        let length = NonZeroUsize::new(len).ok_or_else(|| fail(nix::Error::EINVAL))?;
        let offset = libc::off_t::try_from(offset).map_err(|_| fail(nix::Error::EOVERFLOW))?;
        // SAFETY: a fresh shared mapping at an address that the kernel
        // chooses; it aliases no Rust object.
        let base = unsafe { mmap(None, length, prot, MapFlags::MAP_SHARED, fd.as_fd(), offset) }
            .map_err(fail)?;
        Ok(Self { base: base.cast(), len })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: exactly the mapping that `new` made, and every borrow of it
        // is bounded by the `Ring` that owns it. An error would mean that it
        // is gone already.
        let _ = unsafe { munmap(self.base.cast(), self.len) };
    }
}

/// A ring's memory, as long as its reader or a [`Loan`] needs it.
struct Maps {
    map: Mapping,
    cons: Mapping,
}

// SAFETY: the mappings are plain memory that belongs to this value until it is
// dropped. What is shared is accessed by atomic loads and stores; the data is
// read where the protocol says that nobody writes.
unsafe impl Send for Maps {}
// SAFETY: as above.
unsafe impl Sync for Maps {}

impl Maps {
    fn word64(&self, offset: usize) -> &AtomicU64 {
        debug_assert!(offset + 8 <= SF_RING_CONS as usize && offset.is_multiple_of(8));
        // SAFETY: an aligned word of the mapped prod page, which the driver
        // changes concurrently and only by single stores.
        unsafe { AtomicU64::from_ptr(self.map.base.as_ptr().add(offset).cast()) }
    }

    fn counters(&self) -> Counters {
        Counters::load(|offset| self.word64(offset).load(Ordering::Relaxed))
    }

    fn tail_word(&self) -> &AtomicU64 {
        let cons = self.cons.base.cast::<sf_ring_cons>().as_ptr();
        // SAFETY: an aligned word of the cons page, mapped read-write; the
        // driver loads it concurrently.
        unsafe { AtomicU64::from_ptr(&raw mut (*cons).tail) }
    }

    fn wake_word(&self) -> &AtomicU64 {
        let cons = self.cons.base.cast::<sf_ring_cons>().as_ptr();
        // SAFETY: as `tail_word`.
        unsafe { AtomicU64::from_ptr(&raw mut (*cons).wake_at) }
    }
}

/// The reader of one ring. There is one per ring: what it does not hold any
/// more was given back, or is a [`Loan`].
pub struct Ring {
    maps: Arc<Maps>,
    /// Where the mapping begins: that of `maps`.
    base: NonNull<u8>,
    cpu: u32,
    size: u64,
    /// Position of the next record to look at.
    next: u64,
    /// The writer's head as of the last [`Ring::refresh`].
    head: u64,
    /// What lies before was given back to the writer, or lent.
    held_from: u64,
    damaged: u64,
}

// SAFETY: `base` points into `maps`, which can be used from any thread; a
// `Ring` can be used from any one thread at a time.
unsafe impl Send for Ring {}

impl Ring {
    /// Maps the ring of `cpu`, with `size` bytes of data, of a driver whose
    /// rings begin at offset 0 of `fd`.
    ///
    /// # Errors
    /// When the memory cannot be mapped, or is not that ring.
    pub fn map(fd: BorrowedFd<'_>, cpu: u32, size: usize) -> Result<Self, Error> {
        if !valid_size(size) {
            return Err(Error::Foreign { cpu, what: "size" });
        }
        let offset = cpu as usize * stride(size);
        let map = Mapping::new(fd, cpu, offset, stride(size), ProtFlags::PROT_READ)?;
        let cons = Mapping::new(
            fd,
            cpu,
            offset + SF_RING_CONS as usize,
            SF_RING_CONS as usize,
            ProtFlags::PROT_READ | ProtFlags::PROT_WRITE,
        )?;
        let (base, maps) = (map.base, Arc::new(Maps { map, cons }));
        let tail = maps.tail_word().load(Ordering::Relaxed);
        let size = size as u64;
        let ring =
            Self { maps, base, cpu, size, next: tail, head: tail, held_from: tail, damaged: 0 };
        ring.check()?;
        Ok(ring)
    }

    fn check(&self) -> Result<(), Error> {
        let prod = self.base.cast::<sf_ring_prod>().as_ptr();
        let foreign = |what| Err(Error::Foreign { cpu: self.cpu, what });
        // SAFETY: these fields are constant once the driver gives out its
        // memory, and lie in the mapped page.
        let (magic, cpu, size) = unsafe { ((*prod).magic, (*prod).cpu, (*prod).size) };
        if magic != SF_RING_MAGIC {
            return foreign("magic number");
        }
        if cpu != self.cpu {
            return foreign("cpu");
        }
        if size != self.size {
            return foreign("size");
        }
        Ok(())
    }

    /// CPU that writes this ring.
    #[must_use]
    pub fn cpu(&self) -> u32 {
        self.cpu
    }

    /// The driver's API and schema versions.
    #[must_use]
    pub fn versions(&self) -> (u32, u32) {
        let prod = self.base.cast::<sf_ring_prod>().as_ptr();
        // SAFETY: constant since before the ring was given out, and mapped.
        unsafe { ((*prod).api_version, (*prod).schema_version) }
    }

    /// Bytes of data.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Records that were not what their header said, and were skipped with
    /// everything behind them that had been written by then. Never happens
    /// with a sound driver.
    #[must_use]
    pub fn damaged(&self) -> u64 {
        self.damaged
    }

    /// Looks how far the writer is. Returns whether there is something to
    /// read.
    #[inline]
    pub fn refresh(&mut self) -> bool {
        // Acquire pairs with the store-release in sf_ring_commit: the bytes
        // before `head` were written before it.
        let head = self.maps.word64(std::mem::offset_of!(sf_ring_prod, head)).load(HEAD_LOAD);
        // A head that is out of bounds would be a broken driver; do not
        // follow it out of the mapping.
        if head.wrapping_sub(self.next) <= self.size + u64::from(SF_RECORD_MAX) {
            self.head = head;
        } else {
            self.damaged += 1;
        }
        self.next != self.head
    }

    /// Whether no probe of this CPU was between its clock read and its
    /// publication.
    ///
    /// To be called before [`Ring::refresh`]: when it returns true, every
    /// record whose clock was read before this call lies before the head that
    /// the next `refresh` finds, but for a store that is still on its way out
    /// of the writer's store buffer, for which the caller leaves a margin of
    /// time. Acquire pairs with the store-release in `sf_ring_end`, which
    /// follows the publication.
    #[must_use]
    pub fn quiet(&self) -> bool {
        let offset = std::mem::offset_of!(sf_ring_prod, writing);
        // SAFETY: an aligned word of the mapped prod page.
        let word = unsafe { AtomicU32::from_ptr(self.base.as_ptr().add(offset).cast::<u32>()) };
        word.load(WRITING_LOAD) == 0
    }

    /// The next record's bytes, or `None` when everything up to the last
    /// [`Ring::refresh`] was read. They start with a whole [`sf_hdr`], are
    /// aligned to 8, and stay as they are until [`Ring::release`].
    #[inline]
    pub fn peek(&mut self) -> Option<&[u8]> {
        let left = self.head.wrapping_sub(self.next);
        if left == 0 {
            return None;
        }
        let at = SF_RING_DATA as usize + (self.next & (self.size - 1)) as usize;
        // SAFETY: `next < head`, so a record begins here; a position below
        // `size` has SF_RECORD_MAX bytes of data and overrun behind it, and
        // records are multiples of 8 long.
        let start = unsafe { self.base.as_ptr().add(at) };
        // SAFETY: as above, a whole header is in bounds and aligned, and the
        // writer does not touch [tail, head) until `release` moves tail.
        let len = usize::from(unsafe { (*start.cast::<sf_hdr>()).len });
        if len < size_of::<sf_hdr>()
            || !len.is_multiple_of(8)
            || len > SF_RECORD_MAX as usize
            || len as u64 > left
        {
            // Lengths chain the records, so there is no next one to find.
            self.damaged += 1;
            self.next = self.head;
            return None;
        }
        // SAFETY: [next, next + len) lies within [tail, head), which is ours
        // until `release`, for which the borrow of `self` has to end.
        Some(unsafe { std::slice::from_raw_parts(start, len) })
    }

    /// Time of the next record, without handing it out.
    #[inline]
    pub fn peek_ts(&mut self) -> Option<u64> {
        self.peek().and_then(sf_hdr::at).map(|hdr| hdr.ts)
    }

    /// Goes past the record that [`Ring::peek`] gave. Its room is the
    /// reader's until [`Ring::release`].
    #[inline]
    pub fn advance(&mut self) {
        if let Some(len) = self.peek().map(<[u8]>::len) {
            self.next += len as u64;
        }
    }

    /// Hands out the records up to the time `limit` and goes past them; gives
    /// room back to the writer on the way, a quarter of the ring at a time, so
    /// that the writer's cache line is not disturbed for every record. Returns
    /// how many there were. What is left is given back by [`Ring::release`].
    #[inline]
    pub fn drain_until(&mut self, limit: u64, mut each: impl FnMut(&[u8])) -> u64 {
        let mut count = 0;
        while let Some(bytes) = self.peek() {
            let len = bytes.len() as u64;
            if sf_hdr::at(bytes).is_none_or(|hdr| hdr.ts > limit) {
                break;
            }
            each(bytes);
            self.next += len;
            count += 1;
            if self.held() > self.size / 4 {
                self.release();
            }
        }
        count
    }

    /// Position of the next record to be read: bytes that were written before
    /// it since the ring was made.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.next
    }

    /// Position behind the last record, as of the last [`Ring::refresh`].
    #[must_use]
    pub fn head(&self) -> u64 {
        self.head
    }

    /// What is published from the position `from` on, as of the last
    /// [`Ring::refresh`], as far as it lies in one piece; whether it was read
    /// already does not matter, as long as it was neither given back nor lent.
    /// Empty when there is nothing, or `from` is not within what is ours.
    ///
    /// A record begins at `from`. Those that begin before the second value are
    /// whole; from there on the bytes mean nothing, and what follows begins at
    /// the next position.
    #[must_use]
    pub fn published(&self, from: u64) -> (&[u8], usize) {
        let left = self.head.wrapping_sub(from);
        if left > self.head - self.held_from {
            return (&[], 0);
        }
        let at = from & (self.size - 1);
        let to_end = self.size - at;
        let len = left.min(to_end + u64::from(SF_RECORD_MAX));
        let at = SF_RING_DATA as usize + at as usize;
        // SAFETY: in bounds: data and overrun have `size + SF_RECORD_MAX`
        // bytes. Up to the ring's end the bytes lie in [held_from, head), which
        // the writer does not touch until `release` or the drop of what `lend`
        // gives, for which the borrow of `self` has to end. Those of the
        // overrun are written with one record in each lap, the one that crosses
        // the end; of this lap it lies in [held_from, head) if any byte of the
        // overrun is in this slice, and that of the next lap waits as well.
        let bytes = unsafe { std::slice::from_raw_parts(self.base.as_ptr().add(at), len as usize) };
        (bytes, left.min(to_end) as usize)
    }

    /// Hands out the records up to the time `limit`, each with its place in
    /// what [`Ring::lend`] gives next, and goes past them, until `each` returns
    /// false. Gives no room back. Returns the time of the record that is next.
    #[inline]
    pub fn walk_until(
        &mut self,
        limit: u64,
        mut each: impl FnMut(u64, &[u8]) -> bool,
    ) -> Option<u64> {
        let mut at = self.held();
        loop {
            let bytes = self.peek()?;
            let ts = sf_hdr::at(bytes)?.ts;
            if ts > limit {
                return Some(ts);
            }
            let len = bytes.len() as u64;
            let more = each(at, bytes);
            at += len;
            self.next += len;
            if !more {
                return self.peek_ts();
            }
        }
    }

    /// Bytes read, and neither given back nor lent.
    #[must_use]
    #[inline]
    pub fn held(&self) -> u64 {
        self.next - self.held_from
    }

    /// Goes back to the first record that was neither given back nor lent.
    pub fn rewind(&mut self) {
        self.next = self.held_from;
    }

    /// Bytes that wait to be read, as of the last [`Ring::refresh`].
    #[must_use]
    pub fn pending(&self) -> u64 {
        self.head - self.next
    }

    /// Gives everything that was read back to the writer. What lies behind a
    /// [`Loan`] stays held as long as that is out.
    #[inline]
    pub fn release(&mut self) {
        if self.held_from != self.next && self.is_back() {
            self.held_from = self.next;
            // Release pairs with the load-acquire in sf_ring_reserve: our
            // reads are over before the writer writes there.
            self.maps.tail_word().store(self.next, TAIL_STORE);
        }
    }

    /// Whether all that was lent is back.
    fn is_back(&self) -> bool {
        // Acquire: as in the drop of a loan.
        self.maps.tail_word().load(Ordering::Acquire) == self.held_from
    }

    /// Lends what was read since the last time, for another thread to read it
    /// again and give it back.
    pub fn lend(&mut self) -> Loan {
        let start = std::mem::replace(&mut self.held_from, self.next);
        let (maps, mask) = (Arc::clone(&self.maps), self.size - 1);
        Loan { maps, base: self.base, start, end: self.next, next: 0, mask }
    }

    /// Asks the driver to wake the reader when `fill` bytes wait to be read.
    /// A wake-up can come a record late, so the sleep needs a timeout.
    ///
    /// Whether so many wait already: then no record may come any more that
    /// would wake the reader, because a full ring takes none.
    #[must_use]
    pub fn arm(&self, fill: u64) -> bool {
        self.maps.wake_word().store((self.next + fill).max(1), Ordering::Relaxed);
        // What was published before the driver could see the word is seen here.
        fence(Ordering::SeqCst);
        let head = self.maps.word64(std::mem::offset_of!(sf_ring_prod, head)).load(HEAD_LOAD);
        head.wrapping_sub(self.next) >= fill
    }

    /// Takes back [`Ring::arm`].
    pub fn disarm(&self) {
        self.maps.wake_word().store(0, Ordering::Relaxed);
    }

    /// What the driver has counted for this CPU. The sums agree exactly only
    /// while no probe runs: after the driver was stopped.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.maps.counters()
    }

    /// What reads the counters from elsewhere.
    #[must_use]
    pub fn gauge(&self) -> Gauge {
        Gauge(Arc::clone(&self.maps))
    }
}

/// The counters of a ring, for any thread.
pub struct Gauge(Arc<Maps>);

impl Gauge {
    /// As [`Ring::counters`].
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.0.counters()
    }
}

mod loan;
#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

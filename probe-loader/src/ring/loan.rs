// SPDX-License-Identifier: Apache-2.0
//! Part of a ring that is read by another thread than that of its reader.

use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Maps, TAIL_STORE};
use crate::abi::{Plain as _, SF_RECORD_MAX, SF_RING_DATA, sf_hdr};

/// Records that a [`Ring`](super::Ring) has read and lent. When it is dropped
/// the room goes back to the writer.
///
/// Loans of a ring go back in the order in which they were made: one that is
/// dropped before an older one does not give its room back, nor does any that
/// follows it.
pub struct Loan {
    pub(super) maps: Arc<Maps>,
    /// Where the mapping begins: that of `maps`.
    pub(super) base: NonNull<u8>,
    /// Position of its first byte.
    pub(super) start: u64,
    /// Position behind its last one.
    pub(super) end: u64,
    /// Behind its start, the record that is next.
    pub(super) next: u32,
    /// Of a position, the part that is the place in the data.
    pub(super) mask: u64,
}

// SAFETY: `base` points into `maps`, which can be used from any thread; what is
// read through it is not written as long as this is out.
unsafe impl Send for Loan {}
// SAFETY: as above.
unsafe impl Sync for Loan {}

impl Loan {
    /// Bytes.
    #[must_use]
    #[inline]
    pub fn len(&self) -> u64 {
        self.end - self.start
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// The record that begins so many bytes behind its start
    /// ([`Ring::walk_until`](super::Ring::walk_until)), aligned to 8. Nothing
    /// where none can begin, or it would not end in here.
    #[must_use]
    #[inline]
    pub fn record(&self, at: u32) -> Option<&[u8]> {
        const HEADER: u64 = size_of::<sf_hdr>() as u64;
        let at = u64::from(at);
        let left = self.len().checked_sub(at)?;
        if left < HEADER || !at.is_multiple_of(8) {
            return None;
        }
        let place = SF_RING_DATA as usize + ((self.start + at) & self.mask) as usize;
        // SAFETY: a position has its place below the size of the data, behind
        // which there are SF_RECORD_MAX bytes more, all of them mapped.
        let start = unsafe { self.base.as_ptr().add(place) };
        // SAFETY: a whole header is in bounds, and aligned because positions of
        // records and `at` are multiples of 8. The writer does not touch what
        // lies behind the tail, which is not beyond `start` before the drop.
        let len = u64::from(unsafe { (*start.cast::<sf_hdr>()).len });
        if len < HEADER || len > left || len > u64::from(SF_RECORD_MAX) {
            return None;
        }
        // SAFETY: as above; [at, at + len) is lent, and mapped.
        Some(unsafe { std::slice::from_raw_parts(start, len as usize) })
    }

    /// Time of the next record.
    #[must_use]
    #[inline]
    pub fn peek_ts(&self) -> Option<u64> {
        self.record(self.next).and_then(sf_hdr::at).map(|hdr| hdr.ts)
    }

    /// Hands out the records up to the time `limit`, and goes past them.
    /// Returns how many there were.
    #[inline]
    pub fn drain_until(&mut self, limit: u64, mut each: impl FnMut(&[u8])) -> u64 {
        let (mut next, mut count) = (self.next, 0);
        while let Some(bytes) = self.record(next)
            && sf_hdr::at(bytes).is_some_and(|hdr| hdr.ts <= limit)
        {
            each(bytes);
            next += bytes.len() as u32;
            count += 1;
        }
        self.next = next;
        count
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        let tail = self.maps.tail_word();
        // Acquire: the one before it may have been dropped by another thread,
        // whose reads are then over before the writer sees what is stored here.
        if tail.load(Ordering::Acquire) == self.start {
            // Release pairs with the load-acquire in sf_ring_reserve. The
            // reads of the ring's reader in here are over too: it has handed
            // this over.
            tail.store(self.end, TAIL_STORE);
        }
    }
}

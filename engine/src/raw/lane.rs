// SPDX-License-Identifier: Apache-2.0
//! Hot path. A ring as it comes out of a recording.
//! May not appear here: locks, system calls, formatting; allocation only where
//! a block is taken in.

use probe_loader::abi::{Plain, SF_RECORD_MAX, sf_hdr};

use super::words::Words;
use crate::merge::Stream;

/// Records that wait, in the order of their ring.
#[derive(Debug, Default)]
pub(super) struct Lane {
    words: Words,
    /// Bytes of `words` that were read.
    read: usize,
    /// Position in the ring of what comes next; none as long as there was
    /// nothing, or after a hole.
    position: Option<u64>,
    /// Position up to which records are given.
    stop: u64,
    /// Rows of records that ended where no record does.
    pub(super) damaged: u64,
}

impl Lane {
    /// Bytes that wait.
    pub(super) fn waiting(&self) -> usize {
        self.words.len() - self.read
    }

    /// Adds what the ring delivered. Returns whether it fits to what was before.
    pub(super) fn add(&mut self, position: u64, bytes: &[u8]) -> bool {
        let end = self.end();
        if end.is_some_and(|end| end != position) {
            return false;
        }
        if self.read > self.words.len() / 2 {
            self.words.drop_front(self.read);
            self.read = 0;
        }
        self.position.get_or_insert(position);
        self.words.extend(bytes);
        true
    }

    /// Position behind what was added.
    fn end(&self) -> Option<u64> {
        Some(self.position?.wrapping_add(self.waiting() as u64))
    }

    /// From now on records before this position are given. Returns whether
    /// everything up to there is here.
    pub(super) fn stop_at(&mut self, position: u64) -> bool {
        self.stop = position;
        self.end().is_none_or(|end| end >= position)
    }

    /// From now on all that is here is given.
    pub(super) fn open(&mut self) {
        self.stop = u64::MAX;
    }

    /// Something is missing before what is added next.
    pub(super) fn cut(&mut self) {
        self.words = Words::default();
        (self.read, self.position) = (0, None);
    }

    #[inline]
    fn next(&mut self) -> Option<(&sf_hdr, usize)> {
        let position = self.position?;
        if position >= self.stop || self.read == self.words.len() {
            return None;
        }
        let waiting = self.words.len() - self.read;
        let len =
            sf_hdr::at(&self.words.bytes()[self.read..]).map_or(0, |hdr| usize::from(hdr.len));
        if len < size_of::<sf_hdr>()
            || !len.is_multiple_of(8)
            || len > SF_RECORD_MAX as usize
            || len > waiting
        {
            // Lengths chain the records, so there is no next one to find.
            self.damaged += 1;
            self.position = Some(position.wrapping_add(waiting as u64));
            self.read = self.words.len();
            return None;
        }
        sf_hdr::at(&self.words.bytes()[self.read..]).map(|hdr| (hdr, len))
    }
}

impl Stream for Lane {
    #[inline]
    fn peek_ts(&mut self) -> Option<u64> {
        self.next().map(|(hdr, _)| hdr.ts)
    }

    #[inline]
    fn drain_until(&mut self, limit: u64, mut each: impl FnMut(&[u8])) -> u64 {
        let mut count = 0;
        while let Some((hdr, len)) = self.next() {
            if hdr.ts > limit {
                break;
            }
            each(&self.words.bytes()[self.read..self.read + len]);
            self.read += len;
            self.position = self.position.map(|position| position.wrapping_add(len as u64));
            count += 1;
        }
        count
    }
}

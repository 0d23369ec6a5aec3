// SPDX-License-Identifier: Apache-2.0
//! Hot path. From the rings to batches.
//! May not appear here: allocation per event, locks, system calls, formatting.

use probe_loader::Ring;
use probe_loader::abi::{Plain as _, sf_hdr};

use super::Tuning;
use super::batch::Batch;
use super::sums::Sums;
use crate::merge::Merge;

/// If fewer than one in so many records became part of a sum, none are tried
/// for the next [`REST`] batches.
const WORTH: u64 = 8;
const REST: u32 = 15;

/// A batch holds no more than this part of a ring, so that there is room while
/// it is applied.
const SHARE: u64 = 8;

/// Merges rings and sums what can be summed.
pub(super) struct Front {
    merge: Merge,
    sums: Sums,
    tuning: Tuning,
    /// The batch that is filled.
    open: Option<Box<Batch>>,
    /// Records in it.
    records: u64,
    /// Records of all batches before.
    all: u64,
    /// Batches to come that are not summed.
    rest: u32,
}

/// Where batches come from and go to; the back is gone if they do not.
pub(super) trait Exchange {
    fn spare(&mut self) -> Option<Box<Batch>>;
    fn hand_on(&mut self, batch: Box<Batch>);
}

impl Front {
    pub(super) fn new(tuning: Tuning) -> Self {
        let (merge, sums) = (Merge::default(), Sums::default());
        Self { merge, sums, tuning, open: None, records: 0, all: 0, rest: 0 }
    }

    /// As [`Merge::drain_seen`], to batches.
    pub(super) fn drain(
        &mut self,
        rings: &mut [Ring],
        now: u64,
        seen: impl FnOnce(&[Ring]),
        exchange: &mut impl Exchange,
    ) -> u64 {
        let before = self.all;
        let mut merge = std::mem::take(&mut self.merge);
        merge.runs(rings, now, seen, |rings, ring, limit| self.take(rings, ring, limit, exchange));
        self.merge = merge;
        self.close(rings, exchange);
        self.all - before
    }

    /// As [`Merge::reached`].
    pub(super) fn reached(&self) -> u64 {
        self.merge.reached()
    }

    /// Time has passed until then.
    pub(super) fn pass(&mut self, time: u64) {
        self.sums.pass(time);
    }

    /// Takes records of a ring up to a time, or until the batch is full. Returns
    /// the time of the one that follows.
    #[inline]
    fn take(
        &mut self,
        rings: &mut [Ring],
        ring: usize,
        limit: u64,
        exchange: &mut impl Exchange,
    ) -> Option<u64> {
        if self.open.is_none() {
            self.open = exchange.spare();
        }
        let Some(batch) = &mut self.open else {
            // Nobody applies anything any more; who asks is told later.
            return rings[ring].walk_until(limit, |_, _| true);
        };
        let room = rings[ring].size() / SHARE;
        let (sums, steps, summing) = (&mut self.sums, self.tuning.batch, self.rest == 0);
        let (mut count, mut full) = (0, false);
        let next = rings[ring].walk_until(limit, |at, bytes| {
            count += 1;
            let summed = if summing {
                sums.take(bytes, batch)
            } else {
                sums.pass(sf_hdr::at(bytes).map_or(0, |hdr| hdr.ts));
                false
            };
            if !summed {
                batch.push(ring as u32, at as u32);
            }
            full = batch.len() >= steps || at >= room;
            !full
        });
        self.records += count;
        if full {
            self.close(rings, exchange);
        }
        next
    }

    /// Hands on the batch that is filled.
    fn close(&mut self, rings: &mut [Ring], exchange: &mut impl Exchange) {
        let Some(mut batch) = self.open.take() else { return };
        self.sums.forget_all(&mut batch);
        let saved = self.records.saturating_sub(batch.len() as u64);
        self.rest = match self.rest {
            0 if saved < self.records / WORTH => self.tuning.rest,
            rest => rest.saturating_sub(1),
        };
        self.all += std::mem::take(&mut self.records);
        batch.close(rings);
        exchange.hand_on(batch);
    }
}

impl Default for Tuning {
    fn default() -> Self {
        Self { batch: 4096, rest: REST }
    }
}

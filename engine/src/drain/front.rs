// SPDX-License-Identifier: Apache-2.0
//! Hot path. From the rings to batches.
//! May not appear here: allocation per event, locks, system calls, formatting.
//!
//! Work goes where there is time for it. A batch is *cut*: all records of the
//! rings up to a time, for the back to merge; or *merged* here; or merged and
//! *summed*, which costs the front most, and all together least where much can be
//! summed. If the back has nothing to do while rings are crowded, it gets the
//! records as they are.

use std::ops::ControlFlow;

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

/// Rings are crowded when more than one part in so many of one waits: more than
/// what the recorder is woken for, when it keeps up.
const CROWDED: u64 = 3;

/// The back is busy with so many batches waiting for it.
const BUSY: usize = 3;

/// Records of a summed batch at most, for each of its steps: while it is made
/// the back does what waits for it, and is not to run out of that.
const RECORDS: u64 = 3;

/// A batch holds no more than this part of a ring, so that there is room while
/// it is applied.
const SHARE: u64 = 8;

/// Takes records out of rings, merges them and sums what can be summed.
pub(super) struct Front {
    merge: Merge,
    sums: Sums,
    tuning: Tuning,
    /// Batches to come that are not summed.
    rest: u32,
    /// What a cut has taken of each ring.
    cuts: Vec<Cut>,
}

/// Part of a ring.
#[derive(Clone, Copy, Default)]
struct Cut {
    records: u64,
    /// The latest time of them.
    last: u64,
}

/// Where batches come from and go to; the back is gone if they do not.
pub(super) trait Exchange {
    fn spare(&mut self) -> Option<Box<Batch>>;
    fn hand_on(&mut self, batch: Box<Batch>);
    /// Batches that were handed on and not begun.
    fn waiting(&self) -> usize;
}

impl Front {
    pub(super) fn new(tuning: Tuning) -> Self {
        let (merge, sums) = (Merge::default(), Sums::default());
        Self { merge, sums, tuning, rest: 0, cuts: Vec::new() }
    }

    /// As [`Merge::drain_seen`], to batches.
    pub(super) fn drain(
        &mut self,
        rings: &mut [Ring],
        now: u64,
        seen: impl FnOnce(&[Ring]),
        exchange: &mut impl Exchange,
    ) -> u64 {
        let horizon = self.merge.horizon(rings, now);
        seen(rings);
        let part = self.tuning.crowded;
        let crowded = rings.iter().any(|ring| ring.pending() > ring.size() / part);
        let is_next = |ring: &mut Ring| ring.peek_ts().is_some_and(|ts| ts <= horizon);
        let mut all = 0;
        while rings.iter_mut().any(is_next) {
            let Some(mut batch) = exchange.spare() else {
                // Nobody applies anything any more; who asks is told later.
                for ring in rings {
                    let _ = ring.walk_until(horizon, |_, _| true);
                }
                break;
            };
            let busy = exchange.waiting() >= BUSY;
            all += match self.rest {
                0 if busy || !crowded => self.sum(rings, horizon, &mut batch),
                _ if busy => self.merge(rings, horizon, &mut batch),
                _ => self.cut(rings, horizon, &mut batch),
            };
            batch.close(rings);
            exchange.hand_on(batch);
        }
        all
    }

    /// As [`Merge::reached`].
    pub(super) fn reached(&self) -> u64 {
        self.merge.reached()
    }

    /// Time has passed until then.
    pub(super) fn pass(&mut self, time: u64) {
        self.sums.pass(time);
    }

    /// Fills a batch with records in the order of time, and sums of them.
    /// Returns how many there were.
    fn sum(&mut self, rings: &mut [Ring], horizon: u64, batch: &mut Batch) -> u64 {
        let sums = &mut self.sums;
        let steps = self.tuning.batch;
        let most = steps as u64 * RECORDS;
        let records = fill(&mut self.merge, rings, horizon, |records, ring, at, bytes| {
            if !sums.take(bytes, batch) {
                batch.push(ring, at);
            }
            batch.len() < steps && records < most
        });
        sums.forget_all(batch);
        let saved = records.saturating_sub(batch.len() as u64);
        if saved < records / WORTH {
            self.rest = self.tuning.rest;
        }
        records
    }

    /// Fills a batch with records in the order of time. Returns how many there
    /// were.
    fn merge(&mut self, rings: &mut [Ring], horizon: u64, batch: &mut Batch) -> u64 {
        self.rest = self.rest.saturating_sub(1);
        let sums = &mut self.sums;
        let most = self.tuning.batch as u64;
        fill(&mut self.merge, rings, horizon, |records, ring, at, bytes| {
            sums.pass(time_of(bytes));
            batch.push(ring, at);
            records < most
        })
    }

    /// Takes all records of the rings up to a time. Returns how many there were.
    fn cut(&mut self, rings: &mut [Ring], horizon: u64, batch: &mut Batch) -> u64 {
        self.rest = self.rest.saturating_sub(1);
        batch.leave_to_merge();
        let until = self.cut_about(rings, horizon);
        let mut all = 0;
        for (ring, cut) in rings.iter_mut().zip(&mut self.cuts) {
            if cut.last > until {
                ring.rewind();
                *cut = Cut::default();
            }
            // All of that time, for what follows is later.
            cut.take(ring, until, u64::MAX, u64::MAX);
            all += cut.records;
            self.sums.pass(cut.last);
        }
        all
    }

    /// Takes no more of each ring than what is good for a batch. Returns the
    /// time up to which there was enough.
    fn cut_about(&mut self, rings: &mut [Ring], horizon: u64) -> u64 {
        self.cuts.clear();
        self.cuts.resize(rings.len(), Cut::default());
        // The fullest tells the time for all others, as a rule: that of its
        // share of a batch.
        let numbers = 0..rings.len();
        let fullest = numbers.clone().max_by_key(|ring| rings[*ring].pending()).unwrap_or(0);
        let all: u64 = rings.iter().map(Ring::pending).sum();
        let of_all = (self.tuning.batch as u64).saturating_mul(rings[fullest].pending());
        let most = (of_all / all.max(1)).max(1);
        let mut until = horizon;
        for ring in std::iter::once(fullest).chain(numbers.filter(|ring| *ring != fullest)) {
            let (ring, cut) = (&mut rings[ring], &mut self.cuts[ring]);
            if cut.take(ring, until, most, ring.size() / SHARE) {
                until = cut.last;
            }
        }
        until
    }
}

impl Cut {
    /// Takes records up to a time, and no more than so many, and bytes. Returns
    /// whether it ended for that reason.
    #[inline]
    fn take(&mut self, ring: &mut Ring, until: u64, records: u64, bytes: u64) -> bool {
        let mut ended = false;
        ring.walk_until(until, |at, record| {
            self.records += 1;
            self.last = self.last.max(time_of(record));
            ended = self.records >= records || at >= bytes;
            !ended
        });
        ended
    }
}

/// Goes through records in the order of time, until `each` returns false, or it
/// is too much of a ring for a batch; `each` is told how many there were, the
/// ring, and the place in what that lends. Returns how many there were.
#[inline]
fn fill(
    merge: &mut Merge,
    rings: &mut [Ring],
    horizon: u64,
    mut each: impl FnMut(u64, u32, u32, &[u8]) -> bool,
) -> u64 {
    let mut records = 0;
    merge.runs(rings, horizon, |rings, ring, limit| {
        let room = rings[ring].size() / SHARE;
        let mut more = true;
        let next = rings[ring].walk_until(limit, |at, bytes| {
            records += 1;
            more = each(records, ring as u32, at as u32, bytes) && at < room;
            more
        });
        if more { ControlFlow::Continue(next) } else { ControlFlow::Break(()) }
    });
    records
}

#[inline]
fn time_of(record: &[u8]) -> u64 {
    sf_hdr::at(record).map_or(0, |hdr| hdr.ts)
}

impl Default for Tuning {
    fn default() -> Self {
        Self { batch: 4096, rest: REST, crowded: CROWDED }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use probe_loader::abi::{Plain as _, SF_OP_READ};
    use proptest::prelude::*;
    use ring_writer::Rings;

    use super::super::Work;
    use super::super::sums::Sum;
    use super::*;

    const SIZE: usize = 65536;

    /// What was applied: time and thread of each record.
    #[derive(Default)]
    struct Applied(Vec<(u64, u32)>);

    impl Work for Applied {
        type Order = ();

        fn record(&mut self, bytes: &[u8]) {
            let hdr = sf_hdr::at(bytes).expect("a header");
            self.0.push((hdr.ts, hdr.tid));
        }

        fn sum(&mut self, _: &Sum) {
            unreachable!("the records tell nothing that could be summed");
        }

        fn order(&mut self, (): ()) {}
    }

    /// A back that is as busy as it is told to be.
    #[derive(Default)]
    struct Back {
        applied: Applied,
        busy: VecDeque<bool>,
        /// Records of each batch.
        sizes: Vec<usize>,
    }

    impl Exchange for Back {
        fn spare(&mut self) -> Option<Box<Batch>> {
            Some(Box::new(Batch::with_room(8)))
        }

        fn hand_on(&mut self, mut batch: Box<Batch>) {
            let before = self.applied.0.len();
            batch.apply(&mut self.applied);
            self.sizes.push(self.applied.0.len() - before);
            self.busy.rotate_left(1);
        }

        fn waiting(&self) -> usize {
            if self.busy.front() == Some(&true) { BUSY } else { 0 }
        }
    }

    /// Rings with records of these times, each a thread of its own.
    fn filled(lanes: &[Vec<u64>]) -> (Rings, Vec<Ring>) {
        let mut writer = Rings::new(lanes.len() as u32, SIZE).expect("memory");
        let mut tid = 0;
        for (cpu, times) in lanes.iter().enumerate() {
            for ts in times {
                tid += 1;
                let op = SF_OP_READ as u8;
                let hdr = sf_hdr { ts: *ts, pid: 1, tid, seq: 0, len: 24, op, flags: 0 };
                assert!(writer.put(cpu as u32, hdr.bytes()));
            }
        }
        let map = |cpu| Ring::map(writer.fd(), cpu, SIZE).expect("the ring maps");
        let rings = (0..lanes.len() as u32).map(map).collect();
        (writer, rings)
    }

    fn merged(lanes: &[Vec<u64>]) -> Vec<(u64, u32)> {
        let mut applied = Applied::default();
        let (_writer, mut rings) = filled(lanes);
        Merge::default().drain(&mut rings, u64::MAX, |bytes| applied.record(bytes));
        applied.0
    }

    fn handed_on(lanes: &[Vec<u64>], tuning: Tuning, busy: &[bool]) -> Back {
        let mut back = Back { busy: busy.iter().copied().collect(), ..Back::default() };
        let (_writer, mut rings) = filled(lanes);
        let all = Front::new(tuning).drain(&mut rings, u64::MAX, |_| (), &mut back);
        assert_eq!(all, back.applied.0.len() as u64);
        back
    }

    proptest! {
        /// Bursts, silence and equal times; clocks of broken drivers too.
        #[test]
        fn batches_are_in_the_order_of_time(
            lanes in prop::collection::vec(prop::collection::vec(0u64..60, 0..60), 1..5),
            sorted in any::<bool>(),
            batch in 1usize..40,
            rest in 0u32..3,
            busy in prop::collection::vec(any::<bool>(), 1..8),
        ) {
            let mut lanes = lanes;
            if sorted {
                lanes.iter_mut().for_each(|times| times.sort_unstable());
            }
            for crowded in [1, u64::MAX] {
                let back = handed_on(&lanes, Tuning { batch, rest, crowded }, &busy);
                prop_assert_eq!(&back.applied.0, &merged(&lanes));
            }
        }
    }

    /// One ring that has been silent does not make the batch as long as what
    /// another has written meanwhile.
    #[test]
    fn a_cut_is_short_also_where_another_ring_has_more() {
        let fullest: Vec<u64> = (0..300).map(|n| n * 1000).collect();
        let burst: Vec<u64> = (500..750).collect();
        let lanes = [fullest, burst];
        let tuning = Tuning { batch: 32, rest: 0, crowded: u64::MAX };
        let back = handed_on(&lanes, tuning, &[false]);
        assert_eq!(back.applied.0, merged(&lanes));
        let most = back.sizes.iter().max().expect("batches");
        assert!(*most <= 2 * tuning.batch, "{:?}", back.sizes);
        assert!(back.sizes.len() < 60, "{:?}", back.sizes);
    }
}

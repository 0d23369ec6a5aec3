// SPDX-License-Identifier: Apache-2.0
//! Hot path. Several rings into one stream in the order of time.
//! May not appear here: allocation, locks, system calls, formatting.
//!
//! Each ring is in order by itself. A record may be given out once no ring can
//! still publish an older one: up to the *horizon*. For a ring that is quiet
//! (no probe between its clock read and its publication) that is the time just
//! before we looked; for a ring that is not, the time we last saw it quiet.

use std::ops::ControlFlow;

use probe_loader::Ring;
use probe_loader::ring::Loan;

/// What a store may need to leave the writer's store buffer, generously, ns:
/// the writer's mark of activity becomes visible that much later than its
/// clock read at worst (see [`Ring::quiet`]).
const MARGIN: u64 = 50_000;

/// How often a busy ring is looked at again before its last quiet time is
/// used. A probe takes well under a microsecond for a plain record.
const SPINS: usize = 64;

/// Records of one CPU, in the order of time.
pub(crate) trait Stream {
    /// Time of the next record.
    fn peek_ts(&mut self) -> Option<u64>;

    /// Hands out the records up to the time `limit`, and goes past them.
    /// Returns how many there were.
    fn drain_until(&mut self, limit: u64, each: impl FnMut(&[u8])) -> u64;
}

/// Rings, and loans of them, which are read in the same way.
macro_rules! stream {
    ($($of:ty),+) => {$(
        impl Stream for $of {
            #[inline]
            fn peek_ts(&mut self) -> Option<u64> {
                Self::peek_ts(self)
            }

            #[inline]
            fn drain_until(&mut self, limit: u64, each: impl FnMut(&[u8])) -> u64 {
                Self::drain_until(self, limit, each)
            }
        }
    )+};
}

stream!(Ring, Loan);

/// No time: nothing is left.
const NONE: u64 = u64::MAX;

/// No clock tells that. What a broken driver may tell counts as this, and comes
/// last, in any order.
const LAST: u64 = u64::MAX - 1;

/// The time of a record before the horizon.
#[inline]
fn until(time: Option<u64>, horizon: u64) -> u64 {
    time.filter(|ts| *ts <= horizon).map_or(NONE, |ts| ts.min(LAST))
}

/// Several streams in the order of time.
#[derive(Debug, Default)]
pub(crate) struct Sequence {
    /// For each stream, the time of its next record; [`NONE`] if none is left
    /// before the horizon.
    next: Vec<u64>,
}

impl Sequence {
    /// Goes through the records up to the horizon by *runs*: `take` is told
    /// which stream is next and up to which time no other is, takes one record
    /// from it or more, and returns the time of the one that follows, or that it
    /// wants no more.
    #[inline]
    pub(crate) fn runs<R: Stream>(
        &mut self,
        streams: &mut [R],
        horizon: u64,
        mut take: impl FnMut(&mut [R], usize, u64) -> ControlFlow<(), Option<u64>>,
    ) {
        self.next.clear();
        self.next.extend(streams.iter_mut().map(|stream| until(stream.peek_ts(), horizon)));
        while let Some((stream, limit)) = self.earliest() {
            let ControlFlow::Continue(next) = take(streams, stream, limit.min(horizon)) else {
                return;
            };
            self.next[stream] = until(next, horizon);
        }
    }

    /// Hands out every record up to the horizon. Returns how many there were.
    #[inline]
    pub(crate) fn hand_out<R: Stream>(
        &mut self,
        streams: &mut [R],
        horizon: u64,
        mut each: impl FnMut(&[u8]),
    ) -> u64 {
        let mut count = 0;
        self.runs(streams, horizon, |streams, stream, limit| {
            count += streams[stream].drain_until(limit, &mut each);
            ControlFlow::Continue(streams[stream].peek_ts())
        });
        count
    }

    /// The stream with the oldest record, and the time up to which it is the
    /// oldest of all. At equal times the stream with the lower number goes
    /// first, however the batches fall.
    #[inline]
    fn earliest(&self) -> Option<(usize, u64)> {
        let (mut best, mut second) = ((NONE, 0), (NONE, 0));
        for (stream, ts) in self.next.iter().enumerate() {
            if *ts < best.0 {
                (best, second) = ((*ts, stream), best);
            } else if *ts < second.0 {
                second = (*ts, stream);
            }
        }
        let limit = match second {
            (LAST.., _) => u64::MAX,
            (other, stream) if stream > best.1 => other,
            (other, _) => other - 1,
        };
        (best.0 != NONE).then_some((best.1, limit))
    }
}

/// Merges the rings of one driver.
#[derive(Debug, Default)]
pub struct Merge {
    /// For each ring, the latest time at which it was seen quiet.
    quiet_at: Vec<u64>,
    /// Records up to then were handed out, and none will be any more.
    reached: u64,
    sequence: Sequence,
}

impl Merge {
    /// Hands out, in the order of time, every record that no unpublished one
    /// can precede, and gives the room back. Returns how many there were.
    ///
    /// `now` is the time before this call, in the records' clock; `u64::MAX`
    /// when the driver is stopped, so that everything is handed out.
    pub fn drain(&mut self, rings: &mut [Ring], now: u64, each: impl FnMut(&[u8])) -> u64 {
        self.drain_seen(rings, now, |_| (), each)
    }

    /// The same; `seen` gets the rings as they are found, before anything of
    /// them is handed out.
    pub fn drain_seen(
        &mut self,
        rings: &mut [Ring],
        now: u64,
        seen: impl FnOnce(&[Ring]),
        each: impl FnMut(&[u8]),
    ) -> u64 {
        let horizon = self.horizon(rings, now);
        seen(rings);
        let count = self.sequence.hand_out(rings, horizon, each);
        for ring in rings {
            ring.release();
        }
        count
    }

    /// The time up to which everything was handed out, in the records' clock:
    /// what comes is later.
    #[must_use]
    pub fn reached(&self) -> u64 {
        self.reached
    }

    /// Goes through the records up to the horizon by [runs](Sequence::runs), and
    /// gives no room back.
    pub(crate) fn runs(
        &mut self,
        rings: &mut [Ring],
        horizon: u64,
        take: impl FnMut(&mut [Ring], usize, u64) -> ControlFlow<(), Option<u64>>,
    ) {
        self.sequence.runs(rings, horizon, take);
    }

    /// Looks at all rings; everything older than the result is published and
    /// within the rings' refreshed heads.
    pub(crate) fn horizon(&mut self, rings: &mut [Ring], now: u64) -> u64 {
        self.quiet_at.resize(rings.len(), 0);
        let mut horizon = now;
        for (ring, quiet_at) in rings.iter_mut().zip(&mut self.quiet_at) {
            // The order matters: quiet first, then the head (Ring::quiet).
            if now == u64::MAX || (0..SPINS).any(|_| ring.quiet()) {
                *quiet_at = now;
            }
            horizon = horizon.min(*quiet_at);
            ring.refresh();
        }
        self.reached = if now == u64::MAX { now } else { horizon.saturating_sub(MARGIN) };
        self.reached
    }
}

#[cfg(test)]
mod tests {
    use probe_loader::abi::{Plain, SF_OP_READ, sf_hdr};
    use proptest::prelude::*;
    use ring_writer::Rings;

    use super::*;

    const SIZE: usize = 65536;

    fn put(writer: &mut Rings, cpu: u32, ts: u64) {
        let hdr = sf_hdr { ts, pid: cpu, tid: 0, seq: 0, len: 24, op: SF_OP_READ as u8, flags: 0 };
        assert!(writer.put(cpu, hdr.bytes()));
    }

    proptest! {
        #[test]
        fn the_stream_is_in_order_and_whole(
            steps in proptest::collection::vec((0u32..3, 1u64..5), 1..300),
            look in 1usize..20,
        ) {
            let mut writer = Rings::new(3, SIZE).expect("memory");
            let mut rings: Vec<_> =
                (0..3).map(|cpu| Ring::map(writer.fd(), cpu, SIZE).expect("maps")).collect();
            let (mut merge, mut now, mut got) = (Merge::default(), MARGIN, Vec::new());
            let mut take = |bytes: &[u8]| got.push(sf_hdr::at(bytes).expect("a header").ts);
            for (index, (cpu, wait)) in steps.iter().enumerate() {
                now += wait;
                put(&mut writer, *cpu, now);
                if index % look == 0 {
                    merge.drain(&mut rings, now, &mut take);
                }
            }
            merge.drain(&mut rings, u64::MAX, &mut take);
            prop_assert_eq!(got.len(), steps.len());
            prop_assert!(got.is_sorted());
        }
    }

    /// However long a probe is held up, time does not go past what it writes.
    #[test]
    fn what_is_late_is_waited_for() {
        let mut writer = Rings::new(2, SIZE).expect("memory");
        let mut rings = [0, 1].map(|cpu| Ring::map(writer.fd(), cpu, SIZE).expect("the ring maps"));
        let mut merge = Merge::default();
        let (second, mut got) = (1_000_000_000, Vec::new());
        let mut take = |bytes: &[u8]| got.push(sf_hdr::at(bytes).expect("a header").ts);
        merge.drain(&mut rings, second, &mut take);
        assert_eq!(merge.reached(), second - MARGIN);
        writer.hold(0, true);
        put(&mut writer, 1, 2 * second);
        merge.drain(&mut rings, 60 * second, &mut take);
        assert_eq!(merge.reached(), second - MARGIN, "as long as it may still write");
        writer.hold(0, false);
        put(&mut writer, 0, second + 1);
        merge.drain(&mut rings, 61 * second, &mut take);
        assert_eq!(merge.reached(), 61 * second - MARGIN);
        assert_eq!(got, [second + 1, 2 * second]);
    }

    #[test]
    fn records_within_the_margin_wait() {
        let mut writer = Rings::new(1, SIZE).expect("memory");
        let mut rings = [Ring::map(writer.fd(), 0, SIZE).expect("maps")];
        let mut merge = Merge::default();
        put(&mut writer, 0, 1_000_000);
        assert_eq!(merge.drain(&mut rings, 1_000_000, |_| ()), 0);
        assert_eq!(merge.drain(&mut rings, 1_000_000 + MARGIN, |_| ()), 1);
    }
}

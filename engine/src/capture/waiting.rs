// SPDX-License-Identifier: Apache-2.0
//! How long a capture sleeps, and what wakes it.
//!
//! While there is much it does not sleep at all. When there is less it lets
//! records come together, for [`GATHER`] at most, and a ring that fills up
//! wakes it before. When there is nothing it sleeps until something comes, or
//! until something is due that does not depend on it.

use std::time::Duration;

/// Records wait in their ring for so long at most, while few come.
pub(super) const GATHER: Duration = Duration::from_millis(200);

/// Fewer records than this in one round: sleep rather than spin.
const FEW: u64 = 512;

/// A ring that still has records is looked at again after so long. They could
/// not be taken yet, because a probe was at work; and one that is full wakes
/// nobody.
const AGAIN: Duration = Duration::from_millis(10);

/// One that has many is looked at again sooner at first, since it may fill up
/// before. Who was in the probe may wait for the CPU that we are on, and goes on
/// as soon as we sleep.
const SOON: Duration = Duration::from_millis(1);

/// So many sleeps are as long, before they become longer.
const SAME: u32 = 4;

/// Parts of a scan of /proc wait for so long at most.
const SCAN: Duration = Duration::from_millis(1);

/// A ring that is so full, in parts of its size, ends every sleep.
const MARK: u64 = 4;

/// A sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sleep {
    /// None: there is more to do.
    None,
    /// For so long, or until a ring has so much: a part of its size.
    Gather(Duration),
    /// For so long, or until there is something.
    Quiet(Duration),
}

impl Sleep {
    /// After a round that found so many records and may have left some, if
    /// something is due then, and while a scan of /proc goes on.
    pub(super) fn after(found: u64, left: bool, due: Duration, scans: bool) -> Self {
        match found {
            _ if due.is_zero() => Self::None,
            0..FEW if scans => Self::Gather(due.min(SCAN)),
            0..FEW if left => Self::Gather(due.min(AGAIN)),
            0 => Self::Quiet(due),
            1..FEW => Self::Gather(due.min(GATHER)),
            _ => Self::None,
        }
    }

    /// How long it is.
    pub(super) fn time(self) -> Duration {
        match self {
            Self::None => Duration::ZERO,
            Self::Gather(time) | Self::Quiet(time) => time,
        }
    }

    /// How long it is where a ring has so much already as would end it, and had
    /// before so many sleeps in a row. That came after the ring was read, so it
    /// is read again at once; what could not be taken then waits as it should,
    /// in steps.
    pub(super) fn time_if_there(self, before: u32) -> Duration {
        match self.time() {
            time if time > AGAIN => Duration::ZERO,
            time => time.min(SOON * (1 + before / SAME)),
        }
    }

    /// The bytes in a ring of that size that end it; none if nothing does.
    pub(super) fn mark(self, size: u64) -> Option<u64> {
        match self {
            Self::None => None,
            Self::Gather(_) => Some(size / MARK),
            Self::Quiet(_) => Some(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Wake-ups of a capture in ten seconds, to which records come at these
    /// times, in ms: a quiet one is woken by the next, each second by itself.
    fn wakeups(arrivals: &[u64]) -> usize {
        let (mut now, mut count, mut taken) = (0, 0, 0);
        while now < 10_000 {
            let found = arrivals[taken..].iter().take_while(|at| **at <= now).count();
            taken += found;
            let due = Duration::from_millis(1000 - now % 1000);
            let sleep = Sleep::after(found as u64, false, due, false);
            let end = now + sleep.time().as_millis() as u64;
            let next = arrivals.get(taken).copied().unwrap_or(u64::MAX);
            now = if let Sleep::Quiet(_) = sleep { end.min(next.max(now)) } else { end };
            count += 1;
        }
        count
    }

    #[test]
    fn nothing_wakes_a_quiet_capture_but_the_second() {
        assert_eq!(wakeups(&[]), 10);
    }

    #[test]
    fn what_comes_now_and_then_is_gathered() {
        let often: Vec<u64> = (0..10_000).step_by(3).collect();
        assert!(wakeups(&often) <= 60);
        let seldom: Vec<u64> = (0..10_000).step_by(2500).collect();
        assert!(wakeups(&seldom) <= 10 + 2 * seldom.len());
    }

    #[test]
    fn much_is_taken_without_a_pause() {
        assert_eq!(Sleep::after(FEW, false, SECOND, false), Sleep::None);
        assert_eq!(Sleep::after(0, false, Duration::ZERO, false), Sleep::None);
        assert_eq!(Sleep::after(1, false, SECOND, false), Sleep::Gather(GATHER));
        assert_eq!(Sleep::after(1, false, GATHER / 2, false), Sleep::Gather(GATHER / 2));
        assert_eq!(Sleep::after(0, false, SECOND, true), Sleep::Gather(SCAN));
        assert_eq!(Sleep::after(FEW, false, SECOND, true), Sleep::None);
    }

    #[test]
    fn what_could_not_be_taken_is_tried_again_soon() {
        for found in [0, 1] {
            assert_eq!(Sleep::after(found, true, SECOND, false), Sleep::Gather(AGAIN));
        }
        assert_eq!(Sleep::after(FEW, true, SECOND, false), Sleep::None);
    }

    #[test]
    fn what_came_before_a_sleep_ends_it() {
        for sleep in [Sleep::Quiet(SECOND), Sleep::Gather(GATHER)] {
            assert_eq!(sleep.time_if_there(0), Duration::ZERO);
        }
    }

    /// A probe that is held up does not make a ring overflow that would have
    /// room for what comes in a few milliseconds; nor is it asked for all the
    /// time.
    #[test]
    fn a_full_ring_is_soon_tried_again() {
        let sleep = Sleep::after(0, true, SECOND, false);
        let times = [0, 3, 4, 8, 36, u32::MAX].map(|before| sleep.time_if_there(before));
        assert_eq!(times.map(|time| time.as_millis()), [1, 1, 2, 3, 10, 10]);
    }

    #[test]
    fn a_ring_that_fills_up_ends_a_sleep() {
        assert_eq!(Sleep::Gather(SECOND).mark(1 << 20), Some(1 << 18));
        assert_eq!(Sleep::Quiet(SECOND).mark(1 << 20), Some(1));
        assert_eq!(Sleep::None.mark(1 << 20), None);
    }
}

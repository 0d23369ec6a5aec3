// SPDX-License-Identifier: Apache-2.0
//! The kernel's clocks, and their place in the calendar.
//!
//! Drivers stamp events with `CLOCK_MONOTONIC` and start times with
//! `CLOCK_BOOTTIME` (see `driver/include/sysflow/abi.h`); `SysFlow` records
//! hold nanoseconds since the Unix epoch.

use nix::time::{ClockId, clock_gettime};

/// Nanoseconds of a clock. The clocks used here exist on every kernel that
/// has a driver; one that fails reads as 0.
fn read(clock: ClockId) -> u64 {
    clock_gettime(clock).map_or(0, |t| {
        u64::try_from(t.tv_sec()).unwrap_or(0) * 1_000_000_000
            + u64::try_from(t.tv_nsec()).unwrap_or(0)
    })
}

/// The clock of the events, ns. Answered without entering the kernel.
#[must_use]
pub fn monotonic() -> u64 {
    read(ClockId::CLOCK_MONOTONIC)
}

/// The clock of start times, ns.
#[must_use]
pub fn boottime() -> u64 {
    read(ClockId::CLOCK_BOOTTIME)
}

/// Nanoseconds since the Unix epoch, now.
#[must_use]
pub fn epoch_now() -> i64 {
    read(ClockId::CLOCK_REALTIME).cast_signed()
}

/// Distances from the kernel's clocks to the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    monotonic: i64,
    boottime: i64,
}

/// A difference below this is the noise of measuring, not a step of the clock.
const STEP: i64 = 1_000_000;

impl Clock {
    /// The clock of a source whose times already are nanoseconds since the
    /// Unix epoch.
    #[must_use]
    pub const fn epoch() -> Self {
        Self { monotonic: 0, boottime: 0 }
    }

    /// A clock with these distances, ns: the Unix epoch's time less that of `CLOCK_MONOTONIC`, and
    /// less that of `CLOCK_BOOTTIME`.
    #[must_use]
    pub const fn with_distances(monotonic: i64, boottime: i64) -> Self {
        Self { monotonic, boottime }
    }

    /// Measures this host.
    #[must_use]
    pub fn measure() -> Self {
        Self {
            monotonic: distance(ClockId::CLOCK_MONOTONIC),
            boottime: distance(ClockId::CLOCK_BOOTTIME),
        }
    }

    /// Clocks that are so many ns from the Unix epoch: `CLOCK_MONOTONIC` and
    /// `CLOCK_BOOTTIME`.
    #[must_use]
    pub const fn with_offsets(monotonic: i64, boottime: i64) -> Self {
        Self { monotonic, boottime }
    }

    /// The distances, as [`Clock::with_offsets`] takes them.
    #[must_use]
    pub const fn offsets(&self) -> (i64, i64) {
        (self.monotonic, self.boottime)
    }

    /// Takes over `fresh` where it differs by more than measuring explains: a
    /// step of the wall clock, or (boot time) a suspend. Returns whether it
    /// did.
    pub fn follow(&mut self, fresh: Self) -> bool {
        let mut stepped = false;
        for (mine, theirs) in
            [(&mut self.monotonic, fresh.monotonic), (&mut self.boottime, fresh.boottime)]
        {
            if mine.abs_diff(theirs) > STEP as u64 {
                *mine = theirs;
                stepped = true;
            }
        }
        stepped
    }

    /// Time of an event.
    #[must_use]
    #[inline]
    pub fn event(&self, monotonic: u64) -> i64 {
        monotonic.cast_signed().wrapping_add(self.monotonic)
    }

    /// Start time of a process.
    #[must_use]
    #[inline]
    pub fn start(&self, boottime: u64) -> i64 {
        boottime.cast_signed().wrapping_add(self.boottime)
    }
}

/// Epoch minus `clock`, from the closest of several readings.
fn distance(clock: ClockId) -> i64 {
    (0..9)
        .map(|_| {
            let before = read(ClockId::CLOCK_REALTIME).cast_signed();
            let there = read(clock).cast_signed();
            let after = read(ClockId::CLOCK_REALTIME).cast_signed();
            (after - before, before + (after - before) / 2 - there)
        })
        .min_by_key(|(spread, _)| spread.abs())
        .map_or(0, |(_, distance)| distance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_placed_in_the_calendar() {
        let clock = Clock::measure();
        let off = clock.event(monotonic()) - epoch_now();
        assert!(off.abs() < 1_000_000_000, "off by {off} ns");
    }

    #[test]
    fn a_step_is_followed_and_noise_is_not() {
        let mut clock = Clock { monotonic: 1_000, boottime: 2_000 };
        assert!(!clock.follow(Clock { monotonic: 1_900, boottime: 2_500 }));
        assert_eq!(clock.monotonic, 1_000);
        assert!(clock.follow(Clock { monotonic: 5_000_000_000, boottime: 2_000 }));
        assert_eq!(clock.event(1), 5_000_000_001);
    }
}

// SPDX-License-Identifier: Apache-2.0
//! What a driver has counted: the accounting of every operation.
//!
//! For each class, at any moment when no probe runs:
//! `seen == delivered + aggregated + sum of lost over its causes`.
//!
//! What the kernel kept from the probes no ring has counted: it is lost, as
//! nested, and stands beside ([`Driver::kept`](crate::driver::Driver::kept)).

use std::mem::offset_of;
use std::ops::{Add, AddAssign};

use crate::abi::{SF_CAUSE_COUNT, SF_CAUSE_NESTED, SF_CLASS_COUNT, SF_CLASS_PROCESS, sf_ring_prod};

/// Number of classes.
pub const CLASSES: usize = SF_CLASS_COUNT as usize;
/// Number of causes of loss.
pub const CAUSES: usize = SF_CAUSE_COUNT as usize;

/// Names of the classes, in the ABI's order.
pub const CLASS_NAMES: [&str; CLASSES] = ["process", "describe", "file", "net", "path", "io"];
/// Names of the causes, in the ABI's order.
pub const CAUSE_NAMES: [&str; CAUSES] = ["ring full", "too large", "copy fault", "nested"];

/// Counters of one CPU, or a sum of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Operations of interest that a probe saw.
    pub seen: [u64; CLASSES],
    /// Records written to the ring.
    pub delivered: [u64; CLASSES],
    /// Operations told by a record that tells others too.
    pub aggregated: [u64; CLASSES],
    /// Operations not told, by cause and class.
    pub lost: [[u64; CLASSES]; CAUSES],
    /// Calls that the selection left out: in none of the above.
    pub unselected: [u64; CLASSES],
    /// 32-bit system calls of interest, which this driver does not cover.
    pub uncovered_compat: u64,
    /// The same for `io_uring`.
    pub uncovered_uring: u64,
    /// Times the driver woke the reader.
    pub wakeups: u64,
    /// System calls that the kernel kept from the probe, because one ran on
    /// that CPU: lost as nested, of a class that nobody saw. Among them are
    /// those of no interest. 0 in the counters of a CPU.
    pub unclassed: u64,
}

impl Counters {
    /// Reads the counters with `word`, which gives the 64-bit word at an
    /// offset of the prod page.
    pub(crate) fn load(word: impl Fn(usize) -> u64) -> Self {
        let row = |start: usize| std::array::from_fn(|class| word(start + class * 8));
        let lost_row = size_of::<[u64; crate::abi::SF_CLASS_SLOTS as usize]>();
        // The reader wants `seen` last: counters only grow, so a snapshot of a
        // running driver then never shows more told than seen.
        let mut counters = Self {
            delivered: row(offset_of!(sf_ring_prod, delivered)),
            aggregated: row(offset_of!(sf_ring_prod, aggregated)),
            lost: std::array::from_fn(|cause| {
                row(offset_of!(sf_ring_prod, lost) + cause * lost_row)
            }),
            unselected: row(offset_of!(sf_ring_prod, unselected)),
            uncovered_compat: word(offset_of!(sf_ring_prod, uncovered_compat)),
            uncovered_uring: word(offset_of!(sf_ring_prod, uncovered_uring)),
            wakeups: word(offset_of!(sf_ring_prod, wakeups)),
            ..Self::default()
        };
        counters.seen = row(offset_of!(sf_ring_prod, seen));
        counters
    }

    /// What the kernel kept from the probes: so many births, starts and ends
    /// of tasks, and so many system calls.
    pub(crate) fn kept(tasks: u64, calls: u64) -> Self {
        let mut counters = Self { unclassed: calls, ..Self::default() };
        counters.seen[SF_CLASS_PROCESS as usize] = tasks;
        counters.lost[SF_CAUSE_NESTED as usize][SF_CLASS_PROCESS as usize] = tasks;
        counters
    }

    /// Operations seen, over all classes, and those of no class.
    #[must_use]
    pub fn total_seen(&self) -> u64 {
        self.seen.iter().sum::<u64>() + self.unclassed
    }

    /// Operations told, by a record of their own or with others.
    #[must_use]
    pub fn total_told(&self) -> u64 {
        self.delivered.iter().chain(&self.aggregated).sum()
    }

    /// Operations lost, over all classes and causes, and those of no class.
    #[must_use]
    pub fn total_lost(&self) -> u64 {
        self.lost.iter().flatten().sum::<u64>() + self.unclassed
    }

    /// Operations lost because a probe ran already, over all classes, and those
    /// of no class.
    #[must_use]
    pub fn nested(&self) -> u64 {
        self.lost[SF_CAUSE_NESTED as usize].iter().sum::<u64>() + self.unclassed
    }

    /// Calls that the selection left out, over all classes.
    #[must_use]
    pub fn total_unselected(&self) -> u64 {
        self.unselected.iter().sum()
    }

    /// Operations lost in one class.
    #[must_use]
    pub fn lost_in(&self, class: usize) -> u64 {
        self.lost.iter().map(|cause| cause[class]).sum()
    }

    /// Whether every class adds up; only meaningful while no probe runs.
    #[must_use]
    pub fn balanced(&self) -> bool {
        (0..CLASSES).all(|class| {
            self.seen[class] == self.delivered[class] + self.aggregated[class] + self.lost_in(class)
        })
    }
}

impl AddAssign for Counters {
    fn add_assign(&mut self, other: Self) {
        for class in 0..CLASSES {
            self.seen[class] += other.seen[class];
            self.delivered[class] += other.delivered[class];
            self.aggregated[class] += other.aggregated[class];
            self.unselected[class] += other.unselected[class];
            for cause in 0..CAUSES {
                self.lost[cause][class] += other.lost[cause][class];
            }
        }
        self.uncovered_compat += other.uncovered_compat;
        self.uncovered_uring += other.uncovered_uring;
        self.wakeups += other.wakeups;
        self.unclassed += other.unclassed;
    }
}

impl Add for Counters {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

impl std::iter::Sum for Counters {
    fn sum<I: Iterator<Item = Self>>(counters: I) -> Self {
        counters.fold(Self::default(), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_kept_is_seen_and_lost() {
        let mut ring = Counters::default();
        ring.seen[5] = 100;
        ring.delivered[5] = 90;
        ring.lost[0][5] = 7;
        ring.lost[SF_CAUSE_NESTED as usize][5] = 3;
        let total: Counters = [ring, ring, Counters::kept(2, 40)].into_iter().sum();
        assert!(total.balanced());
        assert_eq!((total.total_seen(), total.total_told(), total.total_lost()), (242, 180, 62));
        assert_eq!(total.total_seen(), total.total_told() + total.total_lost());
        assert_eq!((total.nested(), total.unclassed), (48, 40));
        assert_eq!(total.lost_in(SF_CLASS_PROCESS as usize), 2);
    }
}

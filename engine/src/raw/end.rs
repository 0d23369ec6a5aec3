// SPDX-License-Identifier: Apache-2.0
//! The driver's counters, and what a recording ends with.

use std::time::Duration;

use probe_loader::Counters;
use probe_loader::counters::{CAUSES, CLASSES};

use super::found::{Get, Put};
use crate::account::Account;

/// How a recording ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct End {
    /// When its last losses were told, ns of the events' clock.
    pub now: u64,
    /// When, ns since the Unix epoch.
    pub at: i64,
    /// How long it took, ns.
    pub elapsed: u64,
    /// The driver's counters, one entry per CPU; final.
    pub cpus: Vec<Counters>,
    /// What the kernel kept from the probes.
    pub kept: Counters,
    /// Records that were not what their header said, by the rings.
    pub damaged: u64,
    /// Records that were delivered and are not in the recording.
    pub missed: u64,
    /// Whether the driver was switched off from outside.
    pub switched_off: bool,
}

fn put_row(row: &[u64], out: &mut Put) {
    row.iter().for_each(|value| out.u64(*value));
}

fn put_counters(c: &Counters, out: &mut Put) {
    for row in [&c.seen, &c.delivered, &c.aggregated, &c.unselected] {
        put_row(row, out);
    }
    c.lost.iter().for_each(|row| put_row(row, out));
    put_row(&[c.uncovered_compat, c.uncovered_uring, c.wakeups, c.unclassed], out);
}

fn get_row<const N: usize>(input: &mut Get<'_>) -> Option<[u64; N]> {
    let mut row = [0; N];
    for value in &mut row {
        *value = input.u64()?;
    }
    Some(row)
}

fn get_counters(input: &mut Get<'_>) -> Option<Counters> {
    let (seen, delivered) = (get_row(input)?, get_row(input)?);
    let (aggregated, unselected) = (get_row(input)?, get_row(input)?);
    let mut lost = [[0; CLASSES]; CAUSES];
    for row in &mut lost {
        *row = get_row(input)?;
    }
    let [uncovered_compat, uncovered_uring, wakeups, unclassed] = get_row(input)?;
    Some(Counters {
        seen,
        delivered,
        aggregated,
        lost,
        unselected,
        uncovered_compat,
        uncovered_uring,
        wakeups,
        unclassed,
    })
}

/// The counters of all CPUs, and what the kernel kept.
pub(super) fn put_all(cpus: &[Counters], kept: &Counters, out: &mut Put) {
    // Others of these numbers would be another layout.
    for number in [cpus.len(), CLASSES, CAUSES, 0] {
        out.u32(number as u32);
    }
    cpus.iter().chain([kept]).for_each(|counters| put_counters(counters, out));
}

pub(super) fn get_all(input: &mut Get<'_>) -> Option<(Vec<Counters>, Counters)> {
    let cpus = input.u32()?;
    if (input.u32()?, input.u32()?) != (CLASSES as u32, CAUSES as u32) {
        return None;
    }
    input.u32()?;
    let all: Option<Vec<Counters>> = (0..cpus).map(|_| get_counters(input)).collect();
    let (all, kept) = (all?, get_counters(input)?);
    adds_up(all.iter().chain([&kept])).then_some((all, kept))
}

/// Whether sums of all that was counted are numbers, signed ones too: no driver
/// counts so much that they are not.
fn adds_up<'a>(mut all: impl Iterator<Item = &'a Counters>) -> bool {
    let sum = all.try_fold(0u64, |sum, c| {
        let rows = [&c.seen, &c.delivered, &c.aggregated, &c.unselected];
        let each = rows.into_iter().chain(&c.lost).flatten();
        let others = [&c.uncovered_compat, &c.uncovered_uring, &c.wakeups, &c.unclassed];
        each.chain(others).try_fold(sum, |sum, value| sum.checked_add(*value))
    });
    sum.is_some_and(|sum| i64::try_from(sum).is_ok())
}

impl End {
    /// The end of a capture: its last account, the time of its last losses, how
    /// long it took, and what the rings called damaged.
    #[must_use]
    pub fn of(account: &Account, now: u64, elapsed: Duration, damaged: u64) -> Self {
        Self {
            now,
            at: account.at,
            elapsed: elapsed.as_nanos() as u64,
            cpus: account.cpus.clone(),
            kept: account.kept,
            damaged,
            missed: 0,
            switched_off: account.switched_off,
        }
    }

    pub(super) fn put(&self, out: &mut Put) {
        out.u64(self.now);
        out.u64(self.at.cast_unsigned());
        out.u64(self.elapsed);
        out.u64(self.damaged);
        out.u64(self.missed);
        out.u64(u64::from(self.switched_off));
        put_all(&self.cpus, &self.kept, out);
    }

    pub(super) fn get(input: &mut Get<'_>) -> Option<Self> {
        let [now, at, elapsed, damaged, missed, switched_off] = get_row(input)?;
        let (cpus, kept) = get_all(input)?;
        let (at, switched_off) = (at.cast_signed(), switched_off != 0);
        Some(Self { now, at, elapsed, cpus, kept, damaged, missed, switched_off })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_that_cannot_be_summed_are_refused() {
        let half = 1 << 62;
        let mut first = Counters::default();
        (first.seen[0], first.lost[3][5]) = (half - 1, half);
        let second = Counters { wakeups: 1, ..Counters::default() };
        let none = Counters::default();
        let back = |cpus: &[Counters], kept: &Counters| {
            let mut out = Put::default();
            put_all(cpus, kept, &mut out);
            get_all(&mut Get(&out.0))
        };
        assert_eq!(back(&[first], &none), Some((vec![first], none)));
        assert_eq!(back(&[first, second], &none), None);
        assert_eq!(back(&[first], &second), None);
    }
}

// SPDX-License-Identifier: Apache-2.0
//! The heaviest of any number of keys, in bounded memory.
//!
//! The method is that of Misra and Gries (1982) for weights, dropping many keys at once: when there
//! are twice as many keys as are to be kept, the weight of the first one that is too many is taken
//! from all, and those left with nothing are dropped. Each unit taken from a dropped key is taken
//! from as many others as are kept, so that what is taken from one key in all is at most the weight
//! of everything, divided by the number kept plus one. That bounds what a key that was dropped and
//! came back lacks.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

use crate::resolve::Event;

/// What is summed up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) events: u64,
    pub(super) read: u64,
    pub(super) written: u64,
}

impl Totals {
    pub(super) fn of(event: &Event<'_>) -> Self {
        let bytes = |bytes: Option<i64>| u64::try_from(bytes.unwrap_or(0)).unwrap_or(0);
        Self { events: 1, read: bytes(event.read_bytes()), written: bytes(event.write_bytes()) }
    }

    fn add(&mut self, more: Self) {
        self.events += more.events;
        // A damaged file may claim anything.
        self.read = self.read.saturating_add(more.read);
        self.written = self.written.saturating_add(more.written);
    }

    pub(super) fn bytes(&self) -> u64 {
        self.read.saturating_add(self.written)
    }
}

/// Of a key.
#[derive(Debug, Default)]
struct Sum {
    /// Since it was last not kept.
    totals: Totals,
    /// Its weight, less what was taken.
    weight: u64,
    /// What had been taken from everything before: it may have had so much before.
    before: u64,
}

/// Keys with their totals.
#[derive(Debug)]
pub(super) struct Top<K> {
    sums: HashMap<K, Sum>,
    keep: usize,
    /// Taken from every key so far.
    taken: u64,
    unit: &'static str,
}

impl<K: Eq + Hash> Top<K> {
    /// Keeps so many keys at least, and twice as many at most. The weight has that `unit`.
    pub(super) fn new(keep: usize, unit: &'static str) -> Self {
        Self { sums: HashMap::new(), keep, taken: 0, unit }
    }

    /// Adds to a key, which is copied only when it is new.
    pub(super) fn add<Q>(&mut self, key: &Q, more: Totals, weight: impl Fn(&Totals) -> u64)
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        // A key without weight must be able to stay as well, for a while.
        let weight = weight(&more).saturating_add(1);
        let add = |sum: &mut Sum| {
            sum.totals.add(more);
            sum.weight = sum.weight.saturating_add(weight);
        };
        match self.sums.get_mut(key) {
            Some(sum) => add(sum),
            None => {
                if self.sums.len() >= 2 * self.keep {
                    self.drop_light();
                }
                let before = self.taken;
                add(self.sums.entry(key.to_owned()).or_insert(Sum { before, ..Sum::default() }));
            }
        }
    }

    /// Takes the weight of the first key that is too many from all.
    fn drop_light(&mut self) {
        let mut weights: Vec<_> = self.sums.values().map(|sum| sum.weight).collect();
        let (_, taken, _) = weights.select_nth_unstable_by(self.keep, |a, b| b.cmp(a));
        let taken = *taken;
        self.taken = self.taken.saturating_add(taken);
        self.sums.retain(|_, sum| {
            sum.weight = sum.weight.saturating_sub(taken);
            sum.weight > 0
        });
    }

    /// The first by `weight`; those of the same weight by name.
    pub(super) fn first(
        &self,
        count: usize,
        name: impl Fn(&K) -> String,
        weight: impl Fn(&Totals) -> u64,
    ) -> Vec<(&K, Totals)> {
        let mut lines: Vec<_> = self.sums.iter().map(|(key, sum)| (key, sum.totals)).collect();
        let order = |a: &(&K, Totals), b: &(&K, Totals)| {
            weight(&b.1).cmp(&weight(&a.1)).then_with(|| name(a.0).cmp(&name(b.0)))
        };
        if count < lines.len() {
            lines.select_nth_unstable_by(count, order);
            lines.truncate(count);
        }
        lines.sort_unstable_by(order);
        lines
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sums.is_empty()
    }

    /// Whether no key was dropped: all totals are exact.
    pub(super) fn is_whole(&self) -> bool {
        self.taken == 0
    }

    /// Keys that are kept.
    pub(super) fn seen(&self) -> usize {
        self.sums.len()
    }

    /// How much of the weight a total may lack at most, if any does.
    pub(super) fn lack(&self) -> Option<u64> {
        self.sums.values().map(|sum| sum.before).max().filter(|lack| *lack > 0)
    }

    /// What weights count.
    pub(super) fn unit(&self) -> &'static str {
        self.unit
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes(read: u64) -> Totals {
        Totals { events: 1, read, written: 0 }
    }

    /// Keys and what they have in all.
    fn exact(events: &[(u8, u64)]) -> HashMap<u8, u64> {
        let mut exact = HashMap::new();
        for &(key, weight) in events {
            *exact.entry(key).or_default() += weight;
        }
        exact
    }

    proptest! {
        #[test]
        fn totals_lack_no_more_than_is_told(
            events in prop::collection::vec((any::<u8>(), 0..1000_u64), 0..2000),
            keep in 1..40_usize,
        ) {
            let mut top = Top::new(keep, "bytes");
            for &(key, weight) in &events {
                top.add(&key, bytes(weight), Totals::bytes);
                prop_assert!(top.sums.len() <= 2 * keep);
            }
            let all: u64 = events.iter().map(|(_, weight)| weight + 1).sum();
            prop_assert!(top.taken <= all / (keep as u64 + 1));
            let lack = top.lack().unwrap_or(0);
            for (key, weight) in exact(&events) {
                match top.sums.get(&key) {
                    Some(sum) => {
                        prop_assert!(sum.totals.read <= weight && weight <= sum.totals.read + lack);
                    }
                    None => prop_assert!(weight <= top.taken),
                }
            }
        }

        #[test]
        fn totals_are_exact_while_all_keys_are_kept(
            events in prop::collection::vec((0..20_u8, 0..1000_u64), 0..500),
        ) {
            let mut top = Top::new(10, "bytes");
            for &(key, weight) in &events {
                top.add(&key, bytes(weight), Totals::bytes);
            }
            prop_assert!(top.is_whole() && top.lack().is_none());
            for (key, totals) in top.first(100, u8::to_string, Totals::bytes) {
                prop_assert_eq!(totals.read, exact(&events)[key]);
            }
        }
    }
}

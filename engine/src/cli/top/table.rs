// SPDX-License-Identifier: Apache-2.0
//! The heaviest of any number of things, in bounded memory.

use std::collections::HashMap;
use std::hash::Hash;

use sysflow::record::Oid;

use super::sums::Sums;

/// One of the things that are summed up, and what was done with it.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    /// Command, path or peer.
    pub(super) name: String,
    /// Number of the process; 0 for none.
    pub(super) pid: i64,
    pub(super) user: String,
    /// Name of the container, or its id as long as the name is not known.
    pub(super) container: String,
    /// Which way a connection was made.
    pub(super) way: &'static str,
    /// Protocol of a connection.
    pub(super) protocol: &'static str,
    pub(super) users: Users,
    pub(super) sums: Sums,
}

/// More processes than this are not told apart.
const MANY: usize = 9;

/// The processes that used something.
#[derive(Clone, Debug, Default)]
pub(super) struct Users {
    first: String,
    oids: Vec<Oid>,
}

impl Users {
    fn add(&mut self, oid: Oid, name: &str) {
        if self.oids.len() < MANY && !self.oids.contains(&oid) {
            if self.oids.is_empty() {
                name.clone_into(&mut self.first);
            }
            self.oids.push(oid);
        }
    }

    /// The name of one, and how many there are beside it.
    pub(super) fn told(&self) -> String {
        match self.oids.len() {
            0 | 1 => self.first.clone(),
            MANY => format!("{} +{}..", self.first, MANY - 1),
            number => format!("{} +{}", self.first, number - 1),
        }
    }
}

impl Row {
    /// What it weighs when there are too many: something without bytes weighs as well.
    fn weight(&self) -> u64 {
        self.sums.bytes().saturating_add(self.sums.ops)
    }
}

/// Things and what was done with them. Of more than twice as many as are to be kept the lightest
/// are dropped. So one that is heavy after that is found all the same, and one that comes back
/// lacks at most what it was dropped with.
#[derive(Debug)]
pub(super) struct Table<K> {
    rows: HashMap<K, Row>,
    keep: usize,
    dropped: u64,
}

impl<K: Copy + Eq + Hash> Table<K> {
    pub(super) fn new(keep: usize) -> Self {
        Self { rows: HashMap::new(), keep, dropped: 0 }
    }

    /// Adds to a thing; one that is new is described by `make`.
    pub(super) fn add(
        &mut self,
        key: K,
        sums: &Sums,
        by: Option<(Oid, &str)>,
        make: impl FnOnce() -> Row,
    ) {
        if self.rows.len() >= 2 * self.keep && !self.rows.contains_key(&key) {
            self.drop_light();
        }
        let row = self.rows.entry(key).or_insert_with(make);
        row.sums.add(sums);
        if let Some((oid, name)) = by {
            row.users.add(oid, name);
        }
    }

    fn drop_light(&mut self) {
        let mut weights: Vec<u64> = self.rows.values().map(Row::weight).collect();
        let place = weights.len() - self.keep;
        let limit = *weights.select_nth_unstable(place).1;
        let heavier = self.rows.values().filter(|row| row.weight() > limit).count();
        let mut room = self.keep.saturating_sub(heavier);
        let before = self.rows.len();
        self.rows.retain(|_, row| {
            let stays = row.weight() > limit || (row.weight() == limit && room > 0);
            room -= usize::from(stays && row.weight() == limit);
            stays
        });
        self.dropped += (before - self.rows.len()) as u64;
    }

    /// The rows, and how many were dropped. From here on the table is empty.
    pub(super) fn take(&mut self) -> (Vec<Row>, u64) {
        let rows = std::mem::take(&mut self.rows).into_values().collect();
        (rows, std::mem::take(&mut self.dropped))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(read: u64) -> Sums {
        Sums { read, ops: 1, ..Sums::default() }
    }

    #[test]
    fn the_heavy_stay_however_many_there_are() {
        let mut table = Table::new(10);
        for light in 0..1000u32 {
            table.add(light, &bytes(1), None, Row::default);
            table.add(100_000 + light % 5, &bytes(1000), None, || Row { pid: 1, ..Row::default() });
            assert!(table.rows.len() <= 20);
        }
        // One that comes late has to be found as well.
        table.add(7_000_000, &bytes(5000), None, || Row { pid: 2, ..Row::default() });
        let (rows, dropped) = table.take();
        let sum =
            |pid| rows.iter().filter(|row| row.pid == pid).map(|row| row.sums.read).sum::<u64>();
        assert_eq!((sum(1), sum(2)), (1_000_000, 5000));
        assert_eq!(rows.len() as u64 + dropped, 1006, "each is there or counted");
        assert_eq!(table.take().1, 0);
    }

    #[test]
    fn users_are_counted_up_to_many() {
        let mut users = Users::default();
        for hpid in [1, 1, 2, 1] {
            users.add(Oid { create_ts: 0, hpid }, if hpid == 1 { "cat" } else { "dd" });
        }
        assert_eq!(users.told(), "cat +1");
        (3..100).for_each(|hpid| users.add(Oid { create_ts: 0, hpid }, "x"));
        assert_eq!((users.told().as_str(), users.oids.len()), ("cat +8..", MANY));
    }
}

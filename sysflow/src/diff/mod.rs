// SPDX-License-Identifier: Apache-2.0
//! What differs between two traces, record by record and field by field.
//!
//! The traces are compared as multisets first: equal records are matched, the first with the first,
//! the second with the second. What is left on both sides and alike is told as changed, with the
//! fields that differ. Then, unless that is not asked for, as lists: of the matched records, the
//! largest number is taken that is in the same order on both sides; the others are told as moved.
//!
//! Memory grows with the number of records, by about 100 bytes for each, not with their size.

mod digest;
mod ignore;
mod order;
mod pair;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::path::Path;

pub use ignore::{Ignore, UnknownField};

use crate::read::{Error, Reader};
use crate::record::{Kind, Record};
use digest::Digest;
use pair::Paired;

/// How to compare.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whether the order of the records does not matter.
    pub unordered: bool,
    /// The fields that do not matter. By default the name of the file in its header.
    pub ignore: Ignore,
}

/// One difference. Numbers of records count from 0, headers included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// A record that is in both, with different fields.
    Changed {
        /// Its number on the left, and on the right.
        at: (u64, u64),
        /// Its type.
        kind: Kind,
        /// The fields that differ: name, value on the left, value on the right.
        fields: Vec<(&'static str, String, String)>,
    },
    /// A record that only the left trace has.
    Left(u64, Box<Record>),
    /// A record that only the right trace has.
    Right(u64, Box<Record>),
    /// A record that is elsewhere in the right trace: its number on the left, and on the right.
    Moved((u64, u64), Kind),
}

impl Difference {
    /// Where in the left trace, or else in the right one.
    fn place(&self) -> u64 {
        match self {
            Self::Changed { at: (left, _), .. } | Self::Moved((left, _), _) => *left,
            Self::Left(at, _) | Self::Right(at, _) => *at,
        }
    }
}

/// How many records of a type there are, and how many of them are alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// In the left trace.
    pub left: u64,
    /// In the right trace.
    pub right: u64,
    /// Equal in all fields that matter.
    pub same: u64,
    /// Of these, not in the same order.
    pub moved: u64,
    /// In both, with different fields.
    pub changed: u64,
    /// In the left trace only.
    pub only_left: u64,
    /// In the right trace only.
    pub only_right: u64,
}

/// What differs between two traces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// By type of record; of those that occur.
    pub counts: BTreeMap<Kind, Count>,
    /// How often each field differs in changed records.
    pub fields: BTreeMap<(Kind, &'static str), u64>,
    /// The differences, in the order of the left trace. Those of more than [`DETAILS`] records that
    /// have no equal are counted only.
    pub differences: Vec<Difference>,
}

/// So many records without an equal are looked at on each side; the others count as being on one
/// side only.
pub const DETAILS: usize = 20_000;

impl Comparison {
    /// Whether nothing differs.
    #[must_use]
    pub fn equal(&self) -> bool {
        self.counts
            .values()
            .all(|count| count.moved == 0 && count.same == count.left && count.same == count.right)
    }
}

/// Compares two traces.
///
/// # Errors
/// When one of them cannot be read to its end.
pub fn compare(left: &Path, right: &Path, options: &Options) -> Result<Comparison, Error> {
    let sides = [digests(left, &options.ignore)?, digests(right, &options.ignore)?];
    let mut comparison = Comparison::default();
    for (kind, _) in &sides[0] {
        comparison.counts.entry(*kind).or_default().left += 1;
    }
    for (kind, _) in &sides[1] {
        comparison.counts.entry(*kind).or_default().right += 1;
    }
    let (matched, lonely) = matched(&sides);
    for &(at, _) in &matched {
        comparison.counts.entry(sides[0][at].0).or_default().same += 1;
    }
    if !options.unordered {
        for at in order::moved(&matched) {
            let kind = sides[0][at.0].0;
            comparison.counts.entry(kind).or_default().moved += 1;
            let at = (at.0 as u64, at.1 as u64);
            comparison.differences.push(Difference::Moved(at, kind));
        }
    }
    let [lonely_left, lonely_right] = lonely;
    for at in lonely_left.iter().skip(DETAILS) {
        comparison.counts.entry(sides[0][*at].0).or_default().only_left += 1;
    }
    for at in lonely_right.iter().skip(DETAILS) {
        comparison.counts.entry(sides[1][*at].0).or_default().only_right += 1;
    }
    let left = fetch(left, &lonely_left)?;
    let right = fetch(right, &lonely_right)?;
    comparison.add(pair::pairs(left, right, &options.ignore));
    comparison.differences.sort_by_key(Difference::place);
    Ok(comparison)
}

impl Comparison {
    fn add(&mut self, pairs: Vec<Paired>) {
        for paired in pairs {
            let difference = match paired {
                Paired::Both(both, fields) => {
                    let (left, right) = *both;
                    let kind = left.1.kind();
                    self.counts.entry(kind).or_default().changed += 1;
                    for (name, _, _) in &fields {
                        *self.fields.entry((kind, *name)).or_default() += 1;
                    }
                    Difference::Changed { at: (left.0, right.0), kind, fields }
                }
                Paired::Left((at, record)) => {
                    self.counts.entry(record.kind()).or_default().only_left += 1;
                    Difference::Left(at, Box::new(record))
                }
                Paired::Right((at, record)) => {
                    self.counts.entry(record.kind()).or_default().only_right += 1;
                    Difference::Right(at, Box::new(record))
                }
            };
            self.differences.push(difference);
        }
    }
}

/// Type and digest of every record.
fn digests(path: &Path, ignore: &Ignore) -> Result<Vec<(Kind, Digest)>, Error> {
    let mut reader = Reader::open(path)?;
    let mut digester = digest::Digester::default();
    let mut all = Vec::new();
    while let Some(record) = reader.next_record()? {
        all.push((record.kind(), digester.digest(&record, ignore)));
    }
    Ok(all)
}

/// Numbers of the records that are equal, in the order of the right side, and of those on each side
/// that have no equal.
type Matched = (Vec<(usize, usize)>, [Vec<usize>; 2]);

fn matched(sides: &[Vec<(Kind, Digest)>; 2]) -> Matched {
    let mut waiting: HashMap<Digest, VecDeque<usize>> = HashMap::new();
    for (at, (_, digest)) in sides[0].iter().enumerate() {
        waiting.entry(*digest).or_default().push_back(at);
    }
    let (mut equal, mut right) = (Vec::new(), Vec::new());
    for (at, (_, digest)) in sides[1].iter().enumerate() {
        match waiting.get_mut(digest).and_then(VecDeque::pop_front) {
            Some(left) => equal.push((left, at)),
            None => right.push(at),
        }
    }
    let mut left: Vec<usize> = waiting.into_values().flatten().collect();
    left.sort_unstable();
    (equal, [left, right])
}

/// Some records, by their numbers.
fn fetch(path: &Path, numbers: &[usize]) -> Result<Vec<(u64, Record)>, Error> {
    let wanted: BTreeSet<usize> = numbers.iter().copied().take(DETAILS).collect();
    let Some(last) = wanted.last() else { return Ok(Vec::new()) };
    let mut found = Vec::with_capacity(wanted.len());
    let mut reader = Reader::open(path)?;
    for at in 0..=*last {
        match reader.next_record()? {
            Some(record) if wanted.contains(&at) => found.push((at as u64, record)),
            Some(_) => {}
            None => break,
        }
    }
    Ok(found)
}

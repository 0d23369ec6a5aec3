// SPDX-License-Identifier: Apache-2.0
//! Which records without an equal are two forms of one.

use super::Ignore;
use crate::record::Record;

/// A record and its number.
type Numbered = (u64, Record);

/// A field that differs: its name, and both values.
type Differing = (&'static str, String, String);

/// What was made of the records.
pub(super) enum Paired {
    Both(Box<(Numbered, Numbered)>, Vec<Differing>),
    Left(Numbered),
    Right(Numbered),
}

/// So many records of the other side are candidates.
const WINDOW: usize = 64;

/// Pairs each record of the left side with that one of the right side, of the next ones that are
/// free, that differs in the fewest fields. Records that differ in half of their fields or more are
/// no pair.
pub(super) fn pairs(left: Vec<Numbered>, right: Vec<Numbered>, ignore: &Ignore) -> Vec<Paired> {
    let mut all = Vec::new();
    let mut free: Vec<(Numbered, Encoded)> = right
        .into_iter()
        .map(|one| (Encoded::of(&one.1, ignore), one))
        .map(|(e, one)| (one, e))
        .collect();
    for one in left {
        let encoded = Encoded::of(&one.1, ignore);
        let best = free
            .iter()
            .enumerate()
            .filter(|(_, (other, _))| other.1.kind() == one.1.kind())
            .take(WINDOW)
            .map(|(index, (_, other))| (encoded.differing(other), index))
            .min();
        match best {
            Some((differing, index)) if 2 * differing < encoded.0.len() => {
                let (other, _) = free.remove(index);
                let fields = fields(&one.1, &other.1, ignore);
                all.push(Paired::Both(Box::new((one, other)), fields));
            }
            _ => all.push(Paired::Left(one)),
        }
    }
    all.extend(free.into_iter().map(|(one, _)| Paired::Right(one)));
    all
}

/// The fields that matter, each encoded.
struct Encoded(Vec<Vec<u8>>);

impl Encoded {
    fn of(record: &Record, ignore: &Ignore) -> Self {
        let mut fields = Vec::new();
        record.each_field(&mut |name, value| {
            if !ignore.ignores(record.kind(), name) {
                let mut bytes = Vec::new();
                value.encode(&mut bytes);
                fields.push(bytes);
            }
        });
        Self(fields)
    }

    fn differing(&self, other: &Self) -> usize {
        self.0.iter().zip(&other.0).filter(|(one, other)| one != other).count()
    }
}

/// The fields that matter, with their values for people.
fn shown(record: &Record, ignore: &Ignore) -> Vec<(&'static str, String)> {
    let mut fields = Vec::new();
    record.each_field(&mut |name, value| {
        if !ignore.ignores(record.kind(), name) {
            let mut text = String::new();
            // Writing to a text does not fail.
            let _ = value.show(&mut text);
            fields.push((name, text));
        }
    });
    fields
}

/// The fields that differ between two records of a type.
fn fields(left: &Record, right: &Record, ignore: &Ignore) -> Vec<Differing> {
    shown(left, ignore)
        .into_iter()
        .zip(shown(right, ignore))
        .filter(|((_, left), (_, right))| left != right)
        .map(|((name, left), (_, right))| (name, left, right))
        .collect()
}

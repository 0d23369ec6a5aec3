// SPDX-License-Identifier: Apache-2.0
//! How the records of one writer become ours: worked out once from the writer's schema.
//!
//! A branch whose fields are exactly those of schema version 5 or 6 is decoded straight through. In
//! any other, each field of the writer is put where it belongs, or skipped if we do not know it; what
//! the writer did not have keeps the value that stands for that.

use std::sync::{Arc, OnceLock};

use crate::record::{Decode, Kind, Union};
use crate::schema::{self, RecordType, Type, Version};
use crate::wire::{Cursor, Layout, Malformed, Shape};

/// How to decode the records of a writer.
#[derive(Debug)]
pub(crate) struct Plan {
    branches: Vec<Branch>,
    /// Whether there are types that we do not know.
    unknown: bool,
}

#[derive(Debug)]
enum Branch {
    /// A record as in that version of the schema.
    Same(Kind, Version),
    /// A record with other fields.
    Other(Kind, Vec<Step>),
    /// A record type that we do not know.
    Unknown(Type),
}

#[derive(Debug)]
enum Step {
    /// The writer's next field is our field of that index.
    Field(usize),
    /// The same for an enum whose symbols have other numbers: the writer's to ours.
    Symbols(usize, Vec<Option<u8>>),
    /// The writer's next field is none of ours.
    Skip(Type),
}

/// A body as in schema version 5.
struct In5<'c, 'a>(&'c mut Cursor<'a>);

impl<'a> Decode<'a> for In5<'_, 'a> {
    #[inline(always)]
    fn body<R: Layout<'a>>(self) -> Result<R, Malformed> {
        let mut cursor = self.0.clone(); // one that nobody else can look at
        let record = R::get_5(&mut cursor)?;
        *self.0 = cursor;
        Ok(record)
    }
}

/// A body as in schema version 6.
struct In6<'c, 'a>(&'c mut Cursor<'a>);

impl<'a> Decode<'a> for In6<'_, 'a> {
    #[inline(always)]
    fn body<R: Layout<'a>>(self) -> Result<R, Malformed> {
        let mut cursor = self.0.clone();
        let record = R::get_6(&mut cursor)?;
        *self.0 = cursor;
        Ok(record)
    }
}

/// A body field by field.
struct BySteps<'c, 'a>(&'c mut Cursor<'a>, &'c [Step]);

impl<'a> Decode<'a> for BySteps<'_, 'a> {
    fn body<R: Layout<'a>>(self) -> Result<R, Malformed> {
        by_steps(self.1, self.0)
    }
}

impl Plan {
    /// The plan for a schema, given as JSON. Those that we write are worked out only once.
    ///
    /// # Errors
    /// Why records of that schema cannot be read.
    pub(crate) fn of(json: &str) -> Result<Arc<Self>, String> {
        let ours = |version: Version| Self::parse(version.text()).map(Arc::new);
        static V5: OnceLock<Result<Arc<Plan>, String>> = OnceLock::new();
        static V6: OnceLock<Result<Arc<Plan>, String>> = OnceLock::new();
        match json {
            _ if json == Version::V5.text() => V5.get_or_init(|| ours(Version::V5)).clone(),
            _ if json == Version::V6.text() => V6.get_or_init(|| ours(Version::V6)).clone(),
            _ => Self::parse(json).map(Arc::new),
        }
    }

    fn parse(json: &str) -> Result<Self, String> {
        schema::parse(json).and_then(|schema| Self::new(&schema))
    }

    /// Compares the writer's schema with ours.
    ///
    /// # Errors
    /// Why records of that schema cannot be read.
    fn new(schema: &Type) -> Result<Self, String> {
        let Type::Record(top) = schema else {
            return Err("the schema is not a record".to_owned());
        };
        let [(_, Type::Union(branches))] = top.fields.as_slice() else {
            return Err(format!("{} is not a record around a union", top.name));
        };
        let branches: Result<Vec<_>, _> = branches.iter().map(Branch::new).collect();
        let branches = branches?;
        let is_unknown = |branch: &Branch| matches!(branch, Branch::Unknown(_));
        if branches.iter().all(is_unknown) {
            return Err(format!("{} has no record type of SysFlow", top.name));
        }
        let unknown = branches.iter().any(is_unknown);
        Ok(Self { branches, unknown })
    }

    /// Decodes a record into `out`; leaves that as it is if the type is unknown.
    // Records are large: what leads to one is inlined, so that it is made where it is wanted.
    #[inline(always)]
    pub(crate) fn record<'a, T: Union<'a>>(
        &self,
        cursor: &mut Cursor<'a>,
        out: &mut Option<T>,
    ) -> Result<(), Malformed> {
        match self.branch(cursor)? {
            Branch::Same(kind, Version::V5) => T::decode(*kind, In5(cursor), out),
            Branch::Same(kind, Version::V6) => T::decode(*kind, In6(cursor), out),
            Branch::Other(kind, steps) => T::decode(*kind, BySteps(cursor, steps), out),
            Branch::Unknown(unknown) => skip(unknown, cursor),
        }
    }

    /// Passes over a record if its type is unknown. Returns whether it was.
    #[inline]
    pub(crate) fn skip_unknown(&self, cursor: &mut Cursor<'_>) -> Result<bool, Malformed> {
        if !self.unknown {
            return Ok(false);
        }
        let start = cursor.clone();
        if let Branch::Unknown(unknown) = self.branch(cursor)? {
            return skip(unknown, cursor).map(|()| true);
        }
        *cursor = start;
        Ok(false)
    }

    #[inline(always)]
    fn branch(&self, cursor: &mut Cursor<'_>) -> Result<&Branch, Malformed> {
        let index = cursor.long()?;
        let branch = usize::try_from(index).ok().and_then(|index| self.branches.get(index));
        branch.ok_or(Malformed::Branch(index))
    }
}

impl Branch {
    fn new(branch: &Type) -> Result<Self, String> {
        let Type::Record(record) = branch else {
            return Ok(Self::Unknown(branch.clone()));
        };
        let Some(&kind) = Kind::ALL.iter().find(|kind| kind.name() == record.name) else {
            return Ok(Self::Unknown(branch.clone()));
        };
        let (ours, in_5) = kind.layout();
        let steps = steps(record, ours)?;
        let straight = |(at, step): (usize, &Step)| matches!(step, Step::Field(i) if *i == at);
        if !steps.iter().enumerate().all(straight) {
            return Ok(Self::Other(kind, steps));
        }
        Ok(match steps.len() {
            len if len == in_5 => Self::Same(kind, Version::V5),
            len if len == ours.len() => Self::Same(kind, Version::V6),
            _ => Self::Other(kind, steps),
        })
    }
}

/// What to do with each field of the writer's record.
fn steps(record: &RecordType, ours: &[(&str, Shape)]) -> Result<Vec<Step>, String> {
    let step = |(name, theirs): &(String, Type)| {
        let Some(index) = ours.iter().position(|(our, _)| our == name) else {
            return Ok(Step::Skip(theirs.clone()));
        };
        match (&ours[index].1, theirs) {
            (Shape::Enum(symbols), Type::Enum(theirs)) => Ok(renumber(index, symbols, theirs)),
            (shape, theirs) if fits(shape, theirs) => Ok(Step::Field(index)),
            (_, theirs) => {
                let (record, theirs) = (&record.name, theirs.name());
                Err(format!("field {name} of {record} has the unexpected type {theirs}"))
            }
        }
    };
    record.fields.iter().map(step).collect()
}

/// How to read an enum of the writer.
fn renumber(index: usize, ours: &[&str], theirs: &[String]) -> Step {
    let same = theirs.len() <= ours.len() && theirs.iter().zip(ours).all(|(a, b)| a == b);
    if same {
        return Step::Field(index);
    }
    let number = |symbol: &String| ours.iter().position(|our| our == symbol).map(|i| i as u8);
    Step::Symbols(index, theirs.iter().map(number).collect())
}

/// Whether the writer's type has the binary form that we expect.
fn fits(ours: &Shape, theirs: &Type) -> bool {
    match (ours, theirs) {
        (Shape::Int | Shape::Long, Type::Int | Type::Long)
        | (Shape::Bool, Type::Bool)
        | (Shape::Text, Type::Text) => true,
        (Shape::Fixed(size), Type::Fixed(theirs)) => size == theirs,
        (Shape::Enum(ours), Type::Enum(theirs)) => {
            theirs.len() <= ours.len() && theirs.iter().zip(*ours).all(|(a, b)| a == b)
        }
        (Shape::Optional(ours), Type::Union(branches)) => {
            matches!(&**branches, [Type::Null, theirs] if fits(ours, theirs))
        }
        (Shape::List(ours), Type::Array(theirs)) => fits(ours, theirs),
        (Shape::TextMap, Type::Map(theirs)) => **theirs == Type::Text,
        (Shape::Record(ours), Type::Record(theirs)) => {
            ours.len() == theirs.fields.len()
                && ours.iter().zip(&theirs.fields).all(|(a, b)| a.0 == b.0 && fits(&a.1, &b.1))
        }
        _ => false,
    }
}

fn by_steps<'a, R: Layout<'a>>(steps: &[Step], cursor: &mut Cursor<'a>) -> Result<R, Malformed> {
    let mut record = R::absent();
    for step in steps {
        match step {
            Step::Field(index) => record.get_one(*index, cursor)?,
            Step::Skip(unknown) => skip(unknown, cursor)?,
            Step::Symbols(index, numbers) => {
                let theirs = cursor.long()?;
                let number = usize::try_from(theirs).ok().and_then(|i| numbers.get(i));
                let ours = number.copied().flatten().ok_or(Malformed::Symbol(theirs))?;
                record.get_one(*index, &mut Cursor::new(&NUMBERS[ours.into()..], 0, 0))?;
            }
        }
    }
    Ok(record)
}

/// The numbers from 0 as they are encoded, one byte each. No enum of ours has more symbols.
static NUMBERS: [u8; 64] = {
    let mut bytes = [0; 64];
    let mut number = 0;
    while number < 64 {
        bytes[number] = (number as u8) << 1;
        number += 1;
    }
    bytes
};

/// Passes over a value. Every visit of a leaf takes a byte and schemas have bounded depth, so the
/// size of the data bounds the work.
fn skip(unknown: &Type, cursor: &mut Cursor<'_>) -> Result<(), Malformed> {
    match unknown {
        _ if unknown.is_empty() => Ok(()),
        Type::Null => Ok(()),
        Type::Bool => cursor.bytes(1).map(drop),
        Type::Int | Type::Long | Type::Enum(_) => cursor.long().map(drop),
        Type::Float => cursor.bytes(4).map(drop),
        Type::Double => cursor.bytes(8).map(drop),
        Type::Fixed(size) => cursor.bytes(*size).map(drop),
        Type::Text => cursor.length().and_then(|len| cursor.bytes(len)).map(drop),
        Type::Array(item) if item.is_empty() => {
            while cursor.block()? > 0 {}
            Ok(())
        }
        Type::Array(item) => skip_items(cursor, |cursor| skip(item, cursor)),
        Type::Map(value) => skip_items(cursor, |cursor| {
            skip(&Type::Text, cursor)?;
            skip(value, cursor)
        }),
        Type::Union(branches) => {
            let index = cursor.long()?;
            let branch = usize::try_from(index).ok().and_then(|index| branches.get(index));
            skip(branch.ok_or(Malformed::Branch(index))?, cursor)
        }
        Type::Record(record) => record.fields.iter().try_for_each(|(_, field)| skip(field, cursor)),
    }
}

fn skip_items(
    cursor: &mut Cursor<'_>,
    mut item: impl FnMut(&mut Cursor<'_>) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    loop {
        match cursor.block()? {
            0 => return Ok(()),
            count => (0..count).try_for_each(|_| item(cursor))?,
        }
    }
}

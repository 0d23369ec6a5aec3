// SPDX-License-Identifier: Apache-2.0
//! What our record types look like in binary, so that a writer's schema can be held against them.

use super::{Cursor, Malformed, Out, Put};
use crate::schema::Version;

/// The binary form that a Rust type expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `int`, range-checked when read.
    Int,
    /// `long`.
    Long,
    /// `boolean`.
    Bool,
    /// `string`, or `bytes`, which has the same form.
    Text,
    /// `fixed` of that many bytes.
    Fixed(usize),
    /// `enum`; the symbols in our order.
    Enum(&'static [&'static str]),
    /// `[null, T]`.
    Optional(&'static Shape),
    /// `array`.
    List(&'static Shape),
    /// `map` of strings.
    TextMap,
    /// A record inside a record.
    Record(&'static [(&'static str, Shape)]),
}

/// What a record type looks like in the schema.
pub(crate) trait Fields {
    /// The schema's field names with their forms, in the order of schema version 6: those of
    /// version 5 first.
    const FIELDS: &'static [(&'static str, Shape)];

    /// How many of them schema version 5 has.
    const IN_5: usize;
}

/// A record type of which some writers may know fewer, more, or reordered fields; decoded from bytes
/// that live for `'a`.
pub(crate) trait Layout<'a>: Sized {
    /// The record in which every field has the value that stands for "the writer had no such
    /// field".
    fn absent() -> Self;

    /// Reads all fields of schema version 5 in order.
    fn get_5(cursor: &mut Cursor<'a>) -> Result<Self, Malformed>;

    /// Reads all fields of schema version 6 in order.
    fn get_6(cursor: &mut Cursor<'a>) -> Result<Self, Malformed>;

    /// Reads field number `index` of [`Fields::FIELDS`].
    fn get_one(&mut self, index: usize, cursor: &mut Cursor<'a>) -> Result<(), Malformed>;
}

/// A record that is written in the form of a schema version.
pub(crate) trait PutAs: Put {
    /// Appends the fields that schema version 6 has after those of version 5.
    fn put_since_6<O: Out>(&self, out: &mut O);

    /// Appends all fields of a version.
    #[inline]
    fn put_as<O: Out>(&self, version: Version, out: &mut O) {
        self.put(out);
        if version == Version::V6 {
            self.put_since_6(out);
        }
    }
}

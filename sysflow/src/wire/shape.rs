// SPDX-License-Identifier: Apache-2.0
//! What our record types look like in binary, so that a writer's schema can be held against them.

/// The binary form that a Rust type expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
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

/// A record type of which some writers may know fewer, more, or reordered fields.
pub(crate) trait Layout: Sized {
    /// The schema's field names with their forms, in the order of schema version 5.
    const FIELDS: &'static [(&'static str, Shape)];

    /// The record in which every field has the value that stands for "the writer had no such
    /// field".
    fn absent() -> Self;

    /// Reads all fields in order.
    fn get_all(cursor: &mut super::Cursor<'_>) -> Result<Self, super::Malformed>;

    /// Reads field number `index` of [`Layout::FIELDS`].
    fn get_one(
        &mut self,
        index: usize,
        cursor: &mut super::Cursor<'_>,
    ) -> Result<(), super::Malformed>;
}

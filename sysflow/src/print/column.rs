// SPDX-License-Identifier: Apache-2.0
//! What a column is.

use std::borrow::Cow;
use std::fmt;

use super::COLUMNS;
use crate::resolve::ResolvedEvent;

/// One row of the table, before it is formatted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    pub(super) event: &'a ResolvedEvent<'a>,
    /// Number of the row, from 0.
    pub(super) index: u64,
}

/// The content of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// The event has no such attribute, or it is not known.
    Absent,
    /// A number.
    Int(i64),
    /// A truth value.
    Bool(bool),
    /// Text.
    Text(Cow<'a, str>),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<i32> for Value<'_> {
    fn from(number: i32) -> Self {
        Self::Int(number.into())
    }
}

impl From<bool> for Value<'_> {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Into::into)
    }
}

/// How a column treats content that is wider than it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// Right-aligned and never cut: numbers.
    Number,
    /// Left-aligned and never cut: times, flags, identities.
    Whole,
    /// Left-aligned; the end is kept: paths.
    KeepEnd,
    /// Left-aligned; the start is kept: arguments.
    KeepStart,
}

impl Fit {
    /// Whether the column takes part in fitting the table to the terminal.
    pub(super) fn is_flexible(self) -> bool {
        matches!(self, Self::KeepEnd | Self::KeepStart)
    }
}

/// A column: an attribute of events.
pub struct Column {
    /// The attribute's name, as given on the command line.
    pub name: &'static str,
    /// The title above the column.
    pub title: &'static str,
    /// Width in characters if there is no terminal to fit into.
    pub width: usize,
    pub(super) fit: Fit,
    pub(super) value: for<'a> fn(Row<'a>) -> Value<'a>,
}

impl fmt::Debug for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Column").field(&self.name).finish()
    }
}

/// A name that is no column.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown column \"{0}\"")]
pub struct UnknownColumn(pub String);

impl Column {
    /// The names of the columns that are shown by default.
    pub const DEFAULT: &'static [&'static str] = &[
        "idx",
        "ts",
        "type",
        "proc.exe",
        "proc.args",
        "pproc.pid",
        "proc.pid",
        "proc.tid",
        "opflags",
        "res",
        "ret",
        "flow.rbytes",
        "flow.wbytes",
        "container.id",
    ];

    /// The column of that name.
    ///
    /// # Errors
    /// If there is none.
    pub fn by_name(name: &str) -> Result<&'static Self, UnknownColumn> {
        COLUMNS
            .iter()
            .find(|column| column.name == name)
            .ok_or_else(|| UnknownColumn(name.to_owned()))
    }

    /// The columns named in a list separated by commas.
    ///
    /// # Errors
    /// If one of the names is no column.
    pub fn parse_list(names: &str) -> Result<Vec<&'static Self>, UnknownColumn> {
        names.split(',').map(|name| Self::by_name(name.trim())).collect()
    }

    /// The attribute of an event; `index` is the number of the row.
    #[must_use]
    pub fn value<'a>(&self, event: &'a ResolvedEvent<'a>, index: u64) -> Value<'a> {
        (self.value)(Row { event, index })
    }
}

// SPDX-License-Identifier: Apache-2.0
//! What can be said of an event: the catalogue of named attributes.
//!
//! There is one table, [`ALL`], for everything that names attributes: columns of tables, keys of
//! JSON, the words of [`expression`](crate::expression). Names are those of the reference's printer
//! (`proc.exe`); its prefix `sf.` and the other names that the reference's policies and Falco's rules
//! use for the same thing ([`Attribute::aliases`]) are understood as well.
//!
//! ```
//! use sysflow::attribute::Attribute;
//! let attribute = Attribute::by_name("sf.pproc.pid").expect("it is in the catalogue");
//! assert_eq!(attribute.name, "pproc.pid");
//! assert_eq!(Attribute::by_name("proc.ppid"), Some(attribute));
//! ```
//!
//! An attribute that an event does not have, or that is not known, is [`Value::Absent`], never a
//! zero that looks like a value. Reading a value allocates nothing: what is put together from
//! several fields is a [`Made`], which knows how to write itself.

mod catalogue;
mod made;
mod names;
mod paths;
mod similar;
mod value;

use std::fmt;

pub use catalogue::ALL;
pub use made::{Connection, Made};
pub(crate) use made::{write_json_chars, write_json_text};
pub use names::Operations;
pub(crate) use similar::similar;
pub use value::{Many, Value};

use crate::resolve::ResolvedEvent;

/// What kind of value an attribute has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// A number.
    Integer,
    /// Nanoseconds since the Unix epoch.
    Time,
    /// True or false.
    Boolean,
    /// Any text.
    Text,
    /// One of a few words.
    Symbol(Symbols),
    /// An IPv4 or IPv6 address.
    Address,
    /// An IANA protocol number.
    Protocol,
    /// A set of names of operations.
    Operations,
    /// A set of names of open flags.
    OpenFlags,
}

/// The words of a [`Type::Symbol`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbols {
    /// What all of them begin with, and what may be left out.
    pub prefix: &'static str,
    /// The words.
    pub words: &'static [&'static str],
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Integer => "integer",
            Self::Time => "time",
            Self::Boolean => "boolean",
            Self::Text => "text",
            Self::Symbol(_) => "word",
            Self::Address => "address",
            Self::Protocol => "protocol",
            Self::Operations => "operations",
            Self::OpenFlags => "open flags",
        })
    }
}

/// How a column of a table treats content that is wider than it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
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
    pub(crate) fn is_flexible(self) -> bool {
        matches!(self, Self::KeepEnd | Self::KeepStart)
    }
}

/// A named attribute of events.
pub struct Attribute {
    /// Its name.
    pub name: &'static str,
    /// Other names for it.
    pub aliases: &'static [&'static str],
    /// The kind of its value, or of each of its values.
    pub kind: Type,
    /// Whether it has any number of values.
    pub many: bool,
    /// What it is, in a few words.
    pub meaning: &'static str,
    /// The fields of the schema that it is taken from.
    pub source: &'static str,
    /// Whether it is written when all fields of an event are: those of the reference's printer. The
    /// others repeat what those say, or are in schema version 6 only.
    pub exported: bool,
    /// The title of its column in a table.
    pub title: &'static str,
    /// The width of its column in characters.
    pub width: usize,
    pub(crate) fit: Fit,
    get: for<'a> fn(&ResolvedEvent<'a>) -> Value<'a>,
}

impl Attribute {
    /// The attribute of that name or alias, with or without the prefix `sf.`.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Self> {
        let name = name.strip_prefix("sf.").unwrap_or(name);
        let named = |attribute: &&Self| attribute.name == name;
        ALL.iter()
            .find(named)
            .or_else(|| ALL.iter().find(|attribute| attribute.aliases.contains(&name)))
    }

    /// The value for an event.
    #[must_use]
    #[inline]
    pub fn value<'a>(&self, event: &ResolvedEvent<'a>) -> Value<'a> {
        (self.get)(event)
    }
}

impl fmt::Debug for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Attribute").field(&self.name).finish()
    }
}

impl PartialEq for Attribute {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Attribute {}

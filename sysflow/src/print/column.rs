// SPDX-License-Identifier: Apache-2.0
//! What can stand in a column, or be the field of an object.

use crate::attribute::{ALL, Attribute, Fit, Type, Value, similar};
use crate::resolve::ResolvedEvent;

/// An attribute, or the number of the row, which is none of the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// Number of the row, from 0.
    Index,
    /// An attribute of the event.
    Attribute(&'static Attribute),
}

/// A name that is no column.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown field \"{name}\"{}", hint(.meant))]
pub struct UnknownColumn {
    /// The name.
    pub name: String,
    /// What may have been meant.
    pub meant: Option<&'static str>,
}

fn hint(meant: &Option<&str>) -> String {
    meant.map(|meant| format!("; did you mean \"{meant}\"?")).unwrap_or_default()
}

impl Column {
    /// The names of the columns that a table shows by default.
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

    /// The column of that name: `idx`, or a name or alias of an attribute.
    ///
    /// # Errors
    /// If there is none.
    pub fn by_name(name: &str) -> Result<Self, UnknownColumn> {
        if name == "idx" {
            return Ok(Self::Index);
        }
        Attribute::by_name(name).map(Self::Attribute).ok_or_else(|| UnknownColumn {
            name: name.to_owned(),
            meant: similar(name, ALL.iter().map(|attribute| attribute.name)),
        })
    }

    /// The columns named in a list separated by commas.
    ///
    /// # Errors
    /// If one of the names is no column.
    pub fn parse_list(names: &str) -> Result<Vec<Self>, UnknownColumn> {
        names.split(',').map(|name| Self::by_name(name.trim())).collect()
    }

    /// The columns that are shown by default.
    #[must_use]
    pub fn defaults() -> Vec<Self> {
        Self::DEFAULT.iter().filter_map(|name| Self::by_name(name).ok()).collect()
    }

    /// All attributes that say something the others do not, in the reference's order.
    #[must_use]
    pub fn exported() -> Vec<Self> {
        ALL.iter().filter(|attribute| attribute.exported).map(Self::Attribute).collect()
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Index => "idx",
            Self::Attribute(attribute) => attribute.name,
        }
    }

    /// The title above it.
    #[must_use]
    pub fn title(&self) -> &'static str {
        match self {
            Self::Index => "Rec #",
            Self::Attribute(attribute) => attribute.title,
        }
    }

    /// Its width in characters if there is no terminal to fit into.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Index => 6,
            Self::Attribute(attribute) => attribute.width,
        }
    }

    pub(super) fn fit(&self) -> Fit {
        match self {
            Self::Index => Fit::Number,
            Self::Attribute(attribute) => attribute.fit,
        }
    }

    /// Whether it is a time that is written as such, not as the number that it is in the record.
    pub(super) fn is_time(&self) -> bool {
        matches!(self, Self::Attribute(attribute)
            if attribute.kind == Type::Time && attribute.fit == Fit::Whole)
    }

    /// The value for an event; `index` is the number of the row.
    #[must_use]
    pub fn value<'a>(&self, event: &ResolvedEvent<'a>, index: u64) -> Value<'a> {
        match self {
            Self::Index => Value::Int(index.cast_signed()),
            Self::Attribute(attribute) => attribute.value(event),
        }
    }
}

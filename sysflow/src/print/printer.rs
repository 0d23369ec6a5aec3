// SPDX-License-Identifier: Apache-2.0
//! One writer for all formats.

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use super::{Csv, Json, Layout, Options, Reference, Table};
use crate::resolve::ResolvedEvent;

/// A format in which events are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// An aligned table.
    #[default]
    Table,
    /// An array of nested objects.
    Json,
    /// Nested objects, one in each line.
    JsonLines,
    /// Flat objects, one in each line.
    FlatJson,
    /// CSV.
    Csv,
    /// Parquet.
    #[cfg(feature = "parquet")]
    Parquet,
}

/// A name that is no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown format \"{0}\"; known are {names}", names = names())]
pub struct UnknownFormat(pub String);

fn names() -> String {
    Format::ALL.iter().map(|format| format.name()).collect::<Vec<_>>().join(", ")
}

impl Format {
    /// All formats.
    pub const ALL: &'static [Self] = &[
        Self::Table,
        Self::Json,
        Self::JsonLines,
        Self::FlatJson,
        Self::Csv,
        #[cfg(feature = "parquet")]
        Self::Parquet,
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::JsonLines => "jsonl",
            Self::FlatJson => "flatjson",
            Self::Csv => "csv",
            #[cfg(feature = "parquet")]
            Self::Parquet => "parquet",
        }
    }

    /// Whether it is text, which a terminal can show.
    #[must_use]
    pub fn is_text(self) -> bool {
        match self {
            #[cfg(feature = "parquet")]
            Self::Parquet => false,
            _ => true,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        let found = Self::ALL.iter().find(|format| format.name() == name);
        found.copied().ok_or_else(|| UnknownFormat(name.to_owned()))
    }
}

/// Writes events in one of the formats.
#[derive(Debug)]
pub enum Printer {
    /// As a table.
    Table(Table),
    /// As JSON.
    Json(Json),
    /// As CSV.
    Csv(Csv),
    /// As the reference's printer writes them.
    Reference(Reference),
    /// As Parquet.
    #[cfg(feature = "parquet")]
    Parquet(Box<super::Parquet>),
}

impl Printer {
    /// A printer for `format`. Width and titles are only for formats that have them.
    #[must_use]
    pub fn new(format: Format, options: Options) -> Self {
        let json = |options: Options, layout| {
            Self::Json(Json::new(&options.columns, layout, options.times))
        };
        match format {
            Format::Table => Self::Table(Table::new(options)),
            Format::Json => json(options, Layout::Array),
            Format::JsonLines => json(options, Layout::Lines),
            Format::FlatJson => json(options, Layout::Flat),
            Format::Csv => Self::Csv(Csv::new(options.columns, options.times, options.titles)),
            #[cfg(feature = "parquet")]
            Format::Parquet => Self::Parquet(Box::new(super::Parquet::new(&options.columns))),
        }
    }

    /// Writes an event.
    ///
    /// # Errors
    /// What `out` reports.
    pub fn write_event(
        &mut self,
        out: &mut impl Write,
        event: &ResolvedEvent<'_>,
    ) -> io::Result<()> {
        match self {
            Self::Table(table) => table.write_event(out, event),
            Self::Json(json) => json.write_event(out, event),
            Self::Csv(csv) => csv.write_event(out, event),
            Self::Reference(reference) => reference.write_event(out, event),
            #[cfg(feature = "parquet")]
            Self::Parquet(parquet) => parquet.write_event(out, event),
        }
    }

    /// Writes what is due after the last event: titles if there was none, the end of an array.
    ///
    /// # Errors
    /// What `out` reports.
    pub fn finish(&mut self, out: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Table(table) => table.write_titles(out),
            Self::Json(json) => json.finish(out),
            Self::Csv(csv) => csv.write_titles(out),
            Self::Reference(reference) => reference.finish(out),
            #[cfg(feature = "parquet")]
            Self::Parquet(parquet) => parquet.finish(out),
        }
    }
}

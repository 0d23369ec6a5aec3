// SPDX-License-Identifier: Apache-2.0
//! Events as CSV (RFC 4180).

use std::fmt::Write as _;
use std::io::{self, Write};

use super::{Column, Times, json};
use crate::attribute::{Made, Many, Value};
use crate::resolve::ResolvedEvent;

/// Writes events as lines of CSV, after a line of names.
///
/// Lines end with CR and LF. Fields that need it are in quotes. What is absent is empty; lists are
/// JSON arrays.
#[derive(Debug)]
pub struct Csv {
    columns: Vec<Column>,
    times: Times,
    titles: bool,
    rows: u64,
    line: String,
    cell: String,
    text: String,
}

impl Csv {
    /// Writes these columns.
    #[must_use]
    pub fn new(columns: Vec<Column>, times: Times, titles: bool) -> Self {
        let (line, cell, text) = (String::new(), String::new(), String::new());
        Self { columns, times, titles, rows: 0, line, cell, text }
    }

    /// Writes a line, and the names before the first.
    ///
    /// # Errors
    /// What `out` reports.
    pub fn write_event(
        &mut self,
        out: &mut impl Write,
        event: &ResolvedEvent<'_>,
    ) -> io::Result<()> {
        self.write_titles(out)?;
        self.line.clear();
        for (at, column) in self.columns.iter().enumerate() {
            if at > 0 {
                self.line.push(',');
            }
            self.cell.clear();
            let (cell, text) = (&mut self.cell, &mut self.text);
            match column.value(event, self.rows) {
                Value::Absent => {}
                Value::Time(ns) => {
                    let _ = write!(cell, "{}", self.times.at(ns));
                }
                Value::Many(many) if !matches!(many, Many::Environment(_)) => {
                    json::put(cell, text, column, many.into(), &self.times);
                }
                value @ Value::Made(Made::Services(_)) => {
                    json::put(cell, text, column, value, &self.times);
                }
                value => {
                    let _ = write!(cell, "{value}");
                }
            }
            quote(&self.cell, &mut self.line);
        }
        self.line.push_str("\r\n");
        self.rows += 1;
        out.write_all(self.line.as_bytes())
    }

    /// Writes the names, if they are wanted and not written yet.
    ///
    /// # Errors
    /// What `out` reports.
    pub fn write_titles(&mut self, out: &mut impl Write) -> io::Result<()> {
        if !std::mem::take(&mut self.titles) {
            return Ok(());
        }
        let names: Vec<_> = self.columns.iter().map(Column::name).collect();
        write!(out, "{}\r\n", names.join(","))
    }

    /// Lines written so far, that of the names not counted.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }
}

/// Appends a field, in quotes if it needs them.
pub(super) fn quote(field: &str, line: &mut String) {
    if !field.contains([',', '"', '\r', '\n']) {
        line.push_str(field);
        return;
    }
    line.push('"');
    for (at, part) in field.split('"').enumerate() {
        if at > 0 {
            line.push_str("\"\"");
        }
        line.push_str(part);
    }
    line.push('"');
}

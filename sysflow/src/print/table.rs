// SPDX-License-Identifier: Apache-2.0
//! The table.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::cell::{Escaped, place, width};
use super::{Column, Times};
use crate::attribute::{Fit, Value};
use crate::resolve::ResolvedEvent;

/// How the table looks.
#[derive(Clone, Debug)]
pub struct Options {
    /// The columns, from left to right.
    pub columns: Vec<Column>,
    /// How times are written.
    pub times: Times,
    /// Width of the terminal in characters; none if the output is not a terminal.
    pub width: Option<usize>,
    /// Whether titles are written before the first row.
    pub titles: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { columns: Column::defaults(), times: Times::default(), width: None, titles: true }
    }
}

/// Writes events as rows.
#[derive(Debug)]
pub struct Table {
    columns: Vec<(Column, usize)>,
    times: Times,
    cut: bool,
    titles: bool,
    rows: u64,
    line: String,
    cell: String,
}

/// Between columns.
const GAP: usize = 2;

/// Flexible columns do not become narrower than this.
const NARROW: usize = 8;

impl Table {
    /// An empty table.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let widths = fit(&options);
        Self {
            columns: options.columns.into_iter().zip(widths).collect(),
            times: options.times,
            cut: options.width.is_some(),
            titles: options.titles,
            rows: 0,
            line: String::new(),
            cell: String::new(),
        }
    }

    /// Writes a row, and the titles before the first.
    ///
    /// # Errors
    /// What `out` reports.
    pub fn write_event(
        &mut self,
        out: &mut impl Write,
        event: &ResolvedEvent<'_>,
    ) -> io::Result<()> {
        if self.rows == 0 {
            self.write_titles(out)?;
        }
        self.line.clear();
        for at in 0..self.columns.len() {
            let (column, room) = self.columns[at];
            self.cell.clear();
            match column.value(event, self.rows) {
                Value::Bool(truth) => self.cell.push_str(if truth { "yes" } else { "no" }),
                Value::Time(ns) => {
                    let _ = write!(self.cell, "{}", self.times.at(ns));
                }
                value => {
                    let _ = write!(Escaped(&mut self.cell), "{value}");
                }
            }
            self.place(at, room, column.fit());
        }
        self.rows += 1;
        self.end_line(out)
    }

    /// Writes the titles, if they are wanted; also for a table that stays empty.
    ///
    /// # Errors
    /// What `out` reports.
    pub fn write_titles(&mut self, out: &mut impl Write) -> io::Result<()> {
        if !std::mem::take(&mut self.titles) {
            return Ok(());
        }
        self.line.clear();
        for at in 0..self.columns.len() {
            let (column, room) = self.columns[at];
            self.cell.clear();
            self.cell.push_str(column.title());
            self.place(at, room, column.fit());
        }
        self.end_line(out)
    }

    /// Rows written so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Appends the cell to the line.
    fn place(&mut self, at: usize, room: usize, fit: Fit) {
        let room = if self.cut { room } else { room.max(width(&self.cell)) };
        place(&self.cell, room, fit, &mut self.line);
        if at + 1 < self.columns.len() {
            self.line.extend(std::iter::repeat_n(' ', GAP));
        }
    }

    fn end_line(&mut self, out: &mut impl Write) -> io::Result<()> {
        self.line.truncate(self.line.trim_end_matches(' ').len());
        self.line.push('\n');
        out.write_all(self.line.as_bytes())
    }
}

/// The width of each column. Flexible columns share what the others leave of the terminal in
/// proportion to their nominal widths.
fn fit(options: &Options) -> Vec<usize> {
    let nominal = |column: &Column| {
        let own = if column.is_time() { options.times.width() } else { column.width() };
        own.max(width(column.title()))
    };
    let columns = &options.columns;
    let Some(terminal) = options.width else {
        return columns.iter().map(nominal).collect();
    };
    let (flexible, firm): (Vec<&Column>, Vec<&Column>) =
        columns.iter().partition(|column| column.fit().is_flexible());
    let taken: usize = firm.into_iter().map(nominal).sum();
    let gaps = GAP * columns.len().saturating_sub(1);
    let mut free = terminal.saturating_sub(taken + gaps);
    let mut wanted: usize = flexible.into_iter().map(nominal).sum();
    let share = |column: &Column| {
        let width = nominal(column);
        if !column.fit().is_flexible() {
            return width;
        }
        // What rounding leaves goes to the columns on the right.
        let share = (free * width).checked_div(wanted).unwrap_or(0);
        free -= share;
        wanted -= width;
        share.max(NARROW)
    };
    columns.iter().map(share).collect()
}

// SPDX-License-Identifier: Apache-2.0
//! The table.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::cell::{Escaped, place, width};
use super::{Column, Times, colour, layout};
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
    /// Whether titles, types and failures have colours (ECMA-48).
    pub colours: bool,
    /// Whether columns that have no room on the terminal may be left out.
    pub may_leave_out: bool,
    /// Whether columns stand between bars, as tables of Markdown do.
    pub bars: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            columns: Column::defaults(),
            times: Times::default(),
            width: None,
            titles: true,
            colours: false,
            may_leave_out: false,
            bars: false,
        }
    }
}

/// Writes events as rows.
#[derive(Debug)]
pub struct Table {
    columns: Vec<(Column, usize)>,
    left_out: Vec<&'static str>,
    times: Times,
    cut: bool,
    titles: bool,
    colours: bool,
    bars: bool,
    rows: u64,
    line: String,
    cell: String,
    /// By how much the line is ahead of its columns: a number was wider than its column. The next
    /// columns that have space to spare give it.
    ahead: usize,
}

impl Table {
    /// An empty table.
    #[must_use]
    pub fn new(mut options: Options) -> Self {
        let left_out = layout::leave_out(&mut options);
        let widths = layout::widths(&options);
        Self {
            columns: options.columns.into_iter().zip(widths).collect(),
            left_out,
            times: options.times,
            cut: options.width.is_some(),
            titles: options.titles,
            colours: options.colours,
            bars: options.bars,
            rows: 0,
            line: String::new(),
            cell: String::new(),
            ahead: 0,
        }
    }

    /// The columns that had no room.
    #[must_use]
    pub fn left_out(&self) -> &[&'static str] {
        &self.left_out
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
        self.write_titles(out)?;
        self.begin_line();
        for at in 0..self.columns.len() {
            let (column, _) = self.columns[at];
            self.cell.clear();
            let value = column.value(event, self.rows);
            match value {
                Value::Bool(truth) => self.cell.push_str(if truth { "yes" } else { "no" }),
                Value::Time(ns) => {
                    let _ = write!(self.cell, "{}", self.times.at(ns));
                }
                value => {
                    let _ = write!(Escaped(&mut self.cell), "{value}");
                }
            }
            let colour = if self.colours { colour::of(&column, &value, event) } else { "" };
            self.place(at, colour);
        }
        self.rows += 1;
        self.end_line(out)
    }

    /// Writes the titles, if they are wanted and not written yet; also for a table that stays empty.
    ///
    /// # Errors
    /// What `out` reports.
    pub fn write_titles(&mut self, out: &mut impl Write) -> io::Result<()> {
        if !std::mem::take(&mut self.titles) {
            return Ok(());
        }
        self.begin_line();
        for at in 0..self.columns.len() {
            self.cell.clear();
            self.cell.push_str(self.columns[at].0.title());
            self.place(at, if self.colours { colour::TITLE } else { "" });
        }
        self.end_line(out)?;
        if self.bars {
            self.line.clear();
            for (column, room) in &self.columns {
                self.line.push('|');
                self.line.extend(std::iter::repeat_n('-', room + 1));
                self.line.push(if column.fit() == Fit::Number { ':' } else { '-' });
            }
            self.line.push_str("|\n");
            out.write_all(self.line.as_bytes())?;
        }
        Ok(())
    }

    /// Rows written so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    fn begin_line(&mut self) {
        self.line.clear();
        self.ahead = 0;
        if self.bars {
            self.line.push_str("| ");
        }
    }

    /// Appends the cell to the line.
    fn place(&mut self, at: usize, colour: &str) {
        let (column, room) = self.columns[at];
        let fit = column.fit();
        let wide = width(&self.cell);
        let flexible = self.cut && fit.is_flexible();
        // What the column can do without.
        let least = if flexible { wide.min(layout::NARROW) } else { wide };
        let given = self.ahead.min(room.saturating_sub(least));
        let taken = if flexible { room - given } else { (room - given).max(wide) };
        place(&self.cell, taken, fit, colour, &mut self.line);
        self.ahead = self.ahead + taken - room;
        if at + 1 < self.columns.len() {
            self.line.push_str(if self.bars { " | " } else { "  " });
        }
    }

    fn end_line(&mut self, out: &mut impl Write) -> io::Result<()> {
        if self.bars {
            self.line.push_str(" |");
        } else {
            self.line.truncate(self.line.trim_end_matches(' ').len());
        }
        self.line.push('\n');
        out.write_all(self.line.as_bytes())
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Figures and tables as lines: for a terminal, a file or a pipe.

use std::time::Duration;

use probe_loader::counters::CAUSE_NAMES;
use sysflow::print::{escaped, width};

use super::column::{Column, Numbers, Sort, Topic, cut, short};
use super::head::{Head, Own};
use super::table::Row;
use crate::cli::size::grouped;

/// How a part of a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Strong,
    /// The titles of columns.
    Title,
    /// What is sorted by.
    Chosen,
    /// What should not be.
    Alert,
}

/// A line of a screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line(pub(super) Vec<(Style, String)>);

impl Line {
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self(vec![(Style::Plain, text.into())])
    }

    pub(super) fn with(mut self, style: Style, text: impl Into<String>) -> Self {
        self.0.push((style, text.into()));
        self
    }

    pub(super) fn text(&self) -> String {
        self.0.iter().map(|(_, text)| text.as_str()).collect()
    }

    /// Cut to a width.
    pub(super) fn cut(mut self, room: usize) -> Self {
        let mut left = room;
        for (_, text) in &mut self.0 {
            if width(text) > left {
                *text = cut(text, left);
            }
            left -= width(text);
        }
        self
    }
}

/// Hours, minutes and seconds.
fn time(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// The figures of the capture.
pub(super) fn head(head: &Head) -> Vec<Line> {
    let title = format!("sysflow top  {}  {}", escaped(&head.host), escaped(&head.source));
    let up = format!("  for {}  {}", time(head.uptime), head.clock);
    let mut lines = vec![Line::default().with(Style::Strong, title).with(Style::Plain, up)];
    let (events, records) = head.rates;
    let mut work = String::new();
    if let Some(events) = events {
        work += &format!("{} events/s  ", grouped(events.round() as u64));
    }
    let shown = grouped(head.shown.round() as u64);
    work += &format!("{} records/s, {shown} shown", grouped(records.round() as u64));
    if let Some(own) = &head.capture {
        let (flows, processes) = (grouped(own.flows as u64), grouped(own.processes as u64));
        work += &format!("  {flows} flows  {processes} processes");
    }
    lines.push(Line::plain(work));
    lines.push(head.capture.as_ref().map_or_else(|| told_lost(head), lost));
    let (cpu, memory) = head.cost;
    let mut cost =
        format!("cost {:.1}% of a CPU, {}B of memory", cpu * 100.0, short(memory as f64));
    if let Some(own) = &head.capture {
        let (share, size) = own.fill;
        let each = short(size as f64);
        cost += &format!("  fullest of {} rings {:.0}% of {each}B", own.rings, share * 100.0);
    }
    if head.dropped > 0 {
        cost += &format!("  {} light rows left out", grouped(head.dropped));
    }
    lines.push(Line::plain(cost));
    lines
}

/// What was lost, by cause.
fn lost(own: &Own) -> Line {
    let (now, all) = own.lost;
    if all == 0 && own.shed == 0 {
        return Line::plain("nothing lost");
    }
    let mut text = format!("lost {}/s, {} in all", short(now), grouped(all));
    let causes = CAUSE_NAMES.iter().zip(own.causes).filter(|(_, number)| *number > 0);
    for (index, (cause, number)) in causes.enumerate() {
        let before = if index == 0 { ": " } else { ", " };
        text += &format!("{before}{} {cause}", grouped(number));
    }
    if own.shed > 0 {
        text += &format!("; {} records shed by this view", grouped(own.shed));
    }
    Line::default().with(Style::Alert, text)
}

/// The same of a recorder elsewhere, as far as it tells.
fn told_lost(head: &Head) -> Line {
    match head.told_lost {
        (_, 0) => Line::plain("no loss told"),
        (now, all) => {
            let text = format!("the recorder lost {}/s, {} in all", short(now), grouped(all));
            Line::default().with(Style::Alert, text)
        }
    }
}

/// How a table is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) topic: Topic,
    pub(super) sort: Sort,
    pub(super) inverted: bool,
    pub(super) numbers: Numbers,
    /// Columns of the terminal; none where nothing is cut.
    pub(super) width: Option<usize>,
}

impl Look {
    /// The rows in their order.
    pub(super) fn sorted<'a>(&self, rows: &'a [Row]) -> Vec<&'a Row> {
        let mut sorted: Vec<&Row> = rows.iter().collect();
        sorted.sort_by(|a, b| self.sort.order(a, b));
        if self.inverted {
            sorted.reverse();
        }
        sorted
    }

    pub(super) fn titles(&self) -> Line {
        let columns = self.topic.fitting(self.width);
        let mut line = Line::default();
        for column in &columns {
            let last = *column == Column::Name;
            let text = column.place(column.title(self.topic), false, last);
            let chosen = self.sort.column() == Some(*column);
            let style = if chosen { Style::Chosen } else { Style::Title };
            line = line.with(style, if last { text } else { text + " " });
        }
        line
    }

    /// A row of figures of that time.
    pub(super) fn row(&self, row: &Row, time: Duration) -> Line {
        let mut text = String::new();
        for column in self.topic.fitting(self.width) {
            let last = column == Column::Name;
            let cell = column.text(row, time, self.numbers);
            text += &column.place(&cell, self.width.is_some(), last);
            if !last {
                text.push(' ');
            }
        }
        Line::plain(text)
    }
}

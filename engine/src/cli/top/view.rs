// SPDX-License-Identifier: Apache-2.0
//! What the terminal shows, and what keys change.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use sysflow::expression::Predicate;

use super::column::{Numbers, Sort, Topic};
use super::frame::{Line, Look, Style, head};
use super::head::Head;
use super::tally::Interval;

/// What is asked of the program.
pub(super) enum Action {
    None,
    Quit,
    /// Only what this is true of from now on, or everything.
    Filter(Option<Predicate>),
}

/// Who gets the keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    Tables,
    Help,
    /// A filter is typed; what is wrong with it.
    Filter(String, Option<String>),
}

/// The state of the view.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    topic: Topic,
    sorts: [Sort; 3],
    inverted: bool,
    /// Rows that are above the screen.
    scroll: usize,
    pub(super) paused: bool,
    mode: Mode,
    filter: Option<String>,
    /// Rows at most.
    limit: Option<usize>,
}

const HELP: &[&str] = &[
    "1 2 3, Tab      processes, files, peers",
    "left, right     sort by another column",
    "b o r w i s n   sort by bytes, operations, bytes read, written,",
    "                received (in), sent, or by name",
    "v               turn the order round",
    "up, down, PgUp, PgDn, Home   look at other rows",
    "p, space        stop and go on",
    "f, /            show only what an expression is true of, such as",
    "                proc.name = nginx and file.path startswith /var;",
    "                an empty one shows everything",
    "h, ?            this",
    "q, Ctrl-C       end",
    "",
    "Figures are per second, of the last interval. Bytes of files are read and",
    "written, those of connections received and sent. See docs/top.md.",
];

impl View {
    pub(super) fn new(
        topic: Topic,
        sort: Sort,
        limit: Option<usize>,
        filter: Option<String>,
    ) -> Self {
        let sorts = Topic::ALL.map(|topic| fitting(topic, sort));
        Self { topic, sorts, limit, filter, ..Self::default() }
    }

    fn sort(&self) -> Sort {
        self.sorts[self.topic as usize]
    }

    fn set_sort(&mut self, sort: Sort) {
        if self.topic.sorts().contains(&sort) {
            self.sorts[self.topic as usize] = sort;
            self.scroll = 0;
        }
    }

    fn turn_sort(&mut self, forward: bool) {
        let sorts = self.topic.sorts();
        let at = sorts.iter().position(|sort| *sort == self.sort()).unwrap_or(0);
        let step = if forward { 1 } else { sorts.len() - 1 };
        self.set_sort(sorts[(at + step) % sorts.len()]);
    }

    fn set_topic(&mut self, number: usize) {
        self.topic = Topic::ALL[number % Topic::ALL.len()];
        self.scroll = 0;
    }

    /// Takes a key.
    pub(super) fn key(&mut self, key: KeyEvent) -> Action {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        if control && matches!(key.code, KeyCode::Char('c' | 'd')) {
            return Action::Quit;
        }
        match std::mem::take(&mut self.mode) {
            Mode::Filter(text, _) => self.typed(text, key.code),
            // Any key leaves the help.
            Mode::Help => Action::None,
            Mode::Tables => self.pressed(key.code),
        }
    }

    fn pressed(&mut self, code: KeyCode) -> Action {
        match code {
            KeyCode::Char('q') => return Action::Quit,
            KeyCode::Char('h' | '?') | KeyCode::F(1) => self.mode = Mode::Help,
            KeyCode::Char('p' | ' ') => self.paused = !self.paused,
            KeyCode::Char('f' | '/') => {
                self.mode = Mode::Filter(self.filter.clone().unwrap_or_default(), None);
            }
            KeyCode::Char('v') => self.inverted = !self.inverted,
            KeyCode::Char(number @ '1'..='3') => self.set_topic(number as usize - '1' as usize),
            KeyCode::Tab => self.set_topic(self.topic as usize + 1),
            KeyCode::BackTab => self.set_topic(self.topic as usize + Topic::ALL.len() - 1),
            KeyCode::Left => self.turn_sort(false),
            KeyCode::Right => self.turn_sort(true),
            KeyCode::Up => self.scroll = self.scroll.saturating_sub(1),
            KeyCode::Down => self.scroll += 1,
            KeyCode::PageUp => self.scroll = self.scroll.saturating_sub(10),
            KeyCode::PageDown => self.scroll += 10,
            KeyCode::Home => self.scroll = 0,
            KeyCode::Char(letter) => {
                if let Some(sort) = sort_of(letter) {
                    self.set_sort(sort);
                }
            }
            _ => {}
        }
        Action::None
    }

    fn typed(&mut self, mut text: String, code: KeyCode) -> Action {
        match code {
            KeyCode::Esc => return Action::None,
            KeyCode::Enter if text.trim().is_empty() => {
                self.filter = None;
                return Action::Filter(None);
            }
            KeyCode::Enter => match Predicate::new(&text) {
                Ok(predicate) => {
                    self.filter = Some(text);
                    return Action::Filter(Some(predicate));
                }
                Err(error) => {
                    // The first line says what; the others point at the place.
                    let why = error.to_string();
                    let why = why.lines().next().unwrap_or_default().to_owned();
                    self.mode = Mode::Filter(text, Some(why));
                    return Action::None;
                }
            },
            KeyCode::Backspace => drop(text.pop()),
            KeyCode::Char(c) => text.push(c),
            _ => {}
        }
        self.mode = Mode::Filter(text, None);
        Action::None
    }

    /// The screen, `size` columns and rows: as many lines as that, each as wide at most.
    pub(super) fn frame(
        &mut self,
        figures: &Head,
        interval: &Interval,
        message: Option<&str>,
        size: (usize, usize),
    ) -> Vec<Line> {
        let (width, height) = size;
        let mut lines = head(figures);
        lines.push(self.bar());
        lines.push(self.status(message));
        match self.mode {
            Mode::Help => lines.extend(HELP.iter().map(|text| Line::plain(*text))),
            _ => self.table(interval, width, height, &mut lines),
        }
        lines.truncate(height);
        lines.into_iter().map(|line| line.cut(width)).collect()
    }

    fn table(&mut self, interval: &Interval, width: usize, height: usize, lines: &mut Vec<Line>) {
        let look = Look {
            topic: self.topic,
            sort: self.sort(),
            inverted: self.inverted,
            numbers: Numbers::Short,
            width: Some(width),
        };
        let rows = look.sorted(&interval.tables[self.topic as usize]);
        lines.push(look.titles());
        let room = height.saturating_sub(lines.len()).min(self.limit.unwrap_or(usize::MAX));
        self.scroll = self.scroll.min(rows.len().saturating_sub(room));
        let shown = rows.into_iter().skip(self.scroll).take(room);
        lines.extend(shown.map(|row| look.row(row, interval.length)));
    }

    /// The tables to choose from.
    fn bar(&self) -> Line {
        let mut line = Line::default();
        for (index, topic) in Topic::ALL.into_iter().enumerate() {
            let style = if topic == self.topic { Style::Chosen } else { Style::Plain };
            line = line
                .with(style, format!("{} {}", index + 1, topic.title()))
                .with(Style::Plain, "  ");
        }
        let order = if self.inverted { ", the least first" } else { "" };
        line.with(Style::Plain, format!("by {}{order}   h help", self.sort().name()))
    }

    fn status(&self, message: Option<&str>) -> Line {
        if let Mode::Filter(text, why) = &self.mode {
            let line = Line::default()
                .with(Style::Strong, "filter: ")
                .with(Style::Plain, format!("{text}_"));
            return match why {
                Some(why) => line.with(Style::Alert, format!("  {why}")),
                None => line,
            };
        }
        let mut line = Line::default();
        if self.paused {
            line = line.with(Style::Alert, "paused").with(Style::Plain, "  ");
        }
        if let Some(filter) = &self.filter {
            line = line.with(Style::Plain, format!("only {filter}  "));
        }
        match message {
            Some(message) => line.with(Style::Alert, sysflow::print::escaped(message)),
            None => line,
        }
    }
}

/// The sort where the table has it.
pub(super) fn fitting(topic: Topic, sort: Sort) -> Sort {
    if topic.sorts().contains(&sort) { sort } else { Sort::Bytes }
}

fn sort_of(letter: char) -> Option<Sort> {
    Some(match letter {
        'b' => Sort::Bytes,
        'o' => Sort::Ops,
        'r' => Sort::Read,
        'w' => Sort::Written,
        'i' => Sort::Received,
        's' => Sort::Sent,
        'n' => Sort::Name,
        _ => return None,
    })
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;

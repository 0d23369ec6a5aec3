// SPDX-License-Identifier: Apache-2.0
//! Shows what is summed up, each time an interval is over: on a terminal, or as text.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::park_timeout;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::column::{Numbers, Sort, Topic};
use super::frame::{Look, head};
use super::head::Meter;
use super::tally::{Interval, Shared, lock};
use super::terminal::{Input, Terminal};
use super::view::{Action, View, fitting};
use crate::cli::logger;

/// The first look is so much late: a capture publishes its figures each second, and the first of
/// them are to be there.
const SETTLE: Duration = Duration::from_millis(200);

/// What is shown, and how.
pub(super) struct Plan {
    pub(super) tally: Shared,
    pub(super) meter: Meter,
    pub(super) interval: Duration,
    /// End after so many intervals.
    pub(super) count: Option<u64>,
    pub(super) rows: Option<usize>,
    pub(super) topic: Option<Topic>,
    pub(super) sort: Sort,
    pub(super) filter: Option<String>,
    pub(super) colours: bool,
    /// Set when there is nothing to be shown any more.
    pub(super) ended: Arc<AtomicBool>,
}

/// A key is answered no later than this after the end of what is shown.
const LOOK: Duration = Duration::from_millis(100);

/// Rows of text, if nothing else is asked for.
const ROWS: usize = 10;

/// Ends what is read, as Ctrl-C does: when nobody looks any more, also where that is for a panic.
struct Leaving(Arc<AtomicBool>);

impl Drop for Leaving {
    fn drop(&mut self) {
        if !self.0.load(Ordering::Acquire) {
            let _ = kill(Pid::this(), Signal::SIGTERM);
        }
    }
}

impl Plan {
    fn is_over(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    fn leaving(&self) -> Leaving {
        Leaving(Arc::clone(&self.ended))
    }

    /// Shows a terminal until `q` is pressed or there is nothing to show.
    pub(super) fn live(mut self) -> io::Result<()> {
        let _leaving = self.leaving();
        let terminal = Terminal::enter(self.colours)?;
        let topic = self.topic.unwrap_or_default();
        let mut view = View::new(topic, self.sort, self.rows, self.filter.take());
        let mut shown = Interval::default();
        let mut figures = self.meter.read(&shown);
        let mut due = Instant::now() + self.interval + SETTLE;
        let mut left = self.count;
        while !self.is_over() {
            let message = logger::last();
            let lines = view.frame(&figures, &shown, message.as_deref(), Terminal::size());
            terminal.show(&lines)?;
            loop {
                let wait = due.saturating_duration_since(Instant::now());
                match Terminal::input(wait.min(LOOK))? {
                    Input::Key(key) => match view.key(key) {
                        Action::Quit => return Ok(()),
                        Action::Filter(filter) => lock(&self.tally).filter(filter),
                        Action::None => {}
                    },
                    Input::Resized => {}
                    Input::Nothing if self.is_over() => return Ok(()),
                    Input::Nothing if Instant::now() < due => continue,
                    Input::Nothing => {
                        let interval = lock(&self.tally).take(Instant::now());
                        let now = self.meter.read(&interval);
                        if !view.paused {
                            (shown, figures) = (interval, now);
                        }
                        due = Instant::now() + self.interval;
                        left = left.map(|left| left.saturating_sub(1));
                    }
                }
                break;
            }
            if left == Some(0) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Writes tables as text until there were enough, or nobody reads them.
    pub(super) fn batch(mut self) -> io::Result<()> {
        let _leaving = self.leaving();
        let mut left = self.count.unwrap_or(u64::MAX);
        let mut due = Instant::now() + self.interval + SETTLE;
        while left > 0 && !self.is_over() {
            let wait = due.saturating_duration_since(Instant::now());
            if !wait.is_zero() {
                park_timeout(wait);
                continue;
            }
            due += self.interval;
            left -= 1;
            let interval = lock(&self.tally).take(Instant::now());
            let text = self.text(&interval);
            let mut out = io::stdout().lock();
            match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                other => other?,
            }
        }
        Ok(())
    }

    /// The figures and tables of an interval.
    fn text(&mut self, interval: &Interval) -> String {
        let figures = self.meter.read(interval);
        let mut lines = head(&figures);
        for topic in Topic::ALL {
            if self.topic.is_some_and(|only| only != topic) {
                continue;
            }
            let sort = fitting(topic, self.sort);
            let look = Look { topic, sort, inverted: false, numbers: Numbers::Whole, width: None };
            let rows = look.sorted(&interval.tables[topic as usize]);
            lines.push(super::frame::Line::default());
            lines.push(look.titles());
            let shown = rows.into_iter().take(self.rows.unwrap_or(ROWS));
            lines.extend(shown.map(|row| look.row(row, interval.length)));
        }
        let text: Vec<String> =
            lines.iter().map(|line| line.text().trim_end().to_owned()).collect();
        text.join("\n") + "\n\n"
    }
}

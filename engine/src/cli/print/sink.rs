// SPDX-License-Identifier: Apache-2.0
//! What is done with every event.

use std::io::{self, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sysflow::expression::{Predicate, Scratch};
use sysflow::print::{Printer, Statistics, Times};
use sysflow::resolve::{Events, ResolvedEvent};

use super::output::Output;
use super::progress::Progress;

/// Where events go.
pub(super) enum Target {
    Printer(Printer),
    /// Summed up; so many of each kind are shown.
    Statistics(Box<Statistics>, Times, usize),
    /// Shown by others, who also show what goes wrong.
    Each(Each),
}

/// Takes events.
pub(super) type Each = Box<dyn FnMut(&ResolvedEvent<'_>) + Send>;

/// Takes the events that match and tells what went wrong.
pub(super) struct Sink {
    pub(super) target: Target,
    pub(super) filter: Option<Predicate>,
    pub(super) scratch: Scratch,
    pub(super) out: Output,
    pub(super) progress: Progress,
    /// Whether everything could be read so far.
    pub(super) whole: bool,
    /// Whether there was a trace at all.
    pub(super) opened: bool,
}

impl Sink {
    pub(super) fn event(&mut self, event: &ResolvedEvent<'_>) -> io::Result<()> {
        if let Some(filter) = &self.filter
            && !filter.matches(event, &mut self.scratch)
        {
            return Ok(());
        }
        match &mut self.target {
            Target::Printer(printer) => printer.write_event(&mut self.out, event),
            Target::Statistics(statistics, ..) => {
                statistics.add_event(event);
                Ok(())
            }
            Target::Each(each) => {
                each(event);
                Ok(())
            }
        }
    }

    /// Takes note of what was read of a trace.
    pub(super) fn end_trace<R: io::BufRead>(&mut self, events: &Events<R>) -> io::Result<()> {
        if let Target::Statistics(statistics, ..) = &mut self.target {
            statistics.add_records(events.counts());
        }
        match events.resolver().dropped() {
            0 => Ok(()),
            dropped => {
                let path = events.reader().path();
                let what =
                    "processes and files were too many to keep; what refers to them lacks them";
                self.complain(&format!("{path:?}: {dropped} {what}"))
            }
        }
    }

    /// Tells what went wrong, after what was printed before.
    pub(super) fn complain(&mut self, message: &str) -> io::Result<()> {
        self.whole = false;
        self.flush()?;
        self.progress.clear();
        if matches!(self.target, Target::Each(_)) {
            log::error!("{message}");
        } else {
            eprintln!("sysflow: {message}");
        }
        Ok(())
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Writes what is due at the end. Without any trace that is nothing, not even titles.
    pub(super) fn finish(mut self) -> io::Result<bool> {
        self.progress.clear();
        if !self.opened {
            return Ok(self.whole);
        }
        match &mut self.target {
            Target::Printer(printer) => printer.finish(&mut self.out)?,
            Target::Statistics(statistics, times, top) => {
                statistics.write(&mut self.out, *top, times)?;
            }
            Target::Each(_) => {}
        }
        self.out.finish()?;
        Ok(self.whole)
    }
}

/// A sink of one thread, or of several.
pub(super) trait Access {
    /// Does something with the sink.
    fn with<T>(&mut self, what: impl FnOnce(&mut Sink) -> T) -> T;

    /// Whether reading was stopped from outside, so that a trace may end anywhere.
    fn is_stopped(&self) -> bool {
        false
    }
}

impl Access for &mut Sink {
    fn with<T>(&mut self, what: impl FnOnce(&mut Sink) -> T) -> T {
        what(self)
    }
}

/// The sink, also after a thread that used it has panicked.
pub(super) fn lock(sink: &Mutex<Sink>) -> MutexGuard<'_, Sink> {
    sink.lock().unwrap_or_else(PoisonError::into_inner)
}

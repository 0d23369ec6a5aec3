// SPDX-License-Identifier: Apache-2.0
//! What the program says while it runs, on standard error.
//!
//! Messages come from the engine's threads by the `log` crate: it is what the
//! libraries of the field speak, costs nothing where nothing is said, and its
//! key-value pairs keep facts apart from the sentence. `tracing` adds spans,
//! which a program without requests has no use for.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::os::linux::fs::MetadataExt as _;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use clap::ValueEnum;
use engine::clock;
use log::kv::{self, VisitSource};
use log::{Level, LevelFilter, Log, Metadata, Record};

/// How messages look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// Text with the priority that journald reads
    Journal,
    /// Time, level, message and facts as key=value
    Logfmt,
}

impl Format {
    /// What suits standard error: the journal says whether it is one.
    fn suitable() -> Self {
        let journal = std::env::var("JOURNAL_STREAM").ok();
        let here = std::fs::metadata("/dev/stderr")
            .map(|meta| format!("{}:{}", meta.st_dev(), meta.st_ino()));
        if journal.is_some() && journal == here.ok() { Self::Journal } else { Self::Text }
    }
}

struct Logger {
    format: Format,
    /// Whether a status line may be in the way.
    terminal: bool,
}

/// Begins to show messages of that level and above.
pub(crate) fn begin(level: LevelFilter, format: Option<Format>) {
    static LOGGER: OnceLock<Logger> = OnceLock::new();
    let format = format.unwrap_or_else(Format::suitable);
    let logger = LOGGER.get_or_init(|| Logger { format, terminal: io::stderr().is_terminal() });
    // Only the first time; later only the level changes.
    let _ = log::set_logger(logger);
    log::set_max_level(level);
}

/// Lines that wait for the terminal to be free, the newest last.
#[derive(Default)]
struct Held {
    holding: bool,
    lines: VecDeque<String>,
    /// Lines that were too many.
    dropped: u64,
}

/// Lines that wait at most.
const HELD: usize = 100;

fn held() -> MutexGuard<'static, Held> {
    static LINES: Mutex<Held> =
        Mutex::new(Held { holding: false, lines: VecDeque::new(), dropped: 0 });
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps messages back while something else has the terminal; at its end they are shown.
pub(crate) fn hold(holding: bool) {
    let mut held = held();
    held.holding = holding;
    if holding {
        return;
    }
    let Held { lines, dropped, .. } = std::mem::take(&mut *held);
    let mut stderr = io::stderr().lock();
    if dropped > 0 {
        let _ = writeln!(stderr, "({dropped} messages before these are left out)");
    }
    for line in lines {
        let _ = stderr.write_all(line.as_bytes());
    }
}

/// The newest message that is kept back.
pub(crate) fn last() -> Option<String> {
    held().lines.back().map(|line| line.trim_end().to_owned())
}

impl Held {
    /// Keeps a line, if lines are kept back.
    fn keep(&mut self, line: &str) -> bool {
        if self.holding {
            if self.lines.len() == HELD {
                self.lines.pop_front();
                self.dropped += 1;
            }
            self.lines.push_back(line.to_owned());
        }
        self.holding
    }
}

impl Log for Logger {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let mut line = String::new();
        self.format.line(record, &mut line);
        line.push('\n');
        if held().keep(&line) {
            return;
        }
        if self.terminal {
            line.insert_str(0, "\r\x1b[K");
        }
        // Nobody can be told that nobody can be told.
        let _ = io::stderr().lock().write_all(line.as_bytes());
    }

    fn flush(&self) {}
}

impl Format {
    fn line(self, record: &Record<'_>, line: &mut String) {
        let (level, message) = (record.level(), record.args());
        let _ = match (self, level) {
            // As other errors of the program.
            (Self::Text, Level::Error) => write!(line, "sysflow: {message}"),
            (Self::Text, Level::Warn) => write!(line, "sysflow: warning: {message}"),
            (Self::Text, _) => write!(line, "{message}"),
            (Self::Journal, _) => write!(line, "<{}>{message}", priority(level)),
            (Self::Logfmt, _) => {
                let now = clock::epoch_now();
                let (seconds, millis) = (now / 1_000_000_000, now / 1_000_000 % 1000);
                let level = level.as_str().to_lowercase();
                let _ = write!(line, "ts={seconds}.{millis:03} level={level} msg=");
                quoted(&message.to_string(), line);
                Ok(())
            }
        };
        let _ = record.key_values().visit(&mut Facts(line));
    }
}

/// The kernel's numbers of levels, which journald reads in front of a line.
fn priority(level: Level) -> u8 {
    match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    }
}

/// Writes pairs as ` key=value`.
struct Facts<'a>(&'a mut String);

impl<'kvs> VisitSource<'kvs> for Facts<'_> {
    fn visit_pair(&mut self, key: kv::Key<'kvs>, value: kv::Value<'kvs>) -> Result<(), kv::Error> {
        let _ = write!(self.0, " {key}=");
        quoted(&value.to_string(), self.0);
        Ok(())
    }
}

/// Writes a value, quoted where it needs to be.
fn quoted(text: &str, line: &mut String) {
    let plain = |c: char| !c.is_control() && !matches!(c, ' ' | '"' | '=');
    if !text.is_empty() && text.chars().all(plain) {
        line.push_str(text);
    } else {
        let _ = write!(line, "{text:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(format: Format, level: Level) -> String {
        let mut line = String::new();
        let pairs = [("output", "a b.sf"), ("shed", "12")];
        let record = Record::builder()
            .level(level)
            .args(format_args!("the \"disk\" is full"))
            .key_values(&pairs)
            .build();
        format.line(&record, &mut line);
        line
    }

    #[test]
    fn lines_that_are_too_many_are_counted() {
        let mut held = Held { holding: true, ..Held::default() };
        (0..HELD + 2).for_each(|n| assert!(held.keep(&n.to_string())));
        assert_eq!((held.lines.len(), held.dropped), (HELD, 2));
        assert_eq!(held.lines.front().map(String::as_str), Some("2"));
        held.holding = false;
        assert!(!held.keep("x"), "written at once");
    }

    #[test]
    fn formats_are_for_people_journals_and_programs() {
        let facts = "output=\"a b.sf\" shed=12";
        assert_eq!(
            line(Format::Text, Level::Error),
            format!("sysflow: the \"disk\" is full {facts}")
        );
        assert_eq!(line(Format::Text, Level::Info), format!("the \"disk\" is full {facts}"));
        assert_eq!(line(Format::Journal, Level::Warn), format!("<4>the \"disk\" is full {facts}"));
        let logfmt = line(Format::Logfmt, Level::Warn);
        let (ts, rest) = logfmt.split_once(' ').expect("two words");
        assert!(ts.strip_prefix("ts=").expect("a time").parse::<f64>().expect("a number") > 1e9);
        assert_eq!(rest, format!("level=warn msg=\"the \\\"disk\\\" is full\" {facts}"));
    }
}

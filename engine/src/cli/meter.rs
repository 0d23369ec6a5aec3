// SPDX-License-Identifier: Apache-2.0
//! How fast files are read, and how long it will take.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use crate::cli::args::Args;
use crate::cli::size::grouped;

/// Between two lines.
const PAUSE: Duration = Duration::from_millis(500);

/// The line that shows progress on a terminal.
pub(crate) struct Meter {
    started: Instant,
    shown: Instant,
    /// When the input began that is read now.
    begun: Instant,
    /// Its size in bytes.
    size: Option<u64>,
    live: bool,
    visible: bool,
}

impl Meter {
    pub(crate) fn new(args: &Args) -> Self {
        let now = Instant::now();
        let live = !args.quiet && std::io::stderr().is_terminal();
        Self { started: now, shown: now, begun: now, size: None, live, visible: false }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// The next input begins.
    pub(crate) fn begin(&mut self, size: Option<u64>) {
        self.begun = Instant::now();
        self.size = size;
    }

    /// Shows the events of all inputs, and how far the one that is read now has come, if it is time
    /// to.
    pub(crate) fn show(&mut self, events: u64, consumed: u64) {
        let now = Instant::now();
        if !self.live || now.duration_since(self.shown) < PAUSE {
            return;
        }
        self.shown = now;
        self.visible = true;
        let rate = events as f64 / now.duration_since(self.started).as_secs_f64();
        let line = format!("{} events  {} events/s", grouped(events), grouped(rate as u64));
        let rest = self.size.map_or(String::new(), |size| {
            remaining(now.duration_since(self.begun), consumed, size)
        });
        eprint!("\r\x1b[K{line}{rest}");
        let _ = std::io::stderr().flush();
    }

    /// Takes the line away.
    pub(crate) fn clear(&mut self) {
        if std::mem::take(&mut self.visible) {
            eprint!("\r\x1b[K");
        }
    }
}

/// "  42 %  1:05 left", from the time that a part of the input has taken.
fn remaining(since: Duration, consumed: u64, size: u64) -> String {
    if size == 0 || consumed == 0 {
        return String::new();
    }
    let part = (consumed as f64 / size as f64).min(1.0);
    let left = (since.as_secs_f64() * (1.0 - part) / part).ceil() as u64;
    format!("  {:.0} %  {}:{:02} left", part * 100.0, left / 60, left % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_takes_as_long_as_its_size_says() {
        assert_eq!(remaining(Duration::from_secs(10), 25, 100), "  25 %  0:30 left");
        assert_eq!(remaining(Duration::from_secs(100), 50, 100), "  50 %  1:40 left");
        assert_eq!(remaining(Duration::from_secs(1), 200, 100), "  100 %  0:00 left");
        assert_eq!(remaining(Duration::from_secs(1), 0, 100), "");
    }
}

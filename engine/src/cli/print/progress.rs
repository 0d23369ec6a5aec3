// SPDX-License-Identifier: Apache-2.0
//! A line on standard error that tells how far a long input is read.

use std::io::{self, IsTerminal as _, Read, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::cli::size::grouped;

/// What is done sooner needs no such line.
const PATIENCE: Duration = Duration::from_secs(1);

/// Between two updates.
const PACE: Duration = Duration::from_millis(200);

/// How far reading is, and how far there is to go.
pub(super) struct Progress {
    shown: bool,
    enabled: bool,
    started: Instant,
    last: Instant,
    bytes: Arc<AtomicU64>,
    /// Bytes of all inputs; none if that is not known.
    total: Option<u64>,
    records: u64,
}

/// Counts what is read.
pub(super) struct Counted<R> {
    inner: R,
    bytes: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bytes.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl Progress {
    /// Shown only where nothing else is written to the terminal meanwhile.
    pub(super) fn new(rows_on_terminal: bool) -> Self {
        let now = Instant::now();
        Self {
            shown: false,
            enabled: io::stderr().is_terminal() && !rows_on_terminal,
            started: now,
            last: now,
            bytes: Arc::default(),
            total: None,
            records: 0,
        }
    }

    /// Takes note of what is to be read.
    pub(super) fn expect(&mut self, paths: &[PathBuf]) {
        if self.enabled {
            let size = |path: &PathBuf| path.metadata().ok().filter(|meta| meta.is_file());
            self.total = paths.iter().map(|path| Some(size(path)?.len())).sum();
        }
    }

    pub(super) fn count<R>(&self, inner: R) -> Counted<R> {
        Counted { inner, bytes: Arc::clone(&self.bytes) }
    }

    /// Adds records, and shows the line if it is time.
    pub(super) fn add(&mut self, records: u64) {
        self.records += records;
        if !self.enabled {
            return;
        }
        let now = Instant::now();
        if now - self.started >= PATIENCE && now - self.last >= PACE {
            self.last = now;
            self.shown = true;
            eprint!("\r\x1b[K{}", self.line(now - self.started));
            let _ = io::stderr().flush();
        }
    }

    fn line(&self, time: Duration) -> String {
        let bytes = self.bytes.load(Ordering::Relaxed);
        let rate = (self.records as f64 / time.as_secs_f64()) as u64;
        let rate = format!("{} records/s", grouped(rate));
        match self.total {
            Some(total) if total > 0 => {
                // A file that grows meanwhile is longer than it was.
                let part = (bytes as f64 / total as f64).min(1.0);
                let left = time.as_secs_f64() * (1.0 / part.max(1e-9) - 1.0);
                format!(
                    "{} of {}  {:.0} %  {rate}  {} left",
                    size(bytes),
                    size(total),
                    part * 100.0,
                    clock(left as u64)
                )
            }
            _ => format!("{}  {rate}", size(bytes)),
        }
    }

    /// Removes the line.
    pub(super) fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            eprint!("\r\x1b[K");
        }
    }
}

fn size(bytes: u64) -> String {
    const MIB: f64 = (1 << 20) as f64;
    format!("{:.1} MiB", bytes as f64 / MIB)
}

fn clock(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_how_far_it_is() {
        let mut progress = Progress::new(true);
        progress.records = 3000;
        progress.bytes.store(1 << 20, Ordering::Relaxed);
        assert_eq!(progress.line(Duration::from_secs(3)), "1.0 MiB  1,000 records/s");
        progress.total = Some(4 << 20);
        let line = progress.line(Duration::from_secs(60));
        assert_eq!(line, "1.0 MiB of 4.0 MiB  25 %  50 records/s  3:00 left");
        assert_eq!(clock(3_725), "1:02:05");
    }
}

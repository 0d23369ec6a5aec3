// SPDX-License-Identifier: Apache-2.0
//! Captures made longer: their events repeated, each time later.
//!
//! What was there at the beginning (processes, descriptors, users) is written once. Thread and
//! process ids stay the same in all rounds.

use std::io::{self, Write};
use std::path::Path;

use engine::scap::file::{Block, Error, Reader};

/// Why a capture cannot be replayed.
#[derive(Debug)]
pub enum Failure {
    /// It cannot be read.
    Read(Error),
    /// The output cannot be written.
    Write(io::Error),
    /// There is nothing to repeat, or it is not one capture.
    Shape(&'static str),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::Write(error) => write!(f, "cannot write: {error}"),
            Self::Shape(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Failure {}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Events.
    pub events: u64,
    /// Bytes.
    pub bytes: u64,
}

/// Place of an event's time in its block: after type, length and CPU, and flags if it has them.
fn time_at(block: &[u8]) -> usize {
    match u32::from_le_bytes([block[0], block[1], block[2], block[3]]) {
        0x208 | 0x217 | 0x222 => 14,
        _ => 10,
    }
}

/// Writes the capture `input` to `out` with its events `rounds` times. The input is read once for
/// each round, and once before to learn how long it lasts: memory does not grow with it.
///
/// # Errors
/// As [`Failure`] says.
pub fn replay(input: &Path, rounds: u64, out: &mut impl Write) -> Result<Written, Failure> {
    let (first, last, events) = span(input)?;
    // The next round begins after as long a pause as there is between two events on average.
    let period = last - first + (last - first) / events + 1;
    let mut written = Written::default();
    let mut copy = Vec::new();
    for round in 0..rounds {
        let mut reader = Reader::open(input).map_err(Failure::Read)?;
        while let Some(block) = reader.next_block().map_err(Failure::Read)? {
            let time = if let Block::Event(event) = block { Some(event.ts) } else { None };
            let Some(time) = time else {
                if round == 0 {
                    out.write_all(reader.raw())?;
                    written.bytes += reader.raw().len() as u64;
                }
                continue;
            };
            copy.clear();
            copy.extend_from_slice(reader.raw());
            let at = time_at(&copy);
            copy[at..at + 8].copy_from_slice(&(time + round * period).to_le_bytes());
            out.write_all(&copy)?;
            written.bytes += copy.len() as u64;
            written.events += 1;
        }
    }
    out.flush()?;
    Ok(written)
}

/// Time of the first event and of the latest one, and how many there are.
fn span(input: &Path) -> Result<(u64, u64, u64), Failure> {
    let mut reader = Reader::open(input).map_err(Failure::Read)?;
    let (mut first, mut last) = (u64::MAX, 0);
    while let Some(block) = reader.next_block().map_err(Failure::Read)? {
        if let Block::Event(event) = block {
            first = first.min(event.ts);
            last = last.max(event.ts);
        }
    }
    let counts = reader.counts();
    if counts.sections > 1 {
        return Err(Failure::Shape("the file holds several captures, one after the other"));
    }
    if counts.events == 0 {
        return Err(Failure::Shape("the capture has no events"));
    }
    Ok((first, last, counts.events))
}

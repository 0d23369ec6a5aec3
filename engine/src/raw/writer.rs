// SPDX-License-Identifier: Apache-2.0
//! Makes a recording over any output, entry by entry: for tests and tools. A
//! capture has a [`Tap`](super::Tap), which waits for nothing.

use std::io::{self, Write};

use super::block::Packer;
use super::{End, FORMAT, HEAD, MAGIC, Meta, Records, Second, entry};
use crate::snapshot::{Found, Listening};
use crate::state::users::Users;

/// A block is closed when it has this many bytes.
pub(super) const FULL: usize = 1 << 20;

/// The head of a recording.
pub(super) fn head(api: u32, schema: u32) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    head[..8].copy_from_slice(&MAGIC);
    head[8..12].copy_from_slice(&FORMAT.to_le_bytes());
    head[12..16].copy_from_slice(&schema.to_le_bytes());
    head[16..20].copy_from_slice(&api.to_le_bytes());
    head
}

/// Writes a recording.
pub struct Writer<W> {
    out: W,
    packer: Packer,
    body: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Writes head and start. `versions` are those of the driver: API and
    /// schema; `level` is that of Zstandard.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn new(
        mut out: W,
        versions: (u32, u32),
        level: i32,
        meta: &Meta,
        processes: &[Found],
    ) -> io::Result<Self> {
        out.write_all(&head(versions.0, versions.1))?;
        let mut writer = Self { out, packer: Packer::new(level)?, body: Vec::new() };
        entry::put_meta(&mut writer.body, meta);
        entry::put_names(&mut writer.body, &Users::none());
        for found in processes {
            entry::put_process(&mut writer.body, found);
            writer.close_if(FULL)?;
        }
        entry::put_ready(&mut writer.body, &Listening::default());
        Ok(writer)
    }

    /// Adds whole records of a ring.
    ///
    /// # Errors
    /// When a block cannot be written.
    pub fn records(&mut self, records: &Records<'_>) -> io::Result<()> {
        entry::put_records(&mut self.body, records);
        self.close_if(FULL)
    }

    /// Tells up to where rings were handed to the engine, and when.
    ///
    /// # Errors
    /// When a block cannot be written.
    pub fn round(&mut self, now: u64, ends: &[(u32, u64)]) -> io::Result<()> {
        entry::put_round(&mut self.body, now, ends);
        self.close_if(FULL)
    }

    /// Lets time pass.
    ///
    /// # Errors
    /// When a block cannot be written.
    pub fn second(&mut self, second: &Second) -> io::Result<()> {
        let Second { now, clock, cpus, kept } = second;
        entry::put_second(&mut self.body, *now, clock, cpus, kept);
        self.close_if(FULL)
    }

    /// Tells that records are missing.
    ///
    /// # Errors
    /// When a block cannot be written.
    pub fn hole(&mut self, missing: &[(u32, u64)]) -> io::Result<()> {
        entry::put_hole(&mut self.body, missing);
        self.close_if(FULL)
    }

    /// Tells what a lookup in /proc found.
    ///
    /// # Errors
    /// When a block cannot be written.
    pub fn lookup(&mut self, pid: u32, found: Option<&Found>) -> io::Result<()> {
        entry::put_lookup(&mut self.body, pid, found);
        self.close_if(FULL)
    }

    /// Closes the block: what was written so far can be read from now on.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.close_if(1)
    }

    /// Ends the recording.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self, end: &End) -> io::Result<W> {
        entry::put_end(&mut self.body, end);
        self.close_if(1)?;
        Ok(self.out)
    }

    fn close_if(&mut self, len: usize) -> io::Result<()> {
        if self.body.len() >= len {
            self.out.write_all(self.packer.block(&self.body)?)?;
            self.body.clear();
        }
        Ok(())
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Reads a recording, entry by entry. Damage gives what comes before it, then
//! one error that says where it is, then nothing more.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use probe_loader::abi::SF_SCHEMA_VERSION;

use super::block::{Unpacker, fill};
use super::words::Words;
use super::{Entry, Error, FORMAT, HEAD, Problem, entry, is_recording};

/// Reads a recording.
pub struct Reader {
    input: Box<dyn Read + Send>,
    path: PathBuf,
    unpacker: Unpacker,
    body: Words,
    /// Where the next entry begins in it.
    at: usize,
    /// Where its block begins in the file, and ends.
    offset: u64,
    consumed: Arc<AtomicU64>,
    schema: u32,
    stopped: bool,
}

impl Reader {
    /// Reads the head. `path` is what errors call the input.
    ///
    /// # Errors
    /// When the input cannot be read, or is no recording of a version that is
    /// known.
    pub fn new(
        mut input: impl Read + Send + 'static,
        path: impl AsRef<Path>,
    ) -> Result<Self, Error> {
        let path = path.as_ref().to_owned();
        let fail = |problem| Error { path: path.clone(), offset: 0, problem };
        let mut head = [0; HEAD];
        let read = fill(&mut input, &mut head).map_err(|error| fail(Problem::Io(error)))?;
        if !is_recording(&head[..read]) {
            return Err(fail(Problem::Foreign));
        }
        if read < HEAD {
            return Err(fail(Problem::Truncated));
        }
        let word =
            |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (format, schema) = (word(8), word(12));
        if format >> 16 != FORMAT >> 16 {
            return Err(fail(Problem::Format(format)));
        }
        if schema >> 16 != SF_SCHEMA_VERSION >> 16 {
            return Err(fail(Problem::Schema(schema)));
        }
        let unpacker = Unpacker::new().map_err(|error| fail(Problem::Io(error)))?;
        Ok(Self {
            input: Box::new(input),
            path,
            unpacker,
            body: Words::default(),
            at: 0,
            offset: 0,
            consumed: Arc::new(AtomicU64::new(HEAD as u64)),
            schema,
            stopped: false,
        })
    }

    /// Schema version of the records.
    #[must_use]
    pub fn schema(&self) -> u32 {
        self.schema
    }

    /// Bytes of the file that were read.
    #[must_use]
    pub fn consumed(&self) -> u64 {
        self.consumed.load(Ordering::Relaxed)
    }

    /// What is wrong with the block that was read last.
    #[cold]
    pub(super) fn fail(&mut self, problem: Problem) -> Error {
        self.stopped = true;
        Error { path: self.path.clone(), offset: self.offset, problem }
    }

    /// The next entry; none at the end of the file.
    ///
    /// # Errors
    /// When the file is damaged, cut off, or cannot be read; after that there
    /// is nothing more.
    pub fn next_entry(&mut self) -> Result<Option<Entry<'_>>, Error> {
        while !self.stopped && self.at == self.body.len() {
            self.offset = self.consumed();
            match self.unpacker.next(&mut self.input, &mut self.body) {
                Ok(Some(len)) => {
                    self.consumed.fetch_add(len, Ordering::Relaxed);
                    self.at = 0;
                }
                Ok(None) => self.stopped = true,
                Err(problem) => return Err(self.fail(problem)),
            }
        }
        if self.stopped {
            return Ok(None);
        }
        let at = self.at;
        match entry::take(&self.body.bytes()[at..]) {
            Ok((entry, len)) => {
                self.at += len;
                Ok(Some(entry))
            }
            Err(what) => {
                self.stopped = true;
                let problem = Problem::Body(what);
                Err(Error { path: self.path.clone(), offset: self.offset, problem })
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Where records go.

use sysflow::encode::Encode;
use sysflow::record::Header;
use sysflow::write::{Error, OutputFile};

/// Takes records. A failure is the sink's to remember and to count: capture
/// goes on.
pub trait Sink {
    /// Takes one record.
    fn put(&mut self, record: impl Encode);
}

/// Writes to a file; see [`OutputFile`] for what is on disk when.
#[derive(Debug)]
pub struct FileSink {
    file: OutputFile,
    trouble: Option<Error>,
    /// Records refused as of the last time that the file could grow.
    refused: u64,
}

impl FileSink {
    /// A file, with its header written.
    ///
    /// # Errors
    /// When the header cannot be written.
    pub fn new(mut file: OutputFile, header: &Header) -> Result<Self, Error> {
        file.header(header)?;
        // The file's head and header reach the disk now, so that an output
        // that cannot be written is known before anything is recorded.
        if let Err(error) = file.flush_block() {
            let _ = file.discard();
            return Err(error);
        }
        Ok(Self { file, trouble: None, refused: 0 })
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &OutputFile {
        &self.file
    }

    /// Stores what was collected; called on an interval. An error is
    /// remembered. Returns true when the file grows again after records were
    /// refused: entities may be among them, and have to be written again
    /// ([`Engine::begin_file`](crate::Engine::begin_file)).
    pub fn flush(&mut self) -> bool {
        if let Err(error) = self.file.flush_block() {
            self.note(error);
            return false;
        }
        let before = std::mem::replace(&mut self.refused, self.file.refused());
        before != self.refused
    }

    /// The first error since the last call.
    pub fn take_trouble(&mut self) -> Option<Error> {
        self.trouble.take()
    }

    /// The file, to be finished.
    #[must_use]
    pub fn into_file(self) -> OutputFile {
        self.file
    }

    #[cold]
    fn note(&mut self, error: Error) {
        // A refused record is the consequence of an error already noted.
        if !matches!(error, Error::Stalled { .. }) && self.trouble.is_none() {
            self.trouble = Some(error);
        }
    }
}

impl Sink for FileSink {
    #[inline]
    fn put(&mut self, record: impl Encode) {
        if let Err(error) = self.file.write(record) {
            self.note(error);
        }
    }
}

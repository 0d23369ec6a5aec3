// SPDX-License-Identifier: Apache-2.0
//! A container file on disk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::place::{BlockFile, Place};
use super::{Error, Options, Writer};
use crate::encode::{Encode, Text};
use crate::record::Header;

/// A file being written; see the [module](super) for what is on disk when.
///
/// Dropped without [`OutputFile::finish`], it stores what it has and leaves the partial file, unless
/// that has no record.
#[derive(Debug)]
pub struct OutputFile {
    path: PathBuf,
    place: Place,
    writer: Writer<BlockFile>,
    settled: bool,
}

/// What a finished file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The file.
    pub path: PathBuf,
    /// Records in it.
    pub records: u64,
    /// Its size in bytes.
    pub bytes: u64,
    /// Records refused while the file could not grow.
    pub refused: u64,
}

impl OutputFile {
    /// Opens the partial file of `path` and writes its head.
    ///
    /// # Errors
    /// [`Error::IsDirectory`] and [`Error::Busy`]; [`Error::Io`] for what the system refuses.
    #[expect(clippy::needless_pass_by_value, reason = "options are built for the file they open")]
    pub fn create(path: &Path, options: Options) -> Result<Self, Error> {
        let (place, file) = Place::open(path, options.mode)?;
        let writer = Writer::new(file, &options).map_err(|source| {
            if let Some(partial) = &place.partial {
                let _ = fs::remove_file(partial);
            }
            Error::io("write", path, source)
        })?;
        Ok(Self { path: path.to_owned(), place, writer, settled: false })
    }

    /// Writes the header, which must be the first record.
    ///
    /// # Errors
    /// As [`OutputFile::write`].
    pub fn header<S: Text>(&mut self, header: &Header<S>) -> Result<(), Error> {
        self.write(header)
    }

    /// Adds a record; a full block goes to the file.
    ///
    /// # Errors
    /// [`Error::Io`] if the block could not be stored; the record is kept with it.
    /// [`Error::Stalled`] if an earlier block is still not stored: the record is refused.
    /// [`Error::NoHeader`] if the first record is not a header.
    #[inline]
    pub fn write(&mut self, record: impl Encode) -> Result<(), Error> {
        let refused = self.writer.refused();
        match self.writer.write(record) {
            Ok(()) => Ok(()),
            Err(error) => Err(self.refusal(error, self.writer.refused() > refused)),
        }
    }

    #[cold]
    fn refusal(&self, error: io::Error, stalled: bool) -> Error {
        let path = self.path.clone();
        match error.kind() {
            kind if stalled => Error::Stalled { path, kind },
            io::ErrorKind::InvalidInput if self.writer.records() == 0 => Error::NoHeader { path },
            _ => Error::io("write", &path, error),
        }
    }

    /// Stores what was collected so far, or tries again what could not be stored.
    ///
    /// # Errors
    /// [`Error::Io`]; the block is kept.
    pub fn flush_block(&mut self) -> Result<(), Error> {
        self.writer.flush_block().map_err(|source| Error::io("write", &self.path, source))
    }

    /// Stores the last block and gives the file its name.
    ///
    /// # Errors
    /// [`Error::Incomplete`] if the last records could not be stored: the file is in place without
    /// them. [`Error::Io`] if it could not be synced or renamed: the partial file remains.
    pub fn finish(mut self) -> Result<Summary, Error> {
        let flushed = self.writer.flush_block();
        self.settled = true; // whatever happens now, dropping has nothing to add
        self.place.settle(self.writer.get_ref().file())?;
        match flushed {
            Ok(()) => Ok(Summary {
                path: self.path.clone(),
                records: self.writer.records(),
                bytes: self.writer.bytes(),
                refused: self.writer.refused(),
            }),
            Err(source) => Err(Error::Incomplete {
                path: self.path.clone(),
                lost: self.writer.pending() + self.writer.refused(),
                source,
            }),
        }
    }

    /// Removes the file as if it had not been begun. A file of the final name is not touched.
    ///
    /// # Errors
    /// [`Error::Io`] if it could not be removed.
    pub fn discard(mut self) -> Result<(), Error> {
        self.settled = true;
        match &self.place.partial {
            Some(partial) => {
                fs::remove_file(partial).map_err(|source| Error::io("remove", partial, source))
            }
            None => Ok(()),
        }
    }

    /// Records accepted so far.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.writer.records()
    }

    /// Records refused while a block could not be stored.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.writer.refused()
    }

    /// Size of the file in bytes: its head and all complete blocks.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.writer.bytes()
    }

    /// The path given to [`OutputFile::create`].
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file that grows; none if the output is not a regular file.
    #[must_use]
    pub fn partial(&self) -> Option<&Path> {
        self.place.partial.as_deref()
    }

    /// Where the leftover of an interrupted capture to the same path was put, if there was one.
    #[must_use]
    pub fn interrupted(&self) -> Option<&Path> {
        self.place.interrupted.as_deref()
    }
}

impl Drop for OutputFile {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        let _ = self.writer.flush_block();
        if let (Some(partial), true) = (&self.place.partial, self.writer.stored() == 0) {
            let _ = fs::remove_file(partial);
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
//! A file of any format that gets its name when it is complete.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::Error;
use super::place::{BlockFile, Place};

/// A file that grows under another name, by whole blocks, as [`OutputFile`](super::OutputFile)
/// does; what is in the blocks is the caller's.
///
/// Dropped without [`NamedFile::finish`], the partial file stays.
#[derive(Debug)]
pub struct NamedFile {
    path: PathBuf,
    place: Place,
    file: BlockFile,
    bytes: u64,
}

impl NamedFile {
    /// Opens the partial file of `path`, with these permissions before the umask.
    ///
    /// # Errors
    /// [`Error::IsDirectory`] and [`Error::Busy`]; [`Error::Io`] for what the system refuses.
    pub fn create(path: &Path, mode: u32) -> Result<Self, Error> {
        let (place, file) = Place::open(path, mode)?;
        Ok(Self { path: path.to_owned(), place, file, bytes: 0 })
    }

    /// Adds a block, entirely or not at all.
    ///
    /// # Errors
    /// [`Error::Io`]; the file is as it was before.
    pub fn write(&mut self, block: &[u8]) -> Result<(), Error> {
        let written = self.file.write_all(block);
        written.map_err(|source| Error::io("write", &self.path, source))?;
        self.bytes += block.len() as u64;
        Ok(())
    }

    /// Gives the file its name, for good.
    ///
    /// # Errors
    /// [`Error::Io`] if it could not be synced or renamed: the partial file remains.
    pub fn finish(self) -> Result<(), Error> {
        self.place.settle(self.file.file())
    }

    /// Removes the file as if it had not been begun. A file of the final name is not touched.
    ///
    /// # Errors
    /// [`Error::Io`] if it could not be removed.
    pub fn discard(self) -> Result<(), Error> {
        let Some(partial) = &self.place.partial else { return Ok(()) };
        fs::remove_file(partial).map_err(|source| Error::io("remove", partial, source))
    }

    /// Its size in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The path given to [`NamedFile::create`].
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the leftover of an interrupted capture to the same path was put, if there was one.
    #[must_use]
    pub fn interrupted(&self) -> Option<&Path> {
        self.place.interrupted.as_deref()
    }
}

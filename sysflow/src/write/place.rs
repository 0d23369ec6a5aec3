// SPDX-License-Identifier: Apache-2.0
//! Where a file grows and where it ends up.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::Error;

/// A file that takes each `write_all` entirely or not at all.
#[derive(Debug)]
pub(super) struct BlockFile {
    file: File,
    /// End of what was written completely; none if the file cannot be cut back (a pipe).
    good: Option<u64>,
}

impl BlockFile {
    pub(super) fn file(&self) -> &File {
        &self.file
    }
}

impl Write for BlockFile {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.write_all(data).map(|()| data.len())
    }

    fn write_all(&mut self, data: &[u8]) -> io::Result<()> {
        let result = self.file.write_all(data);
        match (&mut self.good, &result) {
            (None, _) => {}
            (Some(good), Ok(())) => *good += data.len() as u64,
            (Some(good), Err(_)) => {
                // If this fails as well, a reader finds the cut inside the last block and still
                // gets all before it.
                let _ = self.file.set_len(*good);
                self.file.seek(SeekFrom::Start(*good))?;
            }
        }
        result
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Where a file grows and where it ends up.
#[derive(Debug)]
pub(super) struct Place {
    /// The final name, symbolic links resolved.
    pub(super) target: PathBuf,
    /// The name while it grows; none if the target is written to directly.
    pub(super) partial: Option<PathBuf>,
    /// The name that a leftover of an interrupted capture was given.
    pub(super) interrupted: Option<PathBuf>,
}

/// `prefix` + file name + `suffix`, in the same directory.
fn beside(target: &Path, prefix: &str, suffix: &str) -> PathBuf {
    let mut name = OsString::from(prefix);
    name.push(target.file_name().unwrap_or_default());
    name.push(suffix);
    target.with_file_name(name)
}

/// The name of the file at `target` while it grows.
pub(crate) fn partial_name(target: &Path) -> PathBuf {
    beside(target, ".", ".partial")
}

impl Place {
    /// Finds the place for `path` and opens the file there.
    pub(super) fn open(path: &Path, mode: u32) -> Result<(Self, BlockFile), Error> {
        let create = |source| Error::io("create", path, source);
        let target = match fs::metadata(path) {
            Ok(meta) if meta.is_dir() => {
                return Err(Error::IsDirectory { path: path.to_owned() });
            }
            Ok(meta) if !meta.is_file() => return Self::direct(path),
            Ok(_) => fs::canonicalize(path).map_err(create)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
            Err(error) => return Err(create(error)),
        };
        if target.file_name().is_none() || path.as_os_str().as_encoded_bytes().ends_with(b"/") {
            return Err(Error::IsDirectory { path: path.to_owned() });
        }
        let partial = partial_name(&target);
        let interrupted = Self::set_aside(&target, &partial)?;
        let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&partial);
        let file = file.map_err(create)?;
        lock(&file, &partial)?;
        let place = Self { target, partial: Some(partial), interrupted };
        Ok((place, BlockFile { file, good: Some(0) }))
    }

    /// Opens something that is not a regular file.
    fn direct(path: &Path) -> Result<(Self, BlockFile), Error> {
        let file = OpenOptions::new().write(true).open(path);
        let file = file.map_err(|source| Error::io("open", path, source))?;
        let place = Self { target: path.to_owned(), partial: None, interrupted: None };
        Ok((place, BlockFile { file, good: None }))
    }

    /// Renames the leftover of an interrupted capture, if there is one.
    fn set_aside(target: &Path, partial: &Path) -> Result<Option<PathBuf>, Error> {
        // Not through a symbolic link: in a directory that others may write to, it could lead the
        // lock or the rename astray.
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
        match OpenOptions::new().read(true).custom_flags(flags).open(partial) {
            Ok(file) => lock(&file, partial)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io("open", partial, error)),
        }
        let aside = beside(target, "", ".interrupted");
        fs::rename(partial, &aside).map_err(|error| Error::io("rename", partial, error))?;
        Ok(Some(aside))
    }

    /// Gives the file its final name, for good.
    pub(super) fn settle(&self, file: &File) -> Result<(), Error> {
        let Some(partial) = &self.partial else { return Ok(()) };
        file.sync_all().map_err(|source| Error::io("sync", partial, source))?;
        fs::rename(partial, &self.target).map_err(|source| Error::io("rename", partial, source))?;
        let dir = match self.target.parent() {
            Some(dir) if !dir.as_os_str().is_empty() => dir,
            _ => Path::new("."),
        };
        match File::open(dir).and_then(|dir| dir.sync_all()) {
            // Some file systems do not sync directories; the rename itself is atomic there too.
            Err(error) if error.kind() != io::ErrorKind::InvalidInput => {
                Err(Error::io("sync", dir, error))
            }
            _ => Ok(()),
        }
    }
}

/// Marks the file as in use by this process, until it is closed.
fn lock(file: &File, path: &Path) -> Result<(), Error> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(Error::Busy { path: path.to_owned() }),
        // A file system without locks: the name alone must do.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        Err(TryLockError::Error(error)) => Err(Error::io("lock", path, error)),
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Where the output goes: standard output, or a file that has its name when it is complete.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// An output, buffered.
pub(super) struct Output {
    file: BufWriter<File>,
    /// None for what is not a regular file: it is written to directly.
    place: Option<Place>,
}

/// A file that is not complete yet, and the name that it gets. Removed if it gets none.
struct Place {
    partial: PathBuf,
    target: PathBuf,
}

impl Output {
    /// Standard output, or the file.
    pub(super) fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path else {
            let stdout = io::stdout().as_fd().try_clone_to_owned();
            return Ok(Self::new(stdout.context("cannot use standard output")?.into(), None));
        };
        let create = || format!("cannot create {path:?}");
        let target = match fs::metadata(path) {
            Ok(meta) if meta.is_dir() => bail!("cannot create {path:?}: it is a directory"),
            Ok(meta) if !meta.is_file() => {
                let file = OpenOptions::new().write(true).open(path).with_context(create)?;
                return Ok(Self::new(file, None));
            }
            // The file that a link leads to is replaced, not the link.
            Ok(_) => fs::canonicalize(path).with_context(create)?,
            Err(_) => path.to_owned(),
        };
        let Some(name) = target.file_name() else { bail!("cannot create {path:?}: no file name") };
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push(".partial");
        let partial = target.with_file_name(hidden);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .custom_flags(libc::O_NOFOLLOW)
            .open(&partial)
            .with_context(create)?;
        // What an interrupted run left is overwritten, what another one writes is not.
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                bail!("cannot create {path:?}: another process is writing it ({partial:?})")
            }
            _ => file.set_len(0).with_context(create)?,
        }
        Ok(Self::new(file, Some(Place { partial, target })))
    }

    fn new(file: File, place: Option<Place>) -> Self {
        Self { file: BufWriter::with_capacity(64 * 1024, file), place }
    }

    /// Gives the file its name.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.file.flush()?;
        let Some(place) = &self.place else { return Ok(()) };
        self.file.get_ref().sync_all()?;
        fs::rename(&place.partial, &place.target)?;
        self.place = None;
        Ok(())
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some(place) = &self.place {
            let _ = fs::remove_file(&place.partial);
        }
    }
}

impl Write for Output {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.file.write(data)
    }

    fn write_all(&mut self, data: &[u8]) -> io::Result<()> {
        self.file.write_all(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_its_name_when_it_is_complete() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.csv");
        let mut output = Output::open(Some(&path)).unwrap();
        output.write_all(b"x").unwrap();
        assert!(!path.exists());
        let busy = Output::open(Some(&path)).err().unwrap().to_string();
        assert!(busy.contains("another process"), "{busy}");
        output.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"x");
        drop(Output::open(Some(&path)).unwrap());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        assert!(Output::open(Some(dir.path())).is_err());
    }
}

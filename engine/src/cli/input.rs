// SPDX-License-Identifier: Apache-2.0
//! The files of `sysflow record -r`. What a file is shows in its bytes, not in
//! its name.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use engine::raw;

use super::signals::Signals;

/// A file that is read.
pub(crate) struct Input {
    /// What errors call it.
    pub(crate) path: PathBuf,
    /// Its size, if it is a regular file.
    pub(crate) size: Option<u64>,
    /// Whether it begins as a recording does.
    pub(crate) is_recording: bool,
    /// All of it, until a signal comes.
    pub(crate) bytes: Box<dyn Read + Send>,
}

impl Input {
    /// Opens a file, or standard input if it is "-", and looks at how it
    /// begins.
    pub(crate) fn open(path: &Path, signals: &Signals) -> io::Result<Self> {
        let standard = path.as_os_str() == "-";
        let file = if standard {
            // The descriptor itself: what a buffer holds, waiting for the
            // descriptor would not see.
            File::from(io::stdin().as_fd().try_clone_to_owned()?)
        } else {
            File::open(path)?
        };
        let size = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|meta| meta.len());
        let mut rest = signals.interrupt(file);
        let mut head = Vec::new();
        // What cannot be read shows when it is read again.
        let looked = (&mut rest).take(raw::MAGIC.len() as u64).read_to_end(&mut head);
        let rest: Box<dyn Read + Send> = match looked {
            Ok(_) => Box::new(rest),
            Err(error) => Box::new(Failed(error)),
        };
        let path = if standard { PathBuf::from("standard input") } else { path.to_owned() };
        let is_recording = raw::is_recording(&head);
        let size = size.filter(|_| !standard);
        Ok(Self { path, size, is_recording, bytes: Box::new(Cursor::new(head).chain(rest)) })
    }
}

/// An input that could not be read, for who reads it next.
struct Failed(io::Error);

impl Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(match self.0.raw_os_error() {
            Some(code) => io::Error::from_raw_os_error(code),
            None => io::Error::new(self.0.kind(), self.0.to_string()),
        })
    }
}

// SPDX-License-Identifier: Apache-2.0
//! What can be wrong with a capture, and where.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// What is wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The file could not be opened.
    #[error("cannot open: {0}")]
    Open(#[source] io::Error),
    /// The system could not read on, or the compressed data are damaged.
    #[error("cannot read: {0}")]
    Io(#[source] io::Error),
    /// There is nothing in the file.
    #[error("the file is empty")]
    Empty,
    /// The file does not begin like a capture; what it is instead, if that is known.
    #[error("not a capture of sysdig or Falco: {0}")]
    Foreign(&'static str),
    /// The capture is from a machine of the other byte order.
    #[error("the capture is from a big-endian machine, which is not supported")]
    ByteOrder,
    /// The format has another major version than 1.
    #[error("the capture has format version {major}.{minor}; versions 1.x are supported")]
    Version {
        /// The major version.
        major: u16,
        /// The minor version.
        minor: u16,
    },
    /// The file ends inside a block.
    #[error("the file ends inside a block; its end was not written or is cut off")]
    Truncated,
    /// A block claims to be smaller than its own frame.
    #[error("damaged block: a length of {0} bytes")]
    Length(u32),
    /// A block is larger than [`Limits::block`](super::Limits::block).
    #[error("block of {len} bytes, more than the limit of {limit}")]
    Limit {
        /// What it claims.
        len: u32,
        /// What is allowed.
        limit: usize,
    },
    /// The two lengths of a block differ.
    #[error("damaged block: {front} bytes long by its beginning, {back} by its end")]
    Trailer {
        /// The length at its beginning.
        front: u32,
        /// The length at its end.
        back: u32,
    },
    /// What is in a block does not fit into it.
    #[error("damaged block: its {0} does not fit")]
    Body(&'static str),
}

/// What is wrong with a capture, and where.
#[derive(Debug)]
pub struct Error {
    /// The file.
    pub path: PathBuf,
    /// Where: the first byte of the damaged block or of the damaged entry in it, or the byte where
    /// the file ends. Of compressed files, the place in the uncompressed data.
    pub offset: u64,
    /// Whether the file is compressed.
    pub compressed: bool,
    /// Events read before.
    pub events: u64,
    /// What is wrong.
    pub problem: Problem,
}

impl Error {
    /// The file could not be opened.
    #[must_use]
    pub fn open(path: &Path, source: io::Error) -> Self {
        Self::at_start(path, Problem::Open(source))
    }

    /// What is wrong before anything was read.
    pub(super) fn at_start(path: &Path, problem: Problem) -> Self {
        Self { path: path.to_owned(), offset: 0, compressed: false, events: 0, problem }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, offset, compressed, events, problem } = self;
        match problem {
            Problem::Open(source) => return write!(f, "cannot open {path:?}: {source}"),
            Problem::Empty | Problem::Foreign(_) | Problem::ByteOrder | Problem::Version { .. } => {
                return write!(f, "{path:?}: {problem}");
            }
            _ => {}
        }
        let of = if *compressed { " of the uncompressed data" } else { "" };
        write!(f, "{path:?}: {problem} (at byte {offset}{of}, after {events} events)")
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.problem {
            Problem::Open(source) | Problem::Io(source) => Some(source),
            _ => None,
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
//! What can be wrong with a recording, and where.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use probe_loader::abi::{SF_SCHEMA_VERSION, version_text};

/// What is wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The file could not be opened.
    #[error("cannot open: {0}")]
    Open(#[source] io::Error),
    /// The system could not read on.
    #[error("cannot read: {0}")]
    Io(#[source] io::Error),
    /// The file does not begin like a recording.
    #[error("not a recording of sysflow record --raw")]
    Foreign,
    /// The format has another major version.
    #[error(
        "the recording has format {theirs}, this program knows {ours}; use a newer sysflow program",
        theirs = version_text(*.0), ours = version_text(super::FORMAT)
    )]
    Format(u32),
    /// The driver's records have another major version.
    #[error(
        "its driver spoke schema {theirs}, this program {ours}; replay it with the sysflow program \
         that recorded it",
        theirs = version_text(*.0), ours = version_text(SF_SCHEMA_VERSION)
    )]
    Schema(u32),
    /// The file ends inside of its head or a block.
    #[error("the file ends inside a block; its end was not written or is cut off")]
    Truncated,
    /// No block begins where one has to.
    #[error("damaged block: it does not begin like one")]
    Magic,
    /// A block is larger than any that is written.
    #[error("damaged block: a length of {0} bytes")]
    Length(usize),
    /// The bytes of a block are not those that were written.
    #[error("damaged block: its checksum does not fit")]
    Checksum,
    /// A block cannot be unpacked.
    #[error("damaged block: it cannot be unpacked")]
    Pack,
    /// What is in a block does not fit into it, or to what was before.
    #[error("damaged block: its {0} does not fit")]
    Body(&'static str),
    /// The file begins with something else than what every recording does.
    #[error("damaged recording: it does not say what was recorded")]
    NoMeta,
}

/// What is wrong with a recording, and where.
#[derive(Debug)]
pub struct Error {
    /// The file.
    pub path: PathBuf,
    /// The first byte of the damaged block, or where the file ends.
    pub offset: u64,
    /// What is wrong.
    pub problem: Problem,
}

impl Error {
    /// The file could not be opened.
    #[must_use]
    pub fn open(path: &Path, source: io::Error) -> Self {
        Self { path: path.to_owned(), offset: 0, problem: Problem::Open(source) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, offset, problem } = self;
        match problem {
            Problem::Open(source) => write!(f, "cannot open {path:?}: {source}"),
            Problem::Foreign | Problem::Format(_) | Problem::Schema(_) => {
                write!(f, "{path:?}: {problem}")
            }
            _ => write!(f, "{path:?}: {problem} (at byte {offset})"),
        }
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

// SPDX-License-Identifier: Apache-2.0
//! What can be wrong with a file, and where.

use std::fmt;
use std::io;
use std::path::PathBuf;

pub use crate::wire::Malformed;

/// What is wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The file could not be opened.
    #[error("cannot open: {0}")]
    Open(#[source] io::Error),
    /// There is no such file, but one that a capture has not finished.
    #[error("the capture is still running or was interrupted; what it has so far is in {0:?}")]
    Unfinished(PathBuf),
    /// The system could not read on.
    #[error("cannot read: {0}")]
    Io(#[source] io::Error),
    /// The file does not begin like a container file.
    #[error("not a SysFlow trace (an Avro container file)")]
    NotAvro,
    /// The file's schema is not one of SysFlow.
    #[error("not a SysFlow trace: {0}")]
    Schema(String),
    /// The file's compression is not supported.
    #[error("blocks are compressed with \"{0}\", which is not supported; convert to deflate")]
    Codec(String),
    /// The file ends too early.
    #[error("the file ends inside a block; its end was not written or is cut off")]
    Truncated,
    /// The end of a block is not marked as it must be.
    #[error("no sync marker at the end of the block")]
    Sync,
    /// A block cannot be decompressed.
    #[error("damaged compressed data")]
    Compression,
    /// The data of a block are not those that were compressed.
    #[error("wrong checksum of a block")]
    Checksum,
    /// A count or size that cannot be.
    #[error("impossible count or size {0}")]
    Count(i64),
    /// A size beyond the limit, see [`Limits`](super::Limits).
    #[error("{what} is larger than the limit of {limit} bytes")]
    Limit {
        /// What is too large.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// A block has data after its last record.
    #[error("{0} bytes after the last record of the block")]
    Surplus(usize),
    /// A record does not fit the schema.
    #[error("damaged record: {0}")]
    Record(#[source] Malformed),
}

/// What is wrong with a file, and where.
#[derive(Debug)]
pub struct Error {
    /// The file.
    pub path: PathBuf,
    /// Where in the file: the first byte of the damaged block, or the byte where it ends.
    pub offset: u64,
    /// Records read before.
    pub records: u64,
    /// What is wrong.
    pub problem: Problem,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, offset, records, problem } = self;
        match problem {
            Problem::Open(source) => write!(f, "cannot open {path:?}: {source}"),
            Problem::NotAvro | Problem::Schema(_) | Problem::Codec(_) | Problem::Unfinished(_) => {
                write!(f, "{path:?}: {problem}")
            }
            _ => write!(f, "{path:?}: {problem} (at byte {offset}, after {records} records)"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.problem {
            Problem::Open(source) | Problem::Io(source) => Some(source),
            Problem::Record(source) => Some(source),
            _ => None,
        }
    }
}

/// What [`Reader::resume`](super::Reader::resume) skips.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Where the damaged block begins.
    pub offset: u64,
    /// Bytes from there to where reading goes on.
    pub bytes: u64,
    /// Records lost, if the damage leaves that to be known.
    pub records: Option<u64>,
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { offset, bytes, records } = self;
        write!(f, "skipped {bytes} bytes at byte {offset}")?;
        match records {
            Some(records) => write!(f, " with {records} records"),
            None => f.write_str(" with an unknown number of records"),
        }
    }
}

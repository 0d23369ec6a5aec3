// SPDX-License-Identifier: Apache-2.0
//! What can go wrong while writing, and what to do about it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a file could not be written.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The system refused an operation.
    Io {
        /// What was tried: "create", "write", ...
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The path names a directory.
    IsDirectory {
        /// The path.
        path: PathBuf,
    },
    /// Another capture is writing the same file.
    Busy {
        /// The partial file that is locked.
        path: PathBuf,
    },
    /// A record was refused because an earlier block could not be stored yet.
    Stalled {
        /// The file.
        path: PathBuf,
        /// Why the block could not be stored.
        kind: io::ErrorKind,
    },
    /// The first record is not a header.
    NoHeader {
        /// The file.
        path: PathBuf,
    },
    /// The file is in place and readable, but the end is missing.
    Incomplete {
        /// The file.
        path: PathBuf,
        /// Records that were accepted and could not be stored.
        lost: u64,
        /// Why.
        source: io::Error,
    },
}

impl Error {
    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }

    /// The kind of system error behind it, if there is one.
    #[must_use]
    pub fn kind(&self) -> Option<io::ErrorKind> {
        match self {
            Self::Io { source, .. } | Self::Incomplete { source, .. } => Some(source.kind()),
            Self::Stalled { kind, .. } => Some(*kind),
            Self::IsDirectory { .. } | Self::Busy { .. } | Self::NoHeader { .. } => None,
        }
    }
}

/// What the user can do about a system error, with a leading separator; nothing if unknown.
fn remedy(kind: io::ErrorKind) -> &'static str {
    use io::ErrorKind as Kind;
    match kind {
        Kind::StorageFull => "; free space or write to another file system",
        Kind::QuotaExceeded => "; free space, raise the quota or write to another file system",
        Kind::PermissionDenied => "; write to a directory you own, or run with more privileges",
        Kind::ReadOnlyFilesystem => "; write to another file system, or remount it read-write",
        Kind::NotFound | Kind::NotADirectory => "; create the directory first",
        Kind::InvalidFilename => "; choose a name of at most 246 bytes",
        Kind::FileTooLarge => "; rotate files, or raise the limit of file size",
        _ => "",
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { action, path, source } => {
                write!(f, "cannot {action} {path:?}: {source}{}", remedy(source.kind()))
            }
            Self::IsDirectory { path } => {
                write!(f, "cannot write {path:?}: it is a directory; name a file in it")
            }
            Self::Busy { path } => {
                let hint = "stop the other capture or choose another name";
                write!(f, "another capture is writing {path:?}; {hint}")
            }
            Self::Stalled { path, kind } => {
                write!(f, "record refused, {path:?} cannot grow: {kind}{}", remedy(*kind))
            }
            Self::NoHeader { path } => {
                write!(f, "the first record of {path:?} must be a header")
            }
            Self::Incomplete { path, lost, source } => {
                let remedy = remedy(source.kind());
                write!(f, "{path:?} lacks its last {lost} records: {source}{remedy}")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } | Self::Incomplete { source, .. } => Some(source),
            _ => None,
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Records to container files.
//!
//! [`Writer`] makes the container format over any [`Write`](std::io::Write); [`OutputFile`] adds
//! what a capture needs of a file on disk, and [`NamedFile`] the same for files of another format.
//!
//! # What is on disk, and when
//!
//! While a capture runs, its file is named `.NAME.partial`, beside the `NAME` it will get. Records
//! are collected in a block; a block reaches the file in one piece, when it has
//! [`Options::block_bytes`] or when [`OutputFile::flush_block`] is called, which a capture does on
//! its interval. [`OutputFile::finish`] writes the last block, syncs the file, renames it to `NAME`
//! (replacing an older `NAME` in that instant, not before) and syncs the directory.
//!
//! So `NAME` is always a complete file. After `kill -9` or a crash, `.NAME.partial` remains and is
//! readable up to its last complete block, with [`Reader::open`](crate::read::Reader::open) like
//! any other file. The next capture to the same `NAME` does not destroy it but renames it to
//! `NAME.interrupted` (replacing an older one, so that they cannot pile up) and says so by
//! [`OutputFile::interrupted`]. A running capture holds a lock on its partial file: a second one to
//! the same `NAME` is refused.
//!
//! If a block cannot be stored, usually because the disk is full, the file is cut back to the end
//! of the last complete block. The block is kept in memory, later records are refused and counted,
//! and each `flush_block` tries again. Nothing is lost until the caller gives up with `finish`, and
//! then [`Error::Incomplete`] tells how much.
//!
//! If `NAME` exists and is not a regular file (a pipe, `/dev/stdout`), it is written to directly.
//! If it is a symbolic link, the file it points to is replaced, not the link.

mod deflate;
mod error;
mod file;
mod named;
mod options;
mod pack;
mod place;
mod writer;

pub use error::Error;
pub use file::{OutputFile, Summary};
pub use named::NamedFile;
pub use options::{Codec, DEFLATE_LEVEL, Options, UnknownCodec, ZSTANDARD_LEVEL};
pub(crate) use place::partial_name;
pub use writer::Writer;

// SPDX-License-Identifier: Apache-2.0
//! Recordings: what a driver delivered, kept as it came, and played again.
//!
//! ```text
//! rings ── Tap ── buffers ──> thread: compress ──> file        while recording
//!   │
//! Merge ──> Engine ──> outputs
//!   │
//! lanes <── Player <── Reader <── file                         while replaying
//! ```
//!
//! A recording holds the records of each ring in the ring's own order, and
//! beside them all that the engine learned elsewhere: what ran at the start,
//! the names of users, what it looked up in /proc on the way, the clocks, and
//! when it let time pass. So the same engine makes the same `SysFlow` records
//! of it again, on any host, without asking that host anything.
//!
//! # The format
//!
//! A head of 24 bytes, then blocks. Numbers are little-endian.
//!
//! | head | bytes | |
//! |---|---|---|
//! | magic | 8 | `SYSFLOWR` |
//! | format | 4 | [`FORMAT`], major << 16 \| minor |
//! | schema | 4 | schema version of the records (`abi.h`) |
//! | api | 4 | API version of the driver |
//! | reserved | 4 | 0 |
//!
//! | block | bytes | |
//! |---|---|---|
//! | magic | 4 | `SFB1` |
//! | packed | 4 | bytes of the body as it stands here |
//! | size | 4 | bytes of the body after unpacking |
//! | checksum | 4 | CRC-32 of the packed body |
//! | body | packed | one frame of Zstandard: entries |
//!
//! An entry is a kind (4 bytes), the length of its payload (4 bytes), and the
//! payload, filled with zero bytes to a multiple of 8; [`Entry`] tells what
//! there is. A reader passes over kinds that it does not know. A file is
//! readable up to its last whole block.
//!
//! # Order
//!
//! `Round` says how far each ring was handed to the engine by then, as a
//! position in the ring; everything up to there comes before it in the file.
//! `Second` comes where the engine let time pass. A replay that merges each
//! round by itself hands the engine the same events in the same order, and
//! lets time pass between the same two.

mod block;
mod end;
mod entry;
mod error;
mod found;
mod lane;
mod lookup;
mod meta;
mod names;
mod player;
mod reader;
mod tap;
#[cfg(test)]
mod tests;
mod thread;
mod words;
mod writer;

pub use end::End;
pub use entry::{Entry, Hole, Records, Round, Second};
pub use error::{Error, Problem};
pub use meta::Meta;
pub use player::{Moment, Played, Player, Recording};
pub use reader::Reader;
pub use tap::{Ended, Tap};
pub use writer::Writer;

/// Begins every recording.
pub const MAGIC: [u8; 8] = *b"SYSFLOWR";

/// Version of the format, major << 16 | minor. Major: an older reader would
/// misread. Minor: it passes over something new.
pub const FORMAT: u32 = 1 << 16;

/// Bytes of the head.
const HEAD: usize = 24;

/// Level of Zstandard: the thread keeps up with several million records a
/// second.
const LEVEL: i32 = 1;

/// A block has no more bytes than this, packed or not.
const MAX_BLOCK: usize = 64 << 20;

/// No host has more rings.
const MAX_RINGS: u32 = 1 << 16;

/// Whether a file that begins with these bytes is a recording.
#[must_use]
pub fn is_recording(head: &[u8]) -> bool {
    head.starts_with(&MAGIC)
}

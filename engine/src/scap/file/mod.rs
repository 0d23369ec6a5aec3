// SPDX-License-Identifier: Apache-2.0
//! The file layer: captures to blocks and events, nothing copied.
//!
//! A capture is a sequence of blocks in the framing of pcapng: type, length, body, length again.
//! [`Reader`] gives them one by one, borrowed from its buffer. All versions of the blocks are read,
//! from files that are plain or compressed with gzip or Zstandard, of little-endian machines.
//! Blocks of unknown type are skipped and counted. Damage gives everything before it, then one
//! [`Error`] that says where it is, then nothing more.
//!
//! The format has no specification of its own; what is here was established from captures of
//! sysdig 0.26 to Falco's libraries 0.18.

mod block;
mod descriptor;
mod entries;
mod error;
mod event;
mod fields;
mod interface;
mod machine;
mod process;
mod source;
mod user;
mod window;

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use block::{Block, Section};
pub use descriptor::{DescriptorEntry, DescriptorObject, Descriptors, End, Ends};
pub use entries::{Entries, Entry};
pub use error::{Error, Problem};
pub use event::{Params, RawEvent};
pub use interface::{InterfaceEntry, Interfaces};
pub use machine::Machine;
pub use process::{ProcessEntry, Processes};
pub use user::{UserEntry, Users};

use block::Kind;
use source::Source;
use window::Window;

/// What a file may make the reader hold in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a block of known type. 256 MiB; a list of processes has about 2 KiB for each.
    pub block: usize,
    /// Binary logarithm of the window that a file compressed with Zstandard may ask for. 27, as
    /// the program zstd has it.
    pub window_log: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { block: 256 << 20, window_log: 27 }
    }
}

/// What was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Captures in the file, one after the other.
    pub sections: u64,
    /// Events.
    pub events: u64,
    /// Blocks of unknown type, skipped.
    pub unknown_blocks: u64,
    /// The type of the first one of them.
    pub unknown_type: Option<u32>,
}

/// Type and length, before a body.
const HEAD: usize = 8;

/// The length again, after it.
const TAIL: usize = 4;

/// Reads a capture, block by block.
pub struct Reader {
    window: Window,
    /// Bytes of the block that was given last, which is still in the window.
    given: usize,
    limits: Limits,
    consumed: Arc<AtomicU64>,
    state: State,
}

/// How far reading has come.
struct State {
    path: PathBuf,
    compressed: bool,
    counts: Counts,
    /// Where the block in question begins in the file.
    at: u64,
    /// Damage in the block that was given last, and where in the file it is.
    damage: Option<(u64, Problem)>,
    /// At the end, or at damage.
    stopped: bool,
}

impl State {
    /// Gives the damage that was found with the last block, once.
    #[cold]
    fn stop(&mut self) -> Result<(), Error> {
        match self.damage.take() {
            Some((offset, problem)) => Err(self.fail(offset, problem)),
            None => Ok(()),
        }
    }

    #[cold]
    fn fail(&mut self, offset: u64, problem: Problem) -> Error {
        self.stopped = true;
        Error {
            path: self.path.clone(),
            offset,
            compressed: self.compressed,
            events: self.counts.events,
            problem,
        }
    }
}

impl Reader {
    /// Opens a file.
    ///
    /// # Errors
    /// If it cannot be opened or read. What it holds is looked at when blocks are asked for.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        match File::open(path) {
            Ok(file) => Self::new(file, path),
            Err(source) => Err(Error::open(path, source)),
        }
    }

    /// Reads from `input`; `name` stands for it in errors.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn new(input: impl Read + Send + 'static, name: impl Into<PathBuf>) -> Result<Self, Error> {
        Self::with_limits(input, name, Limits::default())
    }

    /// As [`Reader::new`], with other limits.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn with_limits(
        input: impl Read + Send + 'static,
        name: impl Into<PathBuf>,
        limits: Limits,
    ) -> Result<Self, Error> {
        let path = name.into();
        let Source { bytes, consumed, compressed } = Source::new(input, limits.window_log)
            .map_err(|source| Error::at_start(&path, Problem::Io(source)))?;
        Ok(Self {
            window: Window::new(bytes),
            given: 0,
            limits,
            consumed,
            state: State {
                path,
                compressed,
                counts: Counts::default(),
                at: 0,
                damage: None,
                stopped: false,
            },
        })
    }

    /// Hot path. Hands out the events that come next, until `take` refuses one, a block is not of
    /// the usual kind, or the buffer is used up; the number of events. With what comes then
    /// [`Reader::next_block`] goes on; this is a faster way past most blocks, and never an end.
    #[inline]
    pub fn events(&mut self, mut take: impl FnMut(&RawEvent<'_>) -> bool) -> u64 {
        self.window.pass(std::mem::take(&mut self.given));
        if self.state.stopped || self.state.counts.sections == 0 {
            return 0;
        }
        let (mut passed, mut count) = (0, 0);
        let bytes = self.window.bytes();
        while let Some((event, size)) = RawEvent::usual(&bytes[passed..]) {
            if size > self.limits.block || !take(&event) {
                break;
            }
            passed += size;
            count += 1;
        }
        self.window.pass(passed);
        self.state.counts.events += count;
        count
    }

    /// The next block of known type; none at the end, and after an error.
    ///
    /// # Errors
    /// What is wrong with the file at that place.
    #[inline]
    pub fn next_block(&mut self) -> Result<Option<Block<'_>>, Error> {
        self.window.pass(std::mem::take(&mut self.given));
        if self.state.stopped {
            return self.state.stop().map(|()| None);
        }
        let (kind, len) = match self.frame() {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(None),
            Err(problem) => return Err(self.state.fail(self.state.at, problem)),
        };
        self.given = len;
        let body = &self.window.bytes()[HEAD..len - TAIL];
        if let Kind::Event(shape) = kind {
            let Some(event) = RawEvent::read(body, shape) else {
                return Err(self.state.fail(self.state.at, Problem::Body("event")));
            };
            self.state.counts.events += 1;
            return Ok(Some(Block::Event(event)));
        }
        let (block, damage) = Block::read(kind, body);
        if let Some((offset, problem)) = damage {
            self.state.damage = Some((self.state.at + (HEAD + offset) as u64, problem));
            self.state.stopped = true;
        }
        match block {
            Some(Block::Section(_)) => self.state.counts.sections += 1,
            Some(_) => {}
            None => return self.state.stop().map(|()| None),
        }
        Ok(block)
    }

    /// Finds the next block of known type and brings it into the window. Its kind and length.
    #[inline]
    fn frame(&mut self) -> Result<Option<(Kind, usize)>, Problem> {
        loop {
            self.state.at = self.window.offset();
            if !self.window.ensure(HEAD + TAIL)? {
                return self.end();
            }
            let (type_number, len) = (self.window.number(0), self.window.number(4));
            let known = Kind::of(type_number);
            if self.state.counts.sections == 0 && known != Some(Kind::Section) {
                return Err(Problem::Foreign(source::foreign(self.window.bytes())));
            }
            let size = len as usize;
            if size < HEAD + TAIL {
                return Err(Problem::Length(len));
            }
            let Some(kind) = known else {
                self.skip(type_number, len)?;
                continue;
            };
            if size > self.limits.block {
                return Err(self.too_large(len));
            }
            if !self.window.ensure(size)? {
                return Err(Problem::Truncated);
            }
            let back = self.window.number(size - TAIL);
            if back != len {
                return Err(Problem::Trailer { front: len, back });
            }
            return Ok(Some((kind, size)));
        }
    }

    /// At the end of the input: whether it is a good end.
    #[cold]
    fn end(&mut self) -> Result<Option<(Kind, usize)>, Problem> {
        match self.window.bytes() {
            [] if self.state.counts.sections > 0 => {
                self.state.stopped = true;
                Ok(None)
            }
            [] => Err(Problem::Empty),
            rest if self.state.counts.sections == 0 => Err(Problem::Foreign(source::foreign(rest))),
            _ => Err(Problem::Truncated),
        }
    }

    /// Skips a block of unknown type.
    #[cold]
    fn skip(&mut self, type_number: u32, len: u32) -> Result<(), Problem> {
        if type_number == block::PCAPNG_INTERFACE && self.state.counts.events == 0 {
            return Err(Problem::Foreign("it is a capture of network packets"));
        }
        if !self.window.skip(len as usize - TAIL)? || !self.window.ensure(TAIL)? {
            return Err(Problem::Truncated);
        }
        let back = self.window.number(0);
        if back != len {
            return Err(Problem::Trailer { front: len, back });
        }
        self.window.pass(TAIL);
        self.state.counts.unknown_blocks += 1;
        self.state.counts.unknown_type.get_or_insert(type_number);
        Ok(())
    }

    /// Where the byte order is not ours, so are the lengths: the better explanation.
    #[cold]
    fn too_large(&mut self, len: u32) -> Problem {
        let foreign = self.state.counts.sections == 0
            && matches!(self.window.ensure(HEAD + 4), Ok(true))
            && self.window.number(HEAD) == block::BYTE_ORDER.swap_bytes();
        if foreign { Problem::ByteOrder } else { Problem::Limit { len, limit: self.limits.block } }
    }

    /// The block that was given last, as it is in the file, with its frame.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.window.bytes()[..self.given]
    }

    /// What was read so far.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.state.counts
    }

    /// Bytes taken from the input so far, of compressed files those before decompression. A part of
    /// them may wait in buffers.
    #[must_use]
    pub fn consumed(&self) -> u64 {
        self.consumed.load(Ordering::Relaxed)
    }

    /// Whether the input is compressed.
    #[must_use]
    pub fn compressed(&self) -> bool {
        self.state.compressed
    }

    /// The name given for the input.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.state.path
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let State { path, counts, .. } = &self.state;
        f.debug_struct("Reader").field("path", path).field("counts", counts).finish_non_exhaustive()
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Container files to records.
//!
//! [`Reader`] reads any trace: of schema version 1 to 6, the versions before 1 that call themselves
//! 1000 and 1001, and later ones as far as their fields are known. It goes by the schema in the
//! file, not by the version number. A field that the writer did not have gets the value named at
//! the field; a field that we do not know is skipped; a record type that we do not know is skipped
//! and counted. Schemas that nobody wrote yet are read by the same rules, which are worked out once
//! for a file; a general Avro library, which makes a tree of values of each record, is not needed
//! for them.
//!
//! [`Reader::next_ref`] gives records that borrow from the block they are in, without copying or
//! allocating; [`Reader::next_record`], and the iterator, records that own what they have.
//!
//! A damaged or cut-off file gives every record before the damage, then one [`Error`] that says
//! where it is, then nothing more, unless the caller asks to [`resume`](Reader::resume) behind the
//! damage. Whatever the bytes, memory stays below what [`Limits`] set.
//!
//! ```
//! use sysflow::read::Reader;
//! use sysflow::record::{Header, NetworkFlow, RecordRef};
//! use sysflow::write::{Options, Writer};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut writer = Writer::new(Vec::new(), &Options::default())?;
//! writer.write(Header::<&str> { exporter: "web1", ..Header::default() })?;
//! writer.write(NetworkFlow { dport: 443, num_r_recv_bytes: 1000, ..NetworkFlow::default() })?;
//! let file = writer.finish()?;
//!
//! // A file is opened with `Reader::open`; anything buffered can be read with `Reader::new`.
//! let mut reader = Reader::new(&file[..], "memory")?;
//! let mut bytes = 0;
//! while let Some(record) = reader.next_ref()? {
//!     match record {
//!         RecordRef::Header(header) => assert_eq!(header.exporter, "web1"),
//!         RecordRef::NetworkFlow(flow) => bytes += flow.num_r_recv_bytes,
//!         _ => {}
//!     }
//! }
//! assert_eq!((reader.records(), bytes), (2, 1000));
//! # Ok(())
//! # }
//! ```

mod block;
mod error;
mod find;
mod head;
mod input;
mod unpack;

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::iter::FusedIterator;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use error::{Error, Gap, Malformed, Problem};
pub use find::find;

use crate::decode::Plan;
use crate::record::{Record, RecordRef, Union};
use crate::wire::Cursor;
use crate::write::{Codec, partial_name};
use block::Block;
use head::Head;
use input::Input;

/// What a file may make the reader hold in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of metadata, including the schema. 1 MiB; the largest schema known has 15 KiB.
    pub head: usize,
    /// Bytes of a block, compressed and, again, uncompressed. 16 MiB; writers of SysFlow close a
    /// block at 80000 bytes.
    pub block: usize,
    /// List items in one record: arguments, environment entries. About 260,000.
    pub items: usize,
    /// Bytes of processes, files, containers and pods that [`Events`](crate::resolve::Events) keeps,
    /// about. 1 GiB: millions of them.
    pub entities: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { head: 1 << 20, block: 16 << 20, items: 1 << 18, entities: 1 << 30 }
    }
}

/// Reads a container file, record by record. Also an iterator.
#[derive(Debug)]
pub struct Reader<R> {
    input: Input<R>,
    path: PathBuf,
    limits: Limits,
    head: Head,
    plan: Arc<Plan>,
    block: Block,
    /// What ended the block's data early.
    damage: Option<Problem>,
    /// Position in the block's data.
    pos: usize,
    /// Records left in the block.
    left: u64,
    /// Where the block begins in the file.
    block_offset: u64,
    records: u64,
    skipped: u64,
    state: State,
}

/// Whether there may be more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Reading,
    /// After an error, with data behind it that may be good.
    Damaged,
    Done,
}

impl Reader<BufReader<File>> {
    /// Opens a file.
    ///
    /// # Errors
    /// If it cannot be opened, or is not a trace.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|source| Error {
            path: path.to_owned(),
            offset: 0,
            records: 0,
            problem: open_problem(path, source),
        })?;
        Self::new(BufReader::with_capacity(64 * 1024, file), path)
    }
}

/// Why `path` could not be opened.
fn open_problem(path: &Path, source: io::Error) -> Problem {
    let partial = partial_name(path);
    match source.kind() {
        io::ErrorKind::NotFound if partial.is_file() => Problem::Unfinished(partial),
        _ => Problem::Open(source),
    }
}

impl<R: BufRead> Reader<R> {
    /// Reads from `input`; `name` stands for it in errors.
    ///
    /// # Errors
    /// If it is not a trace.
    pub fn new(input: R, name: impl Into<PathBuf>) -> Result<Self, Error> {
        Self::with_limits(input, name, Limits::default())
    }

    /// As [`Reader::new`], with other limits.
    ///
    /// # Errors
    /// If it is not a trace.
    pub fn with_limits(input: R, name: impl Into<PathBuf>, limits: Limits) -> Result<Self, Error> {
        let mut input = Input::new(input);
        let head = Head::read(&mut input, &limits).and_then(|head| {
            let plan = Plan::of(&head.schema).map_err(Problem::Schema)?;
            Ok((Block::new(head.codec)?, head, plan))
        });
        let path = name.into();
        match head {
            Ok((block, head, plan)) => Ok(Self {
                block_offset: input.offset(),
                input,
                path,
                limits,
                head,
                plan,
                block,
                damage: None,
                pos: 0,
                left: 0,
                records: 0,
                skipped: 0,
                state: State::Reading,
            }),
            Err(problem) => Err(Error { path, offset: input.offset(), records: 0, problem }),
        }
    }

    /// The next record; none at the end, and after an error.
    ///
    /// # Errors
    /// What is wrong with the file at that place.
    pub fn next_record(&mut self) -> Result<Option<Record>, Error> {
        let mut record = None;
        self.next(&mut record).map(|()| record)
    }

    /// The next record, with texts and lists borrowed from the block that it is in: nothing is
    /// allocated or copied for it. Otherwise like [`Reader::next_record`].
    ///
    /// # Errors
    /// What is wrong with the file at that place.
    pub fn next_ref(&mut self) -> Result<Option<RecordRef<'_>>, Error> {
        let mut record = None;
        self.next(&mut record).map(|()| record)
    }

    /// Calls `each` with every record that is left, as [`Reader::next_ref`] gives them, until it
    /// breaks: the fastest way through a file, because a record, which is 240 bytes itself, stays
    /// where it was decoded. [`Reader::next_ref`] and what unwraps its result move it a few times.
    ///
    /// # Errors
    /// What is wrong with the file at that place. `each` had all records before.
    pub fn for_each_ref<B>(
        &mut self,
        mut each: impl FnMut(&RecordRef<'_>) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>, Error> {
        loop {
            let mut record = None;
            self.next(&mut record)?;
            let Some(record) = &record else { return Ok(ControlFlow::Continue(())) };
            if let ControlFlow::Break(with) = each(record) {
                return Ok(ControlFlow::Break(with));
            }
        }
    }

    #[inline(always)]
    fn next<'a, T: Union<'a>>(&'a mut self, out: &mut Option<T>) -> Result<(), Error> {
        while self.state == State::Reading {
            match self.advance() {
                Ok(true) => return self.decode(out),
                Ok(false) => {}
                Err(problem) => return Err(self.fail(problem)),
            }
        }
        Ok(())
    }

    fn fail(&mut self, problem: Problem) -> Error {
        let lost = matches!(problem, Problem::Io(_));
        self.state = if lost { State::Done } else { State::Damaged };
        Error { path: self.path.clone(), offset: self.block_offset, records: self.records, problem }
    }

    /// Goes to the next record of a known type, if there is one in the block: then the answer is
    /// true. Else loads the next block, or finds the end.
    #[inline(always)]
    fn advance(&mut self) -> Result<bool, Problem> {
        while self.left > 0 {
            let data = self.block.data(&self.input);
            let mut cursor = Cursor::new(data, self.pos, self.limits.items);
            match self.plan.skip_unknown(&mut cursor) {
                Ok(false) => return Ok(true),
                Ok(true) => {}
                Err(malformed) => return Err(self.cut(malformed)),
            }
            self.pos = cursor.pos();
            self.left -= 1;
            self.records += 1;
            self.skipped += 1;
        }
        self.turn().map(|()| false)
    }

    /// Loads the next block, or finds the end.
    fn turn(&mut self) -> Result<(), Problem> {
        if let Some(damage) = self.damage.take() {
            return Err(damage);
        }
        let surplus = self.block.data(&self.input).len() - self.pos;
        if surplus > 0 {
            return Err(Problem::Surplus(surplus));
        }
        self.block.clear();
        self.pos = 0;
        self.input.mark();
        self.block_offset = self.input.offset();
        if self.input.at_end()? {
            self.state = State::Done;
        } else {
            self.damage = self.block.load(&mut self.input, &self.head.sync, &self.limits)?;
            self.left = self.block.count;
        }
        Ok(())
    }

    /// Why a record does not fit the schema. Where a damaged block stops, a record is cut; the
    /// damage is the better explanation.
    fn cut(&mut self, malformed: Malformed) -> Problem {
        self.damage.take().unwrap_or(Problem::Record(malformed))
    }

    /// Decodes the record that [`Reader::advance`] went to.
    #[inline(always)]
    fn decode<'a, T: Union<'a>>(&'a mut self, out: &mut Option<T>) -> Result<(), Error> {
        let data = self.block.data(&self.input);
        let mut cursor = Cursor::new(data, self.pos, self.limits.items);
        match self.plan.record(&mut cursor, out) {
            Ok(()) => {
                self.pos = cursor.pos();
                self.left -= 1;
                self.records += 1;
                Ok(())
            }
            // What is borrowed for the record keeps this from being in a function of its own.
            Err(malformed) => {
                self.state = State::Damaged;
                let problem = self.damage.take().unwrap_or(Problem::Record(malformed));
                let (path, offset, records) = (self.path.clone(), self.block_offset, self.records);
                Err(Error { path, offset, records, problem })
            }
        }
    }

    /// Goes on after an error, at the first sync marker after the beginning of the damaged block,
    /// and tells what is skipped by that. None if the error is not one of damaged data, or if there
    /// was none: there is nothing to go on with.
    ///
    /// Records of the damaged block that were handed out before the error are not handed out again.
    /// If the marker itself is damaged, the block after it is skipped as well. Processes and files
    /// that were described in what is skipped stay unknown.
    ///
    /// # Errors
    /// [`Problem::Io`].
    pub fn resume(&mut self) -> Result<Option<Gap>, Error> {
        if self.state != State::Damaged {
            return Ok(None);
        }
        let found = match self.input.seek_past(&self.head.sync) {
            Ok(found) => found,
            Err(problem) => return Err(self.fail(problem)),
        };
        let gap = Gap {
            offset: self.block_offset,
            bytes: self.input.offset() - self.block_offset,
            // A count beyond what a block can hold is damaged itself.
            records: (self.block.closed && self.left <= self.limits.block as u64)
                .then_some(self.left),
        };
        self.block.clear();
        self.damage = None;
        self.pos = 0;
        self.left = 0;
        self.state = if found { State::Reading } else { State::Done };
        Ok(Some(gap))
    }

    /// The schema in the file, JSON.
    pub fn schema(&self) -> &str {
        &self.head.schema
    }

    /// What the file may make the reader hold in memory.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The compression of the file.
    pub fn codec(&self) -> Codec {
        self.head.codec
    }

    /// Records read so far, including those skipped.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Records skipped because their type is unknown.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// The name given for the input.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Record, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_record().transpose()
    }
}

impl<R: BufRead> FusedIterator for Reader<R> {}

// SPDX-License-Identifier: Apache-2.0
//! Hot path. Encoded records on their way to the outputs: no allocation once
//! the buffers have been round, no copy but the encoding itself.

use std::fmt;
use std::ops::AddAssign;
use std::sync::Arc;

use crossbeam::queue::ArrayQueue;
use sysflow::encode::Encode;
use sysflow::record::Kind;
use sysflow::schema::Version;

/// Number of types of records.
pub const KINDS: usize = Kind::ALL.len();

/// A batch is handed on when it has this many bytes.
pub(super) const FULL: usize = 64 * 1024;

/// Room beyond that for the record that crosses it.
const SLACK: usize = 32 * 1024;

/// Numbers of records by type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds(pub [u64; KINDS]);

impl Kinds {
    /// Counts one record.
    #[inline]
    pub fn add(&mut self, kind: Kind) {
        self.0[kind as usize] += 1;
    }

    /// Records of all types.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The types of which there are any, and how many.
    pub fn each(&self) -> impl Iterator<Item = (Kind, u64)> {
        Kind::ALL.iter().copied().zip(self.0).filter(|(_, number)| *number > 0)
    }
}

impl AddAssign for Kinds {
    fn add_assign(&mut self, other: Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }
}

/// "3 Process, 12 `FileFlow`".
impl fmt::Display for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (kind, number)) in self.each().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{number} {}", kind.name())?;
        }
        Ok(())
    }
}

/// Where a record ends, and what it is.
#[derive(Clone, Copy, Debug)]
struct Mark {
    end: u32,
    kind: Kind,
}

/// The memory of a batch.
#[derive(Debug, Default)]
pub(super) struct Storage {
    bytes: Vec<u8>,
    marks: Vec<Mark>,
}

/// Memory of batches that every output is done with.
pub(super) type Pool = ArrayQueue<Storage>;

/// Records one after the other, as they stand in a block of a file.
#[derive(Debug)]
pub(super) struct Batch {
    storage: Storage,
    kinds: Kinds,
    pool: Arc<Pool>,
}

impl Batch {
    pub(super) fn new(pool: &Arc<Pool>) -> Self {
        let storage = pool.pop().unwrap_or_else(|| Storage {
            bytes: Vec::with_capacity(FULL + SLACK),
            marks: Vec::with_capacity(FULL / 64),
        });
        Self { storage, kinds: Kinds::default(), pool: Arc::clone(pool) }
    }

    /// Adds a record. Returns whether the batch is full now.
    #[inline]
    pub(super) fn push(&mut self, schema: Version, record: impl Encode) -> bool {
        let kind = record.kind();
        record.encode_as(schema, &mut self.storage.bytes);
        let end = self.storage.bytes.len();
        // A batch is closed long before 4 GiB: one record has its limits.
        self.storage.marks.push(Mark { end: end as u32, kind });
        self.kinds.add(kind);
        end >= FULL
    }

    /// Size in bytes.
    pub(super) fn size(&self) -> usize {
        self.storage.bytes.len()
    }

    /// Whether it has no record.
    pub(super) fn is_empty(&self) -> bool {
        self.storage.marks.is_empty()
    }

    /// How many records of which type it has.
    pub(super) fn kinds(&self) -> Kinds {
        self.kinds
    }

    /// Its records.
    pub(super) fn records(&self) -> impl Iterator<Item = Encoded<'_>> {
        let mut start = 0;
        self.storage.marks.iter().map(move |mark| {
            let bytes = &self.storage.bytes[start..mark.end as usize];
            start = mark.end as usize;
            Encoded { kind: mark.kind, bytes }
        })
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        let mut storage = std::mem::take(&mut self.storage);
        storage.bytes.clear();
        storage.marks.clear();
        // The pool has room for all batches that there can be; a batch grown
        // by a giant record is not kept.
        if storage.bytes.capacity() <= 4 * FULL {
            let _ = self.pool.push(storage);
        }
    }
}

/// A record that is encoded already.
#[derive(Clone, Copy, Debug)]
pub(super) struct Encoded<'a> {
    /// Its type.
    pub(super) kind: Kind,
    /// Its bytes, the index of the union's branch first.
    pub(super) bytes: &'a [u8],
}

/// Encodes to the bytes it has: those of the schema that the batch was made
/// for.
impl Encode for Encoded<'_> {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn encode_as(&self, _: Version, out: &mut Vec<u8>) {
        out.extend_from_slice(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use sysflow::record::{FileFlow, ProcessEvent};

    use super::*;

    #[test]
    fn records_come_out_as_they_went_in() {
        let pool = Arc::new(Pool::new(2));
        let mut batch = Batch::new(&pool);
        assert!(!batch.push(Version::V5, ProcessEvent::<Vec<String>>::default()));
        assert!(!batch.push(Version::V5, FileFlow { fd: 7, ..FileFlow::default() }));
        assert_eq!(batch.kinds().to_string(), "1 ProcessEvent, 1 FileFlow");
        let mut flow = Vec::new();
        FileFlow { fd: 7, ..FileFlow::default() }.encode(&mut flow);
        let last = batch.records().last().expect("two records");
        assert_eq!((last.kind, last.bytes), (Kind::FileFlow, &flow[..]));
        let sum: usize = batch.records().map(|record| record.bytes.len()).sum();
        assert_eq!(sum, batch.size());
    }

    #[test]
    fn memory_comes_back() {
        let pool = Arc::new(Pool::new(2));
        let mut batch = Batch::new(&pool);
        while !batch.push(Version::V5, FileFlow::default()) {}
        drop(batch);
        let again = Batch::new(&pool);
        assert!(pool.is_empty() && again.is_empty() && again.kinds().total() == 0);
        assert!(again.storage.bytes.capacity() >= FULL);
    }
}

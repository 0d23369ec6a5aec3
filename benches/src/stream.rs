// SPDX-License-Identifier: Apache-2.0
//! Recordings in memory: what each ring delivered, and when it was handed out.
//!
//! `benches/streams/` holds some; `sysflow record --raw` makes them.

use std::fs::File;
use std::mem::offset_of;
use std::path::Path;

use engine::raw::{Entry, Error, Meta, Reader};
use engine::snapshot::Found;
use probe_loader::abi::{
    Plain, SF_OP_DESCRIBE_PROCESS, SF_OP_EXEC, SF_OP_EXIT, SF_OP_FORK, SF_OP_READ, SF_OP_SEND,
    sf_hdr, sf_rec_exec, sf_rec_exit, sf_rec_fork, sf_rec_io,
};

/// The records of one ring, one after the other, aligned as in a ring.
#[derive(Default)]
pub struct Lane {
    words: Vec<u64>,
    /// Where each record begins, in words.
    starts: Vec<u32>,
}

impl Lane {
    /// One with these records, each as it is in a ring.
    pub fn of(records: impl Iterator<Item = Vec<u8>>) -> Self {
        let mut lane = Self::default();
        records.for_each(|record| lane.add(&record));
        lane
    }

    fn add(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(hdr) = sf_hdr::at(rest) {
            let len = usize::from(hdr.len);
            let Some((record, after)) = rest.split_at_checked(len).filter(|_| len >= 24) else {
                break;
            };
            self.starts.push(u32::try_from(self.words.len()).expect("less than 32 GiB"));
            let word = |word: &[u8]| u64::from_ne_bytes(word.try_into().expect("8 bytes"));
            self.words.extend(record.chunks_exact(8).map(word));
            rest = after;
        }
    }

    /// Number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Bytes of the first records, so many of them.
    #[must_use]
    pub fn bytes(&self, records: usize) -> usize {
        self.starts.get(records).map_or(self.words.len(), |end| *end as usize) * 8
    }

    /// A record.
    ///
    /// # Panics
    /// When there is no such record.
    #[must_use]
    pub fn get(&self, index: usize) -> &[u64] {
        let end = self.starts.get(index + 1).map_or(self.words.len(), |end| *end as usize);
        &self.words[self.starts[index] as usize..end]
    }

    /// Time of a record.
    ///
    /// # Panics
    /// When there is no such record.
    #[must_use]
    pub fn ts(&self, index: usize) -> u64 {
        self.words[self.starts[index] as usize]
    }
}

/// A recording.
pub struct Stream {
    /// What it says of itself.
    pub meta: Meta,
    /// One for each ring.
    pub lanes: Vec<Lane>,
    /// Times of the first and the last record.
    pub span: (u64, u64),
    /// What ran when it began.
    pub processes: Vec<Found>,
}

impl Stream {
    /// Reads a recording.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(|error| Error::open(path, error))?;
        let mut reader = Reader::new(file, path)?;
        let mut meta = Meta::default();
        let (mut lanes, mut processes) = (Vec::<Lane>::new(), Vec::new());
        while let Some(entry) = reader.next_entry()? {
            match entry {
                Entry::Meta(found) => {
                    lanes.resize_with(found.rings as usize, Lane::default);
                    meta = *found;
                }
                Entry::Records(records) => {
                    if let Some(lane) = lanes.get_mut(records.ring as usize) {
                        lane.add(records.bytes);
                    }
                }
                Entry::Process(process) => processes.push(*process),
                _ => {}
            }
        }
        Ok(Self { meta, processes, ..Self::of(lanes) })
    }

    /// What these rings delivered.
    #[must_use]
    pub fn of(mut lanes: Vec<Lane>) -> Self {
        lanes.retain(|lane| !lane.is_empty());
        let first = lanes.iter().map(|lane| lane.ts(0)).min().unwrap_or(0);
        let last = lanes.iter().map(|lane| lane.ts(lane.len() - 1)).max().unwrap_or(0);
        Self { meta: Meta::default(), lanes, span: (first, last), processes: Vec::new() }
    }

    /// Number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lanes.iter().map(Lane::len).sum()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }

    /// How many of the first records of each lane, so that there are about so many.
    #[must_use]
    pub fn first(&self, most: usize) -> Vec<usize> {
        if self.len() <= most {
            return self.lanes.iter().map(Lane::len).collect();
        }
        let times = |lane: &Lane| (0..lane.len()).map(|at| lane.ts(at)).collect::<Vec<_>>();
        let mut all: Vec<u64> = self.lanes.iter().flat_map(times).collect();
        let (_, until, _) = all.select_nth_unstable(most);
        let before = |lane: &Lane| times(lane).partition_point(|ts| ts < until);
        self.lanes.iter().map(before).collect()
    }

    /// Bytes of all records.
    #[must_use]
    pub fn size(&self) -> usize {
        self.lanes.iter().map(|lane| lane.words.len() * 8).sum()
    }

    /// The records of all rings in the order of time.
    #[must_use]
    pub fn in_order(&self) -> Vec<&[u64]> {
        let mut all: Vec<(u64, &[u64])> = Vec::with_capacity(self.len());
        for lane in &self.lanes {
            all.extend((0..lane.len()).map(|index| (lane.ts(index), lane.get(index))));
        }
        all.sort_by_key(|(ts, _)| *ts);
        all.into_iter().map(|(_, record)| record).collect()
    }

    /// How much later a repetition begins than the one before it, ns.
    #[must_use]
    pub fn period(&self) -> u64 {
        let (first, last) = self.span;
        (last - first) + (last - first) / self.len().max(1) as u64 + 1
    }
}

/// A record as of `by` ns later: its time and the times in it, those of births
/// among them, so that a process of a repetition is another than before. A time
/// of 0 stands for none.
///
/// # Panics
/// When there is no whole header.
pub fn shift(record: &mut [u64], by: u64) {
    let header = sf_hdr::at(plain(record)).expect("a whole header");
    let second = match u32::from(header.op) {
        SF_OP_READ..=SF_OP_SEND => Some(offset_of!(sf_rec_io, first)),
        SF_OP_FORK => Some(offset_of!(sf_rec_fork, start)),
        SF_OP_EXEC | SF_OP_DESCRIBE_PROCESS => Some(offset_of!(sf_rec_exec, start)),
        SF_OP_EXIT => Some(offset_of!(sf_rec_exit, start)),
        _ => None,
    };
    for at in [Some(offset_of!(sf_hdr, ts)), second].into_iter().flatten() {
        if let Some(time) = record.get_mut(at / 8).filter(|time| **time != 0) {
            *time += by;
        }
    }
}

/// The bytes of words.
#[must_use]
pub fn plain(words: &[u64]) -> &[u8] {
    // SAFETY: the bytes of initialised integers; the borrow holds them.
    unsafe { std::slice::from_raw_parts(words.as_ptr().cast(), size_of_val(words)) }
}

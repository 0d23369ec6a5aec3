// SPDX-License-Identifier: Apache-2.0
//! Recorded streams: a driver's records as they came, in the order of time.
//!
//! A file is one deflate stream of: the magic number, the schema version of
//! the driver's ABI, and the records, whose headers tell their lengths.
//! `benches/streams/` holds some; `record-stream` makes them.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use probe_loader::abi::{Plain, SF_SCHEMA_VERSION, sf_hdr};

const MAGIC: [u8; 8] = *b"SFSTREAM";

/// Writes a stream.
pub struct Recorder {
    out: DeflateEncoder<File>,
}

impl Recorder {
    /// Makes the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(path: &Path) -> io::Result<Self> {
        let mut out = DeflateEncoder::new(File::create(path)?, Compression::best());
        out.write_all(&MAGIC)?;
        out.write_all(&u64::from(SF_SCHEMA_VERSION).to_le_bytes())?;
        Ok(Self { out })
    }

    /// Adds a record.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add(&mut self, record: &[u8]) -> io::Result<()> {
        self.out.write_all(record)
    }

    /// Completes the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(self) -> io::Result<()> {
        self.out.finish().map(drop)
    }
}

/// A stream in memory, aligned as a ring is.
pub struct Stream {
    words: Vec<u64>,
    /// Where each record begins, in words, and how many bytes it has.
    records: Vec<(u32, u32)>,
}

impl Stream {
    /// Reads a stream.
    ///
    /// # Errors
    /// When it cannot be read, or is none of this schema's major version.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut input = DeflateDecoder::new(File::open(path)?);
        let mut head = [0u8; 16];
        input.read_exact(&mut head)?;
        let version = u32::from_le_bytes([head[8], head[9], head[10], head[11]]);
        if head[..8] != MAGIC || version >> 16 != SF_SCHEMA_VERSION >> 16 {
            return Err(io::Error::other("no stream of this version of the ABI"));
        }
        let mut bytes = Vec::new();
        input.read_to_end(&mut bytes)?;
        Ok(Self::of(bytes.chunks_exact(8).map(|w| u64::from_ne_bytes(w.try_into().expect("8")))))
    }

    fn of(words: impl Iterator<Item = u64>) -> Self {
        let words: Vec<u64> = words.collect();
        let mut stream = Self { words, records: Vec::new() };
        let mut at = 0;
        while let Some(hdr) = sf_hdr::at(&stream.bytes()[at * 8..]) {
            let len = usize::from(hdr.len);
            if len < size_of::<sf_hdr>() || at * 8 + len > stream.bytes().len() {
                break;
            }
            stream.records.push((at as u32, len as u32));
            at += len / 8;
        }
        stream
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: the bytes of initialised integers; the borrow holds them.
        unsafe { std::slice::from_raw_parts(self.words.as_ptr().cast(), self.words.len() * 8) }
    }

    /// Its records, aligned to 8.
    pub fn records(&self) -> impl Iterator<Item = &[u8]> {
        let bytes = self.bytes();
        self.records.iter().map(move |(at, len)| &bytes[*at as usize * 8..][..*len as usize])
    }

    /// Number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Bytes of all records.
    #[must_use]
    pub fn size(&self) -> usize {
        self.words.len() * 8
    }
}

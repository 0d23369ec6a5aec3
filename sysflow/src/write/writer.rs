// SPDX-License-Identifier: Apache-2.0
//! The container format: blocks of records between sync markers.

use std::io::{self, Write};

use super::Options;
use super::pack::Packer;
use crate::encode::Encode;
use crate::record::Kind;
use crate::schema::Version;
use crate::wire::{Put, put_long};

/// Writes a container file to `W`.
///
/// Each block reaches `W` in a single `write_all`. If that fails, the block is kept and offered
/// again by the next [`Writer::flush_block`]; until it is stored, records are refused. `W` must
/// therefore take a block entirely or not at all for the result to be readable after an error;
/// [`OutputFile`](super::OutputFile) sees to that for files.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    /// Encoded records of the open block.
    block: Vec<u8>,
    block_records: u64,
    /// A closed block, ready to be stored; empty if there is none.
    frame: Vec<u8>,
    frame_records: u64,
    packed: Vec<u8>,
    packer: Packer,
    block_bytes: usize,
    schema: Version,
    sync: [u8; 16],
    stored: u64,
    bytes: u64,
    refused: u64,
    stalled: Option<io::ErrorKind>,
}

/// Room beyond the block size for the record that crosses it.
const SLACK: usize = 16 * 1024;

impl<W: Write> Writer<W> {
    /// Writes the file's head, with the schema and a random sync marker.
    ///
    /// # Errors
    /// What `out` reports, or the system if it has no random bytes.
    pub fn new(mut out: W, options: &Options) -> io::Result<Self> {
        let mut sync = [0; 16];
        getrandom::fill(&mut sync).map_err(io::Error::other)?;
        let head = head(options, &sync);
        out.write_all(&head)?;
        Ok(Self {
            out,
            block: Vec::with_capacity(options.block_bytes + SLACK),
            block_records: 0,
            frame: Vec::with_capacity(options.block_bytes + SLACK),
            frame_records: 0,
            packed: Vec::new(),
            packer: Packer::new(options)?,
            block_bytes: options.block_bytes,
            schema: options.schema,
            sync,
            stored: 0,
            bytes: head.len() as u64,
            refused: 0,
            stalled: None,
        })
    }

    /// Adds a record, and stores the block if it is full now.
    ///
    /// # Errors
    /// `InvalidInput` if the first record is not a header. What `W` reports if the block could not
    /// be stored: the record is kept with it. The same kind of error for every record after that,
    /// which is refused, until a [`Writer::flush_block`] succeeds.
    #[inline]
    pub fn write(&mut self, record: impl Encode) -> io::Result<()> {
        if let Some(kind) = self.stalled {
            self.refused += 1;
            return Err(kind.into());
        }
        if self.records() == 0 && record.kind() != Kind::Header {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        record.encode_as(self.schema, &mut self.block);
        self.block_records += 1;
        if self.block.len() >= self.block_bytes { self.flush_block() } else { Ok(()) }
    }

    /// Closes the open block, if it has records, and stores it, or the one that could not be stored
    /// before.
    ///
    /// # Errors
    /// What `W` reports. The block is kept.
    pub fn flush_block(&mut self) -> io::Result<()> {
        self.store()?;
        if self.block_records > 0 {
            self.close_block()?;
            self.store()?;
        }
        Ok(())
    }

    /// Stores the last block and returns the output.
    ///
    /// # Errors
    /// What `W` reports; the block is lost then.
    pub fn finish(mut self) -> io::Result<W> {
        self.flush_block()?;
        self.out.flush()?;
        Ok(self.out)
    }

    /// Records accepted so far.
    pub fn records(&self) -> u64 {
        self.stored + self.pending()
    }

    /// Records in complete blocks.
    pub fn stored(&self) -> u64 {
        self.stored
    }

    /// Records accepted and not yet stored.
    pub fn pending(&self) -> u64 {
        self.frame_records + self.block_records
    }

    /// Records refused while a block could not be stored.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Why records are refused at present, if they are.
    pub fn stalled(&self) -> Option<io::ErrorKind> {
        self.stalled
    }

    /// Bytes stored: the head and all complete blocks.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The output.
    pub fn get_ref(&self) -> &W {
        &self.out
    }

    /// The open block becomes the frame: count, size, data, sync marker.
    fn close_block(&mut self) -> io::Result<()> {
        let data = self.packer.pack(&self.block, &mut self.packed)?;
        put_long(&mut self.frame, self.block_records.cast_signed());
        put_long(&mut self.frame, data.len() as i64);
        self.frame.extend_from_slice(data);
        self.frame.extend_from_slice(&self.sync);
        self.frame_records = self.block_records;
        self.block_records = 0;
        self.block.clear();
        Ok(())
    }

    /// Writes the frame, if there is one.
    fn store(&mut self) -> io::Result<()> {
        if self.frame.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.out.write_all(&self.frame) {
            self.stalled = Some(error.kind());
            return Err(error);
        }
        self.stalled = None;
        self.stored += self.frame_records;
        self.bytes += self.frame.len() as u64;
        self.frame_records = 0;
        self.frame.clear();
        Ok(())
    }
}

/// Magic, metadata and sync marker.
fn head(options: &Options, sync: &[u8; 16]) -> Vec<u8> {
    let mut head = b"Obj\x01".to_vec();
    put_long(&mut head, 2);
    let (codec, schema) = (options.codec.name(), options.schema.text());
    for (key, value) in [("avro.codec", codec), ("avro.schema", schema)] {
        key.put(&mut head);
        value.put(&mut head);
    }
    put_long(&mut head, 0);
    head.extend_from_slice(sync);
    head
}

// SPDX-License-Identifier: Apache-2.0
//! One block of a container file: loading and decompressing it, as far as it goes.

use std::io::BufRead;
use std::ops::Range;

use super::input::Input;
use super::unpack::Unpacker;
use super::{Limits, Problem};
use crate::write::Codec;

/// The block being read.
#[derive(Debug)]
pub(super) struct Block {
    /// How many records it has.
    pub(super) count: u64,
    /// Whether it ends with the sync marker.
    pub(super) closed: bool,
    /// Its bytes in the input.
    raw: Range<usize>,
    /// Its records, uncompressed; none for the codec that does not compress.
    unpacked: Option<Vec<u8>>,
    unpacker: Unpacker,
}

impl Block {
    pub(super) fn new(codec: Codec) -> Result<Self, Problem> {
        Ok(Self {
            count: 0,
            closed: false,
            raw: 0..0,
            unpacked: (codec != Codec::Null).then(Vec::new),
            unpacker: Unpacker::new(codec)?,
        })
    }

    /// Its records, uncompressed.
    pub(super) fn data<'a, R: BufRead>(&'a self, input: &'a Input<R>) -> &'a [u8] {
        match &self.unpacked {
            Some(unpacked) => unpacked,
            None => input.slice(self.raw.clone()),
        }
    }

    /// Becomes a block without records.
    pub(super) fn clear(&mut self) {
        self.count = 0;
        self.closed = false;
        self.raw = 0..0;
        if let Some(unpacked) = &mut self.unpacked {
            unpacked.clear();
        }
    }

    /// Loads the next block. Returns what ended its data early; the records before are good.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn load<R: BufRead>(
        &mut self,
        input: &mut Input<R>,
        sync: &[u8; 16],
        limits: &Limits,
    ) -> Result<Option<Problem>, Problem> {
        self.clear();
        let count = input.long()?;
        self.count = u64::try_from(count).map_err(|_| Problem::Count(count))?;
        let size = input.size("block", limits.block)?;
        self.raw = input.take(size)?;
        let damage = if self.raw.len() < size {
            Some(Problem::Truncated)
        } else {
            match input.array() {
                Ok(marker) if marker == *sync => None,
                Ok(_) => Some(Problem::Sync),
                Err(problem) => Some(problem),
            }
        };
        self.closed = damage.is_none();
        if let Some(data) = &mut self.unpacked {
            let raw = input.slice(self.raw.clone());
            let unpacked = self.unpacker.unpack(raw, data, limits.block);
            // Missing data explain why the rest cannot be decompressed, not the other way round.
            return Ok(damage.or(unpacked.err()));
        }
        Ok(damage)
    }
}

// SPDX-License-Identifier: Apache-2.0
//! One block of a container file: loading and decompressing it, as far as it goes.

use std::io::BufRead;

use flate2::{Decompress, FlushDecompress, Status};

use super::input::Input;
use super::{Limits, Problem};
use crate::write::Codec;

/// The block being read.
#[derive(Debug)]
pub(super) struct Block {
    /// Its records, uncompressed.
    pub(super) data: Vec<u8>,
    /// How many there are.
    pub(super) count: u64,
    /// What ended the data early. The records before are good.
    pub(super) damage: Option<Problem>,
    raw: Vec<u8>,
    inflate: Decompress,
}

impl Block {
    pub(super) fn new() -> Self {
        Self {
            data: Vec::new(),
            count: 0,
            damage: None,
            raw: Vec::new(),
            inflate: Decompress::new(false),
        }
    }

    /// Loads the next block.
    ///
    /// # Errors
    /// Why there is none. What is wrong with a block of which something is left is in `damage`.
    pub(super) fn load<R: BufRead>(
        &mut self,
        input: &mut Input<R>,
        codec: Codec,
        sync: &[u8; 16],
        limits: &Limits,
    ) -> Result<(), Problem> {
        self.data.clear();
        let count = input.long()?;
        self.count = u64::try_from(count).map_err(|_| Problem::Count(count))?;
        let size = input.size("block", limits.block)?;
        let raw = if codec == Codec::Null { &mut self.data } else { &mut self.raw };
        self.damage = if input.take(size, raw)? {
            match input.array() {
                Ok(marker) if marker == *sync => None,
                Ok(_) => Some(Problem::Sync),
                Err(problem) => Some(problem),
            }
        } else {
            Some(Problem::Truncated)
        };
        if codec == Codec::Deflate {
            let unpacked = self.unpack(limits.block);
            // Missing data explain why the rest cannot be decompressed, not the other way round.
            self.damage = self.damage.take().or(unpacked.err());
        }
        Ok(())
    }

    fn unpack(&mut self, limit: usize) -> Result<(), Problem> {
        self.inflate.reset(false);
        loop {
            let room = (limit + 1).saturating_sub(self.data.len());
            if room == 0 {
                self.data.clear();
                return Err(Problem::Limit { what: "uncompressed block", limit });
            }
            self.data.reserve(room.min(128 * 1024));
            let (taken, given) = (self.inflate.total_in(), self.data.len());
            let rest = &self.raw[taken as usize..];
            let status = self.inflate.decompress_vec(rest, &mut self.data, FlushDecompress::None);
            match status {
                Ok(Status::StreamEnd) if self.inflate.total_in() as usize == self.raw.len() => {
                    return Ok(());
                }
                Ok(Status::StreamEnd) | Err(_) => return Err(Problem::Deflate),
                Ok(_) if self.inflate.total_in() == taken && self.data.len() == given => {
                    return Err(Problem::Deflate); // wants more than there is
                }
                Ok(_) => {}
            }
        }
    }
}

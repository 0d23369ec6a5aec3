// SPDX-License-Identifier: Apache-2.0
//! Blocks: entries, packed, with length and checksum.

use std::io::{self, Read};

use super::words::Words;
use super::{MAX_BLOCK, Problem};

const MAGIC: [u8; 4] = *b"SFB1";

/// Bytes before a body.
const HEAD: usize = 16;

/// Packs bodies.
pub(super) struct Packer {
    pack: zstd::bulk::Compressor<'static>,
    block: Vec<u8>,
}

impl Packer {
    pub(super) fn new(level: i32) -> io::Result<Self> {
        Ok(Self { pack: zstd::bulk::Compressor::new(level)?, block: Vec::new() })
    }

    /// The block of a body.
    pub(super) fn block(&mut self, body: &[u8]) -> io::Result<&[u8]> {
        debug_assert!(body.len() <= MAX_BLOCK && body.len().is_multiple_of(8));
        self.block.resize(HEAD + zstd::zstd_safe::compress_bound(body.len()), 0);
        let packed = self.pack.compress_to_buffer(body, &mut self.block[HEAD..])?;
        self.block.truncate(HEAD + packed);
        let checksum = crc32fast::hash(&self.block[HEAD..]);
        self.block[..4].copy_from_slice(&MAGIC);
        self.block[4..8].copy_from_slice(&(packed as u32).to_le_bytes());
        self.block[8..12].copy_from_slice(&(body.len() as u32).to_le_bytes());
        self.block[12..16].copy_from_slice(&checksum.to_le_bytes());
        Ok(&self.block)
    }
}

/// Unpacks blocks.
pub(super) struct Unpacker {
    unpack: zstd::bulk::Decompressor<'static>,
    packed: Vec<u8>,
}

/// Reads as many bytes as there are, up to the buffer's length.
pub(super) fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

impl Unpacker {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { unpack: zstd::bulk::Decompressor::new()?, packed: Vec::new() })
    }

    /// Reads the next block and unpacks its body. Returns the block's length;
    /// none at the end of the input.
    pub(super) fn next(
        &mut self,
        input: &mut impl Read,
        body: &mut Words,
    ) -> Result<Option<u64>, Problem> {
        let mut head = [0; HEAD];
        match fill(input, &mut head).map_err(Problem::Io)? {
            0 => return Ok(None),
            HEAD => {}
            _ => return Err(Problem::Truncated),
        }
        let word =
            |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (packed, size) = (word(4) as usize, word(8) as usize);
        if head[..4] != MAGIC {
            return Err(Problem::Magic);
        }
        for len in [packed, size] {
            if len > MAX_BLOCK {
                return Err(Problem::Length(len));
            }
        }
        // Memory grows with what is there, not with what is claimed.
        self.packed.clear();
        let read = input.take(packed as u64).read_to_end(&mut self.packed);
        if read.map_err(Problem::Io)? < packed {
            return Err(Problem::Truncated);
        }
        if crc32fast::hash(&self.packed) != word(12) {
            return Err(Problem::Checksum);
        }
        if !size.is_multiple_of(8) {
            return Err(Problem::Body("length"));
        }
        body.resize(size);
        match self.unpack.decompress_to_buffer(&self.packed, body.bytes_mut()) {
            Ok(len) if len == size => Ok(Some((HEAD + packed) as u64)),
            _ => Err(Problem::Pack),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_comes_back() {
        let mut packer = Packer::new(1).expect("memory");
        let mut file = Vec::new();
        let bodies = [vec![], vec![7; 8], (0..=255).cycle().take(100_000).collect::<Vec<u8>>()];
        for body in &bodies {
            file.extend_from_slice(packer.block(body).expect("packed"));
        }
        let (mut unpacker, mut body, mut input) =
            (Unpacker::new().expect("memory"), Words::default(), &file[..]);
        for expected in &bodies {
            let len = unpacker.next(&mut input, &mut body).expect("a block");
            assert!(len.is_some());
            assert_eq!(body.bytes(), expected);
        }
        assert!(matches!(unpacker.next(&mut input, &mut body), Ok(None)));
    }

    #[test]
    fn no_damage_goes_unseen() {
        let mut packer = Packer::new(1).expect("memory");
        let body: Vec<u8> = (0..64).collect();
        let good = packer.block(&body).expect("packed").to_vec();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            let mut unpacker = Unpacker::new().expect("memory");
            let found = unpacker.next(&mut &bad[..], &mut Words::default());
            assert!(found.is_err(), "byte {at}");
            let found = unpacker.next(&mut &good[..at], &mut Words::default());
            assert!(if at == 0 { matches!(found, Ok(None)) } else { found.is_err() }, "{at} bytes");
        }
    }
}

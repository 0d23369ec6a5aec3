// SPDX-License-Identifier: Apache-2.0
//! Raw deflate of one block. A block is there as a whole, so that compressors of whole buffers will
//! do, which are faster by half than those of streams.

use std::io;

use libdeflater::{CompressionLvl, Compressor};

/// The level that ISA-L does, if it is there.
#[cfg(feature = "isal")]
const ISAL_LEVEL: u32 = 1;

/// Compresses blocks, one after the other.
pub(super) enum Deflate {
    #[cfg(feature = "isal")]
    Isal(igzip::Compressor),
    Libdeflate(Compressor),
}

impl Deflate {
    pub(super) fn new(level: u32) -> Self {
        #[cfg(feature = "isal")]
        if level == ISAL_LEVEL {
            return Self::Isal(igzip::Compressor::new());
        }
        let level = CompressionLvl::new(level.cast_signed());
        Self::Libdeflate(Compressor::new(level.unwrap_or_else(|_| CompressionLvl::best())))
    }

    /// Room that is enough for the result of `len` bytes.
    pub(super) fn bound(&mut self, len: usize) -> usize {
        match self {
            #[cfg(feature = "isal")]
            Self::Isal(_) => igzip::bound(len),
            Self::Libdeflate(compressor) => compressor.deflate_compress_bound(len),
        }
    }

    /// Compresses `data` into `room`; the length of the result.
    pub(super) fn deflate(&mut self, data: &[u8], room: &mut [u8]) -> io::Result<usize> {
        match self {
            #[cfg(feature = "isal")]
            Self::Isal(compressor) => compressor
                .deflate(data, room)
                .ok_or_else(|| io::Error::other("igzip: the block is too large")),
            Self::Libdeflate(compressor) => {
                compressor.deflate_compress(data, room).map_err(io::Error::other)
            }
        }
    }
}

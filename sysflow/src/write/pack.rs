// SPDX-License-Identifier: Apache-2.0
//! Compression of one block.

use std::fmt;
use std::io;

use flate2::{Compress, Compression, FlushCompress, Status};
use zstd::zstd_safe::compress_bound;

use super::{Codec, Options};

/// Compresses blocks, one after the other, with the state that its codec needs.
pub(super) enum Packer {
    Null,
    Deflate(Compress),
    Snappy(Box<snap::raw::Encoder>),
    Zstandard(zstd::bulk::Compressor<'static>),
}

impl fmt::Debug for Packer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Deflate(_) => "Deflate",
            Self::Snappy(_) => "Snappy",
            Self::Zstandard(_) => "Zstandard",
        })
    }
}

impl Packer {
    pub(super) fn new(options: &Options) -> io::Result<Self> {
        Ok(match options.codec {
            Codec::Null => Self::Null,
            Codec::Deflate => {
                Self::Deflate(Compress::new(Compression::new(options.level.min(9)), false))
            }
            Codec::Snappy => Self::Snappy(Box::new(snap::raw::Encoder::new())),
            Codec::Zstandard => {
                // 0 would be the default of the library, not its fastest.
                let level = options.level.clamp(1, 19).cast_signed();
                Self::Zstandard(zstd::bulk::Compressor::new(level)?)
            }
        })
    }

    /// `data` as the codec stores it: itself, or the new content of `packed`.
    pub(super) fn pack<'a>(
        &mut self,
        data: &'a [u8],
        packed: &'a mut Vec<u8>,
    ) -> io::Result<&'a [u8]> {
        packed.clear();
        match self {
            Self::Null => return Ok(data),
            Self::Deflate(compress) => deflate(compress, data, packed)?,
            Self::Snappy(encoder) => {
                packed.resize(snap::raw::max_compress_len(data.len()), 0);
                let len = encoder.compress(data, packed)?;
                packed.truncate(len);
                // Avro specification 1.11, "snappy": big-endian CRC-32 of the uncompressed data.
                packed.extend_from_slice(&crc32fast::hash(data).to_be_bytes());
            }
            Self::Zstandard(compressor) => {
                packed.reserve(compress_bound(data.len()));
                compressor.compress_to_buffer(data, packed)?;
            }
        }
        Ok(packed)
    }
}

fn deflate(compress: &mut Compress, data: &[u8], packed: &mut Vec<u8>) -> io::Result<()> {
    compress.reset();
    loop {
        // What cannot be compressed grows a little; one round is enough nearly always.
        packed.reserve(data.len() / 2 + 256);
        let rest = &data[compress.total_in() as usize..];
        match compress.compress_vec(rest, packed, FlushCompress::Finish)? {
            Status::StreamEnd => return Ok(()),
            Status::Ok | Status::BufError => {}
        }
    }
}

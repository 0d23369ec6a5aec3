// SPDX-License-Identifier: Apache-2.0
//! Compression of one block.

use std::fmt;
use std::io;

use zstd::zstd_safe::compress_bound;

use super::deflate::Deflate;
use super::options::{DEFLATE_LEVEL, ZSTANDARD_LEVEL};
use super::{Codec, Options};

/// Compresses blocks, one after the other, with the state that its codec needs.
pub(super) enum Packer {
    Null,
    Deflate(Deflate),
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
            Codec::Deflate => Self::Deflate(Deflate::new(options.level.unwrap_or(DEFLATE_LEVEL))),
            Codec::Snappy => Self::Snappy(Box::new(snap::raw::Encoder::new())),
            Codec::Zstandard => {
                // 0 would be the default of the library, not its fastest.
                let level = options.level.unwrap_or(ZSTANDARD_LEVEL).clamp(1, 19).cast_signed();
                Self::Zstandard(zstd::bulk::Compressor::new(level)?)
            }
        })
    }

    /// `data` as the codec stores it: itself, or a part of `room`, which grows to what is needed.
    pub(super) fn pack<'a>(
        &mut self,
        data: &'a [u8],
        room: &'a mut Vec<u8>,
    ) -> io::Result<&'a [u8]> {
        let len = match self {
            Self::Null => return Ok(data),
            Self::Deflate(compressor) => {
                let room = grown(room, compressor.bound(data.len()));
                compressor.deflate(data, room)?
            }
            Self::Snappy(encoder) => {
                let room = grown(room, snap::raw::max_compress_len(data.len()) + CRC);
                let len = encoder.compress(data, room)?;
                // Avro specification 1.11, "snappy": big-endian CRC-32 of the uncompressed data.
                room[len..len + CRC].copy_from_slice(&crc32fast::hash(data).to_be_bytes());
                len + CRC
            }
            Self::Zstandard(compressor) => {
                let room = grown(room, compress_bound(data.len()));
                compressor.compress_to_buffer(data, room)?
            }
        };
        Ok(&room[..len])
    }
}

/// Bytes of the checksum behind a block of snappy.
const CRC: usize = size_of::<u32>();

/// At least `len` bytes of room.
fn grown(room: &mut Vec<u8>, len: usize) -> &mut [u8] {
    if room.len() < len {
        room.resize(len, 0);
    }
    room
}

// SPDX-License-Identifier: Apache-2.0
//! Decompression of one block, never beyond a limit.

use std::fmt;

use flate2::{Decompress, FlushDecompress, Status};
use zstd::stream::raw::Operation as _;
use zstd::zstd_safe::{DParameter, InBuffer, OutBuffer};

use super::Problem;
use crate::write::Codec;

/// Bytes by which the output grows at least.
const STEP: usize = 128 * 1024;

/// Decompresses blocks, one after the other, with the state that its codec needs.
pub(super) enum Unpacker {
    Null,
    Deflate(Decompress),
    Snappy(snap::raw::Decoder),
    Zstandard(zstd::stream::raw::Decoder<'static>),
}

impl fmt::Debug for Unpacker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Deflate(_) => "Deflate",
            Self::Snappy(_) => "Snappy",
            Self::Zstandard(_) => "Zstandard",
        })
    }
}

impl Unpacker {
    pub(super) fn new(codec: Codec) -> Result<Self, Problem> {
        Ok(match codec {
            Codec::Null => Self::Null,
            Codec::Deflate => Self::Deflate(Decompress::new(false)),
            Codec::Snappy => Self::Snappy(snap::raw::Decoder::new()),
            Codec::Zstandard => Self::Zstandard(zstandard_decoder().map_err(Problem::Io)?),
        })
    }

    /// Appends what is in `raw` to `data`, at most `limit` bytes.
    ///
    /// # Errors
    /// If it is damaged: the data then end before the damage, as near to it as the codec allows. If
    /// there is more than the limit.
    pub(super) fn unpack(
        &mut self,
        raw: &[u8],
        data: &mut Vec<u8>,
        limit: usize,
    ) -> Result<(), Problem> {
        let unpacked = match self {
            Self::Null => {
                data.extend_from_slice(raw);
                Ok(())
            }
            Self::Deflate(decompress) => inflate(decompress, raw, data, limit),
            Self::Snappy(decoder) => unsnap(decoder, raw, data, limit),
            Self::Zstandard(decoder) => decompress(decoder, raw, data, limit),
        };
        if matches!(unpacked, Err(Problem::Limit { .. } | Problem::Checksum)) {
            data.clear();
        }
        unpacked
    }
}

/// Makes room for more, of which at most `room` bytes will be used. Doubles what there is, as vectors
/// do, but not beyond that.
fn grow(data: &mut Vec<u8>, room: usize) {
    if data.capacity() == data.len() {
        data.reserve_exact(data.len().max(STEP).min(room));
    }
}

/// The error of a block that is too large.
fn too_large(limit: usize) -> Problem {
    Problem::Limit { what: "uncompressed block", limit }
}

fn inflate(
    decompress: &mut Decompress,
    raw: &[u8],
    data: &mut Vec<u8>,
    limit: usize,
) -> Result<(), Problem> {
    decompress.reset(false);
    loop {
        let room = (limit + 1).saturating_sub(data.len());
        if room == 0 {
            return Err(too_large(limit));
        }
        grow(data, room);
        let (taken, given) = (decompress.total_in(), data.len());
        let rest = &raw[taken as usize..];
        match decompress.decompress_vec(rest, data, FlushDecompress::None) {
            Ok(Status::StreamEnd) if decompress.total_in() as usize == raw.len() => return Ok(()),
            Ok(Status::StreamEnd) | Err(_) => return Err(Problem::Compression),
            Ok(_) if decompress.total_in() == taken && data.len() == given => {
                return Err(Problem::Compression); // wants more than there is
            }
            Ok(_) => {}
        }
    }
}

/// Avro specification 1.11, "snappy": the compressed data, then the big-endian CRC-32 of the
/// uncompressed data.
fn unsnap(
    decoder: &mut snap::raw::Decoder,
    raw: &[u8],
    data: &mut Vec<u8>,
    limit: usize,
) -> Result<(), Problem> {
    let (body, sum) = raw.split_last_chunk::<4>().ok_or(Problem::Compression)?;
    let len = snap::raw::decompress_len(body).map_err(|_| Problem::Compression)?;
    // Two bytes can stand for at most 64, so a larger claim is not worth the memory.
    if len > body.len().saturating_mul(32) {
        return Err(Problem::Compression);
    }
    if len > limit {
        return Err(too_large(limit));
    }
    data.resize(len, 0);
    if decoder.decompress(body, data).is_err() {
        data.clear();
        return Err(Problem::Compression);
    }
    if crc32fast::hash(data) == u32::from_be_bytes(*sum) { Ok(()) } else { Err(Problem::Checksum) }
}

fn zstandard_decoder() -> std::io::Result<zstd::stream::raw::Decoder<'static>> {
    let mut decoder = zstd::stream::raw::Decoder::new()?;
    // The decoder keeps as much as the frame says that it needs; 16 MiB at most.
    decoder.set_parameter(DParameter::WindowLogMax(24))?;
    Ok(decoder)
}

fn decompress(
    decoder: &mut zstd::stream::raw::Decoder<'static>,
    raw: &[u8],
    data: &mut Vec<u8>,
    limit: usize,
) -> Result<(), Problem> {
    decoder.reinit().map_err(Problem::Io)?;
    let mut input = InBuffer::around(raw);
    loop {
        let room = (limit + 1).saturating_sub(data.len());
        if room == 0 {
            return Err(too_large(limit));
        }
        grow(data, room);
        let (taken, given) = (input.pos(), data.len());
        let mut output = OutBuffer::around_pos(data, given);
        let wanted = decoder.run(&mut input, &mut output).map_err(|_| Problem::Compression)?;
        let progress = input.pos() > taken || output.pos() > given;
        match wanted {
            // The end of a frame; another may follow.
            0 if input.pos() == raw.len() => return Ok(()),
            _ if !progress => return Err(Problem::Compression), // wants more than there is
            _ => {}
        }
    }
}

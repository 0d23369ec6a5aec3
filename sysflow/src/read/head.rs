// SPDX-License-Identifier: Apache-2.0
//! The head of a container file: magic, metadata, sync marker.

use std::io::BufRead;

use super::input::Input;
use super::{Limits, Problem};
use crate::write::Codec;

/// What the head says.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) schema: String,
    pub(super) codec: Codec,
    pub(super) sync: [u8; 16],
}

impl Head {
    pub(super) fn read<R: BufRead>(input: &mut Input<R>, limits: &Limits) -> Result<Self, Problem> {
        match input.array() {
            Ok(magic) if magic == *b"Obj\x01" => {}
            Ok(_) | Err(Problem::Truncated) => return Err(Problem::NotAvro),
            Err(other) => return Err(other),
        }
        let mut schema = None;
        let mut codec = b"null".to_vec();
        let mut room = limits.head;
        let mut buffer = Vec::new();
        while let Some(count) = block(input, limits.head)? {
            for _ in 0..count {
                item(input, &mut buffer, &mut room, limits.head)?;
                let key = std::mem::take(&mut buffer);
                item(input, &mut buffer, &mut room, limits.head)?;
                match key.as_slice() {
                    b"avro.schema" => schema = Some(std::mem::take(&mut buffer)),
                    b"avro.codec" => codec.clone_from(&buffer),
                    _ => {}
                }
            }
        }
        let schema = schema.ok_or_else(|| Problem::Schema("no schema".to_owned()))?;
        let schema = String::from_utf8(schema)
            .map_err(|_| Problem::Schema("the schema is not UTF-8".to_owned()))?;
        let codec = match codec.as_slice() {
            b"" => Codec::Null,
            name => Codec::ALL
                .iter()
                .copied()
                .find(|codec| codec.name().as_bytes() == name)
                .ok_or_else(|| Problem::Codec(name.escape_ascii().to_string()))?,
        };
        Ok(Self { schema, codec, sync: input.array()? })
    }
}

/// The count of the next block of the metadata map; none at its end.
fn block<R: BufRead>(input: &mut Input<R>, limit: usize) -> Result<Option<u64>, Problem> {
    let count = input.long()?;
    if count < 0 {
        input.size("metadata", limit)?;
    }
    Ok(Some(count.unsigned_abs()).filter(|&count| count > 0))
}

/// A key or value of the metadata map.
fn item<R: BufRead>(
    input: &mut Input<R>,
    buffer: &mut Vec<u8>,
    room: &mut usize,
    limit: usize,
) -> Result<(), Problem> {
    let size = input.size("metadata", limit)?;
    *room = room.checked_sub(size).ok_or(Problem::Limit { what: "metadata", limit })?;
    let taken = input.take(size)?;
    buffer.clear();
    buffer.extend_from_slice(input.slice(taken));
    input.mark(); // what is in the buffer need not be kept twice
    if buffer.len() == size { Ok(()) } else { Err(Problem::Truncated) }
}

// SPDX-License-Identifier: Apache-2.0
//! The blocks of a recording, taken apart and put together: `engine/src/raw/mod.rs` has the format.

/// Bytes of the head of a recording.
pub(crate) const HEAD: usize = 24;
/// Bytes of the head of a block.
const BLOCK: usize = 16;
/// More than this is not unpacked: what is changed is small.
const MAX: usize = 1 << 18;

fn number(bytes: &[u8], at: usize) -> usize {
    bytes.get(at..at + 4).map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize)
}

/// The bodies of all blocks that are whole, one after the other; none if there is none.
pub(crate) fn unpack(file: &[u8]) -> Option<Vec<u8>> {
    let (mut rest, mut all) = (file.get(HEAD..)?, Vec::new());
    while rest.len() >= BLOCK {
        let (packed, size) = (number(rest, 4), number(rest, 8));
        let Some(body) = rest.get(BLOCK..BLOCK + packed) else { break };
        if size + all.len() > MAX {
            break;
        }
        let Ok(body) = zstd::bulk::decompress(body, size) else { break };
        all.extend_from_slice(&body);
        rest = &rest[BLOCK + packed..];
    }
    (!all.is_empty()).then_some(all)
}

/// A recording of one block, or of two where `cut` says so.
pub(crate) fn pack(head: &[u8], body: &[u8], cut: usize) -> Option<Vec<u8>> {
    let mut file = head.to_vec();
    let cut = if cut % 4 == 0 { crate::entries::boundary(body, cut / 4) } else { 0 };
    for body in [&body[..cut], &body[cut..]] {
        if body.is_empty() {
            continue;
        }
        let packed = zstd::bulk::compress(body, 1).ok()?;
        file.extend_from_slice(b"SFB1");
        for number in [packed.len() as u32, body.len() as u32, crc32fast::hash(&packed)] {
            file.extend_from_slice(&number.to_le_bytes());
        }
        file.extend_from_slice(&packed);
    }
    Some(file)
}

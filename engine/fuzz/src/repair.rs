// SPDX-License-Identifier: Apache-2.0
//! Puts the lengths of a changed capture in order, so that what was changed is reached.

const HEAD: usize = 8;
const TAIL: usize = 4;

fn number(bytes: &[u8], at: usize) -> usize {
    bytes.get(at..at + 4).map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize)
}

fn put(bytes: &mut [u8], at: usize, number: usize) {
    if let Some(to) = bytes.get_mut(at..at + 4) {
        to.copy_from_slice(&(number as u32).to_le_bytes());
    }
}

/// Makes every block end where its length says, and before the end; and the lengths of events and
/// of their parameters fit.
pub(crate) fn repair(bytes: &mut [u8]) {
    let mut rest = bytes;
    while rest.len() >= HEAD + TAIL {
        let claimed = number(rest, 4);
        let len = if claimed < HEAD + TAIL || claimed > rest.len() { rest.len() } else { claimed };
        let (block, behind) = rest.split_at_mut(len);
        put(block, 4, len);
        put(block, len - TAIL, len);
        let (flags, wide) = match number(block, 0) {
            0x216 => (0, false),
            0x217 => (4, false),
            0x221 => (0, true),
            0x222 => (4, true),
            _ => {
                rest = behind;
                continue;
            }
        };
        event(&mut block[HEAD..len - TAIL], 2 + flags, wide);
        rest = behind;
    }
}

/// The event that begins at `start` of a body: time, thread, length, type, count, lengths, values.
fn event(body: &mut [u8], start: usize, wide: bool) {
    let Some(room) = body.len().checked_sub(start + 26) else { return };
    let size = if wide { 4 } else { 2 };
    let claimed = number(body, start + 16);
    let within = claimed.clamp(26, 26 + room);
    put(body, start + 16, within);
    let count = number(body, start + 22).min((within - 26) / size).min(40);
    put(body, start + 22, count);
    let mut left = within - 26 - count * size;
    for index in 0..count {
        let at = start + 26 + index * size;
        let bytes = &mut body[at..at + size];
        let claimed = if wide {
            u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize
        } else {
            usize::from(u16::from_le_bytes([bytes[0], bytes[1]]))
        };
        let len = claimed.min(left);
        left -= len;
        bytes.copy_from_slice(&(len as u32).to_le_bytes()[..size]);
    }
}

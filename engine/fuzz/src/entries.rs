// SPDX-License-Identifier: Apache-2.0
//! Puts the entries of a changed recording in order, so that what was changed is reached: their
//! lengths, those of records, and the positions that have to follow each other.

const RECORDS: usize = 6;
const ROUND: usize = 7;
const HOLE: usize = 10;

/// Bytes before a payload, and of a payload of records before these.
const FRAME: usize = 8;
const RECORDS_HEAD: usize = 16;
/// A record's header, and where its length stands in it.
const HEADER: usize = 24;
const LENGTH: usize = 20;
/// Rings that are kept in order.
const RINGS: usize = 4;

fn small(bytes: &[u8], at: usize) -> usize {
    bytes.get(at..at + 4).map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize)
}

fn large(bytes: &[u8], at: usize) -> u64 {
    let found = bytes.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
    found.map_or(0, u64::from_le_bytes)
}

fn put_large(bytes: &mut [u8], at: usize, number: u64) {
    if let Some(to) = bytes.get_mut(at..at + 8) {
        to.copy_from_slice(&number.to_le_bytes());
    }
}

/// Where the first entry ends, or would.
pub(crate) fn first(body: &[u8]) -> usize {
    FRAME.saturating_add(small(body, 4)).next_multiple_of(8)
}

/// Where one of the entries begins.
pub(crate) fn boundary(body: &[u8], which: usize) -> usize {
    let mut starts = vec![0];
    while let Some(start) = starts.last().map(|at| at + first(&body[*at..]))
        && start < body.len()
    {
        starts.push(start);
    }
    starts[which % starts.len()]
}

/// Makes every entry end where its length says, and before the end; and what is in it fit to what
/// was before it.
pub(crate) fn repair(body: &mut [u8]) {
    let mut ends = [None; RINGS];
    let mut rest = body;
    while rest.len() >= FRAME {
        let len = first(rest);
        if len > rest.len() {
            let payload = (rest.len() - FRAME) as u32;
            rest[4..8].copy_from_slice(&payload.to_le_bytes());
        }
        let (entry, behind) = rest.split_at_mut(len.min(rest.len()));
        match small(entry, 0) {
            RECORDS => records(&mut entry[FRAME..], &mut ends),
            ROUND => round(&mut entry[FRAME..], &ends),
            HOLE => ends = [None; RINGS],
            _ => {}
        }
        rest = behind;
    }
}

/// Records follow those of their ring, and each other.
fn records(payload: &mut [u8], ends: &mut [Option<u64>; RINGS]) {
    let Some(bytes) = payload.len().checked_sub(RECORDS_HEAD) else { return };
    let ring = small(payload, 0) % RINGS;
    payload[0..4].copy_from_slice(&(ring as u32).to_le_bytes());
    let start = ends[ring].unwrap_or_else(|| large(payload, 8) & !7);
    put_large(payload, 8, start);
    ends[ring] = Some(start.wrapping_add(bytes as u64));
    let mut rest = &mut payload[RECORDS_HEAD..];
    while rest.len() >= HEADER {
        let claimed = usize::from(u16::from_le_bytes([rest[LENGTH], rest[LENGTH + 1]]));
        let mut len = claimed.next_multiple_of(8).clamp(HEADER, rest.len());
        if rest.len() - len < HEADER {
            len = rest.len();
        }
        rest[LENGTH..LENGTH + 2].copy_from_slice(&(len as u16).to_le_bytes());
        rest = &mut rest[len..];
    }
}

/// No ring was handed out farther than it had come.
fn round(payload: &mut [u8], ends: &[Option<u64>; RINGS]) {
    for row in payload.get_mut(8..).unwrap_or_default().chunks_exact_mut(16) {
        let ring = large(row, 0) as usize % RINGS;
        put_large(row, 0, ring as u64);
        if let Some(end) = ends[ring].filter(|end| large(row, 8) > *end) {
            put_large(row, 8, end);
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
//! What a recording is made of.

use probe_loader::Counters;

use super::end::{End, get_all, put_all};
use super::found::{self, Get, Put};
use super::meta::Meta;
use super::names::{get_listening, get_users, put_listening, put_users};
use crate::clock::Clock;
use crate::snapshot::{Found, Listening};
use crate::state::users::Users;

/// Kinds of entries, as they stand in a file.
const META: u32 = 1;
const USERS: u32 = 2;
const PROCESS: u32 = 3;
const LISTENING: u32 = 4;
const READY: u32 = 5;
const RECORDS: u32 = 6;
const ROUND: u32 = 7;
const SECOND: u32 = 8;
const LOOKUP: u32 = 9;
const HOLE: u32 = 10;
const END: u32 = 11;

/// Bytes before a payload.
pub(super) const FRAME: usize = 8;

/// Bytes of a payload of records before these.
pub(super) const RECORDS_HEAD: usize = 16;

/// Records of one ring, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Records<'a> {
    /// The ring: a CPU.
    pub ring: u32,
    /// Position of the first one in it.
    pub position: u64,
    /// Whole records, aligned to 8.
    pub bytes: &'a [u8],
}

/// The rings were drained, up to these positions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// When, ns of the events' clock.
    pub now: u64,
    /// Rings, and up to which position each was handed to the engine; those
    /// that did not move are left out.
    pub ends: Vec<(u32, u64)>,
}

/// The engine let time pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Second {
    /// Up to when, ns of the events' clock.
    pub now: u64,
    /// The clocks as they were measured.
    pub clock: Clock,
    /// The driver's counters, one entry per CPU.
    pub cpus: Vec<Counters>,
    /// What the kernel kept from the probes.
    pub kept: Counters,
}

/// Records were delivered and not kept: the recorder did not keep up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hole {
    /// Rings, and bytes of records that are missing of each.
    pub missing: Vec<(u32, u64)>,
}

/// One entry.
#[derive(Debug)]
#[non_exhaustive]
pub enum Entry<'a> {
    /// What was recorded. The first one of every recording.
    Meta(Box<Meta>),
    /// Names of the recorded host's users and groups.
    Users(Box<Users>),
    /// A process that ran at the start.
    Process(Box<Found>),
    /// Ports that sockets listened on at the start.
    Listening(Listening),
    /// The start is told.
    Ready,
    /// What a ring delivered.
    Records(Records<'a>),
    /// What was handed to the engine.
    Round(Round),
    /// Time passed for the engine.
    Second(Box<Second>),
    /// What the engine looked up since the entry of the last of `Round`,
    /// `Second`, `End`, and found.
    Lookup(u32, Option<Box<Found>>),
    /// Something is missing.
    Hole(Hole),
    /// The recording is over.
    End(Box<End>),
    /// Something that this version does not know: a kind.
    Unknown(u32),
}

/// Adds an entry to a body.
fn frame(out: &mut Vec<u8>, kind: u32, payload: impl FnOnce(&mut Put)) {
    let start = out.len();
    let mut put = Put(std::mem::take(out));
    put.u32(kind);
    put.u32(0);
    payload(&mut put);
    *out = put.0;
    // Snapshots are far from 4 GiB, and the others smaller.
    let len = (out.len() - start - FRAME) as u32;
    out[start + 4..start + FRAME].copy_from_slice(&len.to_le_bytes());
    out.resize(out.len().next_multiple_of(8), 0);
}

fn put_rows(rows: &[(u32, u64)], put: &mut Put) {
    for (ring, value) in rows {
        put.u64(u64::from(*ring));
        put.u64(*value);
    }
}

fn get_rows(input: &mut Get<'_>) -> Option<Vec<(u32, u64)>> {
    let mut rows = Vec::new();
    while !input.0.is_empty() {
        rows.push((u32::try_from(input.u64()?).ok()?, input.u64()?));
    }
    Some(rows)
}

pub(super) fn put_meta(out: &mut Vec<u8>, meta: &Meta) {
    frame(out, META, |put| put.0.extend_from_slice(meta.to_json().as_bytes()));
}

pub(super) fn put_names(out: &mut Vec<u8>, users: &Users) {
    frame(out, USERS, |put| put_users(users, put));
}

pub(super) fn put_process(out: &mut Vec<u8>, found: &Found) {
    frame(out, PROCESS, |put| found::put(found, put));
}

pub(super) fn put_ready(out: &mut Vec<u8>, listening: &Listening) {
    frame(out, LISTENING, |put| put_listening(listening, put));
    frame(out, READY, |_| ());
}

/// Whole records of a ring.
pub(super) fn put_records(out: &mut Vec<u8>, records: &Records<'_>) {
    frame(out, RECORDS, |put| {
        put_records_head(put, records.ring, records.position);
        put.0.extend_from_slice(records.bytes);
    });
}

fn put_records_head(put: &mut Put, ring: u32, position: u64) {
    put.u32(ring);
    put.u32(0);
    put.u64(position);
}

/// Begins records of a ring, whose bytes the caller adds. Returns where the
/// entry begins, for [`end_records`].
pub(super) fn begin_records(out: &mut Vec<u8>, ring: u32, position: u64) -> usize {
    let start = out.len();
    frame(out, RECORDS, |put| put_records_head(put, ring, position));
    start
}

/// Everything after the head of these records is theirs.
pub(super) fn end_records(out: &mut [u8], start: usize) {
    let len = (out.len() - start - FRAME) as u32;
    out[start + 4..start + FRAME].copy_from_slice(&len.to_le_bytes());
}

pub(super) fn put_round(out: &mut Vec<u8>, now: u64, ends: &[(u32, u64)]) {
    frame(out, ROUND, |put| {
        put.u64(now);
        put_rows(ends, put);
    });
}

pub(super) fn put_second(
    out: &mut Vec<u8>,
    now: u64,
    clock: &Clock,
    cpus: &[Counters],
    kept: &Counters,
) {
    let (monotonic, boottime) = clock.offsets();
    frame(out, SECOND, |put| {
        put.u64(now);
        put.u64(monotonic.cast_unsigned());
        put.u64(boottime.cast_unsigned());
        put_all(cpus, kept, put);
    });
}

pub(super) fn put_lookup(out: &mut Vec<u8>, pid: u32, found: Option<&Found>) {
    frame(out, LOOKUP, |put| {
        put.u32(pid);
        put.u32(u32::from(found.is_some()));
        if let Some(found) = found {
            found::put(found, put);
        }
    });
}

pub(super) fn put_hole(out: &mut Vec<u8>, missing: &[(u32, u64)]) {
    frame(out, HOLE, |put| put_rows(missing, put));
}

pub(super) fn put_end(out: &mut Vec<u8>, end: &End) {
    frame(out, END, |put| end.put(put));
}

fn second(input: &mut Get<'_>) -> Option<Second> {
    let now = input.u64()?;
    let (monotonic, boottime) = (input.u64()?.cast_signed(), input.u64()?.cast_signed());
    let clock = Clock::with_offsets(monotonic, boottime);
    let (cpus, kept) = get_all(input)?;
    Some(Second { now, clock, cpus, kept })
}

fn lookup(input: &mut Get<'_>) -> Option<(u32, Option<Box<Found>>)> {
    let pid = input.u32()?;
    let there = input.u32()? != 0;
    Some((pid, if there { Some(Box::new(found::get(input)?)) } else { None }))
}

/// What the kind says that the payload is; none if it is not.
fn parse(kind: u32, payload: &[u8]) -> Option<Entry<'_>> {
    let mut input = Get(payload);
    Some(match kind {
        META => Entry::Meta(Box::new(Meta::from_json(payload)?)),
        USERS => Entry::Users(Box::new(get_users(&mut input)?)),
        PROCESS => Entry::Process(Box::new(found::get(&mut input)?)),
        LISTENING => Entry::Listening(get_listening(&mut input)?),
        READY => Entry::Ready,
        RECORDS => {
            let ring = input.u32()?;
            input.u32()?;
            let position = input.u64()?;
            Entry::Records(Records { ring, position, bytes: input.0 })
        }
        ROUND => Entry::Round(Round { now: input.u64()?, ends: get_rows(&mut input)? }),
        SECOND => Entry::Second(Box::new(second(&mut input)?)),
        LOOKUP => {
            let (pid, found) = lookup(&mut input)?;
            Entry::Lookup(pid, found)
        }
        HOLE => Entry::Hole(Hole { missing: get_rows(&mut input)? }),
        END => Entry::End(Box::new(End::get(&mut input)?)),
        other => Entry::Unknown(other),
    })
}

/// Takes the first entry of a body, and how many bytes it takes there; what is
/// wrong if it cannot be one.
pub(super) fn take(body: &[u8]) -> Result<(Entry<'_>, usize), &'static str> {
    let mut input = Get(body);
    let (Some(kind), Some(len)) = (input.u32(), input.u32()) else { return Err("entry") };
    let payload = input.bytes(len as usize).ok_or("entry's length")?;
    let taken = (FRAME + payload.len()).next_multiple_of(8);
    if taken > body.len() {
        return Err("entry's length");
    }
    let entry = parse(kind, payload).ok_or("entry")?;
    if let Entry::Records(records) = &entry
        && !(records.bytes.len().is_multiple_of(8) && records.position.is_multiple_of(8))
    {
        return Err("row of records");
    }
    Ok((entry, taken))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(body: &[u8]) -> Entry<'_> {
        let (entry, len) = take(body).expect("an entry");
        assert_eq!(len, body.len());
        assert!((0..len).all(|cut| take(&body[..cut]).is_err()), "what is cut off is seen");
        entry
    }

    #[test]
    fn entries_come_back() {
        let mut out = Vec::new();
        let records = Records { ring: 3, position: 1 << 40, bytes: &[9; 48] };
        put_records(&mut out, &records);
        assert!(matches!(taken(&out), Entry::Records(found) if found == records));

        let mut split = Vec::new();
        let start = begin_records(&mut split, 3, 1 << 40);
        split.extend_from_slice(records.bytes);
        end_records(&mut split, start);
        assert_eq!(split, out);

        out.clear();
        put_round(&mut out, 5, &[(0, 8), (7, 16)]);
        let round = Round { now: 5, ends: vec![(0, 8), (7, 16)] };
        assert!(matches!(taken(&out), Entry::Round(found) if found == round));

        out.clear();
        let mut cpus = vec![Counters::default(); 2];
        cpus[1].lost[2][3] = 7;
        let kept = Counters { unclassed: 1, ..Counters::default() };
        let clock = Clock::with_offsets(-1, 2);
        put_second(&mut out, 6, &clock, &cpus, &kept);
        let second = Second { now: 6, clock, cpus: cpus.clone(), kept };
        assert!(matches!(taken(&out), Entry::Second(found) if *found == second));

        out.clear();
        let end = End { now: 7, at: -1, cpus, kept, switched_off: true, ..End::default() };
        put_end(&mut out, &end);
        assert!(matches!(taken(&out), Entry::End(found) if *found == end));

        out.clear();
        put_lookup(&mut out, 8, Some(&Found { pid: 8, exe: "x".into(), ..Found::default() }));
        assert!(matches!(taken(&out), Entry::Lookup(8, Some(found)) if found.exe == "x"));
        out.clear();
        put_lookup(&mut out, 8, None);
        assert!(matches!(taken(&out), Entry::Lookup(8, None)));
        out.clear();
        frame(&mut out, 99, |put| put.text(b"new"));
        assert!(matches!(taken(&out), Entry::Unknown(99)));
    }
}

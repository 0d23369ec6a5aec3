// SPDX-License-Identifier: Apache-2.0
//! Cuts small recordings out of large ones, for the corpus of the fuzz target recording.
//!
//! usage: recording-seeds RECORDING... FOLDER
//!
//! A piece has what the recording says of itself, some of the processes that its records are about,
//! and some records that follow each other, in two rounds and with a second between them.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use engine::raw::{End, Entry, Meta, Reader, Records, Second, Writer};
use engine::snapshot::Found;
use probe_loader::abi::{Plain as _, SF_API_VERSION, SF_SCHEMA_VERSION, sf_hdr};

/// Records of a piece, and how far its beginning is from that of the next.
const PIECE: usize = 24;
const STEP: usize = 400;
/// Pieces of a recording at most, and processes of a piece.
const PIECES: usize = 400;
const PROCESSES: usize = 4;
/// Rings that a piece has.
const RINGS: u32 = 4;

type Failure = Box<dyn std::error::Error>;

/// What is of use for pieces.
#[derive(Default)]
struct Whole {
    meta: Meta,
    processes: Vec<Found>,
    lookups: Vec<(u32, Option<Box<Found>>)>,
    /// Ring and bytes.
    records: Vec<(u32, Vec<u64>)>,
    second: Option<Second>,
}

fn read(path: &Path) -> Result<Whole, Failure> {
    let mut reader = Reader::new(File::open(path)?, path)?;
    let mut whole = Whole::default();
    while whole.records.len() < PIECES * STEP
        && let Some(entry) = reader.next_entry()?
    {
        match entry {
            Entry::Meta(meta) => whole.meta = *meta,
            Entry::Process(found) => whole.processes.push(*found),
            Entry::Lookup(pid, found) => whole.lookups.push((pid, found)),
            Entry::Second(second) => whole.second = Some(*second),
            Entry::Records(records) => {
                let mut rest = records.bytes;
                while let Some(hdr) = sf_hdr::at(rest) {
                    let Some((record, behind)) = rest.split_at_checked(usize::from(hdr.len)) else {
                        break;
                    };
                    let word = |word: &[u8]| u64::from_le_bytes(word.try_into().expect("8 bytes"));
                    let words = record.chunks_exact(8).map(word).collect();
                    whole.records.push((records.ring % RINGS, words));
                    rest = behind;
                }
            }
            _ => {}
        }
    }
    // The time is the first word of a record.
    whole.records.sort_by_key(|(_, record)| record.first().copied());
    Ok(whole)
}

fn bytes(record: &[u64]) -> Vec<u8> {
    record.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn piece(whole: &Whole, part: &[(u32, Vec<u64>)]) -> Result<Vec<u8>, Failure> {
    // A record's second word: pid, then tid.
    let about = |pid: u32| part.iter().any(|(_, record)| record[1] as u32 == pid);
    let known = whole.processes.iter().filter(|found| about(found.pid)).cloned();
    let known: Vec<Found> = known.take(PROCESSES).collect();
    let meta = Meta { rings: RINGS, ..whole.meta.clone() };
    let mut writer =
        Writer::new(Vec::new(), (SF_API_VERSION, SF_SCHEMA_VERSION), 1, &meta, &known)?;
    let mut ends = BTreeMap::new();
    for (number, half) in part.chunks(PIECE / 2).enumerate() {
        for (ring, record) in half {
            let end: &mut u64 = ends.entry(*ring).or_default();
            let position = *end;
            let bytes = bytes(record);
            *end += bytes.len() as u64;
            writer.records(&Records { ring: *ring, position, bytes: &bytes })?;
        }
        for (pid, found) in whole.lookups.iter().filter(|(pid, _)| about(*pid)).take(2) {
            writer.lookup(*pid, found.as_deref())?;
        }
        let now = half.last().map_or(0, |(_, record)| record[0]);
        let rows: Vec<(u32, u64)> = ends.iter().map(|(ring, end)| (*ring, *end)).collect();
        writer.round(now, &rows)?;
        if let (0, Some(second)) = (number, &whole.second) {
            let cpus = second.cpus.iter().take(1).copied().collect();
            writer.second(&Second { now, cpus, ..second.clone() })?;
        }
    }
    Ok(writer.finish(&End::default())?)
}

fn main() -> Result<(), Failure> {
    let mut paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let folder = paths.pop().ok_or("usage: recording-seeds RECORDING... FOLDER")?;
    std::fs::create_dir_all(&folder)?;
    for path in paths {
        let whole = read(&path)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        for (number, part) in whole.records.chunks(STEP).enumerate() {
            let part = &part[..part.len().min(PIECE)];
            std::fs::write(folder.join(format!("{name}-{number:04}")), piece(&whole, part)?)?;
        }
    }
    Ok(())
}

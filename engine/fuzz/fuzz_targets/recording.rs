// SPDX-License-Identifier: Apache-2.0
//! Any bytes as a recording of a driver, read and played: no panic, an end, bounded memory, a trace
//! that can be read, and the same trace when it is played again.

#![no_main]

use std::io::Cursor;

use engine::Settings;
use engine::account::Account;
use engine::raw::{Played, Reader, Recording};
use engine::semantics::{Collect, FileReads, Semantics};
use engine::state::limits::Limits;
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use sysflow::schema::Version;

#[path = "../src/blocks.rs"]
mod blocks;
#[path = "../src/entries.rs"]
mod entries;
#[path = "../src/memory.rs"]
mod memory;

use memory::Memory;

/// Moments played of one input: compressed, a small one holds very many.
const MOMENTS: usize = 2_000;

/// Some of the settings; the input's length chooses.
fn settings(choice: usize) -> Settings {
    let base = Settings::default();
    let few = Limits::of(Limits::LEAST);
    let semantics = match choice / 2 % 4 {
        0 | 1 => base.semantics,
        2 => Semantics { process_flows: true, reads: FileReads::NoSystem, ..base.semantics },
        _ => Semantics { collect: Collect::Consume, entities_early: true, ..base.semantics },
    };
    let schema = if choice % 2 == 0 { Version::V5 } else { Version::V6 };
    Settings { semantics, schema, limits: few, ..base }
}

/// Plays a recording to its end, to damage, or as far as is allowed.
fn play(bytes: &[u8]) -> Option<(Memory, Account, Played)> {
    let reader = Reader::new(Cursor::new(bytes.to_vec()), "fuzz").ok()?;
    let recording = Recording::open(reader).ok()?;
    let settings = settings(bytes.len());
    let mut player = recording.play(settings, Memory::new(settings.schema));
    for _ in 0..MOMENTS {
        let (before, mut told) = (player.now(), None);
        let moment = player.step(|now| told = Some(now));
        assert!(player.now() >= before, "time goes forward");
        match moment {
            Ok(Some(_)) => assert!(player.now() >= told.unwrap_or(0), "as far as it was told"),
            Ok(None) => break,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                let next = player.step(|_| ());
                assert!(matches!(next, Ok(None)), "one error, then nothing more");
                break;
            }
        }
    }
    Some(player.finish())
}

fuzz_target!(|bytes: &[u8]| {
    let Some((sink, account, played)) = play(bytes) else { return };
    let counts = account.counts;
    assert_eq!(counts.events, played.events);
    // What the summary and the statistics beside a file do with them.
    let (mut all, empty) = (account.kept, Account::default());
    account.cpus.iter().for_each(|cpu| all += *cpu);
    let _ = (all.total_seen(), all.total_lost(), all.balanced(), account.since(&empty));
    let records = memory::records(&sink.finish());
    assert_eq!(records.len() as u64, counts.records + 1, "and the header");
    let (again, ..) = play(bytes).expect("it was one before");
    // The files differ in their sync markers.
    assert!(records == memory::records(&again.finish()), "the same, played again");
});

// Bodies are packed and have checksums: most inputs are changed unpacked, and put in order.
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    if seed % 16 != 0
        && let Some(len) = changed(data, size, max_size, seed)
    {
        return len;
    }
    fuzzer_mutate(data, size, max_size)
});

/// Changes what the blocks hold. Returns the new length; none if there are no blocks, or it would
/// not fit.
fn changed(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> Option<usize> {
    let mut body = blocks::unpack(&data[..size])?;
    // What the recording says of itself is text, which changes seldom leave readable.
    let kept = if seed % 8 == 1 { 0 } else { entries::first(&body).min(body.len()) };
    let len = body.len() - kept;
    let room = len * 2 + 1024;
    body.resize(kept + room, 0);
    let len = fuzzer_mutate(&mut body[kept..], len, room);
    body.truncate(kept + len / 8 * 8);
    if seed % 4 != 0 {
        entries::repair(&mut body);
    }
    let packed = blocks::pack(&data[..blocks::HEAD], &body, (seed >> 8) as usize)?;
    let fits = packed.len() <= max_size.min(data.len());
    fits.then(|| data[..packed.len()].copy_from_slice(&packed))?;
    Some(packed.len())
}

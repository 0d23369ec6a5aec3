// SPDX-License-Identifier: Apache-2.0
//! Any bytes as a capture, read and converted: no panic, an end, bounded memory, and a trace that
//! can be read.

#![no_main]

use std::io::Cursor;

use engine::scap::file::{Block, Limits, Reader};
use engine::scap::{Converter, Options};
use engine::semantics::{Collect, FileReads, Semantics};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use sysflow::schema::Version;

#[path = "../src/memory.rs"]
mod memory;
#[path = "../src/repair.rs"]
mod repair;

use memory::Memory;

/// Events taken from one input: compressed, a small one holds very many.
const EVENTS: u64 = 20_000;

/// Some of the ways to convert; the input's length chooses.
fn options(choice: usize) -> Options {
    let base = Semantics::of_reference();
    let semantics = match choice % 4 {
        0 => base,
        1 => Semantics { compat: true, process_flows: true, ..base },
        2 => Semantics { file_only: true, reads: FileReads::NoSystem, ..base },
        _ => Semantics { collect: Collect::Consume, reads: FileReads::None, ..base },
    };
    Options { semantics, ..Options::default() }
}

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { block: 1 << 20, window_log: 20 };
    let input = Cursor::new(bytes.to_vec());
    let Ok(mut reader) = Reader::with_limits(input, "fuzz", limits) else { return };
    let mut converter = Converter::new(&options(bytes.len()), Memory::new(Version::V5));
    while let Ok(Some(block)) = reader.next_block() {
        if let Block::Event(event) = &block {
            // Every parameter is in reach, in both ways.
            for (index, value) in event.params.iter().enumerate().take(32) {
                assert_eq!(event.params.get(index), Some(value));
            }
        }
        converter.block(&block);
        if reader.counts().events > EVENTS {
            break;
        }
    }
    let read = reader.counts().events;
    assert!(matches!(reader.next_block(), Ok(_) | Err(_)));
    let (sink, counts, engine) = converter.finish();
    assert_eq!(counts.events, read);
    let sum = counts.used + counts.passed + counts.incomplete + counts.unknown;
    assert_eq!(counts.events, sum, "{counts:?}");
    let records = memory::records(&sink.finish()).len() as u64;
    assert_eq!(records, engine.records + 1, "and the header");
});

// Changed bytes rarely make blocks: most inputs are put in order again.
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let size = fuzzer_mutate(data, size, max_size);
    if seed % 8 != 0 {
        repair::repair(&mut data[..size]);
    }
    size
});

// SPDX-License-Identifier: Apache-2.0
//! The replay generator.

use std::io::Cursor;

use benches::replay::replay;
use capture_writer::lists::Process;
use capture_writer::{EventBlock, Scenario, Values, Writer};
use engine::scap::file::{Block, Reader};

/// The times of all events, and how many other blocks there are.
fn times(bytes: Vec<u8>) -> (Vec<u64>, usize) {
    let mut reader = Reader::new(Cursor::new(bytes), "memory").expect("memory is read");
    let (mut times, mut others) = (Vec::new(), 0);
    while let Some(block) = reader.next_block().expect("a good capture") {
        match block {
            Block::Event(event) => times.push(event.ts),
            _ => others += 1,
        }
    }
    (times, others)
}

fn replayed(bytes: &[u8], rounds: u64) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("in.scap");
    std::fs::write(&path, bytes).expect("a file");
    let mut out = Vec::new();
    let written = replay(&path, rounds, &mut out).expect("a good capture");
    assert_eq!(written.bytes, out.len() as u64);
    out
}

#[test]
fn events_are_repeated_later() {
    let mut scenario = Scenario::new(1_000_000);
    scenario.thread(Process::new(7, 1, "/bin/sh"));
    scenario.open(7, 3, "/a", 1).wait(5_000).close(7, 3);
    let once = scenario.finish();
    assert_eq!(replayed(&once, 1), once);
    let (first, others) = times(once.clone());
    let (all, still) = times(replayed(&once, 5));
    assert_eq!((all.len(), still), (5 * first.len(), others));
    assert!(all.is_sorted());
    for (round, times) in all.chunks(first.len()).enumerate() {
        let shift = times[0] - first[0];
        assert!(round == 0 || shift > first[first.len() - 1] - first[0]);
        assert!(times.iter().zip(&first).all(|(late, early)| late - early == shift));
    }
}

#[test]
fn all_kinds_of_event_blocks_are_shifted() {
    let mut writer = Writer::new(Vec::new());
    writer.section().expect("memory");
    let blocks = [
        EventBlock::V1,
        EventBlock::V1Flags(3),
        EventBlock::V2,
        EventBlock::V2Flags(3),
        EventBlock::V2Large,
        EventBlock::V2LargeFlags(3),
    ];
    for (block, ts) in blocks.into_iter().zip(100..) {
        writer.event(block, (0, ts, 7), 4, &Values::new().i64(3)).expect("memory");
    }
    let (all, _) = times(replayed(&writer.into_inner(), 2));
    assert_eq!(all, [100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111]);
}

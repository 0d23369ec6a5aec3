// SPDX-License-Identifier: Apache-2.0
//! Any bytes as a file: no panic, bounded memory, and an end.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sysflow::read::{Limits, Reader};
use sysflow::resolve::Events;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { head: 1 << 16, block: 1 << 20, items: 1 << 12, entities: 16 << 20 };
    let Ok(reader) = Reader::with_limits(bytes, "fuzz", limits) else { return };
    let mut events = Events::new(reader);
    let mut end = 0;
    let mut left = 100_000; // records without data are legal and many fit into few bytes
    loop {
        match events.next_event() {
            Ok(Some(_)) if left > 0 => left -= 1,
            Ok(_) => return,
            Err(error) => {
                let Ok(Some(gap)) = events.resume() else { return };
                assert_eq!(gap.offset, error.offset);
                // Reading goes forward, and so comes to an end.
                assert!(gap.offset >= end && gap.bytes > 0);
                end = gap.offset + gap.bytes;
                assert!(end <= bytes.len() as u64);
            }
        }
    }
});

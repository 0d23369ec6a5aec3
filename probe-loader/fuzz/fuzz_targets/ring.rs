// SPDX-License-Identifier: Apache-2.0
//! Both ends of a ring, driven by the input: two bytes a step.
#![no_main]

use std::collections::VecDeque;

use libfuzzer_sys::fuzz_target;
use probe_loader::Ring;
use probe_loader::abi::{Plain, SF_OP_EXEC, SF_OP_READ, sf_hdr};
use ring_writer::Rings;

const SIZE: usize = 65536;

fuzz_target!(|steps: &[u8]| {
    let mut writer = Rings::new(1, SIZE).expect("memory for a ring");
    let mut reader = Ring::map(writer.fd(), 0, SIZE).expect("the ring maps");
    let (mut waiting, mut gaps, mut seq) = (VecDeque::new(), 0u64, 0u32);
    for (ts, step) in steps.chunks_exact(2).enumerate() {
        let amount = usize::from(step[1]) + 1;
        match step[0] % 4 {
            // Writes, mostly: a short record of I/O or a long one of identity.
            kind @ (0 | 1) => {
                let op = if kind == 0 { SF_OP_READ } else { SF_OP_EXEC } as u8;
                let len = if kind == 0 { 24 + 8 * amount } else { 128 * amount - 8 };
                let mut bytes = vec![step[1]; len];
                let hdr = sf_hdr { ts: ts as u64, len: len as u16, op, ..sf_hdr::default() };
                bytes[..24].copy_from_slice(hdr.bytes());
                if writer.put(0, &bytes) {
                    waiting.push_back((ts as u64, len, step[1]));
                }
            }
            // Reads some, and gives the room back or keeps it for a while.
            keep => {
                reader.refresh();
                for _ in 0..amount {
                    let Some(bytes) = reader.peek() else { break };
                    let hdr = *sf_hdr::at(bytes).expect("a header");
                    let (ts, len, mark) = waiting.pop_front().expect("it was written");
                    assert_eq!((hdr.ts, bytes.len()), (ts, len));
                    assert!(bytes[24..].iter().all(|b| *b == mark));
                    gaps += u64::from(hdr.seq - seq - 1);
                    seq = hdr.seq;
                    reader.advance();
                }
                if keep == 2 {
                    reader.release();
                }
            }
        }
    }
    let counters = reader.counters();
    assert!(counters.balanced());
    assert_eq!(reader.damaged(), 0);
    // What was tried after the last record that was read either waits or was
    // lost.
    let lost_since = counters.total_seen() - u64::from(seq) - waiting.len() as u64;
    assert_eq!(gaps + lost_since, counters.total_lost());
});

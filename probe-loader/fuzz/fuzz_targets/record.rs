// SPDX-License-Identifier: Apache-2.0
//! Any bytes as a record.
#![no_main]

use libfuzzer_sys::fuzz_target;
use probe_loader::Record;

fuzz_target!(|data: &[u8]| {
    // Records are aligned to 8 and multiples of 8 long.
    let words: Vec<u64> =
        data.chunks_exact(8).map(|w| u64::from_ne_bytes(w.try_into().expect("8 bytes"))).collect();
    // SAFETY: the bytes of initialised integers.
    let bytes = unsafe { std::slice::from_raw_parts(words.as_ptr().cast::<u8>(), words.len() * 8) };
    let Ok(record) = Record::decode(bytes) else { return };
    let within = |text: &[u8]| {
        assert!(text.is_empty() || bytes.as_ptr_range().contains(&text.as_ptr()));
        std::hint::black_box(text.iter().fold(0u8, |sum, b| sum ^ b));
    };
    match record {
        Record::File(_, path) | Record::Sock(_, path) => within(path),
        Record::Path(_, [a, b]) => {
            within(a);
            within(b);
        }
        Record::Exec(_, s) => [s.exe, s.cwd, s.cgroup, s.args, s.env].into_iter().for_each(within),
        _ => {}
    }
    assert_eq!(record.header().op, bytes[22]);
});

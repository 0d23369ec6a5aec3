// SPDX-License-Identifier: Apache-2.0
//! Compressed captures, captures one after the other, and streams that come in small pieces.

use std::io::{Cursor, Read, Write as _};

use capture_writer::Scenario;
use capture_writer::lists::Process;
use engine::scap::file::{Problem, Reader};
use flate2::Compression;
use flate2::write::GzEncoder;

fn sample() -> Vec<u8> {
    let mut scenario = Scenario::new(1_000_000_000);
    scenario.thread(Process::new(100, 1, "/bin/sh"));
    for round in 0..1000 {
        scenario.open(100, 3, &format!("/tmp/file{round}"), 1).read(100, 3, 1000).close(100, 3);
    }
    scenario.finish()
}

const EVENTS: u64 = 6000;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// Events and captures in `input`.
fn read(input: impl Read + Send + 'static) -> (u64, u64, bool) {
    let mut reader = Reader::new(input, "memory").unwrap();
    while reader.next_block().unwrap_or_else(|error| panic!("{error}")).is_some() {}
    (reader.counts().events, reader.counts().sections, reader.compressed())
}

#[test]
fn compressed_captures_are_known_by_their_bytes() {
    let plain = sample();
    let (gz, zst) = (gzip(&plain), zstd(&plain));
    assert!(gz.len() < plain.len() / 2 && zst.len() < plain.len() / 2);
    assert_eq!(read(Cursor::new(plain)), (EVENTS, 1, false));
    assert_eq!(read(Cursor::new(gz)), (EVENTS, 1, true));
    assert_eq!(read(Cursor::new(zst)), (EVENTS, 1, true));
}

#[test]
fn captures_one_after_the_other_are_read() {
    let plain = sample();
    for packed in [plain.clone(), gzip(&plain), zstd(&plain)] {
        let twice = [&packed[..], &packed[..]].concat();
        let (events, sections, _) = read(Cursor::new(twice));
        assert_eq!((events, sections), (2 * EVENTS, 2));
    }
}

/// Gives one to three bytes at a time.
struct Dripping(Cursor<Vec<u8>>, usize);

impl Read for Dripping {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.1 = self.1 % 3 + 1;
        let len = self.1.min(buffer.len());
        self.0.read(&mut buffer[..len])
    }
}

#[test]
fn pieces_of_any_size_make_the_same_events() {
    for packed in [sample(), gzip(&sample()), zstd(&sample())] {
        assert_eq!(read(Dripping(Cursor::new(packed), 0)).0, EVENTS);
    }
}

#[test]
fn a_cut_compressed_capture_gives_what_there_is() {
    for mut packed in [gzip(&sample()), zstd(&sample())] {
        packed.truncate(packed.len() - 5);
        let mut reader = Reader::new(Cursor::new(packed), "memory").unwrap();
        let error = loop {
            match reader.next_block() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the end is missing"),
                Err(error) => break error,
            }
        };
        assert!(matches!(error.problem, Problem::Truncated), "{error}");
        assert!(error.events > 0 || error.offset > 0);
        assert!(error.to_string().contains("of the uncompressed data"), "{error}");
    }
}

#[test]
fn damaged_compressed_data_are_told() {
    let mut packed = gzip(&sample());
    let middle = packed.len() / 2;
    packed[middle..middle + 20].fill(0xA5);
    let mut reader = Reader::new(Cursor::new(packed), "memory").unwrap();
    let error = loop {
        match reader.next_block() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("damage is not seen"),
            Err(error) => break error,
        }
    };
    assert!(error.events < EVENTS, "{error}");
}

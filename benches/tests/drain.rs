// SPDX-License-Identifier: Apache-2.0
//! Recorded streams give the same records for any number of threads.

use std::path::Path;

use benches::stream::{Stream, plain};
use engine::clock::Clock;
use engine::drain::{Drain, Sum, Tuning, Work};
use engine::sink::Sink;
use engine::snapshot::NoLookup;
use engine::state::users::Users;
use engine::{Counts, Engine, Settings};
use probe_loader::Ring;
use probe_loader::abi::{Plain as _, sf_hdr};
use ring_writer::Rings;
use sysflow::encode::Encode;

struct Bytes(Vec<u8>);

impl Sink for Bytes {
    fn put(&mut self, record: impl Encode) {
        record.encode(&mut self.0);
    }
}

struct Worker(Engine<Bytes>);

impl Work for Worker {
    type Order = u64;

    fn record(&mut self, bytes: &[u8]) {
        self.0.apply_bytes(bytes);
    }

    fn sum(&mut self, sum: &Sum) {
        self.0.apply_sum(sum);
    }

    fn order(&mut self, now: u64) {
        self.0.tick(now);
        self.0.begin_file();
    }
}

/// As the settings have it: at most so many.
fn drain(threads: usize, batch: usize, crowded: u64) -> Drain<Worker> {
    let settings = Settings { export_interval: 20_000_000, ..Settings::default() };
    let engine =
        Engine::new(settings, Clock::epoch(), Users::none(), Box::new(NoLookup), Bytes(Vec::new()));
    if threads == 1 {
        return Drain::alone(Worker(engine));
    }
    let tuning = Tuning { batch, crowded, ..Tuning::default() };
    Drain::with_back(Worker(engine), tuning).expect("a thread")
}

const CPUS: u32 = 4;

/// Time passes, and a file begins, after so many records.
const TICK: usize = 7001;

/// What becomes of the stream, each thread on a CPU of its own.
fn made(stream: &Stream, mut drain: Drain<Worker>) -> (Vec<u8>, Counts) {
    let size = (stream.size() * 2).next_power_of_two();
    let mut writer = Rings::new(CPUS, size).expect("memory");
    let mut rings: Vec<_> =
        (0..CPUS).map(|cpu| Ring::map(writer.fd(), cpu, size).expect("maps")).collect();
    for (number, record) in stream.in_order().into_iter().map(plain).enumerate() {
        let hdr = sf_hdr::at(record).expect("a header");
        assert!(writer.put(hdr.tid % CPUS, record), "the ring has room");
        if number % TICK == 0 {
            drain.drain(&mut rings, u64::MAX);
            drain.pass(hdr.ts);
            drain.order(hdr.ts);
        }
    }
    drain.drain(&mut rings, u64::MAX);
    let (sink, counts) = drain.finish().expect("no panic").0.finish();
    (sink.0, counts)
}

#[test]
fn threads_and_batches_change_nothing() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("streams");
    let mut streams = 0;
    for entry in std::fs::read_dir(dir).expect("the recorded streams are there") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "sfr") {
            continue;
        }
        let stream = Stream::open(&path).expect("a stream");
        let (bytes, counts) = made(&stream, drain(1, 0, 1));
        assert!(counts.events == stream.len() as u64 && counts.records > 1000, "{counts:?}");
        for (threads, batch) in [(2, 1), (2, 7), (2, 100), (2, 4096), (4, 4096), (4, 1000)] {
            // Never, and always: then the back merges what it has time for.
            for crowded in [1, u64::MAX] {
                let other = made(&stream, drain(threads, batch, crowded));
                assert_eq!(other.1, counts, "{path:?}, batches of {batch}");
                assert!(other.0 == bytes, "{path:?}, batches of {batch}: other records");
            }
        }
        streams += 1;
    }
    assert!(streams > 0);
}

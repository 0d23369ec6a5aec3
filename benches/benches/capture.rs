// SPDX-License-Identifier: Apache-2.0
//! From the bytes of a capture to its events, and to records.
//!
//! `cargo bench -p benches --bench capture`; with `SYSFLOW_CAPTURE=FILE` on that capture instead of
//! a made one.

use std::hint::black_box;
use std::io::Cursor;
use std::path::Path;

use capture_writer::Scenario;
use capture_writer::lists::Process;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::scap::file::{Block, Reader};
use engine::scap::{Converter, Options};
use engine::sink::Sink;
use sysflow::encode::Encode;

/// Takes records and encodes them.
struct Encoder(Vec<u8>);

impl Sink for Encoder {
    fn put(&mut self, record: impl Encode) {
        if self.0.len() > 64 * 1024 {
            self.0.clear();
        }
        record.encode(&mut self.0);
    }
}

/// A capture in memory: files of several processes are opened, read, written and closed.
fn capture() -> Vec<u8> {
    if let Some(path) = std::env::var_os("SYSFLOW_CAPTURE") {
        return std::fs::read(Path::new(&path)).expect("the capture is read");
    }
    let mut scenario = Scenario::new(1_600_000_000_000_000_000);
    let processes = 100..120;
    for pid in processes.clone() {
        scenario.thread(Process::new(pid, 1, "/bin/worker"));
    }
    for round in 0..1000 {
        for pid in processes.clone() {
            scenario.open(pid, 3, &format!("/var/data/{pid}/{}", round % 10), 3);
            scenario.read(pid, 3, 4096).read(pid, 3, 4096).write(pid, 3, 100);
            scenario.close(pid, 3).wait(100_000);
        }
    }
    scenario.finish()
}

fn reader(bytes: &[u8]) -> Reader {
    Reader::new(Cursor::new(bytes.to_vec()), "capture").expect("memory is read")
}

/// Reads all blocks; the events.
fn walk(mut reader: Reader) -> u64 {
    let mut sum = 0_u64;
    while let Some(block) = reader.next_block().expect("a good capture") {
        if let Block::Event(event) = block {
            let first = event.params.get(0).map_or(0, <[u8]>::len);
            sum = sum.wrapping_add(event.ts ^ event.tid ^ first as u64);
        }
    }
    black_box(sum);
    reader.counts().events
}

fn captures(criterion: &mut Criterion) {
    let bytes = capture();
    let events = walk(reader(&bytes));
    let mut group = criterion.benchmark_group("capture");
    group.throughput(Throughput::Elements(events));
    group.bench_function("file layer", |bencher| {
        bencher.iter_batched(|| reader(&bytes), walk, criterion::BatchSize::LargeInput);
    });
    group.bench_function("records", |bencher| {
        bencher.iter_batched(
            || (reader(&bytes), Converter::new(&Options::default(), Encoder(Vec::new()))),
            |(mut reader, mut converter)| {
                while let Some(block) = reader.next_block().expect("a good capture") {
                    converter.block(&block);
                }
                converter.finish().1.events
            },
            criterion::BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, captures);
criterion_main!(benches);

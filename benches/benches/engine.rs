// SPDX-License-Identifier: Apache-2.0
//! From the ring to the flow table, and from records to bytes.
//!
//! `cargo bench -p benches --bench engine`

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use benches::stream::{Stream, plain};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::clock::Clock;
use engine::merge::Merge;
use engine::sink::Sink;
use engine::snapshot::NoLookup;
use engine::state::users::Users;
use engine::{Engine, Settings};
use probe_loader::Ring;
use ring_writer::Rings;
use sysflow::encode::Encode;
use sysflow::record::{FileFlow, Foid, Ip4, NetworkFlow, Oid, OpFlags, OpenFlags};

/// Takes records and drops them.
struct Nowhere;

impl Sink for Nowhere {
    fn put(&mut self, record: impl Encode) {
        black_box(record.kind());
    }
}

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

fn engine<S: Sink>(sink: S) -> Engine<S> {
    Engine::new(Settings::default(), Clock::epoch(), Users::none(), Box::new(NoLookup), sink)
}

fn streams() -> Vec<(String, Stream)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("streams");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(dir)
        .expect("the recorded streams are there")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ext| ext == "sfr"))
        .collect();
    paths.sort();
    let name = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    paths.iter().map(|p| (name(p), Stream::open(p).expect("a stream"))).collect()
}

/// Rings large enough for the stream, written by the driver's writer.
struct Filled {
    writer: Rings,
    rings: Vec<Ring>,
}

impl Filled {
    fn new(stream: &Stream) -> Self {
        let size = (stream.size() * 5 / 4).next_power_of_two();
        let count = stream.lanes.len() as u32;
        let writer = Rings::new(count, size).expect("memory for the rings");
        let map = |cpu| Ring::map(writer.fd(), cpu, size).expect("the ring maps");
        let rings = (0..count).map(map).collect();
        Self { writer, rings }
    }

    fn fill(&mut self, stream: &Stream) {
        for (cpu, lane) in (0..).zip(&stream.lanes) {
            for index in 0..lane.len() {
                assert!(self.writer.put(cpu, plain(lane.get(index))), "the ring has room");
            }
        }
    }
}

/// Time to take the stream out of the ring, `rounds` times.
fn drained<S: Sink>(stream: &Stream, rounds: u64, sink: impl Fn() -> S) -> Duration {
    let mut ring = Filled::new(stream);
    let mut time = Duration::ZERO;
    for _ in 0..rounds {
        ring.fill(stream);
        let (mut engine, mut merge) = (engine(sink()), Merge::default());
        let begun = Instant::now();
        merge.drain(&mut ring.rings, u64::MAX, |bytes| engine.apply_bytes(bytes));
        time += begun.elapsed();
        black_box(engine.finish().1);
    }
    time
}

fn ring_to_flows(c: &mut Criterion) {
    let mut group = c.benchmark_group("ring to flow table");
    for (name, stream) in &streams() {
        group.throughput(Throughput::Elements(stream.len() as u64));
        group.bench_function(name, |b| b.iter_custom(|n| drained(stream, n, || Nowhere)));
    }
    group.finish();
    let mut group = c.benchmark_group("ring to encoded records");
    for (name, stream) in &streams() {
        group.throughput(Throughput::Elements(stream.len() as u64));
        let sink = || Encoder(Vec::with_capacity(128 * 1024));
        group.bench_function(name, |b| b.iter_custom(|n| drained(stream, n, sink)));
    }
    group.finish();
}

fn encode(c: &mut Criterion) {
    let proc_oid = Oid { create_ts: 1_700_000_000_123_456_789, hpid: 4711 };
    let op_flags = OpFlags::OPEN | OpFlags::READ_RECV | OpFlags::CLOSE;
    let file = FileFlow {
        proc_oid,
        ts: 1_700_000_001_123_456_789,
        tid: 4711,
        op_flags,
        open_flags: OpenFlags::RDONLY,
        end_ts: 1_700_000_001_123_956_789,
        file_oid: Foid([7; 20]),
        fd: 3,
        num_r_recv_ops: 12,
        num_r_recv_bytes: 40_960,
        ..FileFlow::default()
    };
    let net = NetworkFlow {
        proc_oid,
        ts: file.ts,
        tid: 4711,
        op_flags,
        end_ts: file.end_ts,
        sip: Ip4(0x0100_007f),
        dip: Ip4(0x0100_007f),
        sport: 50_000,
        dport: 443,
        proto: 6,
        fd: 9,
        num_r_recv_ops: 12,
        num_r_recv_bytes: 40_960,
        ..NetworkFlow::default()
    };
    let mut group = c.benchmark_group("encode");
    group.throughput(Throughput::Elements(2));
    let mut out = Vec::with_capacity(4096);
    group.bench_function("file flow and network flow", |b| {
        b.iter(|| {
            out.clear();
            black_box(&file).encode(&mut out);
            black_box(&net).encode(&mut out);
            black_box(out.len())
        });
    });
    group.finish();
}

criterion_group!(benches, ring_to_flows, encode);
criterion_main!(benches);

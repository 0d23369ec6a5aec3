// SPDX-License-Identifier: Apache-2.0
//! From rings in memory to a finished file.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use benches::stream::Stream;
use engine::account::Account;
use engine::clock::Clock;
use engine::drain::{Drain, Sum, Tuning, Work};
use engine::merge::Merge;
use engine::output::{Common, Destination, Files, Keep, Outputs, Spec};
use engine::sink::Sink;
use engine::snapshot::NoLookup;
use engine::state::users::Users;
use engine::{Engine, Settings};
use probe_loader::{Record, Ring};
use ring_writer::Rings;
use sysflow::encode::Encode;
use sysflow::record::Header;
use sysflow::write::Options;

struct Nowhere;
impl Sink for Nowhere {
    fn put(&mut self, record: impl Encode) {
        black_box(record.kind());
    }
}
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

struct Long {
    writer: Rings,
    rings: Vec<Ring>,
    stream: Vec<Vec<u64>>,
}

impl Long {
    fn new(stream: &[Vec<u64>], rounds: usize, cpus: u32) -> Self {
        let total: usize = stream.iter().map(|r| r.len() * 8).sum::<usize>() * rounds;
        let size = (total * 3 / 2 / cpus as usize).next_power_of_two();
        let writer = Rings::new(cpus, size).expect("memory");
        let rings = (0..cpus).map(|c| Ring::map(writer.fd(), c, size).expect("ring")).collect();
        Self { writer, rings, stream: stream.to_vec() }
    }
    fn fill(&mut self, rounds: usize, cpus: u32) -> u64 {
        let mut n = 0;
        let (first, last) = (self.stream[0][0], self.stream[self.stream.len() - 1][0]);
        let mut copy = Vec::new();
        for round in 0..rounds as u64 {
            for record in &self.stream {
                copy.clear();
                copy.extend_from_slice(record);
                copy[0] += round * (last - first + 1000);
                let tid = (copy[1] >> 32) as u32;
                let op = (copy[2] >> 48) as u8;
                if op >= 40 {}
                let bytes = unsafe { std::slice::from_raw_parts(copy.as_ptr().cast::<u8>(), copy.len() * 8) };
                if self.writer.put(tid.wrapping_mul(0x9E37_79B1) >> 16 & (cpus - 1), bytes) {
                    n += 1;
                }
            }
        }
        n
    }
}

fn words(bytes: &[u8]) -> Vec<u64> {
    bytes.chunks_exact(8).map(|w| u64::from_ne_bytes(w.try_into().expect("8"))).collect()
}

#[inline(never)]
fn collect(long: &mut Long, each: impl FnMut(&[u8])) -> Duration {
    let mut merge = Merge::default();
    let begun = Instant::now();
    merge.drain(&mut long.rings, u64::MAX, each);
    begun.elapsed()
}

fn outputs() -> Outputs {
    let files = Files { path: "/dev/shm/par-bench.sf".into(), every: None, size: None, keep: Keep::default() };
    let spec = Spec { to: Destination::Files(files), buffer: 1 << 30 };
    let common = Common { options: Options::default(), header: Header { version: 5, ..Header::default() }, flush: Duration::from_secs(5), driver: String::new() };
    Outputs::open(&[spec], &common).expect("outputs")
}

fn flood(n: usize) -> Vec<Vec<u64>> {
    use probe_loader::abi::*;
    (0..n).map(|i| {
        let k = i % 2;
        let h = sf_hdr { ts: 1_000_000 + i as u64 * 200, pid: 100 + k as u32, tid: 100 + k as u32, seq: 0, len: 64, op: SF_OP_READ as u8, flags: 0 };
        if i < 2 {
            let f = sf_rec_file { h: sf_hdr { op: SF_OP_OPEN as u8, ..h }, file: 77 + k as u64, mode: libc::S_IFREG, fd: 3, ret: 3, ..sf_rec_file::default() };
            return words(f.bytes());
        }
        let io = sf_rec_io { h, file: 77 + k as u64, fd: 3, ops: 1, bytes: 1, first: h.ts, failed: 0, error: 0 };
        words(io.bytes())
    }).collect()
}

struct All(Engine<Outputs>);
impl Work for All {
    type Order = ();
    fn record(&mut self, bytes: &[u8]) { self.0.apply_bytes(bytes); }
    fn sum(&mut self, sum: &Sum) { self.0.apply_sum(sum); }
    fn order(&mut self, (): ()) {}
}

fn cpu() -> f64 { Duration::from(nix::time::clock_gettime(nix::time::ClockId::CLOCK_PROCESS_CPUTIME_ID).expect("clock")).as_secs_f64() }

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let name = &args[1];
    let stage = &args[2];
    let rounds: usize = args[3].parse().expect("rounds");
    let repeat: usize = args[4].parse().expect("repeat");
    let stream: Vec<Vec<u64>> = if name == "flood" { flood(62_000) } else {
        Stream::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("streams").join(format!("{name}.sfs"))).expect("stream").records().map(words).collect()
    };
    use probe_loader::abi::*;
    if stage == "stat" {
        let mut ops = std::collections::BTreeMap::new();
        for r in &stream { *ops.entry((r[2] >> 48) as u8).or_insert((0u64,0u64)) = { let e = ops.get(&((r[2]>>48) as u8)).copied().unwrap_or((0,0)); (e.0+1, e.1 + r.len() as u64*8) }; }
        println!("{ops:?}");
        let mut e = engine(Encoder(Vec::new()));
        for r in &stream { let b = unsafe { std::slice::from_raw_parts(r.as_ptr().cast::<u8>(), r.len()*8) }; e.apply_bytes(b); }
        println!("{:?}", e.finish().1);
        return;
    }
    let mut long = Long::new(&stream, rounds, 2);
    let mut best = f64::MAX;
    for _ in 0..repeat {
        let n = long.fill(rounds, 2);
        let time = match stage.as_str() {
            "merge" => collect(&mut long, |b| { black_box(b); }),
            "decode" => collect(&mut long, |b| { black_box(Record::decode(b).is_ok()); }),
            "flows" => { let mut e = engine(Nowhere); let t = collect(&mut long, |b| e.apply_bytes(b)); black_box(e.finish().1); t }
            "encode" => { let mut e = engine(Encoder(Vec::with_capacity(1<<17))); let t = collect(&mut long, |b| e.apply_bytes(b)); black_box(e.finish().1); t }
            "one" | "two" => {
                let work = All(engine(outputs()));
                let mut drain = if stage == "two" { Drain::with_back(work, Tuning::default()).expect("thread") } else { Drain::alone(work) };
                let c0 = cpu();
                let begun = Instant::now();
                drain.drain(&mut long.rings, u64::MAX);
                let front = begun.elapsed();
                let work = drain.finish().expect("work");
                let back = begun.elapsed();
                let (o, c) = work.0.finish(); let ended = o.finish(Account::default());
                let all = begun.elapsed();
                let c1 = cpu();
                assert_eq!(c.events, n);
                let ns = |t: Duration| t.as_nanos() as f64 / n as f64;
                println!("front {:.2} back {:.2} all {:.2} cpu {:.2} ns/event, records {} missing {}", ns(front), ns(back), ns(all), (c1-c0)*1e9/n as f64, c.records, ended[0].numbers.missing());
                all
            }
            _ => { let mut e = engine(outputs()); let begun = Instant::now(); let t = collect(&mut long, |b| e.apply_bytes(b)); let (o, c) = e.finish(); let ended = o.finish(Account::default()); let all = begun.elapsed(); assert_eq!(c.events, n); println!("front {:.2} all {:.2} ns/event records {} {}", t.as_nanos() as f64/n as f64, all.as_nanos() as f64 / n as f64, c.records, ended[0].numbers.missing()); all }
        };
        best = best.min(time.as_nanos() as f64 / n as f64);
        let _ = SF_OP_READ;
    }
    println!("{name} {stage}: {best:.2} ns/event");
}

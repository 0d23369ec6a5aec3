// SPDX-License-Identifier: Apache-2.0
//! From rings in memory to a finished file with deflate: on one CPU, on one
//! thread beside that of the output, and on two.
//!
//! `chrt -f 10 cargo bench -p benches --bench threads [-- STREAM|RECORDING]...`
//!
//! The three take turns. STREAM is one of `benches/streams/` by its name, or
//! `flood`, which is made here; all of them unless told. RECORDING is a file of
//! `sysflow record --raw`, of which the first events are taken; each comes from
//! the ring that it was recorded from. With `--only WAY` there is one round, for
//! tools that count instructions.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::exit;
use std::time::{Duration, Instant};

use benches::stream::{Lane, Stream, plain, shift};
use engine::account::Account;
use engine::clock::Clock;
use engine::drain::{Drain, Sum, Tuning, Work};
use engine::merge::Merge;
use engine::output::{Common, Destination, Files, Keep, Outputs, Spec};
use engine::snapshot::NoLookup;
use engine::state::users::Users;
use engine::threads::run_on;
use engine::{Engine, Settings};
use nix::time::{ClockId, clock_gettime};
use probe_loader::Ring;
use probe_loader::abi::{Plain as _, SF_OP_OPEN, SF_OP_READ, sf_hdr, sf_rec_file, sf_rec_io};
use ring_writer::Rings;
use sysflow::record::Header;
use sysflow::write::Options;

const ROUNDS: usize = 11;

/// Events of a round at least: streams are repeated, each time later.
const EVENTS: usize = 2_000_000;

/// Events of a recording at most.
const MOST: usize = 5_000_000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    OneCpu,
    One,
    Two,
}

const WAYS: [(Way, &str); 3] = [(Way::OneCpu, "one-cpu"), (Way::One, "one"), (Way::Two, "two")];

/// Two processes that read single bytes, one on each CPU, by turns.
fn flood() -> Stream {
    let record = |n: u32| {
        let (ts, pid) = (1_000_000 + u64::from(n) * 100, 100 + n % 2);
        let (file, fd) = (u64::from(pid) << 8, 3);
        let hdr = |op: u32, len: usize| sf_hdr {
            ts,
            pid,
            tid: pid,
            seq: 0,
            len: len as u16,
            op: op as u8,
            flags: 0,
        };
        if n < 2 {
            let h = hdr(SF_OP_OPEN, size_of::<sf_rec_file>());
            let mode = libc::S_IFREG;
            return sf_rec_file { h, file, mode, fd, ret: fd, ..<_>::default() }.bytes().to_vec();
        }
        let h = hdr(SF_OP_READ, size_of::<sf_rec_io>());
        let io = sf_rec_io { h, file, fd, ops: 1, bytes: 1, first: ts, failed: 0, error: 0 };
        io.bytes().to_vec()
    };
    let lane = |cpu: u32| Lane::of((0..50_000).map(|n| record(2 * n + cpu)));
    Stream::of(vec![lane(0), lane(1)])
}

fn open(path: &Path) -> (String, Stream) {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    match Stream::open(path) {
        Ok(stream) => (name, stream),
        Err(error) => {
            eprintln!("threads: {error}");
            exit(1)
        }
    }
}

/// Those that are asked for, by name or file; or all of the tree.
fn streams(wanted: &[String]) -> Vec<(String, Stream)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("streams");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(dir)
        .expect("the recorded streams are there")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ext| ext == "sfr"))
        .collect();
    paths.sort();
    let mut all: Vec<_> = paths.iter().map(|path| open(path)).collect();
    all.push(("flood".to_owned(), flood()));
    all.retain(|(name, _)| wanted.is_empty() || wanted.contains(name));
    let files = wanted.iter().filter(|name| name.ends_with(".sfr"));
    all.extend(files.map(|file| open(Path::new(file))));
    all
}

/// Rings that a stream fits into several times.
struct Filled {
    writer: Rings,
    rings: Vec<Ring>,
    stream: Stream,
    /// Records of each lane that are taken.
    taken: Vec<usize>,
    times: u64,
}

impl Filled {
    fn new(stream: Stream) -> Self {
        let taken = stream.first(MOST);
        let count: usize = taken.iter().sum();
        let times = EVENTS.div_ceil(count);
        let lanes = || stream.lanes.iter().zip(&taken);
        let bytes = |(lane, taken): (&Lane, &usize)| lane.bytes(*taken) * times;
        let most = lanes().map(bytes).max().expect("a stream has records");
        // A part of a ring is kept for records that carry state.
        let size = (most + most / 4).next_power_of_two();
        let writer = Rings::new(stream.lanes.len() as u32, size).expect("memory for the rings");
        let map = |cpu| Ring::map(writer.fd(), cpu, size).expect("the ring maps");
        let rings = (0..stream.lanes.len() as u32).map(map).collect();
        let mut filled = Self { writer, rings, stream, taken, times: times as u64 };
        // Once round, so that all memory is there.
        for _ in 0..3 {
            filled.fill();
            Merge::default().drain(&mut filled.rings, u64::MAX, |bytes| {
                black_box(bytes);
            });
        }
        filled
    }

    /// Writes the stream as often as it fits, each time later. Returns the
    /// number of records.
    fn fill(&mut self) -> u64 {
        let mut record = Vec::new();
        for (cpu, (lane, taken)) in self.stream.lanes.iter().zip(&self.taken).enumerate() {
            for round in 0..self.times {
                for at in 0..*taken {
                    record.clear();
                    record.extend_from_slice(lane.get(at));
                    shift(&mut record, round * self.stream.period());
                    assert!(self.writer.put(cpu as u32, plain(&record)), "the ring has room");
                }
            }
        }
        self.times * self.taken.iter().sum::<usize>() as u64
    }
}

struct Worker(Engine<Outputs>);

impl Work for Worker {
    type Order = ();

    fn record(&mut self, bytes: &[u8]) {
        self.0.apply_bytes(bytes);
    }

    fn sum(&mut self, sum: &Sum) {
        self.0.apply_sum(sum);
    }

    fn order(&mut self, (): ()) {}
}

fn worker(path: &Path) -> Worker {
    let files = Files { path: path.to_owned(), every: None, size: None, keep: Keep::default() };
    let spec = Spec { to: Destination::Files(files), buffer: 1 << 30 };
    let header = Header { version: 5, exporter: "bench".to_owned(), ..Header::default() };
    let (flush, driver) = (Duration::from_secs(5), String::new());
    let common = Common { options: Options::default(), header, flush, driver };
    let outputs = Outputs::open(&[spec], &common).expect("the file can be written");
    let (clock, users, lookup) = (Clock::epoch(), Users::none(), Box::new(NoLookup));
    Worker(Engine::new(Settings::default(), clock, users, lookup, outputs))
}

fn cpu_time() -> Duration {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

/// ns an event that pass, and of CPU time.
fn time(filled: &mut Filled, way: Way, path: &Path) -> [f64; 2] {
    let events = filled.fill();
    let cpus: Vec<usize> = if way == Way::OneCpu { vec![0] } else { (0..8).collect() };
    run_on(&cpus).expect("these CPUs are there");
    let worker = worker(path);
    let mut drain = match way {
        Way::Two => Drain::with_back(worker, Tuning::default()).expect("a thread"),
        _ => Drain::alone(worker),
    };
    let (begun, cpu) = (Instant::now(), cpu_time());
    let taken = drain.drain(&mut filled.rings, u64::MAX);
    let Worker(engine) = drain.finish().expect("no panic");
    let (outputs, counts) = engine.finish();
    let ended = outputs.finish(Account::default());
    let times = [begun.elapsed(), cpu_time() - cpu];
    assert!(taken == events && counts.events == events, "{counts:?}");
    assert!(ended.iter().all(|output| output.numbers.missing() == 0), "{ended:?}");
    times.map(|time| time.as_secs_f64() * 1e9 / events as f64)
}

fn min_and_median(mut all: Vec<f64>) -> (f64, f64) {
    all.sort_by(f64::total_cmp);
    (all[0], all[all.len() / 2])
}

fn compare(name: &str, filled: &mut Filled, path: &Path) {
    let mut all: [Vec<[f64; 2]>; 3] = Default::default();
    for _ in 0..ROUNDS {
        for (rows, (way, _)) in all.iter_mut().zip(WAYS) {
            rows.push(time(filled, way, path));
        }
    }
    for (rows, (_, way)) in all.iter().zip(WAYS) {
        let (min, median) = min_and_median(rows.iter().map(|row| row[0]).collect());
        let (cpu_min, cpu_median) = min_and_median(rows.iter().map(|row| row[1]).collect());
        let ratios = all[0].iter().zip(rows).map(|(one, row)| row[0] / one[0]).collect();
        let (_, ratio) = min_and_median(ratios);
        let of_minima = min_and_median(all[0].iter().map(|row| row[0]).collect()).0 / min;
        println!(
            "{name:8} {way:8} {min:6.1} / {median:6.1} ns   CPU {cpu_min:6.1} / {cpu_median:6.1} ns   \
             {:5.1} M/s   times one CPU: {of_minima:.2} (minima), {:.2} (median of rounds)",
            1e3 / min,
            1.0 / ratio
        );
    }
}

fn main() {
    let mut args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let only = args.iter().position(|arg| arg == "--only").map(|at| {
        let end = args.len().min(at + 2);
        let way = args.drain(at..end).nth(1).unwrap_or_default();
        let found = WAYS.into_iter().find(|(_, name)| *name == way);
        found.expect("--only is followed by one-cpu, one or two").0
    });
    let dir = tempfile::tempdir_in("/dev/shm").expect("a folder in memory");
    let path = dir.path().join("bench.sf");
    for (name, stream) in streams(&args) {
        let mut filled = Filled::new(stream);
        match only {
            Some(way) => println!("{name}: {:?} ns", time(&mut filled, way, &path)),
            None => compare(&name, &mut filled, &path),
        }
    }
}

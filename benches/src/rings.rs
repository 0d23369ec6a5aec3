// SPDX-License-Identifier: Apache-2.0
//! From rings in memory to a finished trace, with a recording as the input.
//!
//! ```text
//! recording ── thread: Filler ──> rings ── Merge ── Engine ── Outputs ──> thread: deflate, file
//!              not measured          measured: this thread                 measured
//! ```
//!
//! The rings are those of a driver: their layout, their writer, their usual
//! size. A thread of its own fills them up to a quarter, which is where a live
//! capture is woken, then waits while they are drained: so what the drain reads
//! was written by another CPU, as in a capture, and the time of filling is not
//! in the figures. The clocks are those of threads; what is not measured is
//! what a capture has beside: waiting for rings, and looking at the clock.

use std::hint::black_box;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use engine::account::Account;
use engine::merge::Merge;
use engine::output::{Common, Destination, Files, Keep, Outputs, Spec};
use engine::sink::Sink;
use engine::snapshot::{Listening, NoLookup};
use engine::state::users::Users;
use engine::{Engine, Settings};
use probe_loader::Ring;
use ring_writer::Rings;
use sysflow::encode::Encode;
use sysflow::record::Header;
use sysflow::write::Options;

use crate::clock;
use crate::stream::{Stream, plain, shift};

/// How much of the way is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Records are taken out of the rings in the order of time, and dropped.
    Drain,
    /// The engine's state and flows; its records are dropped.
    State,
    /// Its records are encoded, and dropped.
    Encode,
    /// They go to a file, compressed.
    File,
}

impl Stage {
    /// All stages; each has what those before it have.
    pub const ALL: [Self; 4] = [Self::Drain, Self::State, Self::Encode, Self::File];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Drain => "drain",
            Self::State => "state",
            Self::Encode => "encode",
            Self::File => "file",
        }
    }
}

/// What a run took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// Events.
    pub events: u64,
    /// Records of the trace.
    pub records: u64,
    /// CPU time of the thread that drains, with all that it does.
    pub drain: Duration,
    /// CPU time of the output's thread.
    pub output: Duration,
}

/// Takes records and drops them.
struct Nowhere;

impl Sink for Nowhere {
    fn put(&mut self, record: impl Encode) {
        black_box(record.kind());
    }
}

/// What waits in the rings.
struct Filled {
    events: u64,
    /// Time of the last one.
    until: u64,
}

/// Fills rings.
struct Filler {
    go: SyncSender<()>,
    filled: Receiver<Option<Filled>>,
    thread: JoinHandle<Duration>,
}

/// How often a recording has to be repeated to have this many events.
#[must_use]
pub fn repetitions(stream: &Stream, events: u64) -> u64 {
    events.div_ceil(stream.len().max(1) as u64).max(1)
}

/// Puts the next records, in the order of time, until a ring is a quarter full.
struct Feed<'a> {
    stream: &'a Stream,
    writer: &'a mut Rings,
    quarter: usize,
    /// Where each lane is.
    at: Vec<usize>,
    round: u64,
    rounds: u64,
    record: Vec<u64>,
}

impl Feed<'_> {
    fn fill(&mut self) -> Option<Filled> {
        let mut held = vec![0; self.at.len()];
        let (mut events, mut until) = (0, 0);
        while held.iter().all(|held| *held < self.quarter) {
            let lanes = self.stream.lanes.iter().enumerate();
            let next = lanes.filter(|(lane, of)| self.at[*lane] < of.len());
            let Some((lane, of)) = next.min_by_key(|(lane, of)| of.ts(self.at[*lane])) else {
                self.at.fill(0);
                self.round += 1;
                if self.round == self.rounds {
                    break;
                }
                continue;
            };
            self.record.clear();
            self.record.extend_from_slice(of.get(self.at[lane]));
            shift(&mut self.record, self.round * self.stream.period());
            self.at[lane] += 1;
            until = self.record[0];
            assert!(self.writer.put(lane as u32, plain(&self.record)), "the ring has room");
            held[lane] += self.record.len() * 8;
            events += 1;
        }
        (events > 0).then_some(Filled { events, until })
    }
}

impl Filler {
    fn start(stream: &'static Stream, mut writer: Rings, size: usize, rounds: u64) -> Self {
        let (go, wait) = sync_channel(0);
        let (tell, filled) = sync_channel(0);
        let thread = std::thread::spawn(move || {
            let at = vec![0; stream.lanes.len()];
            let (quarter, writer) = (size / 4, &mut writer);
            let mut feed =
                Feed { stream, writer, quarter, at, round: 0, rounds, record: Vec::new() };
            let mut left = rounds > 0;
            while left && wait.recv().is_ok() {
                let filled = if feed.round < rounds { feed.fill() } else { None };
                left = filled.is_some();
                if tell.send(filled).is_err() {
                    break;
                }
            }
            clock::thread()
        });
        Self { go, filled, thread }
    }

    fn next(&self) -> Option<Filled> {
        self.go.send(()).ok()?;
        self.filled.recv().ok()?
    }
}

/// A second, ns.
const SECOND: u64 = 1_000_000_000;

/// What is measured: it gets the rings each time that they were filled, and
/// the time of the last record in them.
///
/// One thread drains; this is where several would be given the rings.
fn drained(filler: &Filler, mut rings: Vec<Ring>, mut work: impl FnMut(&mut [Ring], u64)) -> Cost {
    let mut cost = Cost::default();
    while let Some(filled) = filler.next() {
        let before = clock::thread();
        work(&mut rings, filled.until);
        cost.drain += clock::thread() - before;
        cost.events += filled.events;
    }
    cost
}

/// Hands the rings to an engine, and lets time pass as a capture does.
fn applied<S: Sink>(
    filler: &Filler,
    rings: Vec<Ring>,
    engine: &mut Engine<S>,
    mut turn: impl FnMut(&mut Engine<S>, u64),
) -> Cost {
    let (mut merge, mut next) = (Merge::default(), 0);
    drained(filler, rings, |rings, until| {
        merge.drain(rings, u64::MAX, |bytes| engine.apply_bytes(bytes));
        if until >= next {
            engine.tick(until);
            next = until + SECOND;
        }
        turn(engine, until);
    })
}

fn engine<S: Sink>(stream: &Stream, sink: S) -> Engine<S> {
    let users = Users::none();
    let mut engine =
        Engine::new(Settings::default(), stream.meta.clock, users, Box::new(NoLookup), sink);
    engine.start_with(stream.processes.clone(), Listening::default());
    engine
}

fn outputs(dir: Option<&Path>) -> Outputs {
    let spec = |dir: &Path| {
        let files =
            Files { path: dir.join("rings.sf"), every: None, size: None, keep: Keep::default() };
        Spec { to: Destination::Files(files), buffer: engine::output::BUFFER }
    };
    let header = Header { version: 5, exporter: "bench".to_owned(), ..Header::default() };
    let flush = Duration::from_secs(5);
    let common = Common { options: Options::default(), header, flush, driver: String::new() };
    let specs: Vec<Spec> = dir.into_iter().map(spec).collect();
    Outputs::open(&specs, &common).expect("outputs")
}

/// Runs a stage over a recording, repeated so often, with rings of `size`
/// bytes. A file is made in `dir`.
///
/// # Panics
/// When there is no memory, or the file cannot be written.
#[must_use]
pub fn run(stream: &'static Stream, stage: Stage, rounds: u64, size: usize, dir: &Path) -> Cost {
    let count = stream.lanes.len() as u32;
    let writer = Rings::new(count, size).expect("memory for the rings");
    let map = |cpu| Ring::map(writer.fd(), cpu, size).expect("the ring maps");
    let rings: Vec<Ring> = (0..count).map(map).collect();
    let begun = (clock::process(), clock::thread());
    let filler = Filler::start(stream, writer, size, rounds);
    let mut cost = match stage {
        Stage::Drain => {
            let mut merge = Merge::default();
            drained(&filler, rings, |rings, _| {
                merge.drain(rings, u64::MAX, |bytes| {
                    black_box(bytes);
                });
            })
        }
        Stage::State => {
            let mut engine = engine(stream, Nowhere);
            finish(applied(&filler, rings, &mut engine, |_, _| ()), || engine.finish().1.records)
        }
        Stage::Encode | Stage::File => {
            let mut outputs = outputs((stage == Stage::File).then_some(dir));
            let base = outputs.wait();
            let mut engine = engine(stream, outputs);
            let first = stream.span.0;
            let cost = applied(&filler, rings, &mut engine, |engine, until| {
                let now = base + Duration::from_nanos(until.saturating_sub(first));
                engine.sink().turn(now, Account::default);
            });
            finish(cost, || {
                let (outputs, counts) = engine.finish();
                let ended = outputs.finish(Account::default());
                assert!(ended.iter().all(|output| output.numbers.missing() == 0), "{ended:?}");
                counts.records
            })
        }
    };
    drop(filler.go);
    let filling = filler.thread.join().expect("the filler's thread");
    let (all, here) = (clock::process() - begun.0, clock::thread() - begun.1);
    cost.output = all.saturating_sub(here).saturating_sub(filling);
    cost
}

/// Adds the end, which is part of the work.
fn finish(mut cost: Cost, end: impl FnOnce() -> u64) -> Cost {
    let before = clock::thread();
    cost.records = end();
    cost.drain += clock::thread() - before;
    cost
}

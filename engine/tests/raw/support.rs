// SPDX-License-Identifier: Apache-2.0
//! A small host: rings that a script writes to, a capture that drains them,
//! and a place for what it writes.

use std::path::Path;

use engine::clock::Clock;
use engine::merge::Merge;
use engine::raw::{End, Ended, Meta, Player, Reader, Recording, Tap};
use engine::sink::Sink;
use engine::snapshot::{Found, Listening, Lookup};
use engine::state::users::Users;
use engine::{Counts, Engine, Settings};
use probe_loader::abi::*;
use probe_loader::{Counters, Ring};
use ring_writer::Rings;
use sysflow::encode::Encode;

/// Keeps records as bytes, one after the other.
#[derive(Default)]
pub(crate) struct Memory(pub(crate) Vec<Vec<u8>>);

impl Sink for Memory {
    fn put(&mut self, record: impl Encode) {
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        self.0.push(bytes);
    }
}

/// A record: fixed part and text.
pub(crate) fn record<T: Plain>(fixed: &T, text: &[u8]) -> Vec<u8> {
    let mut bytes = [fixed.bytes(), text].concat();
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    let len = (bytes.len() as u16).to_ne_bytes();
    bytes[20..22].copy_from_slice(&len);
    bytes
}

fn hdr(ts: u64, pid: u32, op: u32) -> sf_hdr {
    sf_hdr { ts, pid, tid: pid, op: op as u8, ..sf_hdr::default() }
}

/// The `step`th operation of a process at a time: opens, reads, closes, forks
/// and ends, in turn.
pub(crate) fn operation(ts: u64, pid: u32, step: u32) -> Vec<u8> {
    let file = u64::from(pid) << 8 | u64::from(step % 7);
    match step % 5 {
        0 => {
            let path = format!("/tmp/{pid}/{}", step % 7);
            let h = hdr(ts, pid, SF_OP_OPEN);
            let (mode, path_len) = (libc::S_IFREG, path.len() as u16);
            let open =
                sf_rec_file { h, file, fd: 3, ret: 3, mode, path_len, ..sf_rec_file::default() };
            record(&open, path.as_bytes())
        }
        1 | 2 => {
            let h = hdr(ts, pid, SF_OP_READ);
            record(
                &sf_rec_io { h, file, fd: 3, ops: 1, bytes: 10, first: ts, ..sf_rec_io::default() },
                b"",
            )
        }
        3 => {
            let h = hdr(ts, pid, SF_OP_FORK);
            let (child_pid, child_tid) = (pid + 1000, pid + 1000);
            let fork = sf_rec_fork {
                h,
                start: ts,
                child_pid,
                child_tid,
                ppid: pid,
                ..sf_rec_fork::default()
            };
            record(&fork, b"")
        }
        _ => {
            record(&sf_rec_fd { h: hdr(ts, pid, SF_OP_CLOSE), fd: 3, ..sf_rec_fd::default() }, b"")
        }
    }
}

/// Finds processes of odd number, a little different each time.
struct OddOnes(u32);

impl Lookup for OddOnes {
    fn process(&mut self, pid: u32) -> Option<Found> {
        self.0 += 1;
        let exe = format!("/bin/{pid}.{}", self.0);
        (pid % 2 == 1).then(|| Found { pid, ppid: 1, start: 5, exe, ..Found::default() })
    }
}

pub(crate) const RINGS: u32 = 3;
pub(crate) const SIZE: usize = 65536;

/// Times of the events begin here.
pub(crate) const BEGUN: u64 = 1_000_000_000;

/// A capture that is recorded.
pub(crate) struct Host {
    pub(crate) writer: Rings,
    rings: Vec<Ring>,
    merge: Merge,
    engine: Engine<Memory>,
    pub(crate) tap: Tap,
}

impl Host {
    pub(crate) fn new(path: &Path, buffer: usize) -> Self {
        let writer = Rings::new(RINGS, SIZE).expect("memory");
        let map = |cpu| Ring::map(writer.fd(), cpu, SIZE).expect("maps");
        let rings: Vec<Ring> = (0..RINGS).map(map).collect();
        let mut tap = Tap::open(path, rings[0].versions(), buffer).expect("a file");
        let clock = Clock::with_offsets(1_700_000_000_000_000_000, 1_700_000_000_000_000_000);
        let lookup = tap.hear(OddOnes(0));
        let (users, sink) = (Users::none(), Memory::default());
        let mut engine = Engine::new(Settings::default(), clock, users, lookup, sink);
        let meta = Meta {
            host: "made".to_owned(),
            driver: "ebpf".to_owned(),
            rings: RINGS,
            ring_size: SIZE as u64,
            begun: BEGUN,
            clock,
            ..Meta::default()
        };
        let init = Found { pid: 1, start: 1, exe: "/init".into(), ..Found::default() };
        tap.begin(
            &meta,
            &rings,
            &Users::none(),
            std::slice::from_ref(&init),
            &Listening::default(),
        );
        engine.start_with(vec![init], Listening::default());
        Self { writer, rings, merge: Merge::default(), engine, tap }
    }

    pub(crate) fn drain(&mut self, now: u64) {
        let Self { engine, tap, rings, merge, .. } = self;
        merge.drain_seen(rings, now, |rings| tap.seen(rings), |bytes| engine.apply_bytes(bytes));
        tap.round(&self.rings, now);
    }

    fn counters(&self) -> Vec<Counters> {
        self.rings.iter().map(Ring::counters).collect()
    }

    pub(crate) fn second(&mut self, now: u64) {
        self.engine.tick(now);
        let clock = *self.engine.clock();
        self.tap.second(now, &clock, &self.counters(), &Counters::default());
    }

    pub(crate) fn finish(mut self) -> (Vec<Vec<u8>>, Counts, Ended) {
        self.tap.stopped();
        self.drain(u64::MAX);
        let cpus = self.counters();
        let (sink, counts) = self.engine.finish();
        let end = End { cpus, ..End::default() };
        (sink.0, counts, self.tap.finish(end, counts.events))
    }
}

/// Opens a recording in memory.
pub(crate) fn player(bytes: Vec<u8>) -> Result<Player<Memory>, engine::raw::Error> {
    let reader = Reader::new(std::io::Cursor::new(bytes), "memory")?;
    Ok(Recording::open(reader)?.play(Settings::default(), Memory::default()))
}

// SPDX-License-Identifier: Apache-2.0
//! Once warm, nothing is allocated for events, by no thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use counting_allocator::{Counting, asked_by_all};
use engine::clock::Clock;
use engine::drain::{Drain, Sum, Tuning, Work};
use engine::sink::Sink;
use engine::snapshot::NoLookup;
use engine::state::users::Users;
use engine::{Engine, Settings};
use probe_loader::Ring;
use probe_loader::abi::*;
use ring_writer::Rings;
use sysflow::encode::Encode;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Counts records, into room that is there.
struct Nowhere(Vec<u8>);

impl Sink for Nowhere {
    fn put(&mut self, record: impl Encode) {
        self.0.clear();
        record.encode(&mut self.0);
    }
}

struct Worker {
    engine: Engine<Nowhere>,
    /// Events that were applied.
    done: Arc<AtomicU64>,
}

impl Work for Worker {
    type Order = ();

    fn record(&mut self, bytes: &[u8]) {
        self.engine.apply_bytes(bytes);
    }

    fn sum(&mut self, sum: &Sum) {
        self.engine.apply_sum(sum);
    }

    fn order(&mut self, (): ()) {
        self.done.store(self.engine.counts().events, Ordering::Release);
    }
}

const SIZE: usize = 1 << 20;

/// A round of two processes on two CPUs that open, use and close files: of each
/// file several uses in a row, by turns.
fn round(writer: &mut Rings, now: &mut u64) -> u64 {
    let mut count = 0;
    let mut put = |cpu: u32, record: &[u8]| {
        assert!(writer.put(cpu, record), "the ring has room");
        count += 1;
    };
    for turn in 0..400u64 {
        for cpu in 0..2 {
            let (pid, fd) = (100 + cpu, 3 + (turn % 8) as i32);
            let file = u64::from(cpu + 1) << 8 | fd as u64;
            let mut hdr = |op: u32, len: usize| {
                *now += 100;
                let len = len as u16;
                sf_hdr { ts: *now, pid, tid: pid, seq: 0, len, op: op as u8, flags: 0 }
            };
            if turn % 50 < 8 {
                let h = hdr(SF_OP_OPEN, size_of::<sf_rec_file>());
                let mode = libc::S_IFREG;
                let open = sf_rec_file { h, file, mode, fd, ret: fd, ..sf_rec_file::default() };
                put(cpu, open.bytes());
            }
            for op in [SF_OP_READ, SF_OP_READ, SF_OP_WRITE] {
                let h = hdr(op, size_of::<sf_rec_io>());
                let first = h.ts;
                let io = sf_rec_io { h, file, fd, ops: 1, bytes: 1, first, failed: 0, error: 0 };
                put(cpu, io.bytes());
            }
            if turn % 50 >= 42 {
                let h = hdr(SF_OP_CLOSE, size_of::<sf_rec_fd>());
                put(cpu, sf_rec_fd { h, file: 0, fd, ret: 0 }.bytes());
            }
        }
    }
    count
}

/// What is asked for in the last of several rounds.
fn asked(mut drain: Drain<Worker>, done: &AtomicU64) -> u64 {
    let mut writer = Rings::new(2, SIZE).expect("memory");
    let mut rings: Vec<_> =
        (0..2).map(|cpu| Ring::map(writer.fd(), cpu, SIZE).expect("maps")).collect();
    let (mut now, mut all, mut before) = (1_000_000, 0, 0);
    // More than there are batches before, so that each has been used.
    for number in 0..24 {
        if number == 12 {
            before = asked_by_all();
        }
        all += round(&mut writer, &mut now);
        drain.drain(&mut rings, u64::MAX);
        drain.order(());
        while done.load(Ordering::Acquire) < all {
            std::thread::yield_now();
        }
    }
    let asked = asked_by_all() - before;
    assert!(all > 20_000);
    drop(drain.finish().expect("no panic"));
    asked
}

#[test]
fn no_thread_allocates_for_events() {
    let worker = || {
        let sink = Nowhere(Vec::with_capacity(1 << 16));
        let engine = Engine::new(
            Settings::default(),
            Clock::epoch(),
            Users::none(),
            Box::new(NoLookup),
            sink,
        );
        let done = Arc::new(AtomicU64::new(0));
        (Worker { engine, done: Arc::clone(&done) }, done)
    };
    let (work, done) = worker();
    assert_eq!(asked(Drain::alone(work), &done), 0, "one thread");
    let (work, done) = worker();
    let two = Drain::with_back(work, Tuning::default()).expect("a thread");
    assert_eq!(asked(two, &done), 0, "two threads");
}

// SPDX-License-Identifier: Apache-2.0
//! Steps through rings, drain and engine, to bytes.

use engine::clock::Clock;
use engine::drain::{Drain, Sum, Tuning, Work};
use engine::sink::Sink;
use engine::snapshot::NoLookup;
use engine::state::users::Users;
use engine::{Counts, Engine, Settings};
use probe_loader::Ring;
use ring_writer::Rings;
use sysflow::encode::Encode;

use crate::events::{Step, Teller};

/// How many threads, and how batches are cut.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    One,
    Two { batch: usize, rest: u32, crowded: u64 },
}

/// Rings are crowded with anything in them; and with nothing.
pub(crate) const ALWAYS: u64 = u64::MAX;
pub(crate) const NEVER: u64 = 1;

/// What came out.
pub(crate) struct Made {
    pub(crate) counts: Counts,
    pub(crate) bytes: Vec<u8>,
    /// I/O records that were part of a sum.
    summed: u64,
}

/// Keeps the bytes of records.
#[derive(Default)]
pub(crate) struct Bytes(Vec<u8>);

impl Sink for Bytes {
    fn put(&mut self, record: impl Encode) {
        record.encode(&mut self.0);
    }
}

pub(crate) enum Order {
    Tick(u64),
    File,
}

struct Worker {
    engine: Engine<Bytes>,
    summed: u64,
}

impl Work for Worker {
    type Order = Order;

    fn record(&mut self, bytes: &[u8]) {
        self.engine.apply_bytes(bytes);
    }

    fn sum(&mut self, sum: &Sum) {
        self.summed += sum.records;
        self.engine.apply_sum(sum);
    }

    fn order(&mut self, order: Order) {
        match order {
            Order::Tick(now) => self.engine.tick(now),
            Order::File => self.engine.begin_file(),
        }
    }
}

/// Room for all that is written, however late it comes back.
const SIZE: usize = 1 << 20;

/// Flows are exported each time this long has passed, ns.
const INTERVAL: u64 = 40;

/// What the merge leaves for stores on their way: more than its margin.
const MARGIN: u64 = 50_000;

const BEGUN: u64 = 1_000_000;

/// What becomes of steps.
pub(crate) fn run(way: Way, cpus: u32, steps: &[Step]) -> Made {
    let settings = Settings { export_interval: INTERVAL, ..Settings::default() };
    let engine =
        Engine::new(settings, Clock::epoch(), Users::none(), Box::new(NoLookup), Bytes::default());
    let worker = Worker { engine, summed: 0 };
    let mut drain = match way {
        Way::One => Drain::alone(worker),
        Way::Two { batch, rest, crowded } => {
            Drain::with_back(worker, Tuning { batch, rest, crowded }).expect("a thread")
        }
    };
    let mut writer = Rings::new(cpus, SIZE).expect("memory");
    let mut rings: Vec<_> =
        (0..cpus).map(|cpu| Ring::map(writer.fd(), cpu, SIZE).expect("maps")).collect();
    let mut teller = Teller { now: BEGUN };
    for step in steps {
        if let Some((cpu, bytes)) = teller.tell(*step) {
            let cpu = u32::from(cpu) % cpus;
            assert!(writer.put(cpu, &bytes), "the ring has room for all of them");
            continue;
        }
        match *step {
            Step::Drain { behind } => {
                drain.drain(&mut rings, teller.now + MARGIN - u64::from(behind));
            }
            Step::Tick { behind, far } => {
                drain.drain(&mut rings, teller.now + MARGIN - u64::from(behind));
                // At worst ahead of what was drained.
                let now = teller.now + if far { INTERVAL } else { 0 } - u64::from(behind);
                drain.pass(now);
                drain.order(Order::Tick(now));
            }
            Step::File => drain.order(Order::File),
            _ => {}
        }
    }
    drain.drain(&mut rings, u64::MAX);
    let Worker { engine, summed } = drain.finish().expect("no panic");
    let (Bytes(bytes), counts) = engine.finish();
    Made { counts, bytes, summed }
}

/// I/O records among the steps that are summed.
pub(crate) fn summed(steps: &[Step], cpus: u32) -> u64 {
    run(Way::Two { batch: 4096, rest: 0, crowded: NEVER }, cpus, steps).summed
}

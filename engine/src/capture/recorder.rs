// SPDX-License-Identifier: Apache-2.0
//! What a capture does with events: engine, losses, outputs. One thread does
//! it, that of the capture or one beside it (`drain`).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crossbeam::queue::ArrayQueue;
use probe_loader::Counters;
use probe_loader::ring::Gauge;

use crate::account::Account;
use crate::clock::{self, Clock};
use crate::drain::{Sum, Work};
use crate::engine::Corrected;
use crate::losses::Losses;
use crate::metrics::{Board, Fill, State};
use crate::output::Outputs;
use crate::rescan::Rescan;
use crate::runtimes::Runtimes;
use crate::{Counts, Engine};

/// The class of processes in the driver's counters.
const PROCESS: usize = 0;

/// Something to do between two events.
pub(super) enum Order {
    /// About a second has passed.
    Second(Box<Second>),
    /// The outputs have their turn, and scans of /proc, with all events until
    /// then applied, in the events' clock.
    Turn(u64),
    /// Each series begins a new file.
    Reopen,
    /// Nothing is recorded any more since then, in the events' clock: tells
    /// the last losses, by the driver's last counters.
    Stopped(u64, Vec<Counters>),
}

/// What is known each second.
pub(super) struct Second {
    /// Time passes until then, in the events' clock.
    pub(super) now: u64,
    pub(super) clock: Clock,
    /// The driver's counters.
    pub(super) cpus: Vec<Counters>,
    /// What the kernel kept from the probes.
    pub(super) kept: Counters,
    pub(super) rings: Vec<Fill>,
    pub(super) damaged: u64,
}

/// How far the engine is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    pub(super) at: Instant,
    pub(super) counts: Counts,
    pub(super) flows: usize,
    pub(super) processes: usize,
}

/// Where the engine tells its position, each second.
pub(super) type Positions = ArrayQueue<Position>;

pub(super) struct Recorder {
    pub(super) engine: Engine<Outputs>,
    /// What the output is told of losses, if its schema has a place for that.
    pub(super) losses: Option<Losses>,
    pub(super) rescan: Rescan,
    /// Losses that a scan of /proc was begun for.
    pub(super) answered: u64,
    /// Scans are begun for losses.
    pub(super) compares: bool,
    /// A scan goes on: it wants turns.
    pub(super) scans: Arc<AtomicBool>,
    /// The driver's counters.
    pub(super) gauges: Vec<Gauge>,
    pub(super) kept: Counters,
    /// Where metrics are published.
    pub(super) board: Option<Arc<Board>>,
    /// Who is asked for the names of containers.
    pub(super) runtimes: Option<Runtimes>,
    pub(super) positions: Arc<Positions>,
}

impl Work for Recorder {
    type Order = Order;

    #[inline]
    fn record(&mut self, bytes: &[u8]) {
        self.engine.apply_bytes(bytes);
    }

    #[inline]
    fn sum(&mut self, sum: &Sum) {
        self.engine.apply_sum(sum);
    }

    fn order(&mut self, order: Order) {
        match order {
            Order::Second(second) => self.second(*second),
            Order::Turn(drained) => {
                self.take_scans(drained);
                self.turn();
            }
            Order::Reopen => self.engine.sink().reopen(),
            Order::Stopped(now, cpus) => {
                self.name_containers();
                self.tell_losses(&cpus, now, true);
            }
        }
    }
}

impl Recorder {
    fn second(&mut self, second: Second) {
        self.kept = second.kept;
        self.publish(second.rings, second.damaged);
        self.name_containers();
        self.engine.tick(second.now);
        if self.engine.follow_clock(second.clock) {
            log::warn!("the clock of this host was set, and the times of records follow it");
        }
        self.answer_losses(&second.cpus, second.now);
        if self.losses.as_ref().is_some_and(|losses| losses.is_due(second.now)) {
            self.tell_losses(&second.cpus, second.now, false);
        }
        let position = Position {
            at: Instant::now(),
            counts: *self.engine.counts(),
            flows: self.engine.open_flows(),
            processes: self.engine.living(),
        };
        self.positions.force_push(position);
    }

    pub(super) fn name_containers(&mut self) {
        if let Some(runtimes) = &self.runtimes {
            runtimes.exchange(&mut self.engine);
        }
    }

    fn publish(&mut self, rings: Vec<Fill>, damaged: u64) {
        let Some(board) = &self.board else { return };
        board.publish(State {
            account: account(&self.gauges, self.kept, *self.engine.counts()),
            flows: self.engine.open_flows(),
            processes: self.engine.living(),
            objects: self.engine.known_objects(),
            unnamed: self.runtimes.as_ref().map_or(0, Runtimes::unknown),
            tables: self.engine.tables().to_vec(),
            memory_limit: self.engine.limits().memory,
            rings,
            damaged,
        });
    }

    /// Takes over what is read in /proc, with all events until `drained` applied.
    fn take_scans(&mut self, drained: u64) {
        let corrected = self.rescan.step(&mut self.engine, drained);
        self.scans.store(self.rescan.is_running(), Ordering::Relaxed);
        let Some(corrected) = corrected.filter(|corrected| !corrected.is_nothing()) else { return };
        let Corrected { missed, gone, changed } = corrected;
        log::info!(
            "after a loss: {missed} processes had begun, {gone} had ended and {changed} had changed unseen"
        );
    }

    /// After a loss of what tells of processes, these are compared with /proc.
    /// Files need no such thing: each record names its open file, and the
    /// driver describes a file until its description arrived.
    fn answer_losses(&mut self, cpus: &[Counters], now: u64) {
        let lost = cpus.iter().flat_map(|cpu| cpu.lost.iter().map(|by_class| by_class[PROCESS]));
        let lost = lost.sum::<u64>() + self.kept.total_lost();
        if self.compares && lost > self.answered {
            if self.rescan.want(now) {
                log::warn!(
                    "operations of processes were lost, {lost} so far: comparing all processes with /proc"
                );
            }
            self.answered = lost;
        }
    }

    /// Lets the outputs have their turn.
    fn turn(&mut self) {
        let counts = *self.engine.counts();
        let (gauges, kept) = (&self.gauges, self.kept);
        if self.engine.sink().turn(Instant::now(), || account(gauges, kept, counts)) {
            self.engine.begin_file();
        }
    }

    /// Writes what was lost since the last time; `last` also where nothing was,
    /// so that the sums over the output are those of the capture.
    fn tell_losses(&mut self, cpus: &[Counters], now: u64, last: bool) {
        let Some(losses) = &mut self.losses else { return };
        let recorder = std::process::id();
        for (since, loss) in losses.take(cpus, now, last) {
            self.engine.put_loss(recorder, since, now, loss);
        }
    }
}

fn account(gauges: &[Gauge], kept: Counters, counts: Counts) -> Account {
    let cpus = gauges.iter().map(Gauge::counters).collect();
    Account { at: clock::epoch_now(), cpus, kept, counts, switched_off: false }
}

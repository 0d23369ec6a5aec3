// SPDX-License-Identifier: Apache-2.0
//! A live capture: driver, rings, engine, output, until it is told to end.

mod recorder;
mod waiting;

use std::os::fd::AsRawFd as _;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd, siginfo};
use probe_loader::driver::{self, Driver};
use probe_loader::selection::Selection;
use sysflow::schema::Version;

use crate::account::Account;
use crate::clock::{self, Clock};
use crate::drain::{Drain, Tuning};
use crate::losses::Losses;
use crate::metrics::{Board, Fill};
use crate::output::{Ended, Outputs, Watch};
use crate::raw::{self, End, Meta, Tap};
use crate::rescan::Rescan;
use crate::runtimes::Runtimes;
use crate::scan::Source;
use crate::snapshot::ProcFs;
use crate::state::users::Users;
use crate::{Counts, Engine, Settings};
use recorder::{Order, Position, Positions, Recorder, Second};
use waiting::Sleep;

/// Why a capture could not go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The driver.
    #[error(transparent)]
    Driver(#[from] driver::Error),
    /// Signals or polling.
    #[error("cannot wait for events: {0}")]
    Wait(#[from] std::io::Error),
    /// The engine's thread.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}

/// When to do what.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// End after this long.
    pub limit: Option<Duration>,
    /// Threads that events pass through, outputs not counted: one that does
    /// everything, or two, one of which merges and sums.
    pub threads: usize,
}

/// What is shown while a capture runs.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Events per second since the last time.
    pub rate: f64,
    /// Open flows.
    pub flows: usize,
    /// Living processes.
    pub processes: usize,
    /// Records written.
    pub records: u64,
    /// Operations lost, so far.
    pub lost: u64,
}

/// What a capture tells who runs it.
pub enum Moment<'a> {
    /// About a second has passed.
    Second(Progress),
    /// SIGHUP came, and the outputs are to begin new files. What is recorded
    /// can change.
    Reload(Selector<'a>),
}

/// Changes what a running capture records.
pub struct Selector<'a>(&'a mut Driver);

impl Selector<'_> {
    /// Records this from now on. Flows of processes that are left out then go
    /// on until these end.
    ///
    /// # Errors
    /// When a process that it names is not there, or the driver cannot select.
    /// The older selection stays.
    pub fn select(&mut self, selection: &Selection) -> Result<(), Error> {
        Ok(self.0.select(selection)?)
    }
}

/// What a capture ends with.
#[derive(Debug)]
pub struct Outcome {
    /// What became of the outputs.
    pub outputs: Vec<Ended>,
    /// What became of the recording of the rings, if there is one.
    pub recording: Option<raw::Ended>,
    /// What driver and engine counted; final.
    pub account: Account,
    /// Records that were not what their header said, by ring.
    pub damaged: u64,
    /// How long it recorded.
    pub elapsed: Duration,
}

/// Why the engine does not sleep any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wake {
    Work,
    Reload,
    End,
}

const WAKEUP: Token = Token(0);
const SIGNAL: Token = Token(1);

const SECOND: Duration = Duration::from_secs(1);

/// How long the start waits for a scan of all processes: as long as a small host takes,
/// and not so long that a ring could fill up.
const PATIENCE: Duration = Duration::from_millis(20);

/// A second signal that comes sooner than this after the end is one with the first.
const TWICE: Duration = Duration::from_millis(500);

/// Whether it ends the capture; else it is SIGHUP.
fn is_end(signal: &siginfo) -> bool {
    signal.ssi_signo != Signal::SIGHUP as u32
}

/// A capture that is set up and not started.
pub struct Capture {
    driver: Driver,
    recorder: Recorder,
    /// Where what the driver delivers is kept.
    tap: Option<Tap>,
    /// When it was prepared, ns of the events' clock.
    begun: u64,
    poll: Poll,
    signals: SignalFd,
    outputs: Vec<Watch>,
}

impl Capture {
    /// Prepares a capture with a driver that is open.
    ///
    /// From here on SIGINT and SIGTERM end the capture rather than the
    /// process, and SIGHUP is [`Moment::Reload`].
    ///
    /// # Errors
    /// When the signals or the driver cannot be waited for.
    pub fn new(driver: Driver, settings: Settings, outputs: Outputs) -> Result<Self, Error> {
        let mut set = SigSet::empty();
        set.add(Signal::SIGINT);
        set.add(Signal::SIGTERM);
        set.add(Signal::SIGHUP);
        set.thread_block().map_err(std::io::Error::from)?;
        let signals = SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
            .map_err(std::io::Error::from)?;
        let poll = Poll::new()?;
        let registry = poll.registry();
        let readable = Interest::READABLE;
        registry.register(&mut SourceFd(&driver.wakeup_fd().as_raw_fd()), WAKEUP, readable)?;
        registry.register(&mut SourceFd(&signals.as_raw_fd()), SIGNAL, readable)?;
        let lookup = Box::new(ProcFs::default());
        let begun = clock::monotonic();
        let losses =
            (settings.schema == Version::V6).then(|| Losses::new(settings.export_interval, begun));
        let watches = outputs.watches();
        let engine = Engine::new(settings, Clock::measure(), Users::of_host(), lookup, outputs);
        let gauges = driver.gauges();
        let (kept, board, runtimes) = (driver.kept(), None, None);
        let (positions, scans) = (Arc::new(Positions::new(1)), Arc::default());
        let (rescan, answered) = (Rescan::new(Source::host()), 0);
        let recorder = Recorder {
            engine,
            losses,
            rescan,
            answered,
            compares: true,
            scans,
            gauges,
            kept,
            board,
            runtimes,
            positions,
        };
        Ok(Self { driver, recorder, tap: None, begun, poll, signals, outputs: watches })
    }

    /// Asks these for the names of containers.
    pub fn ask(&mut self, runtimes: Runtimes) {
        self.recorder.runtimes = Some(runtimes);
    }

    /// Keeps what the driver delivers, too. To be told before the start. There
    /// is one thread then: what is kept says what the engine had looked up by
    /// then. And processes are not compared with /proc after a loss: a replay
    /// has no /proc to do the same.
    pub fn keep(&mut self, mut tap: Tap) {
        self.recorder.compares = false;
        self.recorder.engine.look_up_with(tap.hear(ProcFs::default()));
        self.tap = Some(tap);
    }

    /// Publishes what is counted there, each second.
    pub fn publish(&mut self, board: Arc<Board>) {
        self.recorder.board = Some(board);
    }

    /// Attaches the probes and begins to take over what runs already. In this
    /// order, so that nothing falls between the two; a process that both tell
    /// of is known by its start time. On a host with many processes that goes
    /// on in [`Capture::run`], while the rings are drained; a process that does
    /// something before it was found is looked up. With [`Capture::keep`] it is
    /// done at once, because what is kept begins with it.
    ///
    /// # Errors
    /// When the probes cannot be attached.
    pub fn start(&mut self) -> Result<(), Error> {
        let recorder = &mut self.recorder;
        let listening = ProcFs::default().listening();
        recorder.engine.listens(listening.clone());
        self.driver.start()?;
        if let Some(tap) = &mut self.tap {
            let found = recorder.rescan.all();
            let meta = Meta::of_host(&mut self.driver, self.begun, *recorder.engine.clock());
            tap.begin(&meta, self.driver.rings(), recorder.engine.users(), &found, &listening);
            recorder.engine.start_with(found, listening);
        } else {
            recorder.rescan.begin_first(&mut recorder.engine);
            recorder.rescan.wait(&mut recorder.engine, PATIENCE);
        }
        recorder.name_containers();
        Ok(())
    }

    /// Gives up before anything was recorded: the outputs are removed.
    pub fn abandon(self) {
        let (outputs, _) = self.recorder.engine.finish();
        outputs.discard();
        if let Some(tap) = self.tap {
            tap.discard();
        }
    }

    /// Records until the time is over or a signal comes, and ends cleanly.
    /// `tell` is called about once a second, and on SIGHUP.
    ///
    /// # Errors
    /// When the driver does not answer; what was recorded is in the output.
    pub fn run(self, pace: &Pace, tell: impl FnMut(Moment<'_>)) -> Result<Outcome, Error> {
        let Self { driver, recorder, tap, poll, signals, outputs, .. } = self;
        let measured = recorder.board.is_some();
        let (positions, scans) = (Arc::clone(&recorder.positions), Arc::clone(&recorder.scans));
        let drain = if pace.threads > 1 && tap.is_none() {
            Drain::with_back(recorder, Tuning::default()).map_err(Error::Thread)?
        } else {
            Drain::alone(recorder)
        };
        let (fills, seen) = (Vec::new(), None);
        let running = Running {
            driver,
            drain,
            tap,
            poll,
            signals,
            outputs,
            positions,
            scans,
            measured,
            fills,
            seen,
            held_up: 0,
        };
        running.run(pace.limit, tell)
    }
}

/// A capture that records.
struct Running {
    driver: Driver,
    drain: Drain<Recorder>,
    tap: Option<Tap>,
    poll: Poll,
    signals: SignalFd,
    outputs: Vec<Watch>,
    positions: Arc<Positions>,
    /// A scan of /proc goes on.
    scans: Arc<AtomicBool>,
    /// Metrics are published.
    measured: bool,
    /// The most that waited in each ring since the last second.
    fills: Vec<Fill>,
    /// What the engine told of its position last.
    seen: Option<Position>,
    /// Sleeps in a row beside a ring that could not be read.
    held_up: u32,
}

impl Running {
    fn run(
        mut self,
        limit: Option<Duration>,
        mut tell: impl FnMut(Moment<'_>),
    ) -> Result<Outcome, Error> {
        let started = Instant::now();
        let end = limit.map(|limit| started + limit);
        let mut second = started + SECOND;
        let mut events = Events::with_capacity(4);
        // Something may wait in the outputs since their last turn.
        let mut waits = false;
        loop {
            let now = clock::monotonic();
            let found = self.drain(now);
            let at = Instant::now();
            let passed = at >= second;
            if passed {
                second = at + SECOND;
                // Not the clock's time: a probe that is held up, by a busy host
                // or a hypervisor, can have older events still.
                self.every_second(self.drain.reached());
                tell(Moment::Second(self.progress(started)));
                if self.driver.switched_off() || self.drain.is_broken() {
                    break;
                }
            }
            // Nothing depends on when a scan is seen.
            let scans = self.scans.load(Ordering::Relaxed);
            if found > 0 || waits || passed || scans {
                self.drain.order(Order::Turn(self.drain.reached()));
            }
            waits = found > 0;
            if self.tap.is_none() && self.outputs.iter().all(Watch::is_closed) {
                break;
            }
            if end.is_some_and(|end| at >= end) {
                break;
            }
            let due = end.map_or(second, |end| end.min(second)).saturating_duration_since(at);
            let left = self.driver.rings().iter().any(|ring| ring.pending() > 0);
            match self.wait(&mut events, Sleep::after(found, left, due, scans))? {
                Wake::Work => {}
                Wake::End => break,
                Wake::Reload => {
                    self.drain.order(Order::Reopen);
                    tell(Moment::Reload(Selector(&mut self.driver)));
                }
            }
        }
        self.end(started)
    }

    fn drain(&mut self, now: u64) -> u64 {
        if self.measured {
            self.look_at_rings();
        }
        let rings = self.driver.rings();
        let Some(tap) = &mut self.tap else { return self.drain.drain(rings, now) };
        let found = self.drain.drain_seen(rings, now, |rings| tap.seen(rings));
        tap.round(rings, now.min(clock::monotonic()));
        found
    }

    fn look_at_rings(&mut self) {
        let rings = self.driver.rings();
        self.fills.resize(rings.len(), Fill::default());
        for (ring, fill) in rings.iter_mut().zip(&mut self.fills) {
            ring.refresh();
            let now = Fill::of(ring);
            *fill = Fill { used: fill.used.max(now.used), ..now };
        }
    }

    fn damaged(&mut self) -> u64 {
        self.driver.rings().iter().map(probe_loader::Ring::damaged).sum()
    }

    /// Lets time pass until `now`, which is before all that was not drained.
    fn every_second(&mut self, now: u64) {
        let (clock, cpus, kept) = (Clock::measure(), self.driver.counters(), self.driver.kept());
        let told = self.tap.is_some().then(|| cpus.clone());
        let second = Second {
            now,
            clock,
            cpus,
            kept,
            rings: std::mem::take(&mut self.fills),
            damaged: self.damaged(),
        };
        self.drain.pass(now);
        self.drain.order(Order::Second(Box::new(second)));
        if let (Some(tap), Some(cpus)) = (&mut self.tap, told) {
            tap.second(now, &clock, &cpus, &kept);
        }
    }

    /// As of the engine's last second; with a thread of its own that may be the
    /// one before.
    fn progress(&mut self, started: Instant) -> Progress {
        let lost = self.driver.total().total_lost();
        let none = Position { at: started, counts: Counts::default(), flows: 0, processes: 0 };
        let before = self.seen.unwrap_or(none);
        let here = self.positions.pop().unwrap_or(before);
        self.seen = Some(here);
        let since = here.at.duration_since(before.at).as_secs_f64();
        let events = here.counts.events - before.counts.events;
        Progress {
            rate: if since > 0.0 { events as f64 / since } else { 0.0 },
            flows: here.flows,
            processes: here.processes,
            records: here.counts.records,
            lost,
        }
    }

    /// Sleeps until a ring fills up, a signal comes or the time is over.
    fn wait(&mut self, events: &mut Events, sleep: Sleep) -> Result<Wake, Error> {
        let sleeps = sleep != Sleep::None;
        let mut there = false;
        for ring in self.driver.rings() {
            if let Some(fill) = sleep.mark(ring.size()) {
                there |= ring.arm(fill);
            }
        }
        let time = if there { sleep.time_if_there(self.held_up) } else { sleep.time() };
        self.held_up = if there { self.held_up.saturating_add(1) } else { 0 };
        match self.poll.poll(events, Some(time)) {
            // A signal that is not ours.
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            other => other?,
        }
        if sleeps {
            self.driver.rings().iter().for_each(probe_loader::Ring::disarm);
        }
        if events.iter().any(|event| event.token() == WAKEUP) {
            self.driver.acknowledge_wakeup();
        }
        if !events.iter().any(|event| event.token() == SIGNAL) {
            return Ok(Wake::Work);
        }
        // One that comes after another of its kind is one with it.
        let mut wake = Wake::Work;
        while let Ok(Some(signal)) = self.signals.read_signal() {
            if is_end(&signal) {
                wake = Wake::End;
            } else if wake == Wake::Work {
                wake = Wake::Reload;
            }
        }
        Ok(wake)
    }

    fn end(mut self, started: Instant) -> Result<Outcome, Error> {
        let switched_off = self.driver.switched_off();
        let stopped = self.driver.stop();
        let elapsed = started.elapsed();
        if let Some(tap) = &mut self.tap {
            tap.stopped();
        }
        // No probe runs: everything is published, and the counters are final.
        self.drain(u64::MAX);
        let (now, cpus, kept) = (clock::monotonic(), self.driver.counters(), self.driver.kept());
        self.drain.order(Order::Stopped(now, cpus.clone()));
        let damaged = self.damaged();
        // A panic of the engine is one of the capture.
        let recorder = self.drain.finish().unwrap_or_else(|panic| resume_unwind(panic));
        let (outputs, counts) = recorder.engine.finish();
        let account = Account { at: clock::epoch_now(), cpus, kept, counts, switched_off };
        let recording = self.tap.map(|tap| {
            let end = End::of(&account, now, elapsed, damaged);
            tap.finish(end, counts.events)
        });
        let ending = Instant::now();
        let signals = self.signals;
        let outputs = outputs.finish_unless(account.clone(), || {
            // One that is sent to a group and handed on comes twice.
            matches!(signals.read_signal(), Ok(Some(signal)) if is_end(&signal))
                && ending.elapsed() >= TWICE
        });
        stopped?;
        Ok(Outcome { outputs, recording, account, damaged, elapsed })
    }
}

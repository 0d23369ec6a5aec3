// SPDX-License-Identifier: Apache-2.0
//! A live capture: driver, rings, engine, output, until it is told to end.

use std::os::fd::AsRawFd as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use probe_loader::driver::{self, Driver};
use probe_loader::selection::Selection;
use sysflow::schema::Version;

use crate::account::Account;
use crate::clock::{self, Clock};
use crate::engine::Corrected;
use crate::losses::Losses;
use crate::merge::Merge;
use crate::metrics::{Board, Fill, State};
use crate::output::{Ended, Outputs};
use crate::rescan::Rescan;
use crate::snapshot::ProcFs;
use crate::state::users::Users;
use crate::{Engine, Settings};

/// Why a capture could not go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The driver.
    #[error(transparent)]
    Driver(#[from] driver::Error),
    /// Signals or polling.
    #[error("cannot wait for events: {0}")]
    Wait(#[from] std::io::Error),
}

/// When to do what.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// End after this long.
    pub limit: Option<Duration>,
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

/// How long the engine sleeps when little happens. A ring that fills up wakes
/// it; everything else can wait that long.
const SLEEP: Duration = Duration::from_millis(10);

/// How long the start waits for a scan of /proc: as long as a small host takes,
/// and not so long that a ring could fill up.
const PATIENCE: Duration = Duration::from_millis(20);

/// The class of processes in the driver's counters.
const PROCESS: usize = 0;

/// Fewer events than this in one round: sleep rather than spin.
const FEW: u64 = 512;

/// A capture that is set up and not started.
pub struct Capture {
    driver: Driver,
    engine: Engine<Outputs>,
    /// What the output is told of losses, if its schema has a place for that.
    losses: Option<Losses>,
    merge: Merge,
    rescan: Rescan,
    /// Losses that a scan of /proc was begun for.
    answered: u64,
    poll: Poll,
    signals: SignalFd,
    /// Where metrics are published.
    board: Option<Arc<Board>>,
    /// The most that waited in each ring since they were published last.
    fills: Vec<Fill>,
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
        let losses = (settings.schema == Version::V6)
            .then(|| Losses::new(settings.export_interval, clock::monotonic()));
        let engine = Engine::new(settings, Clock::measure(), Users::of_host(), lookup, outputs);
        let (merge, board, fills) = (Merge::default(), None, Vec::new());
        let (rescan, answered) = (Rescan::new("/proc".into()), 0);
        Ok(Self { driver, engine, losses, merge, rescan, answered, poll, signals, board, fills })
    }

    /// Publishes what is counted there, each second.
    pub fn publish(&mut self, board: Arc<Board>) {
        self.board = Some(board);
    }

    /// The outputs.
    pub fn outputs(&mut self) -> &mut Outputs {
        self.engine.sink()
    }

    /// Attaches the probes and begins to take over what runs already. In this
    /// order, so that nothing falls between the two; a process that both tell
    /// of is known by its start time. On a host with many processes that goes
    /// on in [`Capture::run`], while the rings are drained; a process that does
    /// something before it was found is looked up.
    ///
    /// # Errors
    /// When the probes cannot be attached.
    pub fn start(&mut self) -> Result<(), Error> {
        self.engine.listens(ProcFs::default().listening());
        self.driver.start()?;
        self.rescan.begin_first(&mut self.engine);
        self.rescan.wait(&mut self.engine, PATIENCE);
        Ok(())
    }

    /// Gives up before anything was recorded: the outputs are removed.
    pub fn abandon(self) {
        let (outputs, _) = self.engine.finish();
        outputs.discard();
    }

    /// Records until the time is over or a signal comes, and ends cleanly.
    /// `tell` is called about once a second, and on SIGHUP.
    ///
    /// # Errors
    /// When the driver does not answer; what was recorded is in the output.
    pub fn run(mut self, pace: &Pace, mut tell: impl FnMut(Moment<'_>)) -> Result<Outcome, Error> {
        let started = Instant::now();
        let (mut second, mut events_before) = (started, 0);
        let mut events = Events::with_capacity(4);
        loop {
            let horizon = clock::monotonic();
            let drained = self.drain(horizon);
            self.take_scans(horizon);
            let now = Instant::now();
            if now.duration_since(second) >= Duration::from_secs(1) {
                let counted = self.engine.counts().events;
                let since = now.duration_since(second).as_secs_f64();
                second = now;
                self.every_second();
                let rate = (counted - events_before) as f64 / since;
                tell(Moment::Second(self.progress(rate)));
                if self.driver.switched_off() {
                    break;
                }
                events_before = counted;
            }
            self.turn(now);
            if self.engine.sink().all_closed() {
                break;
            }
            let left = pace.limit.map(|limit| limit.saturating_sub(now.duration_since(started)));
            if left == Some(Duration::ZERO) {
                break;
            }
            let sleep = match drained {
                FEW.. => Duration::ZERO,
                _ if self.rescan.is_running() => SLEEP / 10,
                _ => SLEEP,
            };
            match self.wait(&mut events, left.map_or(sleep, |left| left.min(sleep)))? {
                Wake::Work => {}
                Wake::End => break,
                Wake::Reload => {
                    self.engine.sink().reopen();
                    tell(Moment::Reload(Selector(&mut self.driver)));
                }
            }
        }
        self.end(started)
    }

    fn drain(&mut self, now: u64) -> u64 {
        if self.board.is_some() {
            self.look_at_rings();
        }
        let engine = &mut self.engine;
        self.merge.drain(self.driver.rings(), now, |bytes| engine.apply_bytes(bytes))
    }

    /// Takes over what is read in /proc, with all events until `drained` applied.
    fn take_scans(&mut self, drained: u64) {
        let Some(corrected) = self.rescan.step(&mut self.engine, drained) else { return };
        if !corrected.is_nothing() {
            let Corrected { missed, gone, changed } = corrected;
            log::info!(
                "after a loss: {missed} processes had begun, {gone} had ended and {changed} had changed unseen"
            );
        }
    }

    /// After a loss of what tells of processes, these are compared with /proc.
    /// Files need no such thing: each record names its open file, and the
    /// driver describes a file until its description arrived.
    fn answer_losses(&mut self, now: u64) {
        let lost: u64 = self
            .driver
            .counters()
            .iter()
            .flat_map(|cpu| cpu.lost.iter().map(|by_class| by_class[PROCESS]))
            .chain([self.driver.kept().total_lost()])
            .sum();
        if lost > self.answered {
            let all = lost;
            if self.rescan.want(now) {
                log::warn!(
                    "operations of processes were lost, {all} so far: comparing all processes with /proc"
                );
            }
            self.answered = lost;
        }
    }

    /// Lets the outputs have their turn.
    fn turn(&mut self, now: Instant) {
        let counts = *self.engine.counts();
        let driver = &self.driver;
        let account = || Account {
            at: clock::epoch_now(),
            cpus: driver.counters(),
            kept: driver.kept(),
            counts,
            switched_off: false,
        };
        if self.engine.sink().turn(now, account) {
            self.engine.begin_file();
        }
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

    fn publish_state(&mut self) {
        let Some(board) = &self.board else { return };
        let account = Account {
            at: clock::epoch_now(),
            cpus: self.driver.counters(),
            kept: self.driver.kept(),
            counts: *self.engine.counts(),
            switched_off: false,
        };
        board.publish(State {
            account,
            flows: self.engine.open_flows(),
            processes: self.engine.living(),
            objects: self.engine.known_objects(),
            tables: self.engine.tables().to_vec(),
            memory_limit: self.engine.limits().memory,
            rings: std::mem::take(&mut self.fills),
            damaged: self.driver.rings().iter().map(probe_loader::Ring::damaged).sum(),
        });
    }

    fn every_second(&mut self) {
        self.publish_state();
        // The horizon lags behind the clock, and so may exports.
        let now = clock::monotonic().saturating_sub(SLEEP.as_nanos() as u64);
        self.engine.tick(now);
        self.engine.follow_clock(Clock::measure());
        self.answer_losses(now);
        if self.losses.as_ref().is_some_and(|losses| losses.is_due(now)) {
            self.tell_losses(now, false);
        }
    }

    /// Writes what was lost since the last time; `last` also where nothing was,
    /// so that the sums over the output are those of the capture.
    fn tell_losses(&mut self, now: u64, last: bool) {
        let Some(losses) = &mut self.losses else { return };
        let recorder = std::process::id();
        for (since, loss) in losses.take(&self.driver.counters(), now, last) {
            self.engine.put_loss(recorder, since, now, loss);
        }
    }

    fn progress(&self, rate: f64) -> Progress {
        let lost = self.driver.total().total_lost();
        Progress {
            rate,
            flows: self.engine.open_flows(),
            processes: self.engine.living(),
            records: self.engine.counts().records,
            lost,
        }
    }

    /// Sleeps until a ring fills up, a signal comes or the time is over.
    fn wait(&mut self, events: &mut Events, timeout: Duration) -> Result<Wake, Error> {
        if !timeout.is_zero() {
            self.driver.rings().iter().for_each(|ring| ring.arm(ring.size() / 4));
        }
        match self.poll.poll(events, Some(timeout)) {
            // A signal that is not ours.
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            other => other?,
        }
        if !timeout.is_zero() {
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
            match Signal::try_from(signal.ssi_signo.cast_signed()) {
                Ok(Signal::SIGHUP) if wake == Wake::Work => wake = Wake::Reload,
                Ok(Signal::SIGHUP) => {}
                _ => wake = Wake::End,
            }
        }
        Ok(wake)
    }

    fn end(mut self, started: Instant) -> Result<Outcome, Error> {
        let switched_off = self.driver.switched_off();
        let stopped = self.driver.stop();
        let elapsed = started.elapsed();
        // No probe runs: everything is published, and the counters are final.
        self.drain(u64::MAX);
        let cpus = self.driver.counters();
        self.tell_losses(clock::monotonic(), true);
        let kept = self.driver.kept();
        let damaged = self.driver.rings().iter().map(probe_loader::Ring::damaged).sum();
        let (outputs, counts) = self.engine.finish();
        let account = Account { at: clock::epoch_now(), cpus, kept, counts, switched_off };
        let outputs = outputs.finish(account.clone());
        stopped?;
        Ok(Outcome { outputs, account, damaged, elapsed })
    }
}

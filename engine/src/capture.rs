// SPDX-License-Identifier: Apache-2.0
//! A live capture: driver, rings, engine, output, until it is told to end.

use std::os::fd::AsRawFd as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd, siginfo};
use probe_loader::Counters;
use probe_loader::driver::{self, Driver};
use probe_loader::selection::Selection;
use sysflow::schema::Version;

use crate::account::Account;
use crate::clock::{self, Clock};
use crate::losses::Losses;
use crate::merge::Merge;
use crate::metrics::{Board, Fill, State};
use crate::output::{Ended, Outputs};
use crate::raw::{self, End, Meta, Tap};
use crate::runtimes::Runtimes;
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
    /// What became of the recording, if there was one.
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

/// How long the engine sleeps when little happens. A ring that fills up wakes
/// it; everything else can wait that long.
const SLEEP: Duration = Duration::from_millis(10);

/// Fewer events than this in one round: sleep rather than spin.
const FEW: u64 = 512;

/// A second signal that comes sooner than this after the end is one with the first.
const TWICE: Duration = Duration::from_millis(500);

/// Whether it ends the capture; else it is SIGHUP.
fn is_end(signal: &siginfo) -> bool {
    signal.ssi_signo != Signal::SIGHUP as u32
}

/// A capture that is set up and not started.
pub struct Capture {
    driver: Driver,
    engine: Engine<Outputs>,
    /// What the output is told of losses, if its schema has a place for that.
    losses: Option<Losses>,
    merge: Merge,
    /// Where what the driver delivers is kept.
    tap: Option<Tap>,
    /// When it was prepared, ns of the events' clock.
    begun: u64,
    poll: Poll,
    signals: SignalFd,
    /// Where metrics are published.
    board: Option<Arc<Board>>,
    /// The most that waited in each ring since they were published last.
    fills: Vec<Fill>,
    /// Who is asked for the names of containers.
    runtimes: Option<Runtimes>,
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
        let engine = Engine::new(settings, Clock::measure(), Users::of_host(), lookup, outputs);
        let (merge, tap, board, fills) = (Merge::default(), None, None, Vec::new());
        let runtimes = None;
        Ok(Self {
            driver,
            engine,
            losses,
            merge,
            tap,
            begun,
            poll,
            signals,
            board,
            fills,
            runtimes,
        })
    }

    /// Asks these for the names of containers.
    pub fn ask(&mut self, runtimes: Runtimes) {
        self.runtimes = Some(runtimes);
    }

    /// Publishes what is counted there, each second.
    pub fn publish(&mut self, board: Arc<Board>) {
        self.board = Some(board);
    }

    /// Keeps what the driver delivers, too. To be told before the start.
    pub fn keep(&mut self, mut tap: Tap) {
        self.engine.look_up_with(tap.hear(ProcFs::default()));
        self.tap = Some(tap);
    }

    /// The outputs.
    pub fn outputs(&mut self) -> &mut Outputs {
        self.engine.sink()
    }

    /// Attaches the probes and takes over what runs already. In this order, so
    /// that nothing falls between the two; a process that both tell of is
    /// known by its start time.
    ///
    /// # Errors
    /// When the probes cannot be attached.
    pub fn start(&mut self) -> Result<(), Error> {
        self.driver.start()?;
        let mut proc = ProcFs::default();
        let (found, listening) = (proc.all(), proc.listening());
        if let Some(tap) = &mut self.tap {
            let meta = Meta::of_host(&mut self.driver, self.begun, *self.engine.clock());
            tap.begin(&meta, self.driver.rings(), self.engine.users(), &found, &listening);
        }
        self.engine.start_with(found, listening);
        self.name_containers();
        Ok(())
    }

    /// Gives up before anything was recorded: the outputs are removed.
    pub fn abandon(self) {
        let (outputs, _) = self.engine.finish();
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
    pub fn run(mut self, pace: &Pace, mut tell: impl FnMut(Moment<'_>)) -> Result<Outcome, Error> {
        let started = Instant::now();
        let (mut second, mut events_before) = (started, 0);
        let mut events = Events::with_capacity(4);
        loop {
            let drained = self.drain(clock::monotonic());
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
            if self.tap.is_none() && self.engine.sink().all_closed() {
                break;
            }
            let left = pace.limit.map(|limit| limit.saturating_sub(now.duration_since(started)));
            if left == Some(Duration::ZERO) {
                break;
            }
            let sleep = if drained < FEW { SLEEP } else { Duration::ZERO };
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
        let apply = |bytes: &[u8]| engine.apply_bytes(bytes);
        let rings = self.driver.rings();
        let Some(tap) = &mut self.tap else { return self.merge.drain(rings, now, apply) };
        let drained = self.merge.drain_seen(rings, now, |rings| tap.seen(rings), apply);
        tap.round(rings, now.min(clock::monotonic()));
        drained
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
            rings: std::mem::take(&mut self.fills),
            damaged: self.driver.rings().iter().map(probe_loader::Ring::damaged).sum(),
        });
    }

    fn name_containers(&mut self) {
        if let Some(runtimes) = &self.runtimes {
            runtimes.exchange(&mut self.engine);
        }
    }

    fn every_second(&mut self) {
        self.publish_state();
        self.name_containers();
        // The horizon lags behind the clock, and so may exports.
        let now = clock::monotonic().saturating_sub(SLEEP.as_nanos() as u64);
        let clock = Clock::measure();
        let cpus = self.driver.counters();
        self.engine.tick(now);
        if self.engine.follow_clock(clock) {
            log::warn!("the clock of this host was set, and the times of records follow it");
        }
        if self.losses.as_ref().is_some_and(|losses| losses.is_due(now)) {
            self.tell_losses(&cpus, now, false);
        }
        if let Some(tap) = &mut self.tap {
            tap.second(now, &clock, &cpus, &self.driver.kept());
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
        self.name_containers();
        let cpus = self.driver.counters();
        let now = clock::monotonic();
        self.tell_losses(&cpus, now, true);
        let kept = self.driver.kept();
        let damaged = self.driver.rings().iter().map(probe_loader::Ring::damaged).sum();
        let (outputs, counts) = self.engine.finish();
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

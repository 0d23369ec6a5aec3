// SPDX-License-Identifier: Apache-2.0
//! Where a live capture writes to: several outputs at once, none of which can
//! hold up the capture.
//!
//! ```text
//!                                  ┌─ queue ─> thread: files
//! Engine ── put ──> batch ── seal ─┼─ queue ─> thread: socket
//!          encode once             └─ queue ─> thread: standard output
//! ```
//!
//! Records are encoded once, into a batch. A batch that is full, or old
//! enough, is offered to the queue of each output: bounded, without locks.
//! Each output has a thread of its own that compresses, writes, waits and tries
//! again. While it cannot keep up its queue fills; when that is full, the
//! output *sheds*: what it does not get is counted by type of record.
//!
//! # References
//!
//! Records refer to processes and files that were written before, once. A hole
//! would leave references to what is not there. So what an output gets is cut
//! into *runs*: a run begins where the engine has forgotten what it wrote
//! ([`Engine::begin_file`](crate::Engine::begin_file)), so that each entity is
//! written again before it is next referred to, and has no hole. An output that
//! sheds one batch sheds all until the next run. A run begins
//!
//! - at the start, and for each file of a series,
//! - for a socket, when a connection ended, so that the next reader can start
//!   with it,
//! - for an output that shed, when half of its queue is free again.
//!
//! Whatever run begins, for the engine it begins for all outputs: the others
//! see entities again, in state REUP, as with the reference collector.

mod batch;
mod file;
#[cfg(test)]
mod model;
mod pipe;
mod queue;
mod series;
mod socket;
pub(crate) mod sync;
mod tally;
mod tap;
#[cfg(test)]
mod tests;
mod worker;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sysflow::encode::Encode;
use sysflow::record::Header;
use sysflow::write;

pub use batch::{KINDS, Kinds};
pub use file::Files;
pub use series::Keep;
pub use socket::{MAX_PACKET, Socket};
use tally::Tally;
pub use tally::{CAUSES, Cause, Numbers};
pub use tap::Reader;

use crate::account::Account;
use crate::sink::Sink;
use crate::threads;
use batch::{Batch, Pool};
use file::FileTarget;
use queue::{Fresh, Item, Queue};
use worker::{Hand, Target};

/// A batch waits no longer than this for more records.
const PATIENCE: Duration = Duration::from_millis(100);

/// After it shed, an output begins a new run not sooner than this.
const RECOVER: Duration = Duration::from_secs(1);

/// An output that gets nothing done for so long at the end is given up.
const GIVE_UP: Duration = Duration::from_secs(15);

/// A place for records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A file or a series of files.
    Files(Files),
    /// A stream to who listens at a unix socket.
    Socket(Socket),
    /// A container file on standard output.
    Stdout,
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files(files) => write!(f, "{}", files.path.display()),
            Self::Socket(socket) => write!(f, "unix:{}", socket.path.display()),
            Self::Stdout => f.write_str("standard output"),
        }
    }
}

/// An output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Where to.
    pub to: Destination,
    /// Bytes of records that may wait for it.
    pub buffer: usize,
}

/// Default of [`Spec::buffer`].
pub const BUFFER: usize = 16 << 20;

/// What all outputs have in common.
#[derive(Clone, Debug)]
pub struct Common {
    /// How files are written. Its schema is that of all outputs.
    pub options: write::Options,
    /// The header, without file name.
    pub header: Header,
    /// How often files are stored: what a crash can lose.
    pub flush: Duration,
    /// The driver, for the counters beside files.
    pub driver: String,
}

/// Why an output could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Its file.
    #[error(transparent)]
    File(#[from] write::Error),
    /// Its directory.
    #[error("cannot read the directory of {path:?}: {source}")]
    Dir {
        /// The output's path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A path that is too long for a socket.
    #[error("cannot use {path:?} as a socket: {source}")]
    Socket {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Nobody can read records on a terminal.
    #[error("standard output is a terminal; redirect it to a file or a program")]
    Terminal,
    /// Standard output.
    #[error("cannot write to standard output: {0}")]
    Stdout(io::Error),
    /// Two outputs to one place.
    #[error("{0} is named twice as an output")]
    Twice(String),
    /// The output's thread.
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
}

/// An output, as others see it while it works.
#[derive(Clone, Debug)]
pub struct Watch {
    name: Arc<str>,
    queue: Arc<Queue>,
    tally: Arc<Tally>,
}

impl Watch {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it has counted.
    #[must_use]
    pub fn numbers(&self) -> Numbers {
        self.tally.get()
    }

    /// Whether it will not take anything any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }

    /// Bytes that wait for it, and that may.
    #[must_use]
    pub fn queued(&self) -> (usize, usize) {
        (self.queue.held(), self.queue.limit())
    }
}

/// What became of an output.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Its name.
    pub name: String,
    /// What it counted.
    pub numbers: Numbers,
    /// Whether it did not end in time: what it still had is counted as shed.
    pub stuck: bool,
    /// Whether it waits for readers, who come and go.
    pub awaits: bool,
}

impl Ended {
    /// Whether everything that could be written was. What it shed because it
    /// did not keep up is no failure, nor is a stream that nobody reads.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let Self { numbers, stuck, awaits, .. } = self;
        let failed = numbers.gone.total() + numbers.shed[Cause::Failed as usize].total();
        !stuck && failed == 0 && (*awaits || !numbers.failing)
    }
}

/// What an output gets at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Every batch.
    Runs,
    /// Nothing, since then, until a new run begins.
    Sheds(Instant),
}

/// The capture's end of an output.
struct Lane {
    name: Arc<str>,
    queue: Arc<Queue>,
    tally: Arc<Tally>,
    state: State,
    /// Records shed since it began to shed.
    missed: Kinds,
    /// How long a file gets, and when the next one is due.
    rotation: Option<(Duration, Instant)>,
    /// As in [`Ended`].
    awaits: bool,
    thread: JoinHandle<()>,
}

impl Lane {
    /// Adds an item to the queue, if there is room. Who is patient waits for
    /// that as long as the output gets something done.
    fn push(&self, mut item: Item, patient: bool) -> bool {
        let (mut before, mut since) = (self.queue.held(), None);
        loop {
            item = match self.queue.push(item) {
                Ok(()) => return true,
                Err(_) if !patient => return false,
                Err(back) => back,
            };
            let held = self.queue.held();
            let since: &mut Instant = since.get_or_insert_with(Instant::now);
            if std::mem::replace(&mut before, held) != held {
                *since = Instant::now();
            } else if since.elapsed() >= GIVE_UP {
                return false;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Offers a batch.
    fn offer(&mut self, batch: &Arc<Batch>, patient: bool) {
        let kinds = batch.kinds();
        self.tally.hand(&kinds);
        if self.state == State::Runs {
            if self.push(Item::Batch(Arc::clone(batch)), patient) {
                return;
            }
            self.state = State::Sheds(Instant::now());
            let held = self.queue.limit();
            log::warn!(
                output = &*self.name, buffer = held;
                "the output does not keep up: records are shed"
            );
        }
        self.tally.shed(Cause::NoRoom, &kinds);
        self.missed += kinds;
    }

    /// Begins a run.
    fn begin(&mut self, fresh: Fresh, now: Instant, patient: bool) {
        if fresh.rotate
            && let Some((every, due)) = &mut self.rotation
        {
            *due = now + *every;
        }
        let begun = self.push(Item::Fresh(fresh), patient);
        self.state = if begun { State::Runs } else { State::Sheds(now) };
        let missed = std::mem::take(&mut self.missed);
        if missed.total() > 0 {
            log::warn!(
                output = &*self.name, shed = missed.total();
                "the output goes on; it missed {missed}"
            );
        }
    }

    /// Whether it needs a new run now, and with a new file.
    fn wish(&mut self, now: Instant) -> Option<bool> {
        let (fresh, mut file) = self.queue.take_wishes();
        file |= self.rotation.is_some_and(|(_, due)| now >= due);
        let recovers = match self.state {
            State::Runs => false,
            State::Sheds(since) => now.duration_since(since) >= RECOVER && self.queue.has_room(),
        };
        (fresh || file || recovers).then_some(file)
    }
}

/// All outputs of a capture.
pub struct Outputs {
    options: write::Options,
    open: Batch,
    pool: Arc<Pool>,
    lanes: Vec<Lane>,
    /// When the open batch was begun, or a look was taken at the outputs.
    looked: Instant,
    /// A new file was asked for from outside.
    reopen: bool,
    /// Waits for outputs that do not keep up.
    patient: bool,
}

impl Outputs {
    /// Opens outputs, and begins their threads.
    ///
    /// # Errors
    /// When one cannot be opened: files of the others are removed. A socket
    /// that nobody listens at is no error: it is tried again.
    pub fn open(specs: &[Spec], common: &Common) -> Result<Self, Error> {
        Self::open_at(specs, common, crate::clock::epoch_now())
    }

    /// The same for what began at another time, ns since the Unix epoch.
    ///
    /// # Errors
    /// As [`Outputs::open`].
    pub fn open_at(specs: &[Spec], common: &Common, at: i64) -> Result<Self, Error> {
        let account = Arc::new(Account { at, ..Account::default() });
        let mut targets: Vec<(&Spec, Box<dyn Target>, Option<Duration>)> = Vec::new();
        for spec in specs {
            if targets.iter().any(|(other, ..)| other.to.to_string() == spec.to.to_string()) {
                return Err(Error::Twice(spec.to.to_string()));
            }
            let (target, every): (Box<dyn Target>, _) = match &spec.to {
                Destination::Files(files) => {
                    let target = FileTarget::open(files.clone(), common.clone(), account.clone());
                    (Box::new(target?), files.every)
                }
                Destination::Socket(socket) => {
                    (Box::new(socket::SocketTarget::new(socket.clone(), common)?), None)
                }
                Destination::Stdout => (Box::new(pipe::PipeTarget::stdout(common)?), None),
            };
            targets.push((spec, target, every));
        }
        let now = Instant::now();
        let lanes = targets.into_iter().map(|(spec, target, every)| {
            let rotation = every.map(|every| (every, now + every));
            let awaits = matches!(spec.to, Destination::Socket(_));
            let lane = Lane::start(&spec.to.to_string(), spec.buffer, target, rotation)?;
            Ok(Lane { awaits, ..lane })
        });
        let lanes = lanes.collect::<Result<_, Error>>()?;
        Ok(Self::with(lanes, common.options.clone()))
    }

    /// No output but a reader in this program, for which so many bytes of records may wait.
    ///
    /// # Errors
    /// When its thread cannot be begun.
    pub fn to_reader(
        reader: Box<dyn Reader>,
        buffer: usize,
        options: write::Options,
    ) -> Result<Self, Error> {
        let target = Box::new(tap::TapTarget::new(reader, options.schema));
        let lane = Lane::start("this program", buffer, target, None)?;
        Ok(Self::with(vec![lane], options))
    }

    fn with(lanes: Vec<Lane>, options: write::Options) -> Self {
        let room = lanes.iter().map(|lane| lane.queue.limit()).sum::<usize>() / batch::FULL;
        let pool = Arc::new(Pool::new(room.clamp(64, 4096)));
        let open = Batch::new(&pool);
        Self { options, open, pool, lanes, looked: Instant::now(), reopen: false, patient: false }
    }

    /// From now on waits for outputs that do not keep up, unless they get
    /// nothing done at all: for sources that can wait. Returns the time that
    /// [`Outputs::turn`] counts from.
    pub fn wait(&mut self) -> Instant {
        self.patient = true;
        self.looked
    }

    /// Hands on the batch that is open.
    #[cold]
    fn seal(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let batch = Arc::new(std::mem::replace(&mut self.open, Batch::new(&self.pool)));
        for lane in &mut self.lanes {
            lane.offer(&batch, self.patient);
        }
    }

    /// Lets time pass: hands on what waited long enough, and begins the runs
    /// that are due. Returns whether one began: then entities have to be
    /// written again ([`Engine::begin_file`](crate::Engine::begin_file)).
    /// `account` is asked for if so.
    pub fn turn(&mut self, now: Instant, account: impl FnOnce() -> Account) -> bool {
        if now.duration_since(self.looked) < PATIENCE {
            return false;
        }
        self.looked = now;
        self.seal();
        let all = std::mem::take(&mut self.reopen);
        let wishes: Vec<_> = self
            .lanes
            .iter_mut()
            .map(|lane| lane.wish(now).map(|file| file || all).or(all.then_some(true)))
            .collect();
        if wishes.iter().all(Option::is_none) {
            return false;
        }
        let account = Arc::new(account());
        for (lane, wish) in self.lanes.iter_mut().zip(wishes) {
            if let Some(rotate) = wish {
                lane.begin(Fresh { rotate, account: Arc::clone(&account) }, now, self.patient);
            }
        }
        true
    }

    /// With the next turn, each series begins a new file.
    pub fn reopen(&mut self) {
        self.reopen = true;
    }

    /// Whether no output will take anything any more.
    #[must_use]
    pub fn all_closed(&self) -> bool {
        self.lanes.iter().all(|lane| lane.queue.is_closed())
    }

    /// The outputs, to be watched from elsewhere.
    #[must_use]
    pub fn watches(&self) -> Vec<Watch> {
        let watch = |lane: &Lane| Watch {
            name: Arc::clone(&lane.name),
            queue: Arc::clone(&lane.queue),
            tally: Arc::clone(&lane.tally),
        };
        self.lanes.iter().map(watch).collect()
    }

    /// Ends all outputs as if they had not been begun.
    pub fn discard(self) {
        self.lanes.iter().for_each(|lane| lane.queue.discard());
        let _ = self.finish(Account::default());
    }

    /// Ends all outputs: stores what they have, as far as they can be written
    /// to. `account` is the capture's last.
    #[must_use]
    pub fn finish(self, account: Account) -> Vec<Ended> {
        self.finish_unless(account, || false)
    }

    /// As [`Outputs::finish`], as long as `hurry` does not say that there is no time: then what is
    /// not done is given up, and what is not written counted as shed.
    #[must_use]
    pub fn finish_unless(
        mut self,
        account: Account,
        mut hurry: impl FnMut() -> bool,
    ) -> Vec<Ended> {
        self.seal();
        let account = Arc::new(account);
        self.lanes.iter().for_each(|lane| lane.queue.end(Arc::clone(&account)));
        let mut hurried = false;
        let mut hurries = || {
            hurried = hurried || hurry();
            hurried
        };
        self.lanes.into_iter().map(|lane| lane.join(&mut hurries)).collect()
    }
}

impl Lane {
    fn start(
        name: &str,
        buffer: usize,
        target: Box<dyn Target>,
        rotation: Option<(Duration, Instant)>,
    ) -> Result<Self, Error> {
        let name: Arc<str> = name.into();
        let queue = Arc::new(Queue::new(buffer));
        let tally = Arc::new(Tally::default());
        let hand =
            Hand { name: Arc::clone(&name), queue: Arc::clone(&queue), tally: Arc::clone(&tally) };
        let work = move || worker::work(target, &hand);
        let thread = threads::spawn("output", work).map_err(Error::Thread)?;
        queue.read_by(thread.thread());
        let state = State::Runs;
        let (missed, awaits) = (Kinds::default(), false);
        Ok(Self { name, queue, tally, state, missed, rotation, awaits, thread })
    }

    /// Waits for the output as long as it gets something done, and there is no hurry.
    fn join(self, hurries: &mut dyn FnMut() -> bool) -> Ended {
        let mut before = self.tally.get();
        let mut since = Instant::now();
        let stuck = loop {
            if self.thread.is_finished() {
                break self.thread.join().is_err();
            }
            if hurries() {
                log::error!(
                    output = &*self.name;
                    "the output is given up for a second signal: what waited for it is not written"
                );
                break true;
            }
            std::thread::sleep(Duration::from_millis(2));
            let now = self.tally.get();
            if now != before {
                (before, since) = (now, Instant::now());
            } else if since.elapsed() >= GIVE_UP {
                log::error!(output = &*self.name; "the output is given up: it does nothing");
                break true;
            }
        };
        let mut numbers = self.tally.get();
        if stuck {
            let done = numbers.shed.iter().fold(numbers.written, |mut sum, kinds| {
                sum += *kinds;
                sum
            });
            let failed = &mut numbers.shed[Cause::Failed as usize];
            for (kind, handed) in numbers.handed.0.iter().enumerate() {
                failed.0[kind] += handed.saturating_sub(done.0[kind]);
            }
        }
        Ended { name: self.name.to_string(), numbers, stuck, awaits: self.awaits }
    }
}

impl Sink for Outputs {
    #[inline]
    fn put(&mut self, record: impl Encode) {
        if self.open.push(self.options.schema, record) {
            self.seal();
        }
    }
}

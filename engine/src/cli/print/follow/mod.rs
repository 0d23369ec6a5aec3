// SPDX-License-Identifier: Apache-2.0
//! Traces that grow, and directories in which new ones appear.
//!
//! One thread waits for the kernel to tell what changes (inotify) and for signals. Each trace that
//! grows is read by a thread of its own, which sleeps at the end of the data until there is more.
//! What was there before is read first, by one thread, in its order.

mod folder;
mod tail;

use std::collections::HashMap;
use std::io::{self, BufReader};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Scope};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use sysflow::read::Reader;

use super::sink::{Access, Sink, lock};
use super::trace::{self, BUFFER};
use folder::{Change, Folder, Start};
use tail::{Shared, Tail};

/// What is told of a directory.
const CHANGES: AddWatchFlags = AddWatchFlags::IN_CREATE
    .union(AddWatchFlags::IN_MODIFY)
    .union(AddWatchFlags::IN_CLOSE_WRITE)
    .union(AddWatchFlags::IN_MOVED_FROM)
    .union(AddWatchFlags::IN_MOVED_TO)
    .union(AddWatchFlags::IN_DELETE)
    .union(AddWatchFlags::IN_DELETE_SELF)
    .union(AddWatchFlags::IN_MOVE_SELF)
    .union(AddWatchFlags::IN_ONLYDIR);

/// What is to be followed, watched already.
pub(super) struct Watched {
    inotify: Inotify,
    folders: HashMap<WatchDescriptor, Vec<Folder>>,
    signals: SignalFd,
    shared: Shared,
}

impl Watched {
    /// Watches the paths.
    pub(super) fn new(paths: &[PathBuf]) -> io::Result<Self> {
        let mut signals = SigSet::empty();
        signals.add(Signal::SIGINT);
        signals.add(Signal::SIGTERM);
        // Before the threads, which inherit it.
        signals.thread_block()?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)
            .map_err(|error| explained(error, "max_user_instances"))?;
        let wake = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        let mut watched = Self {
            inotify,
            folders: HashMap::new(),
            signals: SignalFd::with_flags(&signals, flags)?,
            shared: Shared::new(wake),
        };
        for path in paths {
            watched.add(path)?;
        }
        Ok(watched)
    }

    /// Watches a directory, or that of a file.
    fn add(&mut self, path: &Path) -> io::Result<()> {
        let folder = Folder::of(path);
        let watch = self.inotify.add_watch(folder.dir(), CHANGES).map_err(|error| match error {
            Errno::ENOSPC => explained(error, "max_user_watches"),
            error => {
                let error = io::Error::from(error);
                io::Error::new(error.kind(), format!("cannot watch {:?}: {error}", folder.dir()))
            }
        })?;
        self.folders.entry(watch).or_default().push(folder);
        Ok(())
    }

    /// Follows until a signal, or until nothing can come any more. Returns the sink, and what went
    /// wrong with the output.
    pub(super) fn run(
        self,
        skip_damaged: bool,
        sink: Sink,
        to_stdout: bool,
    ) -> (Sink, io::Result<()>) {
        let Self { inotify, folders, signals, shared } = self;
        let sink = Mutex::new(sink);
        let mut folders = Folders { inotify: &inotify, of: folders };
        let stdout = io::stdout();
        let result = thread::scope(|scope| {
            let crew = Crew { scope, shared: &shared, sink: &sink, skip_damaged };
            let events = PollFlags::POLLIN;
            let mut fds = vec![
                PollFd::new(inotify.as_fd(), events),
                PollFd::new(shared.wake.as_fd(), events),
                PollFd::new(signals.as_fd(), events),
            ];
            if to_stdout {
                // Tells when the other end of a pipe is closed, although nothing is written.
                fds.push(PollFd::new(stdout.as_fd(), PollFlags::empty()));
            }
            let result = folders.begin(&crew).and_then(|()| folders.attend(&crew, &mut fds));
            shared.stop();
            result
        });
        let result = shared.take_error().map_or(result, Err);
        (sink.into_inner().unwrap_or_else(PoisonError::into_inner), result)
    }
}

fn explained(error: Errno, limit: &str) -> io::Error {
    let error = io::Error::from(error);
    let advice = format!("cannot watch: {error}; /proc/sys/fs/inotify/{limit} may be too low");
    io::Error::new(error.kind(), advice)
}

/// The directories that are watched.
struct Folders<'a> {
    inotify: &'a Inotify,
    of: HashMap<WatchDescriptor, Vec<Folder>>,
}

impl Folders<'_> {
    /// Starts with what is there already.
    fn begin<'scope>(&mut self, crew: &Crew<'scope, '_>) -> io::Result<()> {
        let (mut old, mut growing) = (Vec::new(), Vec::new());
        for folder in self.of.values_mut().flatten() {
            for start in folder.scan(crew.shared)? {
                if start.complete { old.push(start) } else { growing.push(start) }
            }
        }
        crew.shared.hold(!old.is_empty());
        crew.start(old, true);
        for start in growing {
            crew.start(vec![start], false);
        }
        Ok(())
    }

    /// Waits for changes until a signal or the end of everything.
    fn attend<'scope>(
        &mut self,
        crew: &Crew<'scope, '_>,
        fds: &mut [PollFd<'_>],
    ) -> io::Result<()> {
        loop {
            match poll(fds, PollTimeout::NONE) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
            let ready = |fd: &PollFd<'_>| fd.any().unwrap_or(false);
            if ready(&fds[2]) {
                return Ok(()); // a signal
            }
            if fds.get(3).is_some_and(ready) {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            if ready(&fds[0]) {
                for event in self.inotify.read_events()? {
                    self.change(crew, &event);
                }
            }
            let _ = crew.shared.wake.read();
            let idle = crew.shared.active() == 0;
            if crew.shared.is_stopped() || (idle && !self.of.values().flatten().any(Folder::waits))
            {
                return Ok(());
            }
        }
    }

    fn change<'scope>(&mut self, crew: &Crew<'scope, '_>, event: &InotifyEvent) {
        let change = Change::from(event);
        let overflow = event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW);
        if overflow {
            crew.shared.all_changed();
        }
        let folders = self.of.iter_mut().filter(|(watch, _)| overflow || **watch == event.wd);
        for folder in folders.flat_map(|(_, folders)| folders) {
            let started = if overflow {
                folder.scan(crew.shared).unwrap_or_default()
            } else {
                folder.change(&change, crew.shared).into_iter().collect()
            };
            for start in started {
                crew.start(vec![start], false);
            }
        }
    }
}

/// Starts the threads.
struct Crew<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    shared: &'scope Shared,
    sink: &'scope Mutex<Sink>,
    skip_damaged: bool,
}

impl<'scope> Crew<'scope, '_> {
    /// Reads traces one after the other. Others wait for the `first`.
    fn start(&self, traces: Vec<Start>, first: bool) {
        if traces.is_empty() {
            return;
        }
        let (shared, sink, skip_damaged) = (self.shared, self.sink, self.skip_damaged);
        shared.begin();
        self.scope.spawn(move || {
            for start in traces {
                if let Err(error) = read(start, first, shared, sink, skip_damaged) {
                    shared.fail(error);
                }
            }
            if first {
                shared.hold(false);
            }
            if let Err(error) = lock(sink).flush() {
                shared.fail(error);
            }
            shared.end();
        });
    }
}

/// Reads one trace to its end, however long that takes.
fn read(
    start: Start,
    first: bool,
    shared: &Shared,
    sink: &Mutex<Sink>,
    skip_damaged: bool,
) -> io::Result<()> {
    if shared.is_stopped() {
        return Ok(());
    }
    let Start { path, file, id, .. } = start;
    let Some(file) = file.or_else(|| std::fs::File::open(&path).ok()) else {
        return lock(sink).complain(&trace::why(&path).to_string());
    };
    let tail = Tail { file, id, first, shared, sink };
    let reader = Reader::new(BufReader::with_capacity(BUFFER, tail), path);
    trace::one(reader, skip_damaged, Crowd { sink, shared })
}

/// The sink among threads.
struct Crowd<'a> {
    sink: &'a Mutex<Sink>,
    shared: &'a Shared,
}

impl Access for Crowd<'_> {
    fn with<T>(&mut self, what: impl FnOnce(&mut Sink) -> T) -> T {
        what(&mut lock(self.sink))
    }

    fn is_stopped(&self) -> bool {
        self.shared.is_stopped()
    }
}

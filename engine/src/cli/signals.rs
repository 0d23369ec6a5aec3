// SPDX-License-Identifier: Apache-2.0
//! Ctrl-C and SIGTERM while files are read: they end the reading, not the process, also while it
//! waits for a pipe.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// Tells whether a signal came.
#[derive(Clone)]
pub(crate) struct Signals {
    fd: Arc<SignalFd>,
    came: Arc<AtomicBool>,
}

impl Signals {
    /// From here on the signals wait to be read.
    pub(crate) fn new() -> io::Result<Self> {
        let mut set = SigSet::empty();
        set.add(Signal::SIGINT);
        set.add(Signal::SIGTERM);
        set.thread_block()?;
        let fd = SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        Ok(Self { fd: Arc::new(fd), came: Arc::new(AtomicBool::new(false)) })
    }

    /// Whether one came so far, as the last read has found out.
    pub(crate) fn came(&self) -> bool {
        self.came.load(Ordering::Relaxed)
    }

    /// Waits for a signal or until the time is over. Returns whether one came so far.
    pub(crate) fn wait(&self, time: Duration) -> bool {
        let mut fds = [PollFd::new(self.fd.as_fd(), PollFlags::POLLIN)];
        let timeout = PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX);
        if poll(&mut fds, timeout).is_ok_and(|ready| ready > 0) {
            self.came.store(true, Ordering::Relaxed);
        }
        self.came()
    }

    /// `input`, until a signal comes: then reading fails.
    pub(crate) fn interrupt<R>(&self, input: R) -> Interruptible<R> {
        Interruptible { input, signals: self.clone() }
    }
}

/// An input that a signal ends.
pub(crate) struct Interruptible<R> {
    input: R,
    signals: Signals,
}

impl<R: Read + AsFd> Read for Interruptible<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Regular files are always ready.
        let mut fds = [
            PollFd::new(self.input.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.signals.fd.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut fds, PollTimeout::NONE) {
            Err(Errno::EINTR) => return Err(io::ErrorKind::Interrupted.into()),
            other => other?,
        };
        if fds[1].any() == Some(true) {
            self.signals.came.store(true, Ordering::Relaxed);
            return Err(io::Error::other("ended by a signal"));
        }
        self.input.read(buffer)
    }
}

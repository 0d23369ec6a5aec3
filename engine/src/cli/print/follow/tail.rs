// SPDX-License-Identifier: Apache-2.0
//! A file that ends only when its writer is done.

use std::fs::File;
use std::io::{self, Read};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use nix::sys::eventfd::EventFd;

use crate::cli::print::sink::{Sink, lock};

/// What the threads know of each other.
pub(super) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// Wakes the thread that attends.
    pub(super) wake: EventFd,
}

#[derive(Default)]
struct State {
    stop: bool,
    /// Whether what was there before is still being read.
    hold: bool,
    /// Threads at work.
    active: usize,
    tails: Vec<Progress>,
    error: Option<io::Error>,
}

/// Of a file.
#[derive(Clone, Copy, Default)]
struct Progress {
    /// How often it was changed.
    changes: u64,
    /// Nobody writes to it any more.
    complete: bool,
}

impl Shared {
    pub(super) fn new(wake: EventFd) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), wake }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and tells everyone.
    fn tell<T>(&self, what: impl FnOnce(&mut State) -> T) -> T {
        let told = what(&mut self.state());
        self.changed.notify_all();
        let _ = self.wake.write(1);
        told
    }

    /// A number for a file that is followed.
    pub(super) fn add(&self, complete: bool) -> usize {
        let mut state = self.state();
        state.tails.push(Progress { changes: 0, complete });
        state.tails.len() - 1
    }

    pub(super) fn changed(&self, id: usize) {
        self.state().tails[id].changes += 1;
        self.changed.notify_all();
    }

    pub(super) fn all_changed(&self) {
        self.state().tails.iter_mut().for_each(|tail| tail.changes += 1);
        self.changed.notify_all();
    }

    pub(super) fn complete(&self, id: usize) {
        let mut state = self.state();
        state.tails[id].complete = true;
        state.tails[id].changes += 1;
        self.changed.notify_all();
    }

    pub(super) fn hold(&self, hold: bool) {
        self.tell(|state| state.hold = hold);
    }

    pub(super) fn begin(&self) {
        self.state().active += 1;
    }

    pub(super) fn end(&self) {
        self.tell(|state| state.active -= 1);
    }

    pub(super) fn active(&self) -> usize {
        self.state().active
    }

    pub(super) fn stop(&self) {
        self.tell(|state| state.stop = true);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.state().stop
    }

    /// Stops everything because of the output.
    pub(super) fn fail(&self, error: io::Error) {
        self.tell(|state| {
            state.stop = true;
            state.error.get_or_insert(error);
        });
    }

    pub(super) fn take_error(&self) -> Option<io::Error> {
        self.state().error.take()
    }
}

/// Reads a file, and waits at its end until there is more or its writer is done.
pub(super) struct Tail<'a> {
    pub(super) file: File,
    pub(super) id: usize,
    /// Does not wait for what was there before: it is that.
    pub(super) first: bool,
    pub(super) shared: &'a Shared,
    pub(super) sink: &'a Mutex<Sink>,
}

impl Tail<'_> {
    /// Waits until `go` says so. Returns whether it was not for a stop.
    fn wait(&self, go: impl Fn(&State) -> bool) -> bool {
        let state = self.shared.changed.wait_while(self.shared.state(), |s| !s.stop && !go(s));
        !state.unwrap_or_else(PoisonError::into_inner).stop
    }
}

impl Read for Tail<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.first && !self.wait(|state| !state.hold) {
            return Ok(0);
        }
        loop {
            // Asked before the read: what is written after it counts as a change.
            let before = {
                let state = self.shared.state();
                if state.stop {
                    return Ok(0);
                }
                state.tails[self.id]
            };
            let read = self.file.read(buffer)?;
            if read > 0 || before.complete {
                return Ok(read);
            }
            if let Err(error) = lock(self.sink).flush() {
                self.shared.fail(error);
            }
            if !self.wait(|state| state.tails[self.id].changes != before.changes) {
                return Ok(0);
            }
        }
    }
}

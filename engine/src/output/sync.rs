// SPDX-License-Identifier: Apache-2.0
//! What the queue is built of. `model/sync.rs` has the same names for loom.

pub(crate) use std::sync::OnceLock;
pub(crate) use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::thread::Thread;
use std::time::Duration;

pub(crate) use crossbeam::queue::ArrayQueue;

/// Wakes one thread. It keeps one ring for a thread that does not wait yet.
#[derive(Debug)]
pub(crate) struct Bell(OnceLock<Thread>);

impl Bell {
    pub(crate) fn new() -> Self {
        Self(OnceLock::new())
    }

    /// Tells which thread waits. Who rings does this first.
    pub(crate) fn wakes(&self, thread: &Thread) {
        let _ = self.0.set(thread.clone());
    }

    /// Ends the wait of the thread, this one or the next.
    pub(crate) fn ring(&self) {
        if let Some(thread) = self.0.get() {
            thread.unpark();
        }
    }

    /// Waits for a ring or until the time is over. May return early.
    pub(crate) fn wait(&self, time: Duration) {
        std::thread::park_timeout(time);
    }
}

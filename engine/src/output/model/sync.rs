// SPDX-License-Identifier: Apache-2.0
//! `output/sync.rs` for loom: it tries every order of what threads do with
//! these, and promises no more than the real ones.

use std::collections::VecDeque;
use std::thread::Thread;
use std::time::Duration;

use loom::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
pub(super) use loom::sync::atomic::{AtomicBool, AtomicUsize};
use loom::sync::{Condvar, Mutex};

/// For one thread that adds and one that takes. It orders nothing but an item's
/// way, which the real one also does.
#[derive(Debug)]
pub(super) struct ArrayQueue<T> {
    /// Not of loom's: what is added is seen by what follows only.
    items: std::sync::Mutex<VecDeque<T>>,
    added: AtomicUsize,
    taken: AtomicUsize,
    room: usize,
}

impl<T> ArrayQueue<T> {
    pub(super) fn new(room: usize) -> Self {
        let (added, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { items: std::sync::Mutex::default(), added, taken, room }
    }

    pub(super) fn push(&self, item: T) -> Result<(), T> {
        let added = self.added.load(Relaxed);
        if added - self.taken.load(Acquire) == self.room {
            return Err(item);
        }
        self.items.lock().expect("nothing panics here").push_back(item);
        self.added.store(added + 1, Release);
        Ok(())
    }

    pub(super) fn pop(&self) -> Option<T> {
        let taken = self.taken.load(Relaxed);
        if self.added.load(Acquire) == taken {
            return None;
        }
        let item = self.items.lock().expect("nothing panics here").pop_front();
        self.taken.store(taken + 1, Release);
        item
    }

    pub(super) fn len(&self) -> usize {
        let taken = self.taken.load(Acquire);
        self.added.load(Acquire) - taken
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Release when it is set, Acquire when it is looked at.
#[derive(Debug)]
pub(super) struct OnceLock<T> {
    value: std::sync::OnceLock<T>,
    is_set: AtomicBool,
}

impl<T> OnceLock<T> {
    pub(super) fn new() -> Self {
        Self { value: std::sync::OnceLock::new(), is_set: AtomicBool::new(false) }
    }

    pub(super) fn set(&self, value: T) -> Result<(), T> {
        self.value.set(value)?;
        self.is_set.swap(true, AcqRel);
        Ok(())
    }

    pub(super) fn get(&self) -> Option<&T> {
        if self.is_set.load(Acquire) { self.value.get() } else { None }
    }
}

/// Time does not pass: a wait ends with a ring, and loom objects to one that
/// no ring can end.
#[derive(Debug)]
pub(super) struct Bell {
    has_thread: OnceLock<()>,
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    pub(super) fn new() -> Self {
        let (rung, changed) = (Mutex::new(false), Condvar::new());
        Self { has_thread: OnceLock::new(), rung, changed }
    }

    pub(super) fn wakes(&self, _: &Thread) {
        let _ = self.has_thread.set(());
    }

    pub(super) fn ring(&self) {
        if self.has_thread.get().is_some() {
            *self.rung.lock().expect("nothing panics here") = true;
            self.changed.notify_one();
        }
    }

    pub(super) fn wait(&self, _: Duration) {
        let mut rung = self.rung.lock().expect("nothing panics here");
        while !*rung {
            rung = self.changed.wait(rung).expect("nothing panics here");
        }
        *rung = false;
    }
}

// SPDX-License-Identifier: Apache-2.0
//! The way from the capture to an output: bounded, without locks, and the
//! capture never waits.
//!
//! The capture changes something, then rings. The output looks at everything,
//! then sleeps; a ring in between ends the sleep. But one sleep takes all rings
//! before it: between any two sleeps the output has to look again. `model.rs`
//! checks that this, and the way `worker.rs` does it, is enough.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::Thread;
use std::time::Duration;

use super::batch::Batch;
use super::sync::{ArrayQueue, AtomicBool, AtomicUsize, Bell, OnceLock};
use crate::account::Account;

/// Items of a queue at most: small batches come every [`super::PATIENCE`].
const SLOTS: usize = 4096;

/// From here on nothing refers to what came before.
#[derive(Clone, Debug)]
pub(super) struct Fresh {
    /// Whether to begin a new file.
    pub(super) rotate: bool,
    /// What was counted until here.
    pub(super) account: Arc<Account>,
}

/// What an output is told, in order.
#[derive(Debug)]
pub(super) enum Item {
    Fresh(Fresh),
    Batch(Arc<Batch>),
}

impl Item {
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Fresh(_) => 0,
            Self::Batch(batch) => batch.size(),
        }
    }
}

/// Connects the capture with one output.
#[derive(Debug)]
pub(super) struct Queue {
    items: ArrayQueue<Item>,
    /// Bytes of the batches in it.
    bytes: AtomicUsize,
    limit: usize,
    /// Wakes who takes items out.
    bell: Bell,
    /// The output needs a [`Fresh`], with a new file or without.
    wants_fresh: AtomicBool,
    wants_file: AtomicBool,
    /// The capture is over: nothing is added any more.
    end: OnceLock<Arc<Account>>,
    /// What was begun is to be removed.
    discard: AtomicBool,
    /// The output will take nothing any more.
    closed: AtomicBool,
}

impl Queue {
    /// A queue of this many bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            items: ArrayQueue::new(SLOTS),
            bytes: AtomicUsize::new(0),
            limit,
            bell: Bell::new(),
            wants_fresh: AtomicBool::new(false),
            wants_file: AtomicBool::new(false),
            end: OnceLock::new(),
            discard: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        }
    }

    /// Adds an item, unless there is no room.
    pub(super) fn push(&self, item: Item) -> Result<(), Item> {
        let size = item.size();
        // Only the capture adds: what is read here can only shrink meanwhile.
        let held = self.bytes.load(Ordering::Relaxed);
        if held > 0 && held + size > self.limit {
            return Err(item);
        }
        self.bytes.fetch_add(size, Ordering::Relaxed);
        let pushed = self.items.push(item);
        if pushed.is_err() {
            self.bytes.fetch_sub(size, Ordering::Relaxed);
        }
        self.bell.ring();
        pushed
    }

    /// Takes the oldest item.
    pub(super) fn pop(&self) -> Option<Item> {
        let item = self.items.pop()?;
        self.bytes.fetch_sub(item.size(), Ordering::Relaxed);
        Some(item)
    }

    /// Whether there is nothing to do for the output.
    pub(super) fn is_quiet(&self) -> bool {
        self.items.is_empty() && self.ended().is_none()
    }

    /// Bytes in it.
    pub(super) fn held(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Bytes it can hold.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Whether at least half of it is free.
    pub(super) fn has_room(&self) -> bool {
        self.held() <= self.limit / 2 && self.items.len() <= SLOTS / 2
    }

    /// This thread takes the items. For the capture to say, before it adds one:
    /// if the thread said so itself, it could come too late for a wake-up.
    pub(super) fn read_by(&self, reader: &Thread) {
        self.bell.wakes(reader);
    }

    /// Sleeps until something changes or the time is over. May return early.
    /// Who comes back from here looks at everything again before the next time.
    pub(super) fn wait(&self, time: Duration) {
        self.bell.wait(time);
    }

    pub(super) fn ask_fresh(&self) {
        self.wants_fresh.store(true, Ordering::Release);
    }

    pub(super) fn ask_file(&self) {
        self.wants_file.store(true, Ordering::Release);
    }

    /// What the output asked for since the last time: a fresh start, a file.
    pub(super) fn take_wishes(&self) -> (bool, bool) {
        if !self.wants_fresh.load(Ordering::Relaxed) && !self.wants_file.load(Ordering::Relaxed) {
            return (false, false);
        }
        let fresh = self.wants_fresh.swap(false, Ordering::Acquire);
        (fresh, self.wants_file.swap(false, Ordering::Acquire))
    }

    /// Tells the output that the capture is over.
    pub(super) fn end(&self, account: Arc<Account>) {
        let _ = self.end.set(account);
        self.bell.ring();
    }

    /// The capture's last account, if it is over.
    pub(super) fn ended(&self) -> Option<&Arc<Account>> {
        self.end.get()
    }

    /// The capture did not even begin.
    pub(super) fn discard(&self) {
        self.discard.store(true, Ordering::Release);
    }

    pub(super) fn discards(&self) -> bool {
        self.discard.load(Ordering::Acquire)
    }

    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}

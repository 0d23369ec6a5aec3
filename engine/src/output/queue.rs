// SPDX-License-Identifier: Apache-2.0
//! The way from the capture to an output: bounded, without locks, and the
//! capture never waits.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::Thread;
use std::time::Duration;

use crossbeam::queue::ArrayQueue;

use super::batch::Batch;
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
    fn size(&self) -> usize {
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
    /// Who takes items out.
    reader: OnceLock<Thread>,
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
            reader: OnceLock::new(),
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
        self.wake();
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

    /// The thread that calls this takes the items.
    pub(super) fn read_here(&self) {
        let _ = self.reader.set(std::thread::current());
    }

    /// Sleeps until something changes or the time is over. May return early.
    /// Who comes back from here looks at everything again before the next time.
    pub(super) fn wait(&self, time: Duration) {
        std::thread::park_timeout(time);
    }

    fn wake(&self) {
        if let Some(reader) = self.reader.get() {
            reader.unpark();
        }
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
        self.wake();
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

#[cfg(test)]
mod tests {
    use sysflow::record::FileFlow;
    use sysflow::schema::Version;

    use super::super::batch::Pool;
    use super::*;

    fn batch() -> Item {
        let mut batch = Batch::new(&Arc::new(Pool::new(1)));
        batch.push(Version::V5, FileFlow::default());
        Item::Batch(Arc::new(batch))
    }

    #[test]
    fn a_full_queue_gives_back_what_it_cannot_hold() {
        let size = batch().size();
        let queue = Queue::new(2 * size + 1);
        assert!(queue.push(batch()).is_ok() && queue.has_room());
        assert!(queue.push(batch()).is_ok() && !queue.has_room());
        assert!(queue.push(batch()).is_err());
        assert_eq!(queue.held(), 2 * size);
        assert!(queue.pop().is_some());
        assert!(queue.push(batch()).is_ok());
        assert!(queue.pop().is_some() && queue.pop().is_some() && queue.pop().is_none());
        assert_eq!(queue.held(), 0);
    }

    #[test]
    fn one_batch_fits_however_large_it_is() {
        let queue = Queue::new(1);
        assert!(queue.push(batch()).is_ok());
        assert!(queue.push(batch()).is_err());
    }

    #[test]
    fn a_wish_is_granted_once() {
        let queue = Queue::new(1);
        assert_eq!(queue.take_wishes(), (false, false));
        queue.ask_file();
        assert_eq!(queue.take_wishes(), (false, true));
        assert_eq!(queue.take_wishes(), (false, false));
    }
}

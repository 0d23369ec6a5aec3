// SPDX-License-Identifier: Apache-2.0
//! The way from the front to the back, and of empty batches from there to here:
//! bounded, and without locks.
//!
//! Each side changes something, then rings the other's bell. Who waits looks at
//! everything again between any two waits, because one wait takes all rings
//! before it. `model.rs` checks that this is enough, and that nothing is left
//! when it ends.

use std::sync::atomic::Ordering;
use std::thread::Thread;
use std::time::Duration;

use super::sync::{ArrayQueue, AtomicBool, Bell};

/// What the back does, in this order.
#[derive(Debug)]
pub(super) enum Task<B, O> {
    /// Applies these events.
    Batch(B),
    /// Something else.
    Order(O),
}

/// Nothing depends on the end of a wait.
const LONG: Duration = Duration::from_secs(3600);

/// Connects front and back.
pub(super) struct Link<B, O> {
    tasks: ArrayQueue<Task<B, O>>,
    spare: ArrayQueue<B>,
    /// Wakes the back.
    back: Bell,
    /// Wakes the front.
    front: Bell,
    /// Nothing is put any more.
    over: AtomicBool,
    /// Nothing is taken any more.
    gone: AtomicBool,
}

impl<B, O> Link<B, O> {
    /// A link with these batches, all of them empty, and room for so many tasks.
    /// `front` is the thread that puts.
    pub(super) fn new(batches: Vec<B>, tasks: usize, front: &Thread) -> Self {
        let spare = ArrayQueue::new(batches.len());
        for batch in batches {
            let _ = spare.push(batch);
        }
        let link = Self {
            tasks: ArrayQueue::new(tasks),
            spare,
            back: Bell::new(),
            front: Bell::new(),
            over: AtomicBool::new(false),
            gone: AtomicBool::new(false),
        };
        link.front.wakes(front);
        link
    }

    /// This thread takes. For the front to say, before it puts anything.
    pub(super) fn taken_by(&self, back: &Thread) {
        self.back.wakes(back);
    }

    /// Hands a task on, as soon as there is room. Returns whether it did: not if
    /// nobody will take it.
    pub(super) fn put(&self, mut task: Task<B, O>) -> bool {
        loop {
            match self.tasks.push(task) {
                Ok(()) => {
                    self.back.ring();
                    return true;
                }
                Err(back) => task = back,
            }
            if self.gone.load(Ordering::Acquire) {
                return false;
            }
            self.front.wait(LONG);
        }
    }

    /// An empty batch, as soon as there is one; none if nobody will empty one.
    pub(super) fn spare(&self) -> Option<B> {
        loop {
            if let Some(batch) = self.spare.pop() {
                return Some(batch);
            }
            if self.gone.load(Ordering::Acquire) {
                return None;
            }
            self.front.wait(LONG);
        }
    }

    /// How many tasks wait for the back.
    pub(super) fn waiting(&self) -> usize {
        self.tasks.len()
    }

    /// Nothing is put any more.
    pub(super) fn end(&self) {
        // Release pairs with the load in `is_over`: what was put is there.
        self.over.store(true, Ordering::Release);
        self.back.ring();
    }

    /// The next task, as soon as there is one; none if there will be none.
    pub(super) fn take(&self) -> Option<Task<B, O>> {
        loop {
            // In this order: what is seen to be over is complete.
            let over = self.is_over();
            let task = self.try_take();
            if over || task.is_some() {
                return task;
            }
            self.wait_for_task();
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    pub(super) fn try_take(&self) -> Option<Task<B, O>> {
        let task = self.tasks.pop()?;
        self.front.ring();
        Some(task)
    }

    /// Returns when something was put or all is over, or earlier.
    pub(super) fn wait_for_task(&self) {
        self.back.wait(LONG);
    }

    /// Gives an empty batch back.
    pub(super) fn give_back(&self, batch: B) {
        // There is room for all that there are.
        let _ = self.spare.push(batch);
        self.front.ring();
    }

    /// Nothing is taken any more.
    pub(super) fn leave(&self) {
        // Release pairs with the loads of who waits: nothing comes after it.
        self.gone.store(true, Ordering::Release);
        self.front.ring();
    }
}

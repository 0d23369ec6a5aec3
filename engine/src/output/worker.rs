// SPDX-License-Identifier: Apache-2.0
//! The thread of an output: takes batches from its queue, one after the other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::batch::{Batch, Kinds};
use super::queue::{Fresh, Item, Queue};
use super::tally::{Cause, Tally};
use crate::account::Account;

/// Between two attempts at what failed.
pub(super) const RETRY: Duration = Duration::from_secs(1);

/// Where an output writes to. Its methods may take as long as they need: what
/// comes meanwhile waits in the queue, or is shed and counted.
pub(super) trait Target: Send {
    /// From here on nothing refers to what came before.
    fn fresh(&mut self, fresh: Fresh, hand: &Hand);

    /// Takes records, each of which is written or shed.
    fn batch(&mut self, batch: &Batch, hand: &Hand);

    /// Nothing to do: stores what is due. Returns when to be called again if
    /// nothing comes before.
    fn idle(&mut self, now: Instant, hand: &Hand) -> Option<Instant>;

    /// The capture is over.
    fn end(&mut self, account: &Arc<Account>, hand: &Hand);
}

/// What a target can ask and tell.
pub(super) struct Hand {
    pub(super) name: Arc<str>,
    pub(super) queue: Arc<Queue>,
    pub(super) tally: Arc<Tally>,
}

impl Hand {
    /// Whether the capture is over: what fails now is not tried again.
    pub(super) fn ending(&self) -> bool {
        self.queue.ended().is_some()
    }

    /// Waits before another attempt. Returns false if there is to be none.
    pub(super) fn pause(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        while !self.ending() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            self.queue.wait(left);
        }
        false
    }

    /// Counts what could not be written.
    pub(super) fn shed(&self, cause: Cause, kinds: &Kinds) {
        self.tally.shed(cause, kinds);
    }

    /// The target does not work, which is told once until it does.
    pub(super) fn failed(&self, error: &dyn std::fmt::Display) {
        if !self.tally.set_failing(true) {
            log::error!(output = &*self.name; "{error}");
        }
    }

    /// Something is lost for good, which is told each time.
    pub(super) fn broke(&self, error: &dyn std::fmt::Display) {
        self.tally.set_failing(true);
        log::error!(output = &*self.name; "{error}");
    }

    /// The target works, which is told if it did not.
    pub(super) fn works(&self) {
        if self.tally.set_failing(false) {
            log::warn!(output = &*self.name; "the output works again");
        }
    }
}

/// Sleeps no longer than this: nothing depends on it.
const LONG: Duration = Duration::from_secs(3600);

/// The thread's work until the capture is over.
pub(super) fn work(mut target: Box<dyn Target>, hand: &Hand) {
    loop {
        // In this order: what is seen to have ended is complete.
        let ended = hand.queue.ended().cloned();
        match hand.queue.pop() {
            Some(Item::Fresh(fresh)) => target.fresh(fresh, hand),
            Some(Item::Batch(batch)) => target.batch(&batch, hand),
            None => {
                if let Some(account) = ended {
                    return target.end(&account, hand);
                }
                let now = Instant::now();
                let next = target.idle(now, hand);
                let sleep = next.map_or(LONG, |next| next.saturating_duration_since(now));
                // While the target waited in there it may have been woken for
                // what came meanwhile, and will not be woken again.
                if hand.queue.is_quiet() {
                    hand.queue.wait(sleep);
                }
            }
        }
    }
}

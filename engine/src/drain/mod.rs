// SPDX-License-Identifier: Apache-2.0
//! From the rings to the engine, on one thread or two.
//!
//! ```text
//! one:  rings ── merge ── engine ── outputs
//!
//! two:  rings ── [merge ── [sums]] ── batch ──┐       front
//!                                             ├ link  bounded, without locks
//!                      batch ── [merge] ── engine ──  back
//! ```
//!
//! The engine's state is one: processes, open files, files and containers are
//! shared by all CPUs, and are told before what refers to them. So one thread
//! applies events, in the order of time. What can be done before that is the
//! *front's*: it merges the rings, and sums I/O records (`sums.rs` says which and
//! why nobody can tell), as far as the *back* has no time for it or all together
//! have less to do then (`front.rs`). All else it does not touch: a batch refers
//! to records where they lie, and the rings get their room back when the back has
//! applied them.
//!
//! What comes out is the same, byte for byte, as without a front: the same
//! records, counters and order. Whatever happens between events (time passes, a
//! file begins) is an [`Work::Order`], and keeps its place among them. One thing
//! shows: where a table is full and flows end early, what a sum had not told yet
//! is told in the flow that begins then.
//!
//! If the back does not keep up, the front waits for an empty batch, and the
//! rings fill: what then finds no room is counted there, and nowhere else is
//! anything lost.

mod batch;
mod front;
mod link;
#[cfg(test)]
mod model;
mod slots;
mod sums;
mod sync;

use std::any::Any;
use std::io;
use std::marker::PhantomData;
use std::sync::Arc;
use std::thread::JoinHandle;

use probe_loader::Ring;

pub use sums::Sum;

use crate::merge::Merge;
use crate::privileges;
use crate::threads;
use batch::Batch;
use front::{Exchange, Front};
use link::{Link, Task};

/// What is done with events, and between them. It is done by one thread, in
/// order.
pub trait Work: Send + 'static {
    /// Something to do between two events.
    type Order: Send + 'static;

    /// Takes an event, as bytes of a ring.
    fn record(&mut self, bytes: &[u8]);

    /// Takes several I/O events that are as one.
    fn sum(&mut self, sum: &Sum);

    /// Does something else.
    fn order(&mut self, order: Self::Order);
}

/// How the front goes about it. What comes out does not depend on it.
#[derive(Clone, Copy, Debug)]
pub struct Tuning {
    /// Steps of a batch at most: records and sums.
    pub batch: usize,
    /// Batches that are not summed after one where it was not worth it.
    pub rest: u32,
    /// Rings are crowded when more than one part in so many of one waits to be
    /// read.
    pub crowded: u64,
}

/// Batches that are on their way at most.
const BATCHES: usize = 8;

/// Orders that may wait beside them.
const ORDERS: usize = 56;

type Chain<W> = Link<Box<Batch>, <W as Work>::Order>;

/// Takes events out of rings and has work done with them.
///
/// It is used by the thread that made it.
pub struct Drain<W: Work> {
    way: Way<W>,
    /// The back wakes the thread that made it.
    stays: PhantomData<*const ()>,
}

enum Way<W: Work> {
    One { merge: Merge, work: W },
    Two { front: Front, back: Back<W> },
}

/// The back, seen by the front.
struct Back<W: Work> {
    link: Arc<Chain<W>>,
    /// There until it is waited for.
    thread: Option<JoinHandle<W>>,
}

/// Also when nobody waits for it, the back does what was put, and ends.
impl<W: Work> Drop for Back<W> {
    fn drop(&mut self) {
        self.link.end();
    }
}

impl<W: Work> Drain<W> {
    /// On this thread alone.
    pub fn alone(work: W) -> Self {
        Self { way: Way::One { merge: Merge::default(), work }, stays: PhantomData }
    }

    /// With a second thread that does the work.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn with_back(work: W, tuning: Tuning) -> io::Result<Self> {
        let batch = || Box::new(Batch::with_room(tuning.batch + slots::MAX));
        let batches = (0..BATCHES).map(|_| batch()).collect();
        let link = Arc::new(Link::new(batches, BATCHES + ORDERS, &std::thread::current()));
        let theirs = Arc::clone(&link);
        let thread = threads::spawn_with("engine", &[privileges::SYS_PTRACE], move || {
            work_through(&theirs, work)
        })?;
        link.taken_by(thread.thread());
        let way = Way::Two { front: Front::new(tuning), back: Back { link, thread: Some(thread) } };
        Ok(Self { way, stays: PhantomData })
    }

    /// Takes every record that no unpublished one can precede, in the order of
    /// time, as [`Merge::drain`]. When this returns they may still be on their
    /// way, in order. Returns how many there were.
    pub fn drain(&mut self, rings: &mut [Ring], now: u64) -> u64 {
        self.drain_seen(rings, now, |_| ())
    }

    /// The same; `seen` gets the rings as they are found, before anything of
    /// them is taken.
    pub fn drain_seen(&mut self, rings: &mut [Ring], now: u64, seen: impl FnOnce(&[Ring])) -> u64 {
        match &mut self.way {
            Way::One { merge, work } => {
                merge.drain_seen(rings, now, seen, |bytes| work.record(bytes))
            }
            Way::Two { front, back } => front.drain(rings, now, seen, back),
        }
    }

    /// The time up to which everything was taken, in the events' clock: what
    /// comes is later. Before the first [`Drain::drain`] it is 0.
    #[must_use]
    pub fn reached(&self) -> u64 {
        match &self.way {
            Way::One { merge, .. } => merge.reached(),
            Way::Two { front, .. } => front.reached(),
        }
    }

    /// Has something done after all events that were taken, and before all that
    /// will be.
    pub fn order(&mut self, order: W::Order) {
        match &mut self.way {
            Way::One { work, .. } => work.order(order),
            Way::Two { back, .. } => {
                back.link.put(Task::Order(order));
            }
        }
    }

    /// Says that an order lets time pass until then, in the events' clock.
    pub fn pass(&mut self, time: u64) {
        if let Way::Two { front, .. } = &mut self.way {
            front.pass(time);
        }
    }

    /// Waits until everything is done.
    ///
    /// # Errors
    /// What the other thread panicked with.
    pub fn finish(self) -> Result<W, Box<dyn Any + Send>> {
        match self.way {
            Way::One { work, .. } => Ok(work),
            Way::Two { mut back, .. } => {
                let thread = back.thread.take();
                drop(back);
                thread.expect("it is waited for once").join()
            }
        }
    }

    /// Whether the other thread is not there any more: it has panicked.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        let Way::Two { back, .. } = &self.way else { return false };
        back.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl<W: Work> Exchange for Back<W> {
    fn spare(&mut self) -> Option<Box<Batch>> {
        self.link.spare()
    }

    fn hand_on(&mut self, batch: Box<Batch>) {
        self.link.put(Task::Batch(batch));
    }

    fn waiting(&self) -> usize {
        self.link.waiting()
    }
}

/// Tells the front when the back is gone, also by a panic.
struct Leaves<'a, W: Work>(&'a Chain<W>);

impl<W: Work> Drop for Leaves<'_, W> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// The back's thread.
fn work_through<W: Work>(link: &Chain<W>, mut work: W) -> W {
    let _leaves = Leaves::<W>(link);
    while let Some(task) = link.take() {
        match task {
            Task::Batch(mut batch) => {
                batch.apply(&mut work);
                link.give_back(batch);
            }
            Task::Order(order) => work.order(order),
        }
    }
    work
}

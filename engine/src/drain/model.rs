// SPDX-License-Identifier: Apache-2.0
//! `link.rs` itself, compiled once more for loom, with the interleavings of
//! front and back, and the reorderings that its memory orderings allow.
//!
//! Time does not pass here: a wake-up that is lost leaves both waiting, and loom
//! objects. That it does is checked with each mistake that the real code avoids.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicU64, Ordering};
use loom::thread;

use link::{Link, Task};

#[expect(clippy::duplicate_mod, reason = "with the primitives of the module beside it")]
#[expect(dead_code, reason = "how much waits is asked by the front")]
#[path = "link.rs"]
mod link;
#[expect(clippy::duplicate_mod, reason = "as for the outputs' queue")]
#[expect(dead_code, reason = "the link needs less of it")]
#[path = "../output/model/sync.rs"]
mod sync;

/// So many times a run switches threads where it does not have to.
const PREEMPTIONS: usize = 2;

fn model(check: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(PREEMPTIONS);
    model.check(check);
}

/// A batch of the model: places of a ring of one record.
type Batch = Vec<u64>;
type Chain = Link<Batch, u64>;

fn chain(batches: usize, tasks: usize) -> Arc<Chain> {
    // There is one thread outside of loom.
    let here = std::thread::current();
    let link = Link::new(vec![Batch::new(); batches], tasks, &here);
    link.taken_by(&here);
    Arc::new(link)
}

/// What the back has done: batches by what they held, orders as they are.
fn work(link: &Chain) -> Vec<u64> {
    let mut done = Vec::new();
    while let Some(task) = link.take() {
        match task {
            Task::Batch(mut batch) => {
                done.append(&mut batch);
                link.give_back(batch);
            }
            Task::Order(order) => done.push(order),
        }
    }
    link.leave();
    done
}

/// What is put is done, once, in order, and the end comes after it; with one
/// batch and one place for tasks, so that each side waits for the other.
fn all_is_done(put: fn(&Chain, u64), work: fn(&Chain) -> Vec<u64>) {
    model(move || {
        let link = chain(1, 1);
        let back = thread::spawn({
            let link = Arc::clone(&link);
            move || work(&link)
        });
        put(&link, 1);
        assert!(link.put(Task::Order(2)));
        put(&link, 3);
        link.end();
        assert_eq!(back.join().expect("the back ends"), [1, 2, 3], "{LEFT}");
    });
}

const LEFT: &str = "something was left";

fn put(link: &Chain, number: u64) {
    let mut batch = link.spare().expect("the back is there");
    batch.push(number);
    assert!(link.put(Task::Batch(batch)));
}

#[test]
fn what_was_put_is_done_before_the_end() {
    all_is_done(put, work);
}

/// A back that is gone, with a panic or without, holds nobody up.
#[test]
fn nobody_waits_for_a_back_that_is_gone() {
    model(|| {
        let link = chain(1, 1);
        let back = thread::spawn({
            let link = Arc::clone(&link);
            move || {
                // The batch is not given back.
                drop(link.take());
                link.leave();
            }
        });
        let batch = link.spare().expect("it was not taken yet");
        link.put(Task::Batch(batch));
        assert!(link.spare().is_none());
        // Into what the back has emptied; the second has no place.
        while link.put(Task::Order(1)) {}
        back.join().expect("the back ends");
    });
}

/// A ring of one record, from the kernel's end to the back, as `ring.rs` and
/// `loan.rs` order it: head and tail, and between them the link alone.
struct Ring {
    head: AtomicU64,
    tail: AtomicU64,
    data: UnsafeCell<u64>,
}

/// The writer's end: tries two records.
fn write(ring: &Ring) {
    for record in 1..=2 {
        if ring.tail.load(Ordering::Acquire) == record - 1 {
            // SAFETY: whoever reads is done with it; loom checks that.
            ring.data.with_mut(|data| unsafe { *data = record });
            ring.head.store(record, Ordering::Release);
        }
    }
}

/// The front's: looks twice, and hands on what it finds.
fn read(ring: &Ring, link: &Chain) -> u64 {
    let mut seen = 0;
    for _ in 0..2 {
        let head = ring.head.load(Ordering::Acquire);
        if head > seen {
            // SAFETY: between tail and head.
            seen = ring.data.with(|data| unsafe { *data });
            put(link, seen);
        }
    }
    seen
}

fn records_stay_until_they_are_applied(tail_store: Ordering) {
    model(move || {
        let (head, tail) = (AtomicU64::new(0), AtomicU64::new(0));
        let ring = loom::sync::Arc::new(Ring { head, tail, data: UnsafeCell::new(0) });
        let link = chain(2, 2);
        let back = thread::spawn({
            let (link, ring) = (Arc::clone(&link), ring.clone());
            move || {
                let mut done = 0;
                while let Some(Task::Batch(batch)) = link.take() {
                    // SAFETY: lent, and handed over.
                    done = ring.data.with(|data| unsafe { *data });
                    ring.tail.store(batch[0], tail_store);
                }
                done
            }
        });
        let writer = thread::spawn({
            let ring = ring.clone();
            move || write(&ring)
        });
        let seen = read(&ring, &link);
        link.end();
        assert_eq!(back.join().expect("the back ends"), seen);
        writer.join().expect("the writer ends");
    });
}

#[test]
fn a_ring_gets_its_room_back_from_the_other_thread() {
    records_stay_until_they_are_applied(Ordering::Release);
}

/// What the model has to say against it, if anything.
fn objection(check: impl FnOnce()) -> Option<String> {
    let said = catch_unwind(AssertUnwindSafe(check)).err()?;
    Some(said.downcast::<String>().map_or_else(|said| format!("{said:?}"), |said| *said))
}

/// [`Link::take`] with its steps in the wrong order: what is put in between is
/// left.
fn looks_for_the_end_last(link: &Chain) -> Vec<u64> {
    let mut done = Vec::new();
    loop {
        match link.try_take() {
            Some(Task::Batch(mut batch)) => {
                done.append(&mut batch);
                link.give_back(batch);
            }
            Some(Task::Order(order)) => done.push(order),
            None if link.is_over() => return done,
            None => link.wait_for_task(),
        }
    }
}

#[test]
fn no_step_can_be_spared() {
    let said = objection(|| all_is_done(put, looks_for_the_end_last));
    assert!(said.is_some_and(|said| said.contains(LEFT)), "the end overtakes a task");
    let said = objection(|| records_stay_until_they_are_applied(Ordering::Relaxed));
    assert!(said.is_some(), "the writer need not know that the back has read");
    let keeps = |link: &Chain| {
        let mut done = Vec::new();
        while let Some(task) = link.take() {
            match task {
                // Not given back: nobody rings for it.
                Task::Batch(mut batch) => done.append(&mut batch),
                Task::Order(order) => done.push(order),
            }
        }
        done
    };
    let said = objection(|| all_is_done(put, keeps));
    assert!(said.is_some_and(|said| said.starts_with("deadlock")), "a batch is not missed");
}

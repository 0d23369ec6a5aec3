// SPDX-License-Identifier: Apache-2.0
//! The queue and its thread. They are not tested where they stand, because
//! `model.rs` compiles both a second time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sysflow::record::FileFlow;
use sysflow::schema::Version;

use super::batch::{Batch, Pool};
use super::queue::{Fresh, Item, Queue};
use super::worker::{Hand, Target, work};
use crate::account::Account;

const LONG: Duration = Duration::from_secs(3600);

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

/// Waits whenever it has nothing to do, as one that tries again does.
struct Waiting;

impl Target for Waiting {
    fn fresh(&mut self, _: Fresh, _: &Hand) {}

    fn batch(&mut self, _: &Batch, _: &Hand) {}

    fn idle(&mut self, _: Instant, hand: &Hand) -> Option<Instant> {
        hand.pause(LONG);
        None
    }

    fn end(&mut self, _: &Arc<Account>, _: &Hand) {}
}

#[test]
fn an_end_that_comes_while_a_target_waits_is_seen() {
    let hand =
        Hand { name: "waiting".into(), queue: Arc::new(Queue::new(1)), tally: Arc::default() };
    let queue = Arc::clone(&hand.queue);
    let (done, is_done) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        work(Box::new(Waiting), &hand);
        let _ = done.send(());
    });
    queue.read_by(thread.thread());
    // It waits for an hour by now, if it got that far.
    std::thread::sleep(Duration::from_millis(50));
    queue.end(Arc::default());
    is_done.recv_timeout(Duration::from_secs(60)).expect("it has not ended");
}

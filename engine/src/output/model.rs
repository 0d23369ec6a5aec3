// SPDX-License-Identifier: Apache-2.0
//! `queue.rs` and `worker.rs` themselves, compiled once more for loom, with
//! the interleavings of the capture's thread and an output's, and the
//! reorderings that their memory orderings allow.
//!
//! Time does not pass here. So a wake-up that is lost is not made up for by the
//! end of a wait: both threads wait, and loom objects. That it does is checked
//! with each mistake that the real code avoids.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use loom::thread;
use sysflow::record::FileFlow;
use sysflow::schema::Version;

use super::{batch, tally};
use crate::account::Account;
use batch::{Batch, Pool};
use queue::{Fresh, Item, Queue};
use sync::Bell;
use worker::{Hand, Target};

#[expect(clippy::duplicate_mod, reason = "with the primitives of the module beside it")]
#[expect(dead_code, reason = "the model needs less of it")]
#[path = "queue.rs"]
mod queue;
mod sync;
#[expect(clippy::duplicate_mod, reason = "with the primitives of the module beside it")]
#[expect(dead_code, reason = "the model needs less of it")]
#[path = "worker.rs"]
mod worker;

/// So many times a run switches threads where it does not have to: all
/// interleavings are too many. The mistakes below show within these.
const PREEMPTIONS: usize = 2;

fn model(check: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(PREEMPTIONS);
    model.check(check);
}

const HOUR: Duration = Duration::from_secs(3600);

const LEFT: &str = "something was left in the queue";

/// What a target was told: a run, a batch by its number of records, the end with
/// the account's time.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Run,
    Batch(u64),
    End(i64),
    Discarded,
}

/// What a target does when there is nothing to do.
#[derive(Clone, Copy, Debug)]
enum Idle {
    Returns,
    /// Until something changes, as who tries again does when the time is over.
    WaitsOnce,
    /// Until the capture is over.
    Pauses,
}

/// What was told and not heard yet. Not of loom's: it decides nothing.
type Heard = Arc<Mutex<Vec<Told>>>;

struct Teller {
    idle: Idle,
    heard: Heard,
    /// Rung for all but the end.
    bell: Option<Arc<Bell>>,
}

impl Teller {
    fn tell(&self, told: Told) {
        self.heard.lock().expect("nothing panics here").push(told);
        if let Some(bell) = &self.bell {
            bell.ring();
        }
    }
}

impl Target for Teller {
    fn fresh(&mut self, _: Fresh, _: &Hand) {
        self.tell(Told::Run);
    }

    fn batch(&mut self, batch: &Batch, hand: &Hand) {
        // Others watch it; taken before it was added, it would be huge.
        assert!(hand.queue.held() < batch::FULL, "more bytes were taken than added");
        self.tell(Told::Batch(batch.kinds().total()));
    }

    fn idle(&mut self, _: Instant, hand: &Hand) -> Option<Instant> {
        match self.idle {
            Idle::Returns => {}
            Idle::WaitsOnce if hand.ending() => {}
            Idle::WaitsOnce => hand.queue.wait(HOUR),
            Idle::Pauses => assert!(!hand.pause(HOUR), "time does not pass"),
        }
        None
    }

    fn end(&mut self, account: &Arc<Account>, hand: &Hand) {
        self.bell = None;
        let discards = hand.queue.discards();
        self.tell(if discards { Told::Discarded } else { Told::End(account.at) });
    }
}

type Work = fn(Box<dyn Target>, &Hand);

/// An output's thread, seen by the capture.
struct Output {
    queue: Arc<Queue>,
    heard: Heard,
    thread: thread::JoinHandle<()>,
}

impl Output {
    fn start(limit: usize, idle: Idle, bell: Option<Arc<Bell>>, work: Work) -> Self {
        let output = Self::start_unknown(limit, idle, bell, work);
        // There is one thread outside of loom.
        output.queue.read_by(&std::thread::current());
        output
    }

    /// One whose queue does not know whom to wake.
    fn start_unknown(limit: usize, idle: Idle, bell: Option<Arc<Bell>>, work: Work) -> Self {
        let queue = Arc::new(Queue::new(limit));
        let heard = Heard::default();
        let target = Teller { idle, heard: Arc::clone(&heard), bell };
        let hand = Hand { name: "".into(), queue: Arc::clone(&queue), tally: Arc::default() };
        let thread = thread::spawn(move || work(Box::new(target), &hand));
        Self { queue, heard, thread }
    }

    fn end(&self) {
        self.queue.end(Arc::new(Account { at: 7, ..Account::default() }));
    }

    /// What its target was told since the last time.
    fn hear(&self) -> Vec<Told> {
        std::mem::take(&mut *self.heard.lock().expect("nothing panics here"))
    }

    /// Waits for its end, after which nothing may be left.
    fn join(self) -> Vec<Told> {
        let Self { queue, heard, thread } = self;
        thread.join().expect("the output ends");
        assert!(queue.held() == 0 && queue.pop().is_none(), "{LEFT}");
        std::mem::take(&mut *heard.lock().expect("nothing panics here"))
    }
}

fn fresh() -> Item {
    Item::Fresh(Fresh { rotate: false, account: Arc::default() })
}

fn batch(pool: &Arc<Pool>, records: u64) -> Arc<Batch> {
    let mut batch = Batch::new(pool);
    for _ in 0..records {
        batch.push(Version::V5, FileFlow::default());
    }
    Arc::new(batch)
}

/// Whatever comes while the output sleeps, or is about to, wakes it.
fn all_wake(idle: Idle, work: Work) {
    model(move || {
        let bell = Arc::new(Bell::new());
        bell.wakes(&std::thread::current());
        let output = Output::start(usize::MAX, idle, Some(Arc::clone(&bell)), work);
        let pool = Arc::new(Pool::new(1));
        assert!(output.queue.push(Item::Batch(batch(&pool, 1))).is_ok());
        bell.wait(HOUR);
        assert_eq!(output.hear(), [Told::Batch(1)]);
        assert!(output.queue.push(fresh()).is_ok());
        bell.wait(HOUR);
        assert_eq!(output.hear(), [Told::Run]);
        output.end();
        assert_eq!(output.join(), [Told::End(7)]);
    });
}

/// What is taken is told, in order, before the end; the rest was given back.
/// The memory of all comes back.
fn all_arrive(idle: Idle, work: Work) {
    model(move || {
        // No room for a second batch while the first is there.
        let output = Output::start(1, idle, None, work);
        let pool = Arc::new(Pool::new(8));
        let batches = [1, 2].map(|records| batch(&pool, records));
        let mut taken = vec![Told::Run];
        assert!(output.queue.push(fresh()).is_ok());
        for batch in batches {
            let told = Told::Batch(batch.kinds().total());
            if output.queue.push(Item::Batch(batch)).is_ok() {
                taken.push(told);
            }
        }
        output.end();
        taken.push(Told::End(7));
        assert_eq!(output.join(), taken);
        assert_eq!(pool.len(), 2);
    });
}

/// What the model has to say against it, if anything.
fn objection(check: impl FnOnce()) -> Option<String> {
    let said = catch_unwind(AssertUnwindSafe(check)).err()?;
    let said = said.downcast::<String>().map_or_else(|said| format!("{said:?}"), |said| *said);
    Some(said)
}

/// Whether all threads wait, and not only because the model is too large.
fn hangs(check: impl FnOnce()) -> bool {
    objection(check).is_some_and(|said| said.starts_with("deadlock"))
}

#[test]
fn whatever_comes_wakes_the_output() {
    all_wake(Idle::Returns, worker::work);
    all_wake(Idle::WaitsOnce, worker::work);
}

#[test]
fn what_was_taken_is_there_before_the_end() {
    all_arrive(Idle::Returns, worker::work);
    all_arrive(Idle::WaitsOnce, worker::work);
    all_arrive(Idle::Pauses, worker::work);
}

#[test]
fn a_batch_of_two_outputs_comes_back_once() {
    model(|| {
        let outputs = [Idle::Returns, Idle::Pauses];
        let outputs = outputs.map(|idle| Output::start(usize::MAX, idle, None, worker::work));
        let pool = Arc::new(Pool::new(8));
        let shared = batch(&pool, 1);
        for output in &outputs {
            assert!(output.queue.push(Item::Batch(Arc::clone(&shared))).is_ok());
        }
        drop(shared);
        outputs.iter().for_each(Output::end);
        for output in outputs {
            assert_eq!(output.join(), [Told::Batch(1), Told::End(7)]);
        }
        assert_eq!(pool.len(), 1);
    });
}

#[test]
fn a_capture_that_did_not_begin_leaves_nothing() {
    model(|| {
        let output = Output::start(1, Idle::Returns, None, worker::work);
        output.queue.discard();
        output.end();
        assert_eq!(output.join(), [Told::Discarded]);
    });
}

/// The loop of `work`, and which of its steps to leave out.
fn work_carelessly(mut target: Box<dyn Target>, hand: &Hand, ended_first: bool, looks: bool) {
    loop {
        let before = hand.queue.ended().cloned();
        match hand.queue.pop() {
            Some(Item::Fresh(fresh)) => target.fresh(fresh, hand),
            Some(Item::Batch(batch)) => target.batch(&batch, hand),
            None => {
                let after = hand.queue.ended().cloned();
                if let Some(account) = if ended_first { before } else { after } {
                    return target.end(&account, hand);
                }
                target.idle(Instant::now(), hand);
                if !looks || hand.queue.is_quiet() {
                    hand.queue.wait(HOUR);
                }
            }
        }
    }
}

#[test]
fn no_step_can_be_spared() {
    let complete: Work = |target, hand| work_carelessly(target, hand, true, true);
    assert_eq!(objection(|| all_wake(Idle::WaitsOnce, complete)), None);
    assert_eq!(objection(|| all_arrive(Idle::Pauses, complete)), None);

    let sleeps_at_once: Work = |target, hand| work_carelessly(target, hand, true, false);
    assert!(hangs(|| all_wake(Idle::WaitsOnce, sleeps_at_once)), "a batch wakes nobody");
    assert!(hangs(|| all_arrive(Idle::Pauses, sleeps_at_once)), "the end wakes nobody");

    let looks_too_late: Work = |target, hand| work_carelessly(target, hand, false, true);
    let said = objection(|| all_arrive(Idle::Returns, looks_too_late));
    assert_eq!(said.as_deref(), Some(LEFT), "the end overtakes a batch");
}

#[test]
fn the_capture_has_to_say_who_reads() {
    let late: Work = |target, hand| {
        hand.queue.read_by(&std::thread::current());
        worker::work(target, hand);
    };
    assert!(hangs(|| {
        model(move || {
            let output = Output::start_unknown(1, Idle::Returns, None, late);
            output.end();
            output.join();
        });
    }));
}

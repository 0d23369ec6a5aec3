// SPDX-License-Identifier: Apache-2.0
//! What runtimes tell of containers: name, image, whether it is privileged.
//!
//! A container is recognised by its control group, without anybody being asked. Its name is known
//! to its runtime alone, which keeps it in files or tells it at a socket. That can take long, and a
//! runtime that has just started a container may not have written its files yet. So a thread of its
//! own looks, and looks again; the capture asks and takes answers through bounded queues without
//! locks, once a second, and waits for nothing. Until there is an answer a container is written as
//! the reference does it, as "incomplete"; with the answer it is written again.

mod api;
mod files;
mod image;
mod oci;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{Thread, park_timeout};
use std::time::{Duration, Instant};

use crossbeam::queue::ArrayQueue;
use sysflow::record::ContainerType;

use crate::Engine;
use crate::privileges;
use crate::sink::Sink;
use crate::state::container::Details;
use crate::threads;

pub use files::Tree;

/// A container whose name is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The id as records have it: the first 12 digits, or a name.
    pub id: Arc<str>,
    /// The runtime, as far as the control group tells.
    pub kind: ContainerType,
}

/// What a runtime said.
type Answer = (Arc<str>, Details);

/// Questions and answers that wait at most.
const QUEUE: usize = 1024;

/// Before the first attempt is repeated; each time twice as long.
const RETRY: Duration = Duration::from_millis(250);

/// Attempts: the last is half a minute after the first.
const ATTEMPTS: u32 = 8;

/// Nothing to look for: looks again after that even if nobody rang.
const LONG: Duration = Duration::from_secs(3600);

struct Shared {
    questions: ArrayQueue<Question>,
    answers: ArrayQueue<Answer>,
    ended: AtomicBool,
    unknown: AtomicU64,
}

/// Asks the runtimes of this host.
pub struct Runtimes {
    shared: Arc<Shared>,
    thread: Thread,
}

impl Runtimes {
    /// Begins the thread that looks. The runtimes' files are those below `root`: `/`, or where the
    /// host's are seen from inside a container.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn begin(root: PathBuf) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            questions: ArrayQueue::new(QUEUE),
            answers: ArrayQueue::new(QUEUE),
            ended: AtomicBool::new(false),
            unknown: AtomicU64::new(0),
        });
        let mut work =
            Work { shared: Arc::clone(&shared), tree: Tree::new(root), open: Vec::new() };
        let thread =
            threads::spawn_with("runtimes", &[privileges::DAC_READ_SEARCH], move || work.run())?
                .thread()
                .clone();
        Ok(Self { shared, thread })
    }

    /// Asks. Never waits: false when too much was asked already.
    #[must_use]
    pub fn ask(&self, question: Question) -> bool {
        let asked = self.shared.questions.push(question).is_ok();
        self.thread.unpark();
        asked
    }

    /// An answer, if there is one.
    #[must_use]
    pub fn answer(&self) -> Option<(Arc<str>, Details)> {
        self.shared.answers.pop()
    }

    /// Containers that no runtime knew in the end.
    #[must_use]
    pub fn unknown(&self) -> u64 {
        self.shared.unknown.load(Ordering::Relaxed)
    }

    /// Asks for the containers that an engine has come to know, and tells it what is known now.
    pub fn exchange<S: Sink>(&self, engine: &mut Engine<S>) {
        for question in engine.take_new_containers() {
            if !self.ask(question) {
                self.shared.unknown.fetch_add(1, Ordering::Relaxed);
            }
        }
        while let Some((id, details)) = self.answer() {
            engine.container_told(&id, details);
        }
    }
}

impl Drop for Runtimes {
    /// The thread ends by itself: a runtime that does not answer is not waited for.
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// A question that has no answer yet.
struct Open {
    question: Question,
    attempts: u32,
    due: Instant,
}

/// The thread's.
struct Work {
    shared: Arc<Shared>,
    tree: Tree,
    open: Vec<Open>,
}

impl Work {
    fn run(&mut self) {
        while !self.shared.ended.load(Ordering::Acquire) {
            let now = Instant::now();
            while self.open.len() < QUEUE
                && let Some(question) = self.shared.questions.pop()
            {
                self.open.push(Open { question, attempts: 0, due: now });
            }
            self.look(now);
            let next = self.open.iter().map(|open| open.due).min();
            let sleep = next.map_or(LONG, |due| due.saturating_duration_since(Instant::now()));
            if self.shared.questions.is_empty() && !sleep.is_zero() {
                park_timeout(sleep);
            }
        }
    }

    /// Looks for what is due.
    fn look(&mut self, now: Instant) {
        let Self { shared, tree, open } = self;
        open.retain_mut(|open| {
            if open.due > now || shared.ended.load(Ordering::Acquire) {
                return true;
            }
            let id = &open.question.id;
            if let Some(details) = tree.look(&open.question) {
                // Full only if nobody takes answers any more.
                let _ = shared.answers.push((Arc::clone(id), details));
                return false;
            }
            open.due = Instant::now() + RETRY * (1 << open.attempts);
            open.attempts += 1;
            if open.attempts < ATTEMPTS {
                return true;
            }
            shared.unknown.fetch_add(1, Ordering::Relaxed);
            log::debug!(container = &**id; "no runtime tells the name of a container");
            false
        });
    }
}

#[cfg(test)]
mod tests;

// SPDX-License-Identifier: Apache-2.0
//! What the engine looks up: heard while recording, answered while replaying.

use std::collections::VecDeque;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;

use crate::snapshot::{Found, Lookup};

/// A question and its answer.
pub(super) type Answer = (u32, Option<Found>);

/// Asks another, and tells the recorder.
pub(super) struct Heard<L> {
    pub(super) inner: L,
    pub(super) tell: Sender<Answer>,
}

impl<L: Lookup> Lookup for Heard<L> {
    fn process(&mut self, pid: u32) -> Option<Found> {
        let found = self.inner.process(pid);
        let _ = self.tell.send((pid, found.clone()));
        found
    }
}

/// Answers as they were recorded, each once, in their order. Asked seldom and
/// by one thread: the lock is never waited for.
#[derive(Clone, Debug, Default)]
pub(super) struct Answers(Arc<Mutex<FxHashMap<u32, VecDeque<Option<Found>>>>>);

impl Answers {
    pub(super) fn add(&self, pid: u32, found: Option<Found>) {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.entry(pid).or_default().push_back(found);
    }

    /// What was not asked for belongs to what is over.
    pub(super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Lookup for Answers {
    fn process(&mut self, pid: u32) -> Option<Found> {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get_mut(&pid)?.pop_front()?
    }
}

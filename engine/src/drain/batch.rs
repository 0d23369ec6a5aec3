// SPDX-License-Identifier: Apache-2.0
//! Hot path. What the front hands to the back: records where they lie in their
//! rings, and sums, in the order in which they are to be applied; or all that
//! rings have lent, which the back then merges.
//! May not appear here: allocation per event, locks, system calls, formatting.

use probe_loader::Ring;
use probe_loader::ring::Loan;

use super::Work;
use super::sums::Sum;
use crate::merge::Sequence;

/// One step: a record by its ring and its place in what that ring has lent, or
/// a sum by its number.
#[derive(Clone, Copy, Debug)]
struct Step {
    /// Ring, or [`SUM`].
    ring: u32,
    at: u32,
}

const SUM: u32 = u32::MAX;

/// Steps, and what they refer to.
#[derive(Default)]
pub(super) struct Batch {
    steps: Vec<Step>,
    sums: Vec<Sum>,
    /// What each ring has lent: its room goes back when the batch is done.
    loans: Vec<Loan>,
    /// There are no steps: what was lent is in no order yet.
    unmerged: bool,
    sequence: Sequence,
}

impl Batch {
    /// One with room for so many steps.
    pub(super) fn with_room(steps: usize) -> Self {
        // A sum takes the place of a record at least.
        let (steps, sums) = (Vec::with_capacity(steps), Vec::with_capacity(steps));
        Self { steps, sums, ..Self::default() }
    }

    /// Adds a record.
    #[inline]
    pub(super) fn push(&mut self, ring: u32, at: u32) {
        self.steps.push(Step { ring, at });
    }

    /// Adds a sum.
    #[inline]
    pub(super) fn push_sum(&mut self, sum: &Sum) {
        self.steps.push(Step { ring: SUM, at: self.sums.len() as u32 });
        self.sums.push(*sum);
    }

    /// Leaves it to the back to merge what will be lent; nothing is added.
    pub(super) fn leave_to_merge(&mut self) {
        self.unmerged = true;
    }

    /// Number of steps.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.steps.len()
    }

    /// Takes over what the rings have read: nothing is added after that.
    pub(super) fn close(&mut self, rings: &mut [Ring]) {
        self.loans.extend(rings.iter_mut().map(Ring::lend));
    }

    /// Does what it says, and gives the rings their room.
    pub(super) fn apply(&mut self, work: &mut impl Work) {
        if self.unmerged {
            self.sequence.hand_out(&mut self.loans, u64::MAX, |bytes| work.record(bytes));
        }
        for step in &self.steps {
            if step.ring == SUM {
                work.sum(&self.sums[step.at as usize]);
            } else if let Some(bytes) = self.loans[step.ring as usize].record(step.at) {
                work.record(bytes);
            }
        }
        self.clear();
    }

    /// Forgets it all, undone, and gives the rings their room.
    pub(super) fn clear(&mut self) {
        self.steps.clear();
        self.sums.clear();
        self.loans.clear();
        self.unmerged = false;
    }
}

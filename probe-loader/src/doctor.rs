// SPDX-License-Identifier: Apache-2.0
//! Everything that a capture needs on this host, and what to do where it is
//! missing.
//!
//! [`Facts::gather`] looks, without changing anything; [`examine`] judges, and
//! gives one remedy for each problem. Which driver a capture would use follows
//! from it.

mod facts;
mod family;
mod judge;
mod signing;

pub use facts::{BuildFacts, Facts, Lockdown, ModuleFacts, ModuleFile};
pub use family::Family;
pub use judge::examine;
pub use signing::{Key, KeyState, SigningFacts};

use crate::driver::Kind;

/// How it stands with one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// As it should be.
    Good,
    /// Missing, and what stands in its way keeps one driver from being used.
    Hinders,
    /// Without it there is no capture.
    Fails,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What: a word or two.
    pub subject: &'static str,
    /// How it stands.
    pub state: State,
    /// What was found.
    pub text: String,
    /// What to do: a command where there is one, else a sentence. None where
    /// nothing is wrong, or nothing can be done.
    pub remedy: Option<String>,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    /// Everything that was looked at, in the order in which a capture needs it.
    pub findings: Vec<Finding>,
    /// The driver that a capture takes by itself.
    pub driver: Option<Kind>,
}

impl Diagnosis {
    /// Whether a capture can be made.
    #[must_use]
    pub fn can_capture(&self) -> bool {
        self.driver.is_some() && self.findings.iter().all(|f| f.state != State::Fails)
    }
}

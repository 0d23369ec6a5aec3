// SPDX-License-Identifier: Apache-2.0
//! What a running capture tells monitoring: OpenMetrics text over HTTP, on a
//! unix socket or a port of this host.
//!
//! The capture counts where it works, in counters that no one else writes, and
//! publishes them once a second on a [`Board`]. Rendering and answering happen
//! in a thread of their own.

mod address;
mod cost;
mod families;
mod server;
mod text;

use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use probe_loader::Ring;

pub use address::{Address, NoAddress};
pub use cost::Cost;
pub use server::{Error, Server};

use crate::account::Account;
use crate::engine::Table;
use crate::output::Watch;

/// What a capture counts, at a moment.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Driver and engine.
    pub account: Account,
    /// Open flows.
    pub flows: usize,
    /// Processes that are known and live.
    pub processes: usize,
    /// Files and connections that are known.
    pub objects: usize,
    /// Containers that no runtime knew by name.
    pub unnamed: u64,
    /// How full the engine's tables are.
    pub tables: Vec<Table>,
    /// The ceiling that their limits are shares of, bytes.
    pub memory_limit: usize,
    /// The rings.
    pub rings: Vec<Fill>,
    /// Records of rings that were not what their header said.
    pub damaged: u64,
}

/// How full a ring is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fill {
    /// Its CPU.
    pub cpu: u32,
    /// Bytes that were written and not read yet.
    pub used: u64,
    /// Its size in bytes.
    pub size: u64,
}

impl Fill {
    /// Looks at a ring.
    #[must_use]
    pub fn of(ring: &Ring) -> Self {
        Self { cpu: ring.cpu(), used: ring.pending(), size: ring.size() }
    }
}

/// Where a capture publishes its state.
#[derive(Debug)]
pub struct Board {
    driver: String,
    state: Mutex<Arc<State>>,
    outputs: Vec<Watch>,
}

impl Board {
    /// A board of a capture with that driver and those outputs.
    #[must_use]
    pub fn new(driver: String, outputs: Vec<Watch>) -> Self {
        Self { driver, state: Mutex::default(), outputs }
    }

    /// Publishes a state. Never waits: when somebody is just taking the one
    /// before, it stays for another second.
    pub fn publish(&self, state: State) {
        let state = Arc::new(state);
        match self.state.try_lock() {
            Ok(mut place) => *place = state,
            Err(TryLockError::Poisoned(place)) => *place.into_inner() = state,
            Err(TryLockError::WouldBlock) => {}
        }
    }

    /// The state that was published last.
    #[must_use]
    pub fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The outputs.
    #[must_use]
    pub fn outputs(&self) -> &[Watch] {
        &self.outputs
    }

    /// Everything as OpenMetrics text.
    #[must_use]
    pub fn render(&self) -> String {
        families::render(self)
    }
}

// SPDX-License-Identifier: Apache-2.0
//! The `SysFlow` capture engine.

pub mod account;
pub mod capture;
pub mod clock;
pub mod drain;
pub mod engine;
pub mod flow;
mod losses;
pub mod merge;
pub mod metrics;
pub mod output;
pub mod privileges;
pub mod raw;
pub mod rescan;
pub mod runtimes;
pub mod scan;
pub mod scap;
pub mod semantics;
pub mod sink;
pub mod snapshot;
pub mod state;
pub mod threads;

pub use engine::{Counts, Engine, Settings};
pub use semantics::Semantics;

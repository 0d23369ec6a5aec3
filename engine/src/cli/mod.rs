// SPDX-License-Identifier: Apache-2.0
//! The subcommands.
//!
//! Exit codes: 0 done; 1 failed, with one message on standard error; 2 wrong
//! usage.

mod convert;
pub(crate) mod diff;
mod logger;
mod outputs;
pub(crate) mod print;
pub(crate) mod probe;
pub(crate) mod record;
mod semantics;
mod signals;
mod size;
mod summary;

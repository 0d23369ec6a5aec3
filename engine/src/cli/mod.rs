// SPDX-License-Identifier: Apache-2.0
//! The subcommands.
//!
//! Exit codes: 0 done; 1 failed, with one message on standard error; 2 wrong
//! usage.

pub(crate) mod args;
pub(crate) mod config;
mod convert;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod generate;
mod input;
mod logger;
mod meter;
pub(crate) mod print;
pub(crate) mod probe;
pub(crate) mod record;
mod replay;
mod select;
pub(crate) mod selftest;
mod service;
mod settings;
mod signals;
mod size;
mod summary;
pub(crate) mod top;

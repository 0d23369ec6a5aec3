// SPDX-License-Identifier: Apache-2.0
//! `sysflow print` and `sysprint`, as programs.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod follow;
mod support;
mod terminal;
mod usage;

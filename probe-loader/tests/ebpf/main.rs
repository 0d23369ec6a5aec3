// SPDX-License-Identifier: Apache-2.0
//! What the eBPF driver promises, on the running kernel: a child process does
//! something known, and the records say so.
//!
//! Needs root and BTF; without them each test says that it was skipped.

mod accounting;
mod files;
mod processes;
mod sockets;
mod support;

// SPDX-License-Identifier: Apache-2.0
//! Captures of sysdig, Falco and the reference collector ("scap" files), and
//! their way into the engine.
//!
//! ```text
//! file ── blocks ──> Converter ── operations ──> Engine ── records ──> Sink
//!                    (threads, descriptors, names)
//! ```
//!
//! The events of a capture are system calls as they were entered and left.
//! What they leave unsaid (what descriptor 5 is, who the parent is) the
//! capturing library knew from earlier events, and so does the [`Converter`].
//! It resolves each event and hands the engine the operation.

mod call;
mod convert;
mod data;
pub mod file;
mod files;
mod identity;
pub mod kinds;
mod names;
mod path;
mod processes;
mod rows;
mod sockets;
mod start;
mod state;
mod value;

pub use convert::{Converter, Counts, Options};

// SPDX-License-Identifier: Apache-2.0
//! Writes scap captures, for tests and benchmarks: what real captures do not hold can be made.
//!
//! [`Writer`] writes any block of any version; [`Scenario`] tells of threads and what they do, and
//! makes the events of it.

pub mod lists;
mod params;
mod scenario;
mod writer;

pub use params::Values;
pub use scenario::{Connection, Scenario};
pub use writer::{EventBlock, Writer};

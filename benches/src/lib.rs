// SPDX-License-Identifier: Apache-2.0
//! Benchmarks and load generators of the `SysFlow` capture engine.

pub mod clock;
pub mod cost;
pub mod replay;
pub mod rings;
pub mod stream;
pub mod synthetic;
pub mod trace;
pub mod workload;

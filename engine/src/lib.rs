// SPDX-License-Identifier: Apache-2.0
//! The `SysFlow` capture engine.

pub mod clock;
pub mod flow;
pub mod merge;
pub mod state;

// SPDX-License-Identifier: Apache-2.0
//! What the engine knows of the system between two events.

pub mod cgroup;
pub mod container;
pub mod limits;
pub mod object;
pub mod open_file;
pub mod process;
pub mod processes;
pub mod texts;
pub mod users;

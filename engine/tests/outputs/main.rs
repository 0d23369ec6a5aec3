// SPDX-License-Identifier: Apache-2.0
//! Outputs: what reaches them whole, and what becomes of the rest.

mod disk;
mod faults;
mod files;
#[path = "../live/support/file.rs"]
#[expect(dead_code, reason = "shared with the live tests")]
mod known;
mod machine;
#[path = "../live/support/mount.rs"]
mod mount;
mod reader;
mod schedules;
mod sockets;

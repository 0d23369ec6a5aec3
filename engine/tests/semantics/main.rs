// SPDX-License-Identifier: Apache-2.0
//! What the engine promises: events in, `SysFlow` records out.

mod clock;
mod containers;
mod files;
mod names;
mod network;
mod processes;
mod schema_6;
mod switches;
mod world;

// SPDX-License-Identifier: Apache-2.0
//! What the engine promises: events in, `SysFlow` records out.

mod clock;
mod containers;
mod files;
mod identity;
mod limits;
mod names;
mod network;
mod processes;
mod recovery;
mod schema_6;
mod switches;
mod world;

// SPDX-License-Identifier: Apache-2.0
//! The SysFlow format: records, container files, printing.

pub mod encode;
pub mod print;
pub mod read;
pub mod record;
pub mod resolve;
pub mod schema;
mod wire;
pub mod write;

// SPDX-License-Identifier: Apache-2.0
//! Captures of sysdig, Falco and the reference collector ("scap" files).

pub mod file;
pub mod kinds;

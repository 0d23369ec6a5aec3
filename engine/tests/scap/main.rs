// SPDX-License-Identifier: Apache-2.0
//! The file layer of captures: real ones, made ones, and damaged ones.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod captures;
mod damage;
mod packing;
mod versions;

// SPDX-License-Identifier: Apache-2.0
//! The file layer of captures, on real ones.

#![expect(clippy::unwrap_used, reason = "tests")]

mod captures;

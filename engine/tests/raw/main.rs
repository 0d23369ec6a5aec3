// SPDX-License-Identifier: Apache-2.0
//! Recordings: kept, damaged, replayed.

mod damage;
mod exact;
mod holes;
mod support;

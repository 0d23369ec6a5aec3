// SPDX-License-Identifier: Apache-2.0
//! Captures with the reference collector's output: the same records.

mod again;
mod compare;
mod convert;
mod exact;
mod full;
mod rules;
mod threads;
mod time;

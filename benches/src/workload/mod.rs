// SPDX-License-Identifier: Apache-2.0
//! System calls that are known in advance.
//!
//! The processes whose operations are counted ([`exact`]) are forked and not
//! executed, so that no loader opens files in their name, and between fork and
//! exit they do nothing but the calls written here: everything goes through
//! [`sys`], where one function is one system call.

pub mod board;
pub mod child;
pub mod demo;
pub mod drip;
pub mod exact;
pub mod flood;
pub mod program;
pub mod report;
pub mod sys;

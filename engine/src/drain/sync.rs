// SPDX-License-Identifier: Apache-2.0
//! What the link is built of: that of the outputs' queues.

pub(super) use crate::output::sync::{ArrayQueue, AtomicBool, Bell};

// SPDX-License-Identifier: Apache-2.0
//! What a capture's events leave unsaid, and the capturing library kept:
//! threads, their groups and parents, descriptors, names of users.

pub(super) mod descriptors;
pub(super) mod names;
pub(super) mod thread;
pub(super) mod threads;
mod tids;

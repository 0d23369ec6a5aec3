// SPDX-License-Identifier: Apache-2.0
//! The ancestors of a process.

use std::collections::HashMap;
use std::fmt;

use crate::record::{Oid, Process};

/// A table in which processes are found by their identity.
pub trait Processes: fmt::Debug + Sync {
    /// The process, if it is known.
    fn process(&self, oid: Oid) -> Option<&Process>;
}

impl Processes for HashMap<Oid, Process> {
    fn process(&self, oid: Oid) -> Option<&Process> {
        self.get(&oid)
    }
}

/// A file may claim that a process descends from itself. No real line is as long as this.
const LONGEST: u16 = 1024;

/// A process, its parent, and so on as far as they are known.
#[derive(Clone, Copy, Debug)]
pub struct Ancestry<'a> {
    next: Option<&'a Process>,
    processes: &'a dyn Processes,
    left: u16,
}

impl<'a> Ancestry<'a> {
    /// Begins with `process`.
    #[must_use]
    pub fn new(process: Option<&'a Process>, processes: &'a dyn Processes) -> Self {
        Self { next: process, processes, left: LONGEST }
    }
}

impl<'a> Iterator for Ancestry<'a> {
    type Item = &'a Process;

    fn next(&mut self) -> Option<&'a Process> {
        let process = self.next?;
        self.left = self.left.saturating_sub(1);
        self.next = match process.poid {
            Some(parent) if self.left > 0 && parent != process.oid => {
                self.processes.process(parent)
            }
            _ => None,
        };
        Some(process)
    }
}

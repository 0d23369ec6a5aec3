// SPDX-License-Identifier: Apache-2.0
//! Processes that share one table of descriptors: clone(2) with `CLONE_FILES`
//! and without `CLONE_THREAD`. What one of them opens, the others are told of
//! at its first use there; what one closes is closed for all.

use sysflow::record::Oid;

use super::Engine;
use crate::sink::Sink;
use crate::state::process::ProcRef;

/// Processes that share, at most. Of more, a descriptor that another process
/// closed is known to be another file at its next use.
const MAX_SHARING: usize = 1 << 10;

/// Who shares.
#[derive(Debug, Default)]
pub(super) struct Sharing {
    list: Vec<(u32, ProcRef, Oid)>,
    /// Number of the last table.
    last: u32,
}

impl<S: Sink> Engine<S> {
    /// A child shares the table of its parent.
    pub(super) fn share_files(&mut self, parent: ProcRef, child: ProcRef) {
        let processes = &self.processes;
        if self.sharing.list.len() + 2 > MAX_SHARING {
            self.sharing.list.retain(|(table, place, oid)| {
                processes.is(*place, *oid) && processes.get(*place).files == *table
            });
        }
        if self.sharing.list.len() + 2 > MAX_SHARING {
            return;
        }
        if self.processes.get(parent).files == 0 {
            self.sharing.last += 1;
            self.processes.get_mut(parent).files = self.sharing.last;
            let oid = self.processes.get(parent).oid;
            self.sharing.list.push((self.sharing.last, parent, oid));
        }
        let table = self.processes.get(parent).files;
        let process = self.processes.get_mut(child);
        process.files = table;
        self.sharing.list.push((table, child, process.oid));
    }

    /// A process closed a descriptor of a table that it shares.
    pub(super) fn close_for_others(&mut self, closer: ProcRef, fd: i32, end: u64) {
        let table = self.processes.get(closer).files;
        if table == 0 {
            return;
        }
        for at in 0..self.sharing.list.len() {
            let (other, place, oid) = self.sharing.list[at];
            if other == table
                && place != closer
                && self.processes.is(place, oid)
                && self.processes.get(place).files == table
            {
                self.cut_off_descriptor(place, fd, end);
                self.processes.get_mut(place).clear_descriptor(fd);
            }
        }
    }
}

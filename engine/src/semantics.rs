// SPDX-License-Identifier: Apache-2.0
//! Where sources differ in what becomes of an operation.
//!
//! A live capture and a converted one go through the same state and the same
//! flows. A conversion is to give what the reference collector gives, which a
//! live capture does not want in all respects; each difference is one of the
//! switches here. `docs/captures.md` and `docs/flow-semantics.md` say why.

use sysflow::record::OpenFlags;

/// Which operations are collected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Collect {
    /// Everything.
    #[default]
    Flows,
    /// Of files only that they were opened: each open is written at once.
    Consume,
    /// Nothing about files.
    NoFiles,
}

/// Which file flows that only read are left out when flows are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FileReads {
    /// None: everything is written.
    #[default]
    All,
    /// All of them.
    None,
    /// Those of files below `/proc`, `/dev`, `/sys` and the folders of
    /// libraries.
    NoSystem,
}

/// The switches. The default is that of a live capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Semantics {
    /// Entities are written when they are first used, not with the first
    /// record that refers to them.
    pub entities_early: bool,
    /// What ends with a flow when its descriptor is closed or its thread
    /// exits: the flows of other threads on the same descriptor *and object*,
    /// rather than, with the close, all on the descriptor.
    pub related_by_object: bool,
    /// Timers count in units of this, ns.
    pub grain: u64,
    /// What is collected.
    pub collect: Collect,
    /// Of files only regular ones.
    pub file_only: bool,
    /// Which file flows are left out.
    pub reads: FileReads,
    /// Threads that start and end are summed in process flows.
    pub process_flows: bool,
    /// The reference's defects are kept too, where a switch says so.
    pub compat: bool,
}

impl Default for Semantics {
    fn default() -> Self {
        Self {
            entities_early: false,
            related_by_object: false,
            grain: 1,
            collect: Collect::Flows,
            file_only: false,
            reads: FileReads::All,
            process_flows: false,
            compat: false,
        }
    }
}

impl Semantics {
    /// What a conversion of a capture does, as the reference collector.
    #[must_use]
    pub fn of_reference() -> Self {
        Self {
            entities_early: true,
            related_by_object: true,
            grain: 1_000_000_000,
            ..Self::default()
        }
    }

    /// Whether a file flow is left out. `read` and `changed`: whether it has
    /// reads, and writes or memory maps.
    pub(crate) fn leaves_out(
        &self,
        path: &[u8],
        flags: OpenFlags,
        read: bool,
        changed: bool,
    ) -> bool {
        if self.reads == FileReads::All {
            return false;
        }
        // The reference takes O_RDWR, which has the bit of reading too, for
        // O_RDONLY, and so leaves out flows that wrote.
        let for_reading = if self.compat {
            flags.contains(OpenFlags::RDONLY)
        } else {
            flags.contains(OpenFlags::RDONLY) && !flags.contains(OpenFlags::WRONLY)
        };
        let only_reads = for_reading || (read && !changed);
        match self.reads {
            FileReads::All => false,
            FileReads::None => only_reads,
            FileReads::NoSystem => {
                only_reads
                    && self.collect != Collect::Consume
                    && SYSTEM.iter().any(|prefix| path.starts_with(prefix))
            }
        }
    }
}

/// Folders whose files are read all the time.
const SYSTEM: [&[u8]; 8] =
    [b"/proc/", b"/dev/", b"/sys/", b"//sys/", b"/lib/", b"/lib64/", b"/usr/lib/", b"/usr/lib64/"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_are_left_out_by_place_and_by_what_was_done() {
        let all = Semantics::default();
        let none = Semantics { reads: FileReads::None, ..all };
        let system = Semantics { reads: FileReads::NoSystem, ..all };
        let read = OpenFlags::RDONLY;
        assert!(!all.leaves_out(b"/proc/x", read, true, false));
        assert!(none.leaves_out(b"/home/x", read, true, false));
        assert!(none.leaves_out(b"/home/x", OpenFlags::NONE, true, false));
        assert!(!none.leaves_out(b"/home/x", OpenFlags::NONE, true, true));
        assert!(system.leaves_out(b"/usr/lib/x", read, false, false));
        assert!(!system.leaves_out(b"/usr/libx", read, false, false));
        let consume = Semantics { collect: Collect::Consume, ..system };
        assert!(!consume.leaves_out(b"/usr/lib/x", read, false, false));
    }

    #[test]
    fn a_file_that_was_written_is_left_out_by_the_reference_only() {
        let ours = Semantics { reads: FileReads::None, ..Semantics::default() };
        let theirs = Semantics { compat: true, ..ours };
        assert!(!ours.leaves_out(b"/x", OpenFlags::RDWR, false, true));
        assert!(theirs.leaves_out(b"/x", OpenFlags::RDWR, false, true));
    }
}

// SPDX-License-Identifier: Apache-2.0
//! How much the tables may hold: shares of one ceiling.

use super::{open_file, process};
use crate::flow;

/// Parts of the ceiling that the tables take, in 32nds. What is left is for the
/// program itself, the outputs' coders and what the allocator cannot use.
const FLOWS: usize = 5;
const OBJECTS: usize = 10;
const OPEN_FILES: usize = 4;
const DESCRIPTORS: usize = 4;
const PROCESSES: usize = 5;
const TEXTS: usize = 2;

const _: () = assert!(FLOWS + OBJECTS + OPEN_FILES + DESCRIPTORS + PROCESSES + TEXTS <= 30);

/// One container for so many bytes of the ceiling.
const PER_CONTAINER: usize = 16 << 10;

/// The most that each table holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The ceiling that the others are shares of, bytes; `usize::MAX` for none.
    pub memory: usize,
    /// Flows.
    pub flows: usize,
    /// Bytes of files and connections.
    pub objects: usize,
    /// Identities of open files.
    pub open_files: usize,
    /// Descriptors of all processes.
    pub descriptors: usize,
    /// Processes, those kept for their children too.
    pub processes: usize,
    /// Bytes of programs, arguments, environments and folders.
    pub texts: usize,
    /// Containers.
    pub containers: usize,
}

impl Limits {
    /// The default ceiling, bytes.
    pub const DEFAULT: usize = 256 << 20;

    /// The lowest ceiling that makes sense, bytes.
    pub const LEAST: usize = 16 << 20;

    /// No limits: for a conversion, which ends.
    pub const NONE: Self = Self {
        memory: usize::MAX,
        flows: usize::MAX,
        objects: usize::MAX,
        open_files: usize::MAX,
        descriptors: usize::MAX,
        processes: usize::MAX,
        texts: usize::MAX,
        containers: usize::MAX,
    };

    /// Shares of a ceiling of so many bytes.
    #[must_use]
    pub const fn of(memory: usize) -> Self {
        let part = memory / 32;
        Self {
            memory,
            flows: part * FLOWS / flow::BYTES,
            objects: part * OBJECTS,
            open_files: part * OPEN_FILES / open_file::BYTES,
            descriptors: part * DESCRIPTORS / process::DESCRIPTOR_BYTES,
            processes: part * PROCESSES / process::BYTES,
            texts: part * TEXTS,
            containers: memory / PER_CONTAINER,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::of(Self::DEFAULT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_holds_what_a_large_host_has() {
        let limits = Limits::default();
        assert!(limits.processes >= 100_000, "{limits:?}");
        assert!(limits.descriptors >= 1_000_000, "{limits:?}");
        assert!(limits.open_files >= 850_000, "{limits:?}");
        assert!(limits.flows >= 250_000, "{limits:?}");
    }
}

// SPDX-License-Identifier: Apache-2.0
//! How large the rings of a host are: from its CPUs and its memory.

use std::fs;

use crate::abi::{SF_RING_SIZE_MAX, SF_RING_SIZE_MIN};
use crate::ring::stride;

/// Bytes of a ring, where the host has room: it stays in a core's second-level
/// cache.
pub const USUAL: usize = 1 << 20;

/// Bytes of all rings together, unless told otherwise.
pub const TOTAL: usize = 256 << 20;

/// All rings together take at most this part of the host's memory.
const SHARE: u64 = 32;

/// What the size depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host {
    /// Possible CPUs: there is a ring for each.
    pub cpus: u32,
    /// Bytes of memory.
    pub memory: u64,
    /// Bytes that can be had without swapping.
    pub available: u64,
}

impl Host {
    /// This host. What cannot be read is 1 CPU, or unlimited memory.
    #[must_use]
    pub fn look() -> Self {
        let possible = fs::read_to_string("/sys/devices/system/cpu/possible").unwrap_or_default();
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let bytes = |name| meminfo(&memory, name).unwrap_or(u64::MAX);
        Self {
            cpus: last_cpu(&possible).map_or(1, |last| last.saturating_add(1)),
            memory: bytes("MemTotal:"),
            available: bytes("MemAvailable:"),
        }
    }

    /// Bytes of each ring: [`USUAL`], or as many as fit when all rings together
    /// take at most `total` bytes and a part of the memory. Never less than the
    /// least that a ring can have.
    #[must_use]
    pub fn ring_size(&self, total: usize) -> usize {
        let cap = (total as u64).min(self.memory / SHARE);
        let mut size = USUAL;
        while size > SF_RING_SIZE_MIN as usize && self.taken(size) > cap {
            size /= 2;
        }
        size
    }

    /// Bytes that rings of this size take together.
    #[must_use]
    pub fn taken(&self, ring_size: usize) -> u64 {
        debug_assert!(ring_size <= SF_RING_SIZE_MAX as usize);
        u64::from(self.cpus) * stride(ring_size) as u64
    }
}

/// The last number of a list such as "0-3,8-11": rings are made up to it.
fn last_cpu(list: &str) -> Option<u32> {
    list.trim().rsplit([',', '-']).next()?.parse().ok()
}

/// A line of `/proc/meminfo`, in bytes.
fn meminfo(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ring::valid_size;

    #[test]
    fn an_ordinary_host_has_the_usual_rings() {
        let host = Host { cpus: 8, memory: 16 << 30, available: 8 << 30 };
        assert_eq!(host.ring_size(TOTAL), USUAL);
    }

    #[test]
    fn many_cpus_and_little_memory_make_them_smaller() {
        let many = Host { cpus: 512, memory: 1 << 40, available: 1 << 40 };
        assert_eq!(many.ring_size(TOTAL), 256 << 10);
        let small = Host { cpus: 4, memory: 64 << 20, available: 32 << 20 };
        assert_eq!(small.ring_size(TOTAL), 256 << 10);
    }

    #[test]
    fn the_kernel_lists_are_read() {
        assert_eq!(last_cpu("0-3\n"), Some(3));
        assert_eq!(last_cpu("0"), Some(0));
        assert_eq!(last_cpu("0-3,8-11\n"), Some(11));
        assert_eq!(last_cpu(""), None);
        assert_eq!(meminfo("MemTotal:  2 kB\nMemAvailable: 1 kB\n", "MemAvailable:"), Some(1024));
        assert_eq!(meminfo("MemTotal:  2 kB\n", "Swap:"), None);
    }

    proptest! {
        #[test]
        fn a_size_is_valid_and_the_largest_that_fits(
            cpus in 1..5000_u32, memory in 0..u64::MAX, total in 0..usize::MAX,
        ) {
            let host = Host { cpus, memory, available: memory };
            let size = host.ring_size(total);
            let cap = (total as u64).min(memory / SHARE);
            prop_assert!(valid_size(size) && size <= USUAL);
            prop_assert!(host.taken(size) <= cap || size == SF_RING_SIZE_MIN as usize);
            prop_assert!(size == USUAL || host.taken(size * 2) > cap);
        }
    }
}

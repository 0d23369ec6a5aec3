// SPDX-License-Identifier: Apache-2.0
//! What this program costs its host.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// What this process has taken so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// CPU time of all its threads.
    pub cpu: Duration,
    /// Resident memory in bytes; 0 where the kernel does not tell.
    pub resident: u64,
}

impl Cost {
    /// Looks.
    #[must_use]
    pub fn now() -> Self {
        let cpu =
            clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map_or(Duration::ZERO, Duration::from);
        Self { cpu, resident: resident().unwrap_or(0) }
    }
}

/// Resident memory in bytes: the second number of proc(5) statm, in pages.
fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    let size = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok()??;
    Some(pages * u64::try_from(size).ok()?)
}

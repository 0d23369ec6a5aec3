// SPDX-License-Identifier: Apache-2.0
//! The captured machine.

use super::fields::Fields;

/// Length of the field of the host's name.
const HOST_NAME: usize = 128;

/// The machine that was captured. Old captures leave most of it 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine<'a> {
    /// Number of CPUs.
    pub cpus: u32,
    /// Bytes of memory.
    pub memory: u64,
    /// Largest process id.
    pub max_pid: u64,
    /// Name of the host.
    pub host_name: &'a [u8],
    /// When it was booted, ns since the epoch.
    pub boot_time: u64,
}

impl<'a> Machine<'a> {
    pub(super) fn read(body: &'a [u8]) -> Option<Self> {
        let mut f = Fields::new(body);
        let (cpus, memory, max_pid) = (f.u32()?, f.u64()?, f.u64()?);
        let padded = f.bytes(HOST_NAME)?;
        let end = padded.iter().position(|&byte| byte == 0).unwrap_or(HOST_NAME);
        let host_name = &padded[..end];
        Some(Self { cpus, memory, max_pid, host_name, boot_time: f.u64().unwrap_or(0) })
    }
}

// SPDX-License-Identifier: Apache-2.0
//! The constants of the programs: `struct sf_config` of `driver/bpf/config.h`.

use std::mem::offset_of;

use super::Error;

/// Section of the object that holds them; the name of its map ends so.
pub(super) const SECTION: &str = ".rodata.config";

/// The tracepoints of `io_uring` are attached.
pub(super) const URING_HOOKED: u32 = 1;
/// A completion is given as a whole `struct io_uring_cqe`.
pub(super) const URING_CQE: u32 = 2;

/// `struct sf_config`, field by field: its offsets are the object's.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Config {
    /// ABI versions of the headers that the object was built from.
    pub(super) api_version: u32,
    pub(super) schema_version: u32,
    pub(super) ring_size: u64,
    /// Hides kernel addresses in identities.
    pub(super) key: u64,
    /// The recorder, in the initial pid namespace.
    pub(super) self_tgid: u32,
    /// 1: `sched_process_exit` has a second argument.
    pub(super) exit_group_dead: u32,
    /// 1: programs on raw tracepoints switch preemption off.
    pub(super) guard_preempt: u32,
    /// How requests of `io_uring` are seen: [`URING_HOOKED`], [`URING_CQE`].
    pub(super) uring: u32,
}

impl Config {
    /// The object's own values. The length must be that of this structure,
    /// else the object was built from other sources.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Error> {
        let word = |offset: usize| {
            bytes.get(offset..)?.first_chunk::<4>().map(|word| u32::from_ne_bytes(*word))
        };
        let api = word(offset_of!(Self, api_version));
        let schema = word(offset_of!(Self, schema_version));
        match (api, schema) {
            (Some(api_version), Some(schema_version)) if bytes.len() == size_of::<Self>() => {
                Ok(Self { api_version, schema_version, ..Self::default() })
            }
            _ => Err(Error::Object("a configuration of the right size")),
        }
    }

    /// Puts the values where [`Config::read`] found the object's.
    pub(super) fn write(&self, bytes: &mut [u8]) {
        let mut put = |offset: usize, value: &[u8]| {
            if let Some(place) = bytes.get_mut(offset..offset + value.len()) {
                place.copy_from_slice(value);
            }
        };
        put(offset_of!(Self, ring_size), &self.ring_size.to_ne_bytes());
        put(offset_of!(Self, key), &self.key.to_ne_bytes());
        put(offset_of!(Self, self_tgid), &self.self_tgid.to_ne_bytes());
        put(offset_of!(Self, exit_group_dead), &self.exit_group_dead.to_ne_bytes());
        put(offset_of!(Self, guard_preempt), &self.guard_preempt.to_ne_bytes());
        put(offset_of!(Self, uring), &self.uring.to_ne_bytes());
    }
}

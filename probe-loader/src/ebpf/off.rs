// SPDX-License-Identifier: Apache-2.0
//! Switching off from outside: the switch of every capture on this host, found
//! through the kernel and turned without the capture's help.

use libbpf_rs::query::{ProgInfoIter, ProgInfoQueryOptions};
use libbpf_rs::{MapCore, MapFlags, MapHandle};

use super::Error;

/// What the names of the programs at the exits of system calls begin with. The
/// kernel keeps 15 bytes of a name.
const PROGRAM: &[u8] = b"sf_sys_exit_";

/// Value of `sf_running`: switched off by another process.
pub(super) const CUT: u32 = 2;

/// Switches off every capture that uses the eBPF driver, whoever started it.
/// Its programs return at once from then on; they are gone with its process,
/// which is told ([`Driver::switched_off`](crate::Driver::switched_off)).
/// Returns how many there were.
///
/// # Errors
/// When the kernel does not let this process see the programs
/// (`CAP_SYS_ADMIN`), or change the switch.
pub fn switch_off() -> Result<usize, Error> {
    let options = ProgInfoQueryOptions::default().include_map_ids(true);
    let mut switched = 0;
    let mut seen = Vec::new();
    for program in ProgInfoIter::with_query_opts(options) {
        if !program.name.as_encoded_bytes().starts_with(PROGRAM) {
            continue;
        }
        for id in program.map_ids {
            // A capture that ends meanwhile takes its maps along.
            let Ok(map) = MapHandle::from_map_id(id) else { continue };
            let mine = map.value_size() == 4 && map.name().to_string_lossy().ends_with(".bss");
            if !mine || seen.contains(&id) {
                continue;
            }
            seen.push(id);
            if turn(&map)? {
                switched += 1;
            }
        }
    }
    Ok(switched)
}

/// Turns a switch off that is on.
fn turn(map: &MapHandle) -> Result<bool, Error> {
    let failed = |error: libbpf_rs::Error| Error::libbpf("switch a capture off", &error);
    let key = 0u32.to_ne_bytes();
    let on = map.lookup(&key, MapFlags::ANY).map_err(failed)?;
    if on.as_deref() != Some(&1u32.to_ne_bytes()) {
        return Ok(false);
    }
    map.update(&key, &CUT.to_ne_bytes(), MapFlags::ANY).map_err(failed)?;
    Ok(true)
}

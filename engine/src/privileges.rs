// SPDX-License-Identifier: Apache-2.0
//! What a service may do that does not run as root: the capabilities it was
//! started with, given up as soon as they are not needed (capabilities(7)).
//!
//! Root keeps what it has: it may be writing to folders of others.

use std::io;

/// `CAP_DAC_READ_SEARCH`: what the runtimes of containers keep of these.
pub const DAC_READ_SEARCH: u32 = 2;
/// `CAP_SYS_PTRACE`: program, directory and environment of a process of
/// another user, as /proc tells them.
pub const SYS_PTRACE: u32 = 19;
/// `CAP_PERFMON`: attaching eBPF programs.
pub const PERFMON: u32 = 38;
/// `CAP_BPF`: before Linux 6.0 every use of eBPF's maps.
pub const BPF: u32 = 39;

/// `_LINUX_CAPABILITY_VERSION_3` of linux/capability.h.
const VERSION: u32 = 0x2008_0522;

/// `__user_cap_header_struct`.
#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

/// `__user_cap_data_struct`; two of them hold 64 capabilities.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Half {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

fn result(status: libc::c_long) -> io::Result<()> {
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn get() -> io::Result<[Half; 2]> {
    let header = Header { version: VERSION, pid: 0 };
    let mut halves = [Half::default(); 2];
    // SAFETY: of this version the kernel reads the header and writes two
    // halves, which both live through the call.
    result(unsafe { libc::syscall(libc::SYS_capget, &raw const header, halves.as_mut_ptr()) })?;
    Ok(halves)
}

fn set(halves: &[Half; 2]) -> io::Result<()> {
    let header = Header { version: VERSION, pid: 0 };
    // SAFETY: of this version the kernel reads the header and two halves,
    // which both live through the call.
    result(unsafe { libc::syscall(libc::SYS_capset, &raw const header, halves.as_ptr()) })
}

/// What is left of `now` when only these are kept.
fn left(now: [Half; 2], kept: &[u32]) -> [Half; 2] {
    let mask = kept.iter().fold(0u64, |mask, capability| mask | 1 << capability);
    let of = |half: Half, mask: u32| Half {
        effective: half.effective & mask,
        permitted: half.permitted & mask,
        // A program that is started gets none, by no way.
        inheritable: 0,
    };
    [of(now[0], mask as u32), of(now[1], (mask >> 32) as u32)]
}

/// Gives up, for the calling thread and those that it begins, all capabilities
/// but these. One that it does not have it does not get. Root keeps all.
///
/// # Errors
/// What the system says.
pub fn keep(kept: &[u32]) -> io::Result<()> {
    // SAFETY: no arguments that could be wrong, and it does not fail.
    if unsafe { libc::geteuid() } == 0 {
        return Ok(());
    }
    set(&left(get()?, kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_kept_is_gone_and_nothing_is_won() {
        let all = Half { effective: u32::MAX, permitted: u32::MAX, inheritable: u32::MAX };
        let few = left([all, all], &[SYS_PTRACE, BPF]);
        let bits = |bits: u32| Half { effective: bits, permitted: bits, inheritable: 0 };
        assert_eq!(few, [bits(1 << 19), bits(1 << 7)]);
        assert_eq!(left([Half::default(); 2], &[BPF]), [Half::default(); 2]);
        assert_eq!(left([all, all], &[]), [Half::default(); 2]);
    }

    /// Of a thread of its own, because it cannot be taken back.
    #[test]
    fn a_thread_of_root_keeps_what_it_has_and_another_loses_it() {
        let (before, after) = std::thread::spawn(|| {
            let before = get().expect("capabilities");
            keep(&[]).expect("kept");
            (before, get().expect("capabilities"))
        })
        .join()
        .expect("thread");
        // SAFETY: as in `keep`.
        if unsafe { libc::geteuid() } == 0 {
            assert_eq!(before, after);
        } else {
            assert_eq!(after, [Half::default(); 2]);
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
//! What the kernel counts for a program.

use std::os::fd::{AsRawFd, BorrowedFd};

use libbpf_sys::{bpf_obj_get_info_by_fd, bpf_prog_info};

/// Times the kernel skipped the program because it, or on a classic
/// tracepoint any other, was running on that CPU. 0 where the kernel (before
/// 5.12) does not count.
pub(super) fn recursion_misses(program: BorrowedFd<'_>) -> u64 {
    let mut info = bpf_prog_info::default();
    let mut len = u32::try_from(size_of::<bpf_prog_info>()).unwrap_or(0);
    // SAFETY: `info` is `len` bytes of plain memory without pointers in it,
    // and outlives the call, which writes at most `len` bytes.
    let done = unsafe {
        bpf_obj_get_info_by_fd(program.as_raw_fd(), (&raw mut info).cast(), &raw mut len)
    };
    if done == 0 { info.recursion_misses } else { 0 }
}

// SPDX-License-Identifier: Apache-2.0
//! Every system call of the running kernel is told, or known and not told.

#[path = "../../bindings/src/calls.rs"]
mod calls;

use calls::Calls;

use crate::Test;

pub(crate) const TESTS: &[Test] =
    &[("coverage::every_call_is_classified", every_call_is_classified)];

/// Prefix of the functions behind the 64-bit table.
const PREFIX: &str = "__x64_sys_";

/// Functions that have another name than their call.
const RENAMED: [(&str, &str); 6] = [
    ("newfstat", "fstat"),
    ("newlstat", "lstat"),
    ("newstat", "stat"),
    ("newuname", "uname"),
    ("sendfile64", "sendfile"),
    ("umount", "umount2"),
];

/// Functions that the 32-bit table or another machine alone has, though they
/// bear the prefix. Those that end in 16, 32 or 64 need not stand here.
const FOREIGN: [&str; 40] = [
    "bdflush",
    "gethostname",
    "ipc",
    "llseek",
    "mmap_pgoff",
    "ni_syscall",
    "nice",
    "old_getrlimit",
    "old_mmap",
    "old_msgctl",
    "old_readdir",
    "old_select",
    "old_semctl",
    "old_shmctl",
    "oldumount",
    "olduname",
    "pciconfig_iobase",
    "pciconfig_read",
    "pciconfig_write",
    "recv",
    "rtas",
    "s390_ipc",
    "s390_pci_mmio_read",
    "s390_pci_mmio_write",
    "send",
    "sgetmask",
    "signal",
    "sigpending",
    "sigprocmask",
    "sigsuspend",
    "socketcall",
    "spu_create",
    "spu_run",
    "ssetmask",
    "stime",
    "subpage_prot",
    "sync_file_range2",
    "vm86",
    "vm86old",
    "waitpid",
];

fn is_foreign(function: &str) -> bool {
    let wide = ["16", "32"].iter().any(|end| function.ends_with(end));
    // Parts that the compiler moved elsewhere have a dot.
    let part = function.contains('.');
    wide || part
        || function.starts_with("ia32_")
        || ["fadvise64_64", "fstatfs64", "statfs64", "stat64", "fcntl64"].contains(&function)
        || FOREIGN.contains(&function)
}

fn every_call_is_classified() {
    let calls = Calls::read(
        include_str!("../../../driver/include/sysflow/syscalls.h"),
        include_str!("../../../driver/include/sysflow/names.h"),
        include_str!("../../../driver/include/sysflow/unrecorded.h"),
    );
    let symbols = std::fs::read_to_string("/proc/kallsyms").expect("symbols of the kernel");
    let functions: Vec<_> = symbols
        .lines()
        .filter_map(|line| line.split_whitespace().nth(2)?.strip_prefix(PREFIX))
        .filter(|function| !is_foreign(function))
        .collect();
    if functions.is_empty() {
        println!("skipped: /proc/kallsyms has no system calls");
        return;
    }
    let unknown: Vec<_> = functions
        .iter()
        .map(|name| RENAMED.iter().find(|(of, _)| of == name).map_or(*name, |(_, call)| call))
        .filter(|call| !calls.knows(call))
        .collect();
    assert!(functions.len() > 300, "{functions:?}");
    assert!(unknown.is_empty(), "neither in syscalls.h nor in unrecorded.h: {unknown:?}");
}

// SPDX-License-Identifier: Apache-2.0
//! A program of a dozen instructions: it exits with its number of arguments.
//!
//! Written as a file of its own, because a program that a compiler links has
//! a loader, which opens files that depend on the machine. This one makes a
//! single system call, and its exit status proves that its arguments arrived.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Where the program lies in memory.
const BASE: u64 = 0x40_0000;
const HEADERS: u64 = 64 + 56;

/// `exit_group(argc)`; the stack pointer names argc at the start.
#[cfg(target_arch = "x86_64")]
const CODE: &[u8] = &[
    0x48, 0x8b, 0x3c, 0x24, // mov rdi, [rsp]
    0xb8, 0xe7, 0x00, 0x00, 0x00, // mov eax, 231
    0x0f, 0x05, // syscall
];
#[cfg(target_arch = "x86_64")]
const MACHINE: u16 = 62;

/// The same for 64-bit ARM.
#[cfg(target_arch = "aarch64")]
const CODE: &[u8] = &[
    0xe0, 0x03, 0x40, 0xf9, // ldr x0, [sp]
    0xc8, 0x0b, 0x80, 0xd2, // mov x8, 94
    0x01, 0x00, 0x00, 0xd4, // svc 0
];
#[cfg(target_arch = "aarch64")]
const MACHINE: u16 = 183;

/// The bytes of the program: ELF header, one program header, code.
fn image() -> Vec<u8> {
    let mut elf = Vec::new();
    let size = HEADERS + CODE.len() as u64;
    elf.extend_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for half in [2u16, MACHINE] {
        elf.extend_from_slice(&half.to_le_bytes()); // executable, for this machine
    }
    elf.extend_from_slice(&1u32.to_le_bytes());
    for word in [BASE + HEADERS, 64, 0] {
        elf.extend_from_slice(&word.to_le_bytes()); // entry, program headers, sections
    }
    elf.extend_from_slice(&0u32.to_le_bytes());
    for half in [64u16, 56, 1, 64, 0, 0] {
        elf.extend_from_slice(&half.to_le_bytes()); // sizes and counts of the headers
    }
    for word in [1u32, 5] {
        elf.extend_from_slice(&word.to_le_bytes()); // to be loaded, readable and executable
    }
    for word in [0, BASE, BASE, size, size, 0x1000] {
        elf.extend_from_slice(&word.to_le_bytes()); // offset, addresses, sizes, alignment
    }
    elf.extend_from_slice(CODE);
    elf
}

/// Writes the program to `path`.
///
/// # Errors
/// When the file cannot be written.
pub fn install(path: &Path) -> io::Result<()> {
    fs::write(path, image())?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    #[test]
    fn it_exits_with_its_number_of_arguments() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("program");
        super::install(&path).expect("install");
        for args in [&[][..], &["a"], &["", "b c", "d"]] {
            let status = Command::new(&path).args(args).status().expect("run");
            assert_eq!(status.code(), Some(args.len() as i32 + 1));
        }
    }
}

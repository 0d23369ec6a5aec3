// SPDX-License-Identifier: Apache-2.0
//! One record of a ring, checked and typed, borrowed from where it lies.
//!
//! This is the engine's event: a live ring, a recorded ring and a capture
//! file all give it. Decoding copies nothing; it checks that the record is as
//! long as its layout and its strings say, so that the rest of the program
//! can index without doubt.

use crate::abi::{
    Plain, SF_F_TUPLE, SF_OP_ACCEPT, SF_OP_ANON, SF_OP_CHDIR, SF_OP_CHROOT, SF_OP_CLONE,
    SF_OP_CLOSE, SF_OP_CLOSE_RANGE, SF_OP_CONNECT, SF_OP_DESCRIBE_FILE, SF_OP_DESCRIBE_PROCESS,
    SF_OP_DESCRIBE_SOCKET, SF_OP_DUP, SF_OP_EXEC, SF_OP_EXIT, SF_OP_FORK, SF_OP_MKDIR, SF_OP_MMAP,
    SF_OP_MODULE, SF_OP_MODULE_DELETE, SF_OP_OPEN, SF_OP_PIPE, SF_OP_PIVOT_ROOT, SF_OP_READ,
    SF_OP_SEND, SF_OP_SOCKET, SF_OP_SOCKETPAIR, sf_hdr, sf_rec_call, sf_rec_exec, sf_rec_exit,
    sf_rec_fd, sf_rec_file, sf_rec_fork, sf_rec_io, sf_rec_mmap, sf_rec_path, sf_rec_sock,
    sf_rec_sockio,
};

/// A record by layout. The header, which names the operation, is the first
/// field `h` of each.
#[derive(Clone, Copy, Debug)]
pub enum Record<'a> {
    /// Bytes moved on an open file.
    Io(&'a sf_rec_io),
    /// Bytes moved on a datagram socket, with both ends.
    SockIo(&'a sf_rec_sockio),
    /// A file, and its path.
    File(&'a sf_rec_file, &'a [u8]),
    /// A socket, and its path when it is a unix socket.
    Sock(&'a sf_rec_sock, &'a [u8]),
    /// Something on a descriptor.
    Fd(&'a sf_rec_fd),
    /// A file was mapped into memory.
    Map(&'a sf_rec_mmap),
    /// A call told by numbers.
    Call(&'a sf_rec_call),
    /// A task was made.
    Fork(&'a sf_rec_fork),
    /// A program was started, or could not be.
    Exec(&'a sf_rec_exec, ExecStrings<'a>),
    /// A task ends.
    Exit(&'a sf_rec_exit),
    /// An operation on one or two names.
    Path(&'a sf_rec_path, [&'a [u8]; 2]),
    /// An operation that this version does not know: to be counted, and
    /// skipped.
    Unknown(&'a sf_hdr),
}

/// The strings behind an [`sf_rec_exec`], as bytes of the kernel.
#[derive(Clone, Copy, Debug)]
pub struct ExecStrings<'a> {
    /// Path of the binary.
    pub exe: &'a [u8],
    /// Working directory.
    pub cwd: &'a [u8],
    /// Control group path.
    pub cgroup: &'a [u8],
    /// Arguments, each ended by NUL.
    pub args: &'a [u8],
    /// Environment, each entry ended by NUL.
    pub env: &'a [u8],
}

/// The bytes are no record: shorter than their layout or their strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record of operation {op} is damaged: {len} bytes do not hold it")]
pub struct Damaged {
    /// Operation that the header names.
    pub op: u8,
    /// Length of the bytes.
    pub len: usize,
}

impl<'a> Record<'a> {
    /// Types the record that fills `bytes`, which must be aligned to 8.
    ///
    /// # Errors
    /// [`Damaged`] when the bytes are too short for what they claim to be.
    #[inline]
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Damaged> {
        let hdr = sf_hdr::at(bytes).ok_or(Damaged { op: 0, len: bytes.len() })?;
        let damaged = || Damaged { op: hdr.op, len: bytes.len() };
        let tupled = u32::from(hdr.flags) & SF_F_TUPLE != 0;
        match u32::from(hdr.op) {
            SF_OP_READ..=SF_OP_SEND if tupled => sf_rec_sockio::at(bytes).map(Record::SockIo),
            SF_OP_READ..=SF_OP_SEND => sf_rec_io::at(bytes).map(Record::Io),
            SF_OP_CLOSE | SF_OP_DUP | SF_OP_PIPE => sf_rec_fd::at(bytes).map(Record::Fd),
            _ => Self::decode_seldom(hdr, bytes),
        }
        .ok_or_else(damaged)
    }

    /// The layouts that are not on the path of every byte moved.
    fn decode_seldom(hdr: &'a sf_hdr, bytes: &'a [u8]) -> Option<Self> {
        match u32::from(hdr.op) {
            SF_OP_OPEN | SF_OP_ANON | SF_OP_DESCRIBE_FILE => {
                let fixed = sf_rec_file::at(bytes)?;
                let [path] = strings::<sf_rec_file, 1>(bytes, [fixed.path_len])?;
                Some(Record::File(fixed, path))
            }
            SF_OP_SOCKET..=SF_OP_SOCKETPAIR | SF_OP_DESCRIBE_SOCKET => {
                let fixed = sf_rec_sock::at(bytes)?;
                let [path] = strings::<sf_rec_sock, 1>(bytes, [fixed.path_len])?;
                Some(Record::Sock(fixed, path))
            }
            SF_OP_MMAP => sf_rec_mmap::at(bytes).map(Record::Map),
            SF_OP_CLOSE_RANGE => sf_rec_call::at(bytes).map(Record::Call),
            SF_OP_FORK => sf_rec_fork::at(bytes).map(Record::Fork),
            SF_OP_EXIT => sf_rec_exit::at(bytes).map(Record::Exit),
            SF_OP_EXEC | SF_OP_DESCRIBE_PROCESS => {
                let f = sf_rec_exec::at(bytes)?;
                let lens = [f.exe_len, f.cwd_len, f.cgroup_len, f.args_len, f.env_len];
                let [exe, cwd, cgroup, args, env] = strings::<sf_rec_exec, 5>(bytes, lens)?;
                Some(Record::Exec(f, ExecStrings { exe, cwd, cgroup, args, env }))
            }
            SF_OP_CHDIR
            | SF_OP_CHROOT
            | SF_OP_MODULE
            | SF_OP_MODULE_DELETE
            | SF_OP_MKDIR..=SF_OP_PIVOT_ROOT => {
                let fixed = sf_rec_path::at(bytes)?;
                let paths = strings::<sf_rec_path, 2>(bytes, fixed.len)?;
                Some(Record::Path(fixed, paths))
            }
            SF_OP_CLONE..SF_OP_DESCRIBE_PROCESS => sf_rec_call::at(bytes).map(Record::Call),
            _ => Some(Record::Unknown(hdr)),
        }
    }

    /// The record's header.
    #[must_use]
    #[inline]
    pub fn header(&self) -> &'a sf_hdr {
        match *self {
            Record::Io(r) => &r.h,
            Record::SockIo(r) => &r.io.h,
            Record::File(r, _) => &r.h,
            Record::Sock(r, _) => &r.h,
            Record::Fd(r) => &r.h,
            Record::Map(r) => &r.fd.h,
            Record::Call(r) => &r.h,
            Record::Fork(r) => &r.h,
            Record::Exec(r, _) => &r.h,
            Record::Exit(r) => &r.h,
            Record::Path(r, _) => &r.h,
            Record::Unknown(h) => h,
        }
    }
}

const _: () = assert!(SF_OP_ACCEPT > SF_OP_SOCKET && SF_OP_CONNECT < SF_OP_SOCKETPAIR);

/// Cuts the strings of the given lengths that follow the fixed part `F`.
fn strings<F, const N: usize>(bytes: &[u8], lens: [u16; N]) -> Option<[&[u8]; N]> {
    let mut rest = bytes.get(size_of::<F>()..)?;
    let mut parts = [&[][..]; N];
    for (part, len) in parts.iter_mut().zip(lens) {
        (*part, rest) = rest.split_at_checked(usize::from(len))?;
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::SF_OP_SETNS;
    use proptest::prelude::*;

    proptest! {
        /// Any bytes give a record or an error, and a record's strings lie in them.
        #[test]
        fn any_bytes_are_judged(words in proptest::collection::vec(any::<u64>(), 0..40), op: u8, flags: u8) {
            let mut bytes: Vec<u64> = words;
            if bytes.len() >= 3 {
                bytes[2] = (bytes[2] & 0x0000_ffff_ffff_ffff) | u64::from(op) << 48 | u64::from(flags) << 56;
            }
            // SAFETY: a slice of u64 read as bytes.
            let raw = unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast::<u8>(), bytes.len() * 8) };
            if let Ok(record) = Record::decode(raw) {
                prop_assert_eq!(record.header().op, op);
                if let Record::Exec(_, s) = record {
                    let sum = s.exe.len() + s.cwd.len() + s.cgroup.len() + s.args.len() + s.env.len();
                    prop_assert!(sum + size_of::<sf_rec_exec>() <= raw.len());
                }
            } else if raw.len() >= 24 {
                prop_assert!(raw.len() < size_of::<sf_rec_exec>() + 5 * 65536);
            }
        }
    }

    #[test]
    fn every_operation_has_the_layout_that_its_header_names() {
        let mut words = [0u64; 16];
        for (op, want) in [
            (SF_OP_CLONE, "Call"),
            (SF_OP_FORK, "Fork"),
            (SF_OP_SETNS, "Call"),
            (SF_OP_MODULE_DELETE, "Path"),
            (SF_OP_CHDIR, "Path"),
            (SF_OP_OPEN, "File"),
            (SF_OP_CONNECT, "Sock"),
            (SF_OP_PIVOT_ROOT, "Path"),
            (SF_OP_MMAP, "Map"),
            (SF_OP_ANON, "File"),
            (SF_OP_CLOSE_RANGE, "Call"),
            (SF_OP_READ, "Io"),
            (31, "Call"),
            (200, "Unknown"),
        ] {
            words[2] = u64::from(op) << 48;
            // SAFETY: an array of u64 read as bytes.
            let raw = unsafe { std::slice::from_raw_parts(words.as_ptr().cast::<u8>(), 128) };
            let text = format!("{:?}", Record::decode(raw).expect("zeroes are a record"));
            assert!(text.starts_with(want), "operation {op} is {text}");
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Sets of operations, by their names in `ops.h`.

use std::ops::{BitOr, Sub};
use std::str::FromStr;

use super::Error;
use crate::abi;
use crate::counters::CLASS_NAMES;

macro_rules! names {
    ($($name:literal $op:ident)*) => { &[$(($name, abi::$op)),*] };
}

/// What can be selected. Descriptions follow what they describe.
const NAMES: &[(&str, u32)] = names! {
    "fork" SF_OP_FORK "clone" SF_OP_CLONE "exec" SF_OP_EXEC "exit" SF_OP_EXIT
    "setuid" SF_OP_SETUID "setgid" SF_OP_SETGID "setns" SF_OP_SETNS "unshare" SF_OP_UNSHARE
    "chdir" SF_OP_CHDIR "chroot" SF_OP_CHROOT "ptrace" SF_OP_PTRACE "kill" SF_OP_KILL
    "module" SF_OP_MODULE "bpf" SF_OP_BPF "setfsid" SF_OP_SETFSID "setgroups" SF_OP_SETGROUPS
    "capset" SF_OP_CAPSET "module_delete" SF_OP_MODULE_DELETE
    "open" SF_OP_OPEN "close" SF_OP_CLOSE "dup" SF_OP_DUP "pipe" SF_OP_PIPE "mmap" SF_OP_MMAP
    "anon" SF_OP_ANON "close_range" SF_OP_CLOSE_RANGE
    "socket" SF_OP_SOCKET "bind" SF_OP_BIND "listen" SF_OP_LISTEN "accept" SF_OP_ACCEPT
    "connect" SF_OP_CONNECT "shutdown" SF_OP_SHUTDOWN "socketpair" SF_OP_SOCKETPAIR
    "mkdir" SF_OP_MKDIR "rmdir" SF_OP_RMDIR "link" SF_OP_LINK "unlink" SF_OP_UNLINK
    "symlink" SF_OP_SYMLINK "rename" SF_OP_RENAME "chmod" SF_OP_CHMOD "chown" SF_OP_CHOWN
    "truncate" SF_OP_TRUNCATE "mount" SF_OP_MOUNT "umount" SF_OP_UMOUNT
    "setxattr" SF_OP_SETXATTR "removexattr" SF_OP_REMOVEXATTR "mknod" SF_OP_MKNOD
    "pivot_root" SF_OP_PIVOT_ROOT
    "read" SF_OP_READ "write" SF_OP_WRITE "recv" SF_OP_RECV "send" SF_OP_SEND
};

const WORDS: usize = abi::SF_OP_WORDS as usize;

/// A set of operations (`SF_OP_*`).
///
/// As text: names of operations (`open`) and of classes (`process`, `file`,
/// `net`, `path`, `io`), or `all`, with commas between them. A name with `!`
/// before it is taken out; a list that begins with one begins with all.
///
/// ```
/// use probe_loader::selection::Ops;
/// let ops: Ops = "file,connect,!dup".parse().unwrap();
/// assert!(ops.contains(probe_loader::abi::SF_OP_OPEN));
/// assert!(!ops.contains(probe_loader::abi::SF_OP_DUP));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ops([u64; WORDS]);

impl Ops {
    /// No operation.
    pub const NONE: Self = Self([0; WORDS]);
    /// Every operation, also those that later versions number.
    pub const ALL: Self = Self([u64::MAX; WORDS]);
    /// What a reader needs of every process to know them all: births, programs,
    /// ends, users and working directories.
    pub const STATE: Self = Self::of(&[
        abi::SF_OP_FORK,
        abi::SF_OP_EXEC,
        abi::SF_OP_EXIT,
        abi::SF_OP_SETUID,
        abi::SF_OP_SETGID,
        abi::SF_OP_CHDIR,
    ]);

    /// These operations. Numbers above 255 are none.
    #[must_use]
    pub const fn of(ops: &[u32]) -> Self {
        let mut set = [0; WORDS];
        let mut i = 0;
        while i < ops.len() {
            if ops[i] < 256 {
                set[(ops[i] >> 6) as usize] |= 1 << (ops[i] & 63);
            }
            i += 1;
        }
        Self(set)
    }

    /// Every operation of a class, as [`CLASS_NAMES`] numbers them.
    #[must_use]
    pub fn of_class(class: usize) -> Self {
        let ops: Vec<_> = NAMES.iter().map(|(_, op)| *op).collect();
        let ops: Vec<_> = ops.into_iter().filter(|op| (op >> 5) as usize == class).collect();
        Self::of(&ops)
    }

    /// Whether an operation is in the set.
    #[must_use]
    pub const fn contains(&self, op: u32) -> bool {
        op < 256 && self.0[(op >> 6) as usize] >> (op & 63) & 1 == 1
    }

    /// The names of what is in the set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        NAMES.iter().filter(move |(_, op)| self.contains(*op)).map(|(name, _)| *name)
    }

    pub(super) const fn words(self) -> [u64; WORDS] {
        self.0
    }

    fn named(name: &str) -> Result<Self, Error> {
        if name == "all" {
            return Ok(Self::ALL);
        }
        if let Some(class) = CLASS_NAMES.iter().position(|known| *known == name)
            && name != "describe"
        {
            return Ok(Self::of_class(class));
        }
        NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, op)| Self::of(&[*op]))
            .ok_or_else(|| Error::Operation(name.to_owned()))
    }
}

impl BitOr for Ops {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] | other.0[i]))
    }
}

impl Sub for Ops {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] & !other.0[i]))
    }
}

impl FromStr for Ops {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut set = if text.starts_with('!') { Self::ALL } else { Self::NONE };
        for name in text.split(',').map(str::trim) {
            set = match name.strip_prefix('!') {
                Some(name) => set - Self::named(name)?,
                None => set | Self::named(name)?,
            };
        }
        if NAMES.iter().any(|(_, op)| set.contains(*op)) {
            Ok(set)
        } else {
            Err(Error::NoOperation)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_a_name() {
        let header = include_str!("../abi/generated.rs");
        let ops: Vec<_> = header
            .lines()
            .filter_map(|line| line.strip_prefix("pub const SF_OP_")?.split_once(": sf_op"))
            .map(|(name, _)| name.to_lowercase())
            .filter(|name| name != "none" && !name.starts_with("describe_"))
            .collect();
        let named: Vec<_> = NAMES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(ops, named);
    }

    #[test]
    fn a_list_is_read_from_left_to_right() {
        let of = |text: &str| text.parse::<Ops>().expect("a list");
        assert_eq!(of("all"), Ops::ALL);
        assert_eq!(of("read, write"), Ops::of(&[abi::SF_OP_READ, abi::SF_OP_WRITE]));
        assert_eq!(of("!io"), Ops::ALL - Ops::of_class(5));
        assert_eq!(of("io,!read,!recv").names().collect::<Vec<_>>(), ["write", "send"]);
        assert_eq!(of("io,!read,read"), of("io"));
    }

    #[test]
    fn what_is_no_operation_is_refused() {
        for (text, says) in [
            ("opne", "`opne` is no operation"),
            ("", "`` is no operation"),
            ("describe", "`describe` is no operation"),
            ("read,,write", "`` is no operation"),
            ("read,!read", "no operation is left"),
            ("!all", "no operation is left"),
        ] {
            let error = text.parse::<Ops>().expect_err(text).to_string();
            assert!(error.starts_with(says), "{text}: {error}");
        }
    }

    #[test]
    fn numbers_beyond_the_table_are_in_no_set() {
        assert!(!Ops::ALL.contains(256));
        assert_eq!(Ops::of(&[256, 1 << 20]), Ops::NONE);
    }
}

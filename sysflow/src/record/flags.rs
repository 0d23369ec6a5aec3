// SPDX-License-Identifier: Apache-2.0
//! Operations, one bit each.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use super::define::flags;

flags! {
    /// The operations that a record stands for. Bits are those of the schema's documentation.
    OpFlags {
        /// clone, fork, vfork.
        CLONE = 1 << 0,
        /// execve, execveat.
        EXEC = 1 << 1,
        /// Exit of a thread or process.
        EXIT = 1 << 2,
        /// setuid, setresuid.
        SETUID = 1 << 3,
        /// setns.
        SETNS = 1 << 4,
        /// accept.
        ACCEPT = 1 << 5,
        /// connect.
        CONNECT = 1 << 6,
        /// open, creat.
        OPEN = 1 << 7,
        /// Reads and receives.
        READ_RECV = 1 << 8,
        /// Writes and sends.
        WRITE_SEND = 1 << 9,
        /// close.
        CLOSE = 1 << 10,
        /// The flow was ended by the writer: process exit or end of the capture.
        TRUNCATE = 1 << 11,
        /// shutdown.
        SHUTDOWN = 1 << 12,
        /// mmap.
        MMAP = 1 << 13,
        /// A digest of the content was taken.
        DIGEST = 1 << 14,
        /// mkdir.
        MKDIR = 1 << 15,
        /// rmdir.
        RMDIR = 1 << 16,
        /// link.
        LINK = 1 << 17,
        /// unlink.
        UNLINK = 1 << 18,
        /// symlink.
        SYMLINK = 1 << 19,
        /// rename.
        RENAME = 1 << 20,
    }
}

/// A name that is no flag.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown flag \"{0}\"")]
pub struct UnknownFlag(pub String);

/// Writes the names of the set bits joined by "|", bits without name as one hexadecimal number.
pub(super) fn write_names(
    f: &mut fmt::Formatter<'_>,
    bits: i32,
    names: impl Iterator<Item = (&'static str, i32)>,
) -> fmt::Result {
    if bits == 0 {
        return f.write_str("NONE");
    }
    let mut rest = bits;
    for (name, flag) in names {
        if rest & flag == flag {
            if rest != bits {
                f.write_char('|')?;
            }
            rest &= !flag;
            f.write_str(name)?;
        }
    }
    match (rest, rest == bits) {
        (0, _) => Ok(()),
        (_, true) => write!(f, "{rest:#x}"),
        (_, false) => write!(f, "|{rest:#x}"),
    }
}

/// The union of the flags named in `text`, the inverse of [`write_names`].
pub(super) fn parse_names(
    text: &str,
    names: impl Fn(&str) -> Option<i32>,
) -> Result<i32, UnknownFlag> {
    let unknown = |name: &str| UnknownFlag(name.to_owned());
    text.split('|').map(str::trim).try_fold(0, |bits, name| {
        let flag = match name.strip_prefix("0x") {
            _ if name == "NONE" => 0,
            Some(hex) => u32::from_str_radix(hex, 16).map_err(|_| unknown(name))?.cast_signed(),
            None => names(name).ok_or_else(|| unknown(name))?,
        };
        Ok(bits | flag)
    })
}

impl fmt::Display for OpFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_names(f, self.0, Self::NAMES.iter().map(|&(name, flag)| (name, flag.0)))
    }
}

impl FromStr for OpFlags {
    type Err = UnknownFlag;

    fn from_str(text: &str) -> Result<Self, UnknownFlag> {
        parse_names(text, |name| Self::NAMES.iter().find(|n| n.0 == name).map(|n| n.1.0)).map(Self)
    }
}

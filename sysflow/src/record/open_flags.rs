// SPDX-License-Identifier: Apache-2.0
//! How a file was opened.

use std::fmt;
use std::str::FromStr;

use super::define::flags;
use super::flags::{UnknownFlag, parse_names, write_names};

flags! {
    /// How a file was opened: the portable flags of Falco's libraries, not the kernel's `O_*`
    /// values, which differ between architectures.
    OpenFlags {
        /// Open for reading.
        RDONLY = 1 << 0,
        /// Open for writing.
        WRONLY = 1 << 1,
        /// Create if missing.
        CREAT = 1 << 2,
        /// Append.
        APPEND = 1 << 3,
        /// Write data through.
        DSYNC = 1 << 4,
        /// Fail if it exists.
        EXCL = 1 << 5,
        /// Do not block.
        NONBLOCK = 1 << 6,
        /// Write data and metadata through.
        SYNC = 1 << 7,
        /// Truncate.
        TRUNC = 1 << 8,
        /// Bypass the page cache.
        DIRECT = 1 << 9,
        /// Fail unless a directory.
        DIRECTORY = 1 << 10,
        /// Offsets of 64 bits.
        LARGEFILE = 1 << 11,
        /// Close on exec.
        CLOEXEC = 1 << 12,
        /// A nameless file.
        TMPFILE = 1 << 13,
        /// This call created the file.
        F_CREATED = 1 << 14,
        /// In the upper layer of an overlay.
        FD_UPPER_LAYER = 1 << 15,
        /// In a lower layer of an overlay.
        FD_LOWER_LAYER = 1 << 16,
    }
}

/// The kernel's values (`asm/fcntl.h`). The C library hides some of them, so they stand here.
mod linux {
    pub(super) const ACCMODE: i32 = 0o3;
    pub(super) const WRONLY: i32 = 0o1;
    pub(super) const RDWR: i32 = 0o2;
    pub(super) const CREAT: i32 = 0o100;
    pub(super) const EXCL: i32 = 0o200;
    pub(super) const TRUNC: i32 = 0o1000;
    pub(super) const APPEND: i32 = 0o2000;
    pub(super) const NONBLOCK: i32 = 0o4000;
    pub(super) const DSYNC: i32 = 0o10000;
    pub(super) const CLOEXEC: i32 = 0o2000000;
    pub(super) const SYNC: i32 = 0o4000000 | DSYNC;

    #[cfg(not(any(target_arch = "arm", target_arch = "aarch64", target_arch = "powerpc64")))]
    mod arch {
        pub(in super::super) const DIRECT: i32 = 0o40000;
        pub(in super::super) const LARGEFILE: i32 = 0o100000;
        pub(in super::super) const DIRECTORY: i32 = 0o200000;
    }
    #[cfg(any(target_arch = "arm", target_arch = "aarch64"))]
    mod arch {
        pub(in super::super) const DIRECTORY: i32 = 0o40000;
        pub(in super::super) const DIRECT: i32 = 0o200000;
        pub(in super::super) const LARGEFILE: i32 = 0o400000;
    }
    #[cfg(target_arch = "powerpc64")]
    mod arch {
        pub(in super::super) const DIRECTORY: i32 = 0o40000;
        pub(in super::super) const LARGEFILE: i32 = 0o200000;
        pub(in super::super) const DIRECT: i32 = 0o400000;
    }
    pub(super) use arch::{DIRECT, DIRECTORY, LARGEFILE};
    pub(super) const TMPFILE: i32 = 0o20000000 | DIRECTORY;
}

impl OpenFlags {
    /// Open for reading and writing.
    pub const RDWR: Self = Self(Self::RDONLY.0 | Self::WRONLY.0);

    /// Kernel flags and ours, the access mode aside.
    const LINUX: &'static [(i32, Self)] = &[
        (linux::CREAT, Self::CREAT),
        (linux::APPEND, Self::APPEND),
        (linux::DSYNC, Self::DSYNC),
        (linux::EXCL, Self::EXCL),
        (linux::NONBLOCK, Self::NONBLOCK),
        (linux::SYNC, Self::SYNC),
        (linux::TRUNC, Self::TRUNC),
        (linux::DIRECT, Self::DIRECT),
        (linux::DIRECTORY, Self::DIRECTORY),
        (linux::LARGEFILE, Self::LARGEFILE),
        (linux::CLOEXEC, Self::CLOEXEC),
        (linux::TMPFILE, Self::TMPFILE),
    ];

    /// From the `O_*` flags of an open call on this architecture. Flags without counterpart
    /// (`O_NOFOLLOW`, `O_PATH`, ...) are dropped; the invalid access mode 3 counts as reading.
    ///
    /// A 64-bit kernel adds `O_LARGEFILE` to `file->f_flags` of every file. Who reads the flags
    /// there removes it, to match what the program asked for.
    #[must_use]
    pub fn from_linux(o_flags: i32) -> Self {
        let mode = match o_flags & linux::ACCMODE {
            linux::WRONLY => Self::WRONLY,
            linux::RDWR => Self::RDWR,
            _ => Self::RDONLY,
        };
        Self::LINUX
            .iter()
            .filter(|&&(bits, _)| o_flags & bits == bits)
            .fold(mode, |all, &(_, flag)| all | flag)
    }

    /// To the `O_*` flags of this architecture. What the kernel has no flag for is dropped.
    #[must_use]
    pub fn to_linux(self) -> i32 {
        let mode = match (self.contains(Self::RDONLY), self.contains(Self::WRONLY)) {
            (true, true) => linux::RDWR,
            (false, true) => linux::WRONLY,
            (_, false) => 0,
        };
        Self::LINUX
            .iter()
            .filter(|&&(_, flag)| self.contains(flag))
            .fold(mode, |all, &(bits, _)| all | bits)
    }
}

impl fmt::Display for OpenFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Self::NAMES.iter().map(|&(name, flag)| (name, flag.0));
        write_names(f, self.0, std::iter::once(("RDWR", Self::RDWR.0)).chain(names))
    }
}

impl FromStr for OpenFlags {
    type Err = UnknownFlag;

    fn from_str(text: &str) -> Result<Self, UnknownFlag> {
        parse_names(text, |name| match name {
            "RDWR" => Some(Self::RDWR.0),
            _ => Self::NAMES.iter().find(|n| n.0 == name).map(|n| n.1.0),
        })
        .map(Self)
    }
}

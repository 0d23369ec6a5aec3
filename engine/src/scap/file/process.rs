// SPDX-License-Identifier: Apache-2.0
//! The list of processes: what ran when the capture began.

use super::entries::{Entries, Layout, Length};
use super::fields::Fields;

/// The entries of a process list.
pub type Processes<'a> = Entries<'a, ProcessEntry<'a>>;

/// A thread that ran when the capture began.
///
/// Texts are as in the file, without a terminating NUL; lists (`args`, `env`, `cgroups`) are
/// separated by NUL. What an older version of the list does not have is none or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProcessEntry<'a> {
    /// Thread id.
    pub tid: u64,
    /// Id of the process: of its first thread.
    pub pid: u64,
    /// Id of the parent's thread.
    pub ptid: u64,
    /// Session.
    pub sid: Option<u64>,
    /// Process group, in the process' own namespace.
    pub vpgid: Option<u64>,
    /// Name of the thread.
    pub comm: &'a [u8],
    /// First argument.
    pub exe: &'a [u8],
    /// Path of the program.
    pub exepath: Option<&'a [u8]>,
    /// The arguments without the first one.
    pub args: &'a [u8],
    /// Working directory.
    pub cwd: &'a [u8],
    /// Limit of open descriptors.
    pub fd_limit: u64,
    /// Portable clone flags: `CLONE_FILES` and `CLONE_THREAD` for threads that are not the first.
    pub flags: u32,
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Environment.
    pub env: &'a [u8],
    /// Thread id in its own namespace.
    pub vtid: Option<i64>,
    /// Process id in its own namespace.
    pub vpid: Option<i64>,
    /// Control groups, each "subsystem=path".
    pub cgroups: &'a [u8],
    /// Root directory.
    pub root: &'a [u8],
    /// When the first process of its pid namespace began.
    pub pidns_init_start: Option<u64>,
    /// Terminal.
    pub tty: Option<u32>,
    /// The user who logged in.
    pub loginuid: Option<u32>,
    /// Process group.
    pub pgid: Option<i64>,
}

/// Lists of this version and later begin each entry with its length, and may have more fields.
const WITH_LENGTH: u8 = 9;

/// What is left of an entry that was written before the fields 11 and 12 were put into its middle:
/// login user, a byte, three sets of capabilities.
const SHORT_TAIL: usize = 4 + 1 + 24;

impl<'a> Layout<'a> for ProcessEntry<'a> {
    type Version = u8;

    fn length(version: u8) -> Length {
        if version >= WITH_LENGTH { Length::Whole } else { Length::Fields }
    }

    fn read(f: &mut Fields<'a>, version: u8) -> Option<Option<Self>> {
        let mut entry = Self { tid: f.u64()?, pid: f.u64()?, ptid: f.u64()?, ..Self::default() };
        if version >= 6 {
            entry.sid = Some(f.u64()?);
        }
        if version >= 8 {
            entry.vpgid = Some(f.u64()?);
        }
        entry.comm = f.counted()?;
        entry.exe = f.counted()?;
        if version >= 7 {
            entry.exepath = Some(f.counted()?);
        }
        entry.args = f.counted()?;
        entry.cwd = f.counted()?;
        entry.fd_limit = f.u64()?;
        entry.flags = f.u32()?;
        entry.uid = f.u32()?;
        entry.gid = f.u32()?;
        if version >= 2 {
            // Sizes of memory, virtual, resident and swapped; major and minor faults.
            f.bytes(3 * 4 + 2 * 8)?;
        }
        if version >= 3 {
            entry.env = f.counted()?;
        }
        if version >= 4 {
            entry.vtid = Some(f.i64()?);
            entry.vpid = Some(f.i64()?);
            entry.cgroups = f.counted()?;
        }
        if version >= 5 {
            entry.root = f.counted()?;
        }
        if version >= WITH_LENGTH {
            entry.newer(f);
        }
        Some(Some(entry))
    }
}

impl<'a> ProcessEntry<'a> {
    /// The fields that are there if enough bytes are.
    fn newer(&mut self, f: &mut Fields<'a>) -> Option<()> {
        if f.left() > SHORT_TAIL {
            self.pidns_init_start = Some(f.u64()?);
            self.tty = Some(f.u32()?);
        }
        self.loginuid = Some(f.u32()?);
        // Whether the program can be written by the user; inheritable, permitted and effective
        // capabilities; whether the program is in an upper layer; its inode and times; whether it
        // is in memory only, or in a lower layer.
        f.bytes(1 + 3 * 8 + 1 + 3 * 8 + 2)?;
        self.pgid = Some(f.i64()?);
        Some(())
    }
}

// SPDX-License-Identifier: Apache-2.0
//! What the program tells of a process: `driver/bpf/tasks.h`.

/// Length of `struct sf_task_rec`.
const HEAD: usize = 64;

const KERNEL: u32 = 0x01;
const NAME: u32 = 0x02;
const ZOMBIE: u32 = 0x04;
const LEADER: u32 = 0x08;
const CHANGED: u32 = 0x10;
const CUT: u32 = 0x20;
const FAULT: u32 = 0x40;
const TITLE: u32 = 0x80;
const JOINED: u32 = 0x100;
const EXE: u32 = 0x200;

/// A record is not what its lengths say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the kernel's record of a task ends too soon")]
pub struct Damaged;

/// A process, at the moment that the kernel was asked. Paths are as the reader
/// sees them who reads links of /proc, without its mark of what was deleted;
/// the control group's begins at the root of its hierarchy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Task<'a> {
    flags: u32,
    /// Start time of the leader, ns of the boot clock.
    pub start: u64,
    /// Thread group id, in the reader's pid namespace.
    pub pid: u32,
    /// Parent's thread group id there; 0: none, or not in it.
    pub ppid: u32,
    /// Number in its own pid namespace.
    pub vpid: u32,
    /// Effective user, as the kernel has it.
    pub uid: u32,
    /// Effective group, the same.
    pub gid: u32,
    /// Device number of the controlling terminal, major << 20 | minor; 0: none.
    pub tty: u32,
    /// The leader's name, up to 15 bytes.
    pub comm: &'a [u8],
    /// Path of the binary.
    pub exe: &'a [u8],
    /// Working directory.
    pub cwd: &'a [u8],
    /// Root directory.
    pub root: &'a [u8],
    /// Control group: in the unified hierarchy; when that is the root, in the
    /// first other one of /proc/PID/cgroup in which it is not.
    pub cgroup: &'a [u8],
    /// Arguments, each ended by NUL; up to 8 KiB (`SF_ARGS_MAX`).
    pub args: &'a [u8],
    /// Environment, the same (`SF_ENV_MAX`).
    pub env: &'a [u8],
    /// Arguments and what lies behind them.
    memory: &'a [u8],
}

/// How much of an overwritten title the kernel shows: a page
/// (`get_mm_proctitle` of `fs/proc/base.c`).
const TITLE_MAX: usize = 4096;

impl<'a> Task<'a> {
    /// It is a kernel thread, which has a name only.
    #[must_use]
    pub fn is_kernel(&self) -> bool {
        self.flags & KERNEL != 0
    }

    /// /proc may show a longer name than [`Task::comm`].
    #[must_use]
    pub fn has_more_name(&self) -> bool {
        self.flags & NAME != 0
    }

    /// All its threads have ended.
    #[must_use]
    pub fn is_zombie(&self) -> bool {
        self.flags & ZOMBIE != 0
    }

    /// It has a binary.
    #[must_use]
    pub fn has_exe(&self) -> bool {
        self.flags & EXE != 0
    }

    /// Only its numbers are told: it changed meanwhile, is too long, only its
    /// leader has ended, or its memory could not be read.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.flags & (LEADER | CHANGED | CUT | FAULT) != 0
    }

    /// What /proc/PID/cmdline shows, as far as it is told: the arguments, or
    /// what the program wrote over them. None where that is not known.
    #[must_use]
    pub fn cmdline(&self) -> Option<&'a [u8]> {
        if self.flags & TITLE == 0 {
            return Some(self.args);
        }
        let joined = self.flags & JOINED != 0;
        let memory = if joined { self.memory } else { self.args };
        let page = &memory[..memory.len().min(TITLE_MAX)];
        match page.iter().position(|byte| *byte == 0) {
            Some(end) => Some(&page[..=end]),
            None => (page.len() == TITLE_MAX).then_some(page),
        }
    }

    fn decode(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (head, mut rest) = bytes.split_at_checked(HEAD)?;
        let u32_at = |at: usize| -> Option<u32> {
            Some(u32::from_ne_bytes(head.get(at..at + 4)?.try_into().ok()?))
        };
        let u16_at = |at: usize| -> Option<usize> {
            Some(u16::from_ne_bytes(head.get(at..at + 2)?.try_into().ok()?).into())
        };
        let mut text = |len: usize| {
            let (text, behind) = rest.split_at_checked(len)?;
            rest = behind;
            Some(text)
        };
        let [exe, cwd, root, cgroup] =
            [text(u16_at(40)?)?, text(u16_at(42)?)?, text(u16_at(44)?)?, text(u16_at(46)?)?];
        let (args_len, env_len) = (u16_at(36)?, u16_at(38)?);
        let memory = text(args_len + env_len)?;
        let (args, env) = memory.split_at(args_len);
        let comm = head.get(48..HEAD)?;
        let comm = &comm[..comm.iter().position(|byte| *byte == 0).unwrap_or(comm.len())];
        let task = Self {
            flags: u32_at(8)?,
            start: u64::from_ne_bytes(head.get(..8)?.try_into().ok()?),
            pid: u32_at(12)?,
            ppid: u32_at(16)?,
            vpid: u32_at(20)?,
            uid: u32_at(24)?,
            gid: u32_at(28)?,
            tty: u32_at(32)?,
            comm,
            exe,
            cwd,
            root,
            cgroup,
            args,
            env,
            memory,
        };
        Some((task, rest))
    }
}

/// Processes that the kernel told with one call.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    rest: &'a [u8],
}

impl<'a> Batch<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }
}

impl<'a> Iterator for Batch<'a> {
    type Item = Result<Task<'a>, Damaged>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let Some((task, rest)) = Task::decode(self.rest) else {
            self.rest = &[];
            return Some(Err(Damaged));
        };
        self.rest = rest;
        Some(Ok(task))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As the program puts it together.
    fn encode(task: &Task<'_>, out: &mut Vec<u8>) {
        out.extend(task.start.to_ne_bytes());
        for number in [task.flags, task.pid, task.ppid, task.vpid, task.uid, task.gid, task.tty] {
            out.extend(number.to_ne_bytes());
        }
        let texts = [task.exe, task.cwd, task.root, task.cgroup];
        for text in [task.args, task.env].into_iter().chain(texts) {
            out.extend(u16::try_from(text.len()).expect("short").to_ne_bytes());
        }
        let mut comm = [0; 16];
        comm[..task.comm.len()].copy_from_slice(task.comm);
        out.extend(comm);
        for text in texts.into_iter().chain([task.args, task.env]) {
            out.extend_from_slice(text);
        }
    }

    proptest! {
        #[test]
        fn what_is_told_is_read(
            numbers in prop::array::uniform7(any::<u32>()),
            start in any::<u64>(),
            comm in "[a-z )\n]{0,15}",
            texts in prop::array::uniform6(prop::collection::vec(any::<u8>(), 0..300)),
            cut in 1usize..50,
        ) {
            let [flags, pid, ppid, vpid, uid, gid, tty] = numbers;
            let [exe, cwd, root, cgroup, args, env] = texts.each_ref().map(Vec::as_slice);
            let memory = [args, env].concat();
            let comm = comm.as_bytes();
            let task = Task {
                flags, start, pid, ppid, vpid, uid, gid, tty, comm, exe, cwd, root, cgroup, args,
                env, memory: &memory,
            };
            let mut bytes = Vec::new();
            encode(&task, &mut bytes);
            let one = bytes.len();
            encode(&task, &mut bytes);
            let read: Vec<_> = Batch::new(&bytes).collect();
            prop_assert_eq!(read, vec![Ok(task), Ok(task)]);
            let read: Vec<_> = Batch::new(&bytes[..2 * one - cut]).collect();
            prop_assert_eq!(read, vec![Ok(task), Err(Damaged)]);
        }
    }

    #[test]
    fn a_title_ends_where_the_kernel_ends_it() {
        let of = |flags, memory: &'static [u8], args_len| Task {
            flags,
            memory,
            args: &memory[..args_len],
            env: &memory[args_len..],
            ..Task::default()
        };
        assert_eq!(of(0, b"a\0b\0E=1\0", 4).cmdline(), Some(&b"a\0b\0"[..]));
        assert_eq!(of(TITLE | JOINED, b"a: bcd e\0", 4).cmdline(), Some(&b"a: bcd e\0"[..]));
        assert_eq!(of(TITLE | JOINED, b"a\0bcd e\0", 4).cmdline(), Some(&b"a\0"[..]));
        assert_eq!(of(TITLE, b"abcdE=1\0", 4).cmdline(), None, "what lies behind is not known");
        assert_eq!(of(TITLE | JOINED, b"abcdef", 4).cmdline(), None);
        static LONG: [u8; 5000] = [b'x'; 5000];
        assert_eq!(of(TITLE | JOINED, &LONG, 100).cmdline().map(<[u8]>::len), Some(4096));
    }
}

// SPDX-License-Identifier: Apache-2.0
//! A thread of the captured host.

use std::sync::Arc;

use sysflow::record::Oid;

use super::descriptors::Table;
use super::names::Named;
use crate::scap::file::Params;
use crate::state::container::ContainerRef;
use crate::state::process::{ProcRef, Program};

/// Portable flags of clone.
pub(in crate::scap) mod clone {
    pub(in crate::scap) const FILES: u32 = 1;
    pub(in crate::scap) const NEW_PID: u32 = 1 << 6;
    pub(in crate::scap) const PARENT: u32 = 1 << 8;
    pub(in crate::scap) const THREAD: u32 = 1 << 13;
    /// The child is in a pid namespace that is not the initial one.
    pub(in crate::scap) const IN_PID_NAMESPACE: u32 = 1 << 29;
}

/// No group.
pub(in crate::scap) const NO_GROUP: u32 = u32::MAX;

/// Most parameters of a call that are kept until it returns.
const KEPT: usize = 5;

/// Most bytes of them: one path, or two.
const KEPT_BYTES: usize = 2 * 4096 + 64;

/// What was told when a call was entered, kept until it returns.
#[derive(Debug, Default)]
pub(in crate::scap) struct Kept {
    bytes: Vec<u8>,
    ends: [u32; KEPT],
    count: u8,
}

impl Kept {
    #[inline]
    pub(in crate::scap) fn forget(&mut self) {
        self.count = 0;
    }

    #[inline(never)]
    pub(in crate::scap) fn keep(&mut self, params: &Params<'_>) {
        let mut total = 0;
        self.count = 0;
        for (end, len) in self.ends.iter_mut().zip(params.lengths()) {
            if total + len > KEPT_BYTES {
                break;
            }
            total += len;
            *end = total as u32;
            self.count += 1;
        }
        self.bytes.clear();
        self.bytes.extend_from_slice(params.front(total));
    }

    pub(in crate::scap) fn get(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends[..usize::from(self.count)].get(index)?;
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        self.bytes.get(start as usize..end as usize)
    }
}

/// No type of event: the thread is in no call.
pub(in crate::scap) const NO_CALL: u16 = u16::MAX;

/// What a thread is in the middle of.
#[derive(Debug, Default)]
pub(in crate::scap) struct Call {
    /// Type of the event that entered it; [`NO_CALL`]: none.
    pub(in crate::scap) kind: u16,
    /// The descriptor that it is on, or -1.
    pub(in crate::scap) fd: i64,
}

/// A thread. What every event of it needs comes first, in two lines of the
/// cache.
#[derive(Debug)]
#[repr(C, align(64))]
pub(in crate::scap) struct Thread {
    pub(in crate::scap) tid: i64,
    /// The tid of the first thread of its process.
    pub(in crate::scap) pid: i64,
    /// Portable clone flags.
    pub(in crate::scap) flags: u32,
    /// Its process in the engine, unless that is another by now.
    pub(in crate::scap) process: ProcRef,
    pub(in crate::scap) call: Call,
    pub(in crate::scap) container: Option<ContainerRef>,
    /// When it was cloned, ns; 0: before the capture.
    pub(in crate::scap) cloned: u64,
    pub(in crate::scap) descriptors: Table,
    /// What was told when the call was entered.
    pub(in crate::scap) kept: Kept,
    pub(in crate::scap) group: u32,
    /// Was made by its own event, not by its parent's.
    pub(in crate::scap) by_itself: bool,
    pub(in crate::scap) dead: bool,
    /// The thread that made it, or took it over.
    pub(in crate::scap) ptid: i64,
    pub(in crate::scap) vtid: i64,
    pub(in crate::scap) vpid: i64,
    pub(in crate::scap) exe: Arc<str>,
    pub(in crate::scap) exepath: Arc<str>,
    pub(in crate::scap) args: Arc<str>,
    pub(in crate::scap) env: Arc<str>,
    pub(in crate::scap) cwd: Arc<str>,
    /// Both as records show them, once they were shown.
    pub(in crate::scap) program: Option<Arc<Program>>,
    pub(in crate::scap) user: Named,
    pub(in crate::scap) group_id: Named,
    pub(in crate::scap) tty: bool,
    pub(in crate::scap) children: Vec<i64>,
    /// Who takes over its children, as its exit tells.
    pub(in crate::scap) reaper: i64,
}

/// What stands for an unknown text.
pub(in crate::scap) const UNKNOWN: &str = "<NA>";

impl Thread {
    /// A thread of which nothing but the number is known.
    pub(in crate::scap) fn unknown(tid: i64, texts: &Texts) -> Self {
        Self {
            tid,
            pid: -1,
            ptid: -1,
            vtid: -1,
            vpid: -1,
            flags: 0,
            by_itself: false,
            dead: false,
            group: NO_GROUP,
            call: Call { kind: NO_CALL, fd: -1 },
            kept: Kept::default(),
            descriptors: Table::default(),
            process: ProcRef(u32::MAX),
            cloned: 0,
            exe: Arc::clone(&texts.unknown),
            exepath: Arc::clone(&texts.unknown),
            args: Arc::clone(&texts.empty),
            env: Arc::clone(&texts.empty),
            cwd: Arc::clone(&texts.empty),
            program: None,
            user: Named::default(),
            group_id: Named::default(),
            tty: false,
            container: None,
            children: Vec::new(),
            reaper: -1,
        }
    }

    /// One that cannot have a place among the others.
    pub(in crate::scap) fn is_invalid(&self) -> bool {
        self.tid < 0 || self.pid < 0 || self.ptid < 0
    }

    #[inline]
    pub(in crate::scap) fn is_main(&self) -> bool {
        self.tid == self.pid
    }

    /// Identity of the process that it is the main thread of.
    #[inline]
    pub(in crate::scap) fn oid(&self) -> Oid {
        Oid { create_ts: self.cloned.cast_signed(), hpid: self.pid }
    }

    /// Whether it has a descriptor table of its own, or is the thread whose
    /// table the others share.
    #[inline]
    pub(in crate::scap) fn has_table(&self) -> bool {
        self.flags & clone::FILES == 0 || self.is_main()
    }

    pub(in crate::scap) fn in_pid_namespace(&self) -> bool {
        self.flags & clone::IN_PID_NAMESPACE != 0 || self.tid != self.vtid
    }

    /// The program as records show it.
    pub(in crate::scap) fn program(&mut self) -> Arc<Program> {
        let program = self.program.get_or_insert_with(|| {
            let known = !self.exepath.is_empty() && &*self.exepath != UNKNOWN;
            let exe = if known { &self.exepath } else { &self.exe };
            Arc::new(Program { exe: (**exe).into(), args: (*self.args).into() })
        });
        Arc::clone(program)
    }

    /// Takes program and arguments over from another thread.
    pub(in crate::scap) fn share_program(&mut self, other: &Thread) {
        self.exe = Arc::clone(&other.exe);
        self.args = Arc::clone(&other.args);
        self.program = None;
    }
}

/// Texts that most threads share.
#[derive(Debug)]
pub(in crate::scap) struct Texts {
    pub(in crate::scap) empty: Arc<str>,
    pub(in crate::scap) unknown: Arc<str>,
}

impl Default for Texts {
    fn default() -> Self {
        Self { empty: Arc::from(""), unknown: Arc::from(UNKNOWN) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_at_the_beginning_is_kept() {
        let mut kept = Kept::default();
        kept.keep(&Params::of(&[2, 0, 0, 0, 1, 0], b"abc"));
        assert_eq!(
            (kept.get(0), kept.get(1), kept.get(2)),
            (Some(&b"ab"[..]), Some(&b""[..]), Some(&b"c"[..]))
        );
        assert_eq!(kept.get(3), None);
        kept.forget();
        assert_eq!(kept.get(0), None);
        let mut long = b"ab".to_vec();
        long.resize(2 + KEPT_BYTES + 1, 0);
        let [low, high] = (KEPT_BYTES as u16 + 1).to_le_bytes();
        kept.keep(&Params::of(&[2, 0, low, high], &long));
        assert_eq!((kept.get(0), kept.get(1)), (Some(&b"ab"[..]), None));
    }

    #[test]
    fn the_path_is_preferred_to_the_first_argument() {
        let mut thread = Thread::unknown(5, &Texts::default());
        assert_eq!(&*thread.program().exe, "<NA>");
        thread.exe = Arc::from("ls");
        thread.program = None;
        assert_eq!(&*thread.program().exe, "ls");
        thread.exepath = Arc::from("/bin/ls");
        thread.program = None;
        assert_eq!(&*thread.program().exe, "/bin/ls");
        assert!(Arc::ptr_eq(&thread.program(), &thread.program()));
    }
}

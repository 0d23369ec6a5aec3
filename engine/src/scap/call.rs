// SPDX-License-Identifier: Apache-2.0
//! Hot path. A call is entered, and left: what it is on, and who takes it from there.
//! May not appear here: allocation per event, locks, system calls, formatting.
//!
//! What most events need is inlined into the loop that reads them, so that the compiler sees both as
//! one. Other ways are functions of their own, which take a copy of the event.

use crate::sink::Sink;

use super::convert::{Converter, Here};
use super::file::RawEvent;
use super::rows::{self, Act, NO_FD, Row};
use super::state::thread::{Call, Kept, NO_CALL};
use super::state::threads::ThreadRef;
use super::value;

/// The descriptor that an enter event names.
#[inline(always)]
fn descriptor(event: &RawEvent<'_>, row: &Row) -> i64 {
    #[cold]
    fn further(event: RawEvent<'_>, at: u8) -> i64 {
        value::signed(event.params.get(usize::from(at))).unwrap_or(-1)
    }
    match row.fd {
        NO_FD => -1,
        0 => value::signed(event.params.first()).unwrap_or(-1),
        at => further(*event, at),
    }
}

/// Keeps what was told when a call was entered: in many captures nothing.
#[inline(always)]
fn keep(kept: &mut Kept, event: &RawEvent<'_>) {
    kept.forget();
    if !event.params.is_empty() {
        let params = event.params;
        kept.keep(&params);
    }
}

impl<S: Sink> Converter<S> {
    /// A call is entered.
    #[inline(always)]
    pub(super) fn entered(&mut self, event: &RawEvent<'_>, row: &'static Row) {
        let fd = descriptor(event, row);
        let (place, thread) = self.threads.of_event(event.tid.cast_signed());
        thread.call = Call { kind: event.kind, fd };
        if row.keep {
            keep(&mut thread.kept, event);
        }
        match row.act {
            Act::None => self.counts.passed += 1,
            Act::CloseEnter if thread.has_table() => {
                self.counts.used += 1;
                thread.descriptors.set_closing(fd, true);
            }
            _ => self.entered_with(*event, row, place, fd),
        }
    }

    #[inline(never)]
    fn entered_with(&mut self, event: RawEvent<'_>, row: &'static Row, place: ThreadRef, fd: i64) {
        let thing = self.threads.table(place).and_then(|table| table.get(fd));
        let here = Here { event: &event, thread: place, row, entered: true, fd, thing };
        self.counts.used += 1;
        match row.act {
            Act::CloseEnter => {
                if let Some(table) = self.threads.table_mut(place) {
                    table.set_closing(fd, true);
                }
            }
            Act::MmapEnter => self.mapped(&here),
            Act::ConnectEnter => self.connecting(&here),
            Act::SendtoEnter => self.sending(&here),
            Act::SetuidEnter => self.asking_for_user(&here),
            _ => {}
        }
    }

    /// A call returned, or a thread ends.
    #[inline(always)]
    pub(super) fn left(&mut self, event: &RawEvent<'_>, row: &'static Row) {
        let tid = event.tid.cast_signed();
        // They name their thread, or it is not worth a name.
        if matches!(row.act, Act::Clone(_) | Act::Exit) && self.threads.find(tid).is_none() {
            return self.left_unknown(*event, row);
        }
        let (place, thread) = self.threads.of_event(tid);
        let entered = rows::belongs(thread.call.kind, event.kind);
        let fd = if entered { thread.call.fd } else { -1 };
        if matches!(row.act, Act::None | Act::Read | Act::Write) {
            thread.call.kind = NO_CALL;
        }
        let (mut thing, mut parse) = (None, true);
        if fd >= 0 {
            let known = if thread.has_table() {
                thread.descriptors.look_up(fd)
            } else {
                self.threads.look_up_shared(place, fd)
            };
            if let Some((found, cancelled)) = known {
                thing = Some(found);
                if cancelled {
                    parse = false;
                    self.uncancel(place, fd);
                }
            }
        }
        match row.act {
            Act::None => self.counts.passed += 1,
            Act::Read | Act::Write => {
                self.moved(&Here { event, thread: place, row, entered, fd, thing });
            }
            _ => {
                let event = *event;
                let here = Here { event: &event, thread: place, row, entered, fd, thing };
                self.left_with(&here, parse);
            }
        }
    }

    /// The number was given anew while it was being closed: the mark goes, and
    /// what had the number before.
    #[cold]
    fn uncancel(&mut self, thread: ThreadRef, fd: i64) {
        let parked = self.threads.table_mut(thread).and_then(|table| table.uncancel(fd));
        if let Some(parked) = parked {
            self.release(parked);
        }
    }

    /// A call of a thread that is not known returned, and is no reason to know
    /// it.
    #[cold]
    fn left_unknown(&mut self, event: RawEvent<'_>, row: &'static Row) {
        let thread = ThreadRef::nowhere();
        let here = Here { event: &event, thread, row, entered: false, fd: -1, thing: None };
        match row.act {
            Act::Clone(params) => self.cloned(&here, params, None),
            _ => self.counts.incomplete += 1,
        }
        self.clear_away();
    }

    #[inline(never)]
    fn left_with(&mut self, here: &Here<'_>, parse: bool) {
        match here.row.act {
            Act::Clone(params) => self.cloned(here, params, Some(here.thread)),
            Act::Exec(params) => self.executed(here, params),
            Act::Exit => self.exited(here),
            Act::Setuid | Act::Setresuid | Act::Setreuid => self.user_set(here),
            Act::Setgid | Act::Setresgid | Act::Setregid => self.group_set(here),
            Act::Open | Act::Openat | Act::OpenatOld | Act::Creat | Act::OpenByHandle => {
                self.opened(here);
            }
            Act::Close => self.closed(here, parse),
            Act::ReadFrom(_) | Act::WriteTo => self.moved_with(here, parse),
            Act::Socket => self.socket_made(here),
            Act::Bind => self.bound(here, parse),
            Act::Connect => self.connected(here, parse),
            Act::Accept => self.accepted(here),
            Act::Shutdown => self.marked(here, sysflow::record::OpFlags::SHUTDOWN),
            Act::Setns => self.marked(here, sysflow::record::OpFlags::SETNS),
            Act::Socketpair => self.pair_made(here),
            Act::Pipe => self.pipe_made(here),
            Act::Make(kind) => self.descriptor_made(here, kind),
            Act::Dup => self.duplicated(here, parse),
            Act::Fcntl => self.fcntl(here, parse),
            Act::Chdir => self.directory_changed(here),
            Act::Fchdir => self.directory_changed_by_fd(here, parse),
            Act::Mkdir(_)
            | Act::Rmdir(_)
            | Act::Unlink(_)
            | Act::Link(_)
            | Act::Rename(_)
            | Act::Symlink
            | Act::Symlinkat => self.names_changed(here),
            _ => self.counts.passed += 1,
        }
        if !self.threads.left.is_empty() {
            self.clear_away();
        }
        // The thread may be gone.
        if let Some(thread) = self.threads.try_get_mut(here.thread) {
            thread.kept.forget();
            thread.call.kind = NO_CALL;
        }
    }
}

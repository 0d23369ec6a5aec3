// SPDX-License-Identifier: Apache-2.0
//! What is done with each type of event: one look-up tells.

use super::state::descriptors::kind;

/// What an event tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Nothing but who did it.
    None,
    /// Nothing at all: not of a thread, or of no interest.
    Skip,
    // Halves that enter a call.
    CloseEnter,
    ConnectEnter,
    SendtoEnter,
    /// Counted when it is entered, as in the reference.
    MmapEnter,
    SetuidEnter,
    // Halves that leave it.
    Open,
    Openat,
    OpenatOld,
    Creat,
    OpenByHandle,
    Close,
    Read,
    Write,
    /// Parameter that is the tuple.
    ReadFrom(u8),
    WriteTo,
    Socket,
    Bind,
    Connect,
    Accept,
    Shutdown,
    Socketpair,
    Pipe,
    /// A descriptor of this kind is made.
    Make(u8),
    Dup,
    Fcntl,
    Chdir,
    Fchdir,
    Setns,
    Clone(CloneParams),
    Exec(ExecParams),
    Exit,
    Setuid,
    Setresuid,
    Setreuid,
    Setgid,
    Setresgid,
    Setregid,
    /// One path: parameter of the exit event, or in old captures of the enter
    /// event; or of both the directory, when there is one.
    Mkdir(OnePath),
    Rmdir(OnePath),
    Unlink(OnePath),
    Link(TwoPaths),
    Rename(TwoPaths),
    Symlink,
    Symlinkat,
    // About no thread.
    Container,
    UserAdded,
    UserDeleted,
    GroupAdded,
    GroupDeleted,
}

/// Where a clone tells what; 0: nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CloneParams {
    pub(super) cgroups: u8,
    pub(super) flags: u8,
    pub(super) uid: u8,
    pub(super) gid: u8,
    pub(super) vtid: u8,
    pub(super) vpid: u8,
}

/// Where an exec tells what; 0: nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ExecParams {
    pub(super) cgroups: u8,
    pub(super) env: u8,
    pub(super) tty: u8,
    pub(super) uid: u8,
    pub(super) path: u8,
    /// The name of the program is relative to a directory: execveat.
    pub(super) at: bool,
}

/// Where a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OnePath {
    /// In the enter event, not the exit event.
    pub(super) entered: bool,
    /// Parameter that is the directory; `NO_DIRECTORY`: none.
    pub(super) directory: u8,
    pub(super) path: u8,
}

/// Where two paths are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TwoPaths {
    pub(super) entered: bool,
    /// Whether a directory comes before each path.
    pub(super) directories: bool,
    /// The first parameter of them.
    pub(super) first: u8,
}

/// No such parameter.
pub(super) const NO_DIRECTORY: u8 = u8::MAX;

/// Which way an event goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It tells nothing of interest.
    Pass,
    /// It enters a call.
    Enter,
    /// It leaves a call, or ends a thread.
    Leave,
    /// It tells something that is not about a thread.
    Tell,
    /// Its type is newer than the table.
    Unknown,
}

/// A type of event.
#[derive(Clone, Copy, Debug)]
#[repr(align(16))]
pub(super) struct Row {
    pub(super) step: Step,
    pub(super) act: Act,
    /// Of an enter event: the parameter that is the descriptor; `NO_FD`: none.
    pub(super) fd: u8,
    /// Its parameters are kept until the call returns.
    pub(super) keep: bool,
    /// The reference collector does not know the type.
    pub(super) newer: bool,
}

/// No parameter is a descriptor.
pub(super) const NO_FD: u8 = u8::MAX;

/// The largest type that is known, and one more.
const COUNT: usize = 430;

/// The row of a type.
#[inline]
pub(super) fn row(kind: u16) -> &'static Row {
    ROWS.get(usize::from(kind)).unwrap_or(const { &UNKNOWN })
}

const UNKNOWN: Row =
    Row { step: Step::Unknown, act: Act::Skip, fd: NO_FD, keep: false, newer: false };

static ROWS: [Row; COUNT] = rows();

/// Types of which the library looks at neither thread nor parameters.
const SKIPPED: &[usize] =
    &[146, 148, 149, 152, 196, 228, 234, 244, 260, 270, 280, 286, 290, 322, 402];

/// Enter events whose parameter 0 is a descriptor in use.
const USING: &[usize] = &[
    4, 6, 8, 20, 22, 24, 28, 30, 32, 34, 36, 48, 52, 70, 76, 86, 88, 90, 96, 112, 114, 116, 118,
    120, 122, 124, 150, 166, 170, 188, 236, 238, 240, 242, 332, 362, 364, 366,
];

/// Enter events that are kept.
const KEPT: &[usize] = &[
    2, 18, 30, 48, 58, 98, 100, 102, 104, 106, 108, 110, 150, 192, 194, 198, 200, 288, 292, 306,
    326, 330,
];

/// Types that the reference does not turn into records, but for state.
const NEWER: &[usize] = &[59, 327, 331, 335, 337, 389];

const fn path(entered: bool, directory: u8, path: u8) -> OnePath {
    OnePath { entered, directory, path }
}

const fn two(entered: bool, directories: bool, first: u8) -> TwoPaths {
    TwoPaths { entered, directories, first }
}

const fn clone(cgroups: u8, flags: u8, uid: u8, gid: u8, vtid: u8, vpid: u8) -> Act {
    Act::Clone(CloneParams { cgroups, flags, uid, gid, vtid, vpid })
}

const fn exec(cgroups: u8, env: u8, tty: u8, uid: u8, path: u8) -> Act {
    Act::Exec(ExecParams { cgroups, env, tty, uid, path, at: false })
}

const fn act(number: usize) -> Act {
    match number {
        4 => Act::CloseEnter,
        22 => Act::ConnectEnter,
        30 => Act::SendtoEnter,
        160 | 162 => Act::MmapEnter,
        198 => Act::SetuidEnter,
        3 => Act::Open,
        307 | 327 => Act::Openat,
        103 => Act::OpenatOld,
        59 => Act::Creat,
        337 => Act::OpenByHandle,
        5 => Act::Close,
        7 | 33 | 55 | 113 | 117 | 121 => Act::Read,
        35 => Act::ReadFrom(2),
        53 => Act::ReadFrom(3),
        9 | 29 | 51 | 115 | 119 | 123 => Act::Write,
        31 | 49 => Act::WriteTo,
        19 => Act::Socket,
        21 => Act::Bind,
        23 => Act::Connect,
        27 | 57 | 247 | 249 | 389 => Act::Accept,
        37 => Act::Shutdown,
        43 => Act::Socketpair,
        61 | 393 => Act::Pipe,
        63 | 397 => Act::Make(kind::EVENT),
        127 | 399 => Act::Make(kind::SIGNAL),
        137 => Act::Make(kind::TIMER),
        139 | 395 => Act::Make(kind::INOTIFY),
        375 | 377 => Act::Make(kind::EPOLL),
        369 => Act::Make(kind::BPF),
        321 => Act::Make(kind::USERFAULT),
        339 => Act::Make(kind::IO_URING),
        405 => Act::Make(kind::MEMFD),
        407 | 409 => Act::Make(kind::PIDFD),
        125 | 363 | 365 | 367 => Act::Dup,
        151 => Act::Fcntl,
        93 | 95 => Act::Chdir,
        97 => Act::Fchdir,
        241 => Act::Setns,
        15 => clone(0, 8, 9, 10, 0, 0),
        157 | 183 | 185 => clone(0, 13, 14, 15, 0, 0),
        217 | 219 | 221 => clone(0, 14, 15, 16, 0, 0),
        223 | 225 | 227 | 335 => clone(14, 15, 16, 17, 18, 19),
        13 | 155 => exec(0, 0, 0, 0, 0),
        173 => exec(0, 13, 0, 0, 0),
        215 => exec(0, 14, 0, 0, 0),
        231 => exec(14, 15, 0, 0, 0),
        283 | 289 => exec(14, 15, 16, 0, 0),
        293 => exec(14, 15, 16, 26, 27),
        331 => Act::Exec(ExecParams { cgroups: 14, env: 15, tty: 16, uid: 26, path: 27, at: true }),
        16 | 17 | 186 | 187 => Act::Exit,
        199 => Act::Setuid,
        193 => Act::Setresuid,
        427 => Act::Setreuid,
        201 => Act::Setgid,
        195 => Act::Setresgid,
        429 => Act::Setregid,
        99 => Act::Mkdir(path(true, NO_DIRECTORY, 0)),
        277 => Act::Mkdir(path(false, NO_DIRECTORY, 1)),
        305 => Act::Mkdir(path(false, 1, 2)),
        101 => Act::Rmdir(path(true, NO_DIRECTORY, 0)),
        279 => Act::Rmdir(path(false, NO_DIRECTORY, 1)),
        109 => Act::Unlink(path(true, NO_DIRECTORY, 0)),
        301 => Act::Unlink(path(false, NO_DIRECTORY, 1)),
        111 => Act::Unlink(path(true, 0, 1)),
        303 => Act::Unlink(path(false, 1, 2)),
        105 => Act::Link(two(true, false, 0)),
        309 => Act::Link(two(false, false, 1)),
        107 => Act::Link(two(true, true, 0)),
        311 => Act::Link(two(false, true, 1)),
        175 => Act::Rename(two(false, false, 1)),
        177 | 319 => Act::Rename(two(false, true, 1)),
        179 => Act::Symlink,
        181 => Act::Symlinkat,
        272 | 324 => Act::Container,
        354 => Act::UserAdded,
        356 => Act::UserDeleted,
        358 => Act::GroupAdded,
        360 => Act::GroupDeleted,
        _ => Act::None,
    }
}

const fn contains(list: &[usize], number: usize) -> bool {
    let mut at = 0;
    while at < list.len() {
        if list[at] == number {
            return true;
        }
        at += 1;
    }
    false
}

const fn step(number: usize, act: Act) -> Step {
    match act {
        Act::Skip => Step::Pass,
        Act::Container
        | Act::UserAdded
        | Act::UserDeleted
        | Act::GroupAdded
        | Act::GroupDeleted => Step::Tell,
        Act::Exit => Step::Leave,
        _ if number.is_multiple_of(2) => Step::Enter,
        _ => Step::Leave,
    }
}

const fn rows() -> [Row; COUNT] {
    let mut rows = [UNKNOWN; COUNT];
    let mut number = 0;
    while number < COUNT {
        rows[number].act = if contains(SKIPPED, number) { Act::Skip } else { act(number) };
        rows[number].step = step(number, rows[number].act);
        if contains(USING, number) {
            rows[number].fd = 0;
        }
        if number == 160 || number == 162 {
            rows[number].fd = 4;
        }
        rows[number].keep = contains(KEPT, number);
        rows[number].newer = contains(NEWER, number);
        number += 1;
    }
    rows
}

/// Whether an exit event belongs to the enter event that came before it on its
/// thread: an execve can be told after an execveat.
#[inline]
pub(super) fn belongs(entered: u16, left: u16) -> bool {
    entered.wrapping_add(1) == left || (entered == 330 && left == 293)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scap::kinds;

    /// What is asked for must be in the table of the format.
    #[test]
    fn parameters_exist() {
        for (number, row) in ROWS.iter().enumerate() {
            let Some(kind) = kinds::get(number as u16) else { continue };
            let has =
                |index: u8| assert!(index < kind.parameters, "{number} {} {index}", kind.name);
            if row.fd != NO_FD {
                has(row.fd);
            }
            match row.act {
                Act::Clone(p) => [p.cgroups, p.flags, p.uid, p.gid, p.vtid, p.vpid].map(has).len(),
                Act::Exec(p) => [p.cgroups, p.env, p.tty, p.uid, p.path].map(has).len(),
                Act::Mkdir(p) | Act::Rmdir(p) | Act::Unlink(p) if !p.entered => {
                    has(p.path);
                    0
                }
                Act::Link(p) | Act::Rename(p) if !p.entered => {
                    has(p.first + if p.directories { 3 } else { 1 });
                    0
                }
                Act::ReadFrom(index) => {
                    has(index);
                    0
                }
                _ => 0,
            };
        }
    }

    #[test]
    fn halves_are_where_they_belong() {
        for (number, row) in ROWS.iter().enumerate() {
            let entering = matches!(
                row.act,
                Act::CloseEnter
                    | Act::ConnectEnter
                    | Act::SendtoEnter
                    | Act::MmapEnter
                    | Act::SetuidEnter
            );
            assert!(!entering || number.is_multiple_of(2), "{number}");
            assert!(!row.keep || number.is_multiple_of(2), "{number}");
        }
        assert!(belongs(6, 7) && belongs(330, 293) && belongs(330, 331));
        assert!(!belongs(u16::MAX, 3) && !belongs(6, 9));
    }
}

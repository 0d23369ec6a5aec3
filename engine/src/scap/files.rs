// SPDX-License-Identifier: Apache-2.0
//! Descriptors: opened, made, given a second number; and directories.

use sysflow::record::OpenFlags;

use crate::Engine;
use crate::sink::Sink;
use crate::state::container::ContainerRef;

use super::convert::{Converter, Here};
use super::path;
use super::processes::AT_FDCWD;
use super::rows::Act;
use super::state::descriptors::{Thing, ThingRef, kind};
use super::state::thread::UNKNOWN;
use super::state::threads::{ThreadRef, Threads};
use super::value::{self, signed, text, unsigned};

/// Open flags from here on tell what came of the call, not what was asked.
const OUTCOMES: i32 = 0x4000;

/// What stands for the name of a directory whose descriptor is not known.
const NO_NAME: &[u8] = b"<UNKNOWN>";

/// What an open asks for.
struct Wanted<'a> {
    directory: i64,
    name: &'a [u8],
    flags: i32,
}

impl<S: Sink> Converter<S> {
    /// What a descriptor with a name stands for.
    #[inline]
    pub(super) fn named_thing(
        &mut self,
        container: Option<ContainerRef>,
        kind: u8,
        name: &[u8],
    ) -> Thing {
        thing_named(&mut self.engine, container, kind, name)
    }

    /// Gives a descriptor of the thread to a thing. None: its table is not
    /// known, or keeps no such number. Always inline, as is what it calls: what
    /// the thing is made of goes to its place without a copy.
    #[inline(always)]
    pub(super) fn give(&mut self, thread: ThreadRef, fd: i64, thing: Thing) -> Option<ThingRef> {
        let place = self.things.add(thing);
        let old = match self.threads.table_mut(thread) {
            Some(table) => table.add(fd, place),
            None => Some(place),
        };
        if let Some(old) = old {
            self.release(old);
        }
        (old != Some(place)).then_some(place)
    }

    /// Name of what a descriptor stands for.
    pub(super) fn name_of(&self, thread: ThreadRef, fd: i64) -> Option<Vec<u8>> {
        let thing = self.threads.table(thread)?.get(fd)?;
        let object = self.things.get(thing).object?;
        Some(self.engine.known().path(object).to_vec())
    }

    /// What a name is relative to; nothing for an absolute one.
    pub(super) fn base(&self, thread: ThreadRef, directory: i64, name: &[u8]) -> Vec<u8> {
        if name.first() == Some(&b'/') {
            return Vec::new();
        }
        if directory == AT_FDCWD {
            let main = self.threads.main_of(thread);
            return self.threads.get(main).cwd.as_bytes().to_vec();
        }
        match self.name_of(thread, directory) {
            Some(mut name) => {
                if name.last() != Some(&b'/') {
                    name.push(b'/');
                }
                name
            }
            None => NO_NAME.to_vec(),
        }
    }

    /// A file was opened, or could not be.
    pub(super) fn opened(&mut self, here: &Here<'_>) {
        let Some(fd) = here.result() else {
            self.counts.incomplete += 1;
            return;
        };
        self.counts.used += 1;
        if fd < 0 {
            self.engine.counted().failed += 1;
            return;
        }
        let Some(Wanted { directory, name, flags }) = opening(&self.threads, here) else {
            self.counts.used -= 1;
            self.counts.incomplete += 1;
            return;
        };
        let path = if name.first() == Some(&b'/') {
            path::joined(&mut self.path, b"", name)
        } else if directory == AT_FDCWD {
            let main = self.threads.get(self.threads.main_of(here.thread));
            path::joined(&mut self.path, main.cwd.as_bytes(), name)
        } else {
            let base = self.base(here.thread, directory, name);
            path::joined(&mut self.path, &base, name)
        };
        let flags = OpenFlags(flags);
        let directory = flags.contains(OpenFlags::DIRECTORY);
        let kind = if directory { kind::DIRECTORY } else { kind::FILE_WITH_FLAGS };
        let container = self.threads.get(here.thread).container;
        let thing = thing_named(&mut self.engine, container, kind, path);
        let Some(thing) = self.give(here.thread, fd, thing) else { return };
        let here = Here { fd, thing: Some(thing), ..*here };
        if self.compat && here.row.newer {
            return;
        }
        self.open_told(&here, flags);
    }

    /// A descriptor that is no part of the telemetry was made.
    pub(super) fn descriptor_made(&mut self, here: &Here<'_>, kind: u8) {
        let Some(fd @ 0..) = here.result() else {
            self.counts.passed += 1;
            return;
        };
        self.counts.used += 1;
        let container = self.threads.get(here.thread).container;
        let thing = self.named_thing(container, kind, b"");
        self.give(here.thread, fd, thing);
    }

    pub(super) fn pipe_made(&mut self, here: &Here<'_>) {
        self.two_made(here, kind::PIPE);
    }

    pub(super) fn pair_made(&mut self, here: &Here<'_>) {
        self.two_made(here, kind::UNIX);
    }

    /// Two ends without a name.
    fn two_made(&mut self, here: &Here<'_>, kind: u8) {
        let params = &here.event.params;
        let (Some(0..), Some(one), Some(other)) =
            (here.result(), signed(params.get(1)), signed(params.get(2)))
        else {
            self.counts.passed += 1;
            return;
        };
        self.counts.used += 1;
        let container = self.threads.get(here.thread).container;
        for fd in [one, other] {
            let thing = self.named_thing(container, kind, b"");
            self.give(here.thread, fd, thing);
        }
    }

    /// A descriptor got a second number. What that stood for is closed by it,
    /// and told by nothing, as in the reference.
    pub(super) fn duplicated(&mut self, here: &Here<'_>, parse: bool) {
        let (Some(new @ 0..), Some(thing), true) = (here.result(), here.thing, parse) else {
            self.counts.passed += 1;
            return;
        };
        self.counts.used += 1;
        if new == here.fd {
            return;
        }
        self.things.hold(thing);
        let old = match self.threads.table_mut(here.thread) {
            Some(table) => table.add(new, thing),
            None => Some(thing),
        };
        if let Some(old) = old {
            self.release(old);
        }
    }

    /// fcntl duplicates too.
    pub(super) fn fcntl(&mut self, here: &Here<'_>, parse: bool) {
        let kept = &self.threads.get(here.thread).kept;
        let command = if here.entered { unsigned(kept.get(1)) } else { None };
        if matches!(command, Some(F_DUPFD | F_DUPFD_CLOEXEC)) {
            self.duplicated(here, parse);
        } else {
            self.counts.passed += 1;
        }
    }

    /// chdir, and getcwd, which tells it.
    pub(super) fn directory_changed(&mut self, here: &Here<'_>) {
        let name = text(here.event.params.get(1)).filter(|name| !name.is_empty());
        let (Some(0..), Some(name)) = (here.result(), name) else {
            self.counts.passed += 1;
            return;
        };
        self.counts.used += 1;
        self.go_to(here.thread, name);
    }

    pub(super) fn directory_changed_by_fd(&mut self, here: &Here<'_>, parse: bool) {
        let (Some(0..), true) = (here.result(), parse) else {
            self.counts.passed += 1;
            return;
        };
        let Some(name) = self.name_of(here.thread, here.fd) else {
            self.counts.incomplete += 1;
            return;
        };
        self.counts.used += 1;
        self.go_to(here.thread, &name);
    }

    fn go_to(&mut self, thread: ThreadRef, name: &[u8]) {
        let main = self.threads.main_of(thread);
        let main = self.threads.get_mut(main);
        path::working_directory(&mut self.path, main.cwd.as_bytes(), name);
        main.cwd = value::shared(&main.cwd, &self.path);
    }
}

#[inline]
fn thing_named<S: Sink>(
    engine: &mut Engine<S>,
    container: Option<ContainerRef>,
    kind: u8,
    name: &[u8],
) -> Thing {
    if !has_name(kind) {
        return Thing::new(kind);
    }
    let (objects, containers) = engine.objects();
    let object = objects.named(container, name, containers);
    objects.hold(object);
    Thing::of_object(kind, object, container)
}

/// Portable commands of fcntl.
const F_DUPFD: u32 = 1;
const F_DUPFD_CLOEXEC: u32 = 26;

/// Kinds whose descriptors have a name that records can tell.
fn has_name(of: u8) -> bool {
    matches!(
        of,
        kind::FILE
            | kind::DIRECTORY
            | kind::PIPE
            | kind::UNIX
            | kind::FILE_WITH_FLAGS
            | kind::USERFAULT
    )
}

/// Parameter of the exit event of an open that is its flags.
fn flags_at(act: Act) -> usize {
    match act {
        Act::Open | Act::OpenByHandle => 2,
        Act::Creat => 5,
        _ => 3,
    }
}

/// What an open asked for, by what was told when it was entered, or else when it returned.
#[inline]
fn opening<'a>(threads: &'a Threads, here: &Here<'a>) -> Option<Wanted<'a>> {
    let params = here.event.params;
    let kept = &threads.get(here.thread).kept;
    let asked = here
        .entered
        .then(|| wanted(here.row.act, |index| kept.get(index), |_| None))
        .flatten()
        .filter(|w| !w.name.is_empty() && w.name != UNKNOWN.as_bytes());
    match asked {
        Some(asked) => {
            let told = signed(params.get(flags_at(here.row.act))).unwrap_or(0) as i32;
            Some(Wanted { flags: asked.flags | told & !(OUTCOMES - 1), ..asked })
        }
        None => wanted(here.row.act, |index| params.nth(index + 1), |at| params.get(at)),
    }
}

/// What an open asks for, by the parameters of its enter event. `own`: a
/// parameter that only the exit event has.
fn wanted<'a>(
    act: Act,
    param: impl Fn(usize) -> Option<&'a [u8]>,
    own: impl Fn(usize) -> Option<&'a [u8]>,
) -> Option<Wanted<'a>> {
    let flags = |at: Option<&[u8]>| unsigned(at).map(u32::cast_signed);
    let created = OpenFlags::CREAT | OpenFlags::WRONLY | OpenFlags::TRUNC;
    Some(match act {
        Act::Open => Wanted { directory: AT_FDCWD, name: text(param(0))?, flags: flags(param(1))? },
        Act::Creat => Wanted {
            directory: AT_FDCWD,
            name: text(param(0))?,
            flags: created.bits() | flags(own(5)).unwrap_or(0),
        },
        Act::OpenByHandle => {
            Wanted { directory: AT_FDCWD, name: text(own(3))?, flags: flags(own(2))? }
        }
        _ => {
            Wanted { directory: signed(param(0))?, name: text(param(1))?, flags: flags(param(2))? }
        }
    })
}

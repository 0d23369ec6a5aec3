// SPDX-License-Identifier: Apache-2.0
//! Hot path. What is done with descriptors, handed to the engine.
//! May not appear here: allocation per event, locks, system calls, formatting,
//! string copies. A first use may allocate table room.

use sysflow::record::{OpFlags, OpenFlags, RestType};

use crate::engine::{Actor, On};
use crate::flow::Direction;
use crate::sink::Sink;
use crate::state::object::Connection;

use super::convert::{Converter, Here};
use super::rows::Act;
use super::state::descriptors::{Role, Thing, ThingRef, kind, l4};

/// Protocol of a connection as records have it. The capturing library knows it
/// of sockets only that connected, accepted or received.
fn protocol(thing: &Thing) -> i16 {
    match (thing.role, thing.l4) {
        (Role::None, _) => -1,
        (_, l4::TCP) => 6,
        (_, l4::UDP) => 17,
        (_, l4::ICMP) => 1,
        (_, l4::RAW) => 254,
        _ => -1,
    }
}

#[inline]
fn direction(act: Act) -> Direction {
    match act {
        Act::Read | Act::ReadFrom(_) => Direction::In,
        _ => Direction::Out,
    }
}

/// Bytes that a call moved, by what it returned.
#[inline]
fn transferred(result: i64) -> u64 {
    u64::try_from(result).unwrap_or(0)
}

impl<S: Sink> Converter<S> {
    /// Who did it, and on what; none of what is no part of the telemetry. The thing is another
    /// one than before if it had to be made the descriptor's own.
    #[inline(always)]
    fn done(&mut self, here: &Here<'_>, place: ThingRef) -> Option<(Actor, On, ThingRef)> {
        match self.done_usually(here, place) {
            Some((by, on)) => Some((by, on, place)),
            None => self.done_otherwise(here, place),
        }
    }

    /// The same of what most is done on: a plain file of the container of the thread, which is the
    /// main one of a process that the engine knows.
    #[inline(always)]
    fn done_usually(&self, here: &Here<'_>, place: ThingRef) -> Option<(Actor, On)> {
        let thing = self.things.get(place);
        let thread = self.threads.get(here.thread);
        let file = matches!(thing.kind, kind::FILE | kind::FILE_WITH_FLAGS);
        let of_main = thing.container == thread.container && thread.is_main();
        if !file || !of_main || !self.engine.processes().is(thread.process, thread.oid()) {
            return None;
        }
        let by = Actor { process: thread.process, tid: here.tid(), ts: here.event.ts };
        let (restype, told) = (RestType::FILE, thread.container);
        let on = On { fd: here.fd as i32, object: thing.object?, restype, told, hint: thing.flow };
        Some((by, on))
    }

    #[inline(never)]
    fn done_otherwise(
        &mut self,
        here: &Here<'_>,
        place: ThingRef,
    ) -> Option<(Actor, On, ThingRef)> {
        let (on, place) = self.on(here, place)?;
        Some((self.actor(here), on, place))
    }

    /// What the engine is told that something was done on.
    fn on(&mut self, here: &Here<'_>, place: ThingRef) -> Option<(On, ThingRef)> {
        let thing = self.things.get(place);
        let restype = match thing.kind {
            kind::FILE | kind::FILE_WITH_FLAGS => RestType::FILE,
            kind::IPV4 => return self.on_connection(here, place),
            kind::IPV6 if self.ipv6 => return self.on_connection(here, place),
            kind::DIRECTORY => RestType::DIRECTORY,
            kind::PIPE => RestType::PIPE,
            kind::UNIX | kind::USERFAULT => RestType::UNIX,
            _ => return self.on_nothing(thing.kind),
        };
        let container = self.threads.get(here.thread).container;
        if thing.container != container {
            let moved = self.move_to_container(here, place)?;
            return self.on(here, moved);
        }
        let (object, hint) = (thing.object?, thing.flow);
        let main = self.threads.main_of(here.thread);
        let told = self.threads.get(main).container;
        Some((On { fd: here.fd as i32, object, restype, told, hint }, place))
    }

    #[inline]
    fn on_connection(&mut self, here: &Here<'_>, place: ThingRef) -> Option<(On, ThingRef)> {
        let thing = self.things.get(place);
        let hint = thing.flow;
        let object = match thing.object {
            Some(object) => object,
            None => {
                let e = thing.ends;
                let object = self.engine.objects().0.net(Connection {
                    sip: e.sip,
                    dip: e.dip,
                    sport: e.sport,
                    dport: e.dport,
                    proto: protocol(thing),
                });
                self.engine.objects().0.hold(object);
                self.things.get_mut(place).object = Some(object);
                object
            }
        };
        let restype = RestType::UNKNOWN;
        Some((On { fd: here.fd as i32, object, restype, told: None, hint }, place))
    }

    #[cold]
    fn on_nothing(&mut self, of: u8) -> Option<(On, ThingRef)> {
        let counts = self.engine.counted();
        match of {
            kind::IPV6 | kind::IPV6_SERVER => counts.ipv6 += 1,
            _ => counts.silent += 1,
        }
        None
    }

    /// A name means another file in another container: a process took its
    /// descriptors with it.
    #[cold]
    fn move_to_container(&mut self, here: &Here<'_>, place: ThingRef) -> Option<ThingRef> {
        let place = self.own(here, place)?;
        let container = self.threads.get(here.thread).container;
        let thing = self.things.get_mut(place);
        let old = thing.object.take()?;
        let (objects, containers) = self.engine.objects();
        let path = objects.path(old).to_vec();
        let object = objects.named(container, &path, containers);
        objects.hold(object);
        objects.drop_use(old);
        (thing.object, thing.container) = (Some(object), container);
        Some(place)
    }

    /// Makes a thing the descriptor's own, so that it can be changed.
    pub(super) fn own(&mut self, here: &Here<'_>, place: ThingRef) -> Option<ThingRef> {
        if !self.things.is_shared(place) {
            return Some(place);
        }
        let copy = *self.things.get(place);
        if let Some(object) = copy.object {
            self.engine.objects().0.hold(object);
        }
        let own = self.things.add(copy);
        self.threads.table_mut(here.thread)?.replace(here.fd, own);
        self.release(place);
        Some(own)
    }

    /// Bytes moved, or could not be. Most are of a file that the main thread of a process uses not
    /// for the first time: they are added to its flow here.
    #[inline(always)]
    pub(super) fn moved(&mut self, here: &Here<'_>) {
        if let (Some(thing), Some(result)) = (here.thing, here.result())
            && let Some((by, on)) = self.done_usually(here, thing)
            && self.engine.moved_again(&by, &on, direction(here.row.act), transferred(result))
        {
            self.counts.used += 1;
            return;
        }
        let event = *here.event;
        self.moved_otherwise(&Here { event: &event, ..*here });
    }

    /// The same, of whatever it is and for the first time too.
    #[inline(never)]
    pub(super) fn moved_otherwise(&mut self, here: &Here<'_>) {
        let (Some(thing), Some(result)) = (here.thing, here.result()) else {
            self.counts.incomplete += 1;
            return;
        };
        self.counts.used += 1;
        let Some((by, on, thing)) = self.done(here, thing) else { return };
        let flow = self.engine.moved(&by, &on, direction(here.row.act), transferred(result));
        if flow != on.hint {
            self.things.get_mut(thing).flow = flow;
        }
    }

    /// Something without bytes: connect, accept, shutdown, setns, mmap.
    pub(super) fn marked(&mut self, here: &Here<'_>, op: OpFlags) {
        let Some(thing) = here.thing else {
            self.counts.incomplete += 1;
            return;
        };
        self.counts.used += 1;
        let Some((by, on, thing)) = self.done(here, thing) else { return };
        self.things.get_mut(thing).flow = self.engine.marked(&by, &on, op);
    }

    pub(super) fn open_told(&mut self, here: &Here<'_>, flags: OpenFlags) {
        let Some(thing) = here.thing else { return };
        let Some((by, on, thing)) = self.done(here, thing) else { return };
        self.things.get_mut(thing).flow = self.engine.opened(&by, &on, flags);
    }

    /// mmap is entered. What it maps, if it is a file, is known; a call that
    /// maps nothing or fails is counted too, as in the reference.
    pub(super) fn mapped(&mut self, here: &Here<'_>) {
        if here.thing.is_none() {
            // Anonymous memory, mostly.
            self.counts.used -= 1;
            self.counts.passed += 1;
            return;
        }
        self.counts.used -= 1;
        self.marked(here, OpFlags::MMAP);
    }

    pub(super) fn closed(&mut self, here: &Here<'_>, parse: bool) {
        let Some(thing) = here.thing else {
            self.counts.incomplete += 1;
            return;
        };
        self.counts.used += 1;
        if let Some((by, on, _)) = self.done(here, thing) {
            self.engine.closed(&by, &on);
        }
        if !parse {
            return;
        }
        let failed = here.result().is_none_or(|result| result < 0);
        let Some(table) = self.threads.table_mut(here.thread) else { return };
        if failed {
            table.set_closing(here.fd, false);
        } else if let Some(gone) = table.remove(here.fd) {
            self.release(gone);
        }
    }
}

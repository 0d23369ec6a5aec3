// SPDX-License-Identifier: Apache-2.0
//! Hot path. What is done with descriptors, handed to the engine.
//! May not appear here: allocation per event, locks, system calls, formatting,
//! string copies. A first use may allocate table room.

use sysflow::record::{OpFlags, OpenFlags, RestType};

use crate::engine::On;
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

impl<S: Sink> Converter<S> {
    /// What the engine is told that something was done on; none of what is no
    /// part of the telemetry.
    #[inline]
    fn on(&mut self, here: &Here<'_>, place: ThingRef) -> Option<On> {
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
            self.move_to_container(here, place)?;
            let here = Here { thing: self.threads.table(here.thread)?.get(here.fd), ..*here };
            return self.on(&here, here.thing?);
        }
        let object = thing.object?;
        let main = self.threads.main_of(here.thread);
        let told = self.threads.get(main).container;
        Some(On { fd: here.fd as i32, object, restype, told })
    }

    #[inline]
    fn on_connection(&mut self, here: &Here<'_>, place: ThingRef) -> Option<On> {
        let thing = self.things.get(place);
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
        Some(On { fd: here.fd as i32, object, restype: RestType::UNKNOWN, told: None })
    }

    #[cold]
    fn on_nothing(&mut self, of: u8) -> Option<On> {
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
    fn move_to_container(&mut self, here: &Here<'_>, place: ThingRef) -> Option<()> {
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
        Some(())
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

    /// Bytes moved, or could not be.
    #[inline]
    pub(super) fn moved(&mut self, here: &Here<'_>) {
        let (Some(thing), Some(result)) = (here.thing, here.result()) else {
            self.counts.incomplete += 1;
            return;
        };
        self.counts.used += 1;
        let Some(on) = self.on(here, thing) else { return };
        let by = self.actor(here);
        let direction = match here.row.act {
            Act::Read | Act::ReadFrom(_) => Direction::In,
            _ => Direction::Out,
        };
        let bytes = u64::try_from(result).unwrap_or(0);
        let hint = self.things.get(thing).flow;
        let flow = self.engine.moved(by, on, direction, bytes, hint);
        if flow != hint {
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
        let Some(on) = self.on(here, thing) else { return };
        let by = self.actor(here);
        let flow = self.engine.marked(by, on, op);
        self.remember(here, flow);
    }

    fn remember(&mut self, here: &Here<'_>, flow: u32) {
        let now = self.threads.table(here.thread).and_then(|table| table.get(here.fd));
        if let Some(thing) = now {
            self.things.get_mut(thing).flow = flow;
        }
    }

    pub(super) fn open_told(&mut self, here: &Here<'_>, flags: OpenFlags) {
        let Some(thing) = here.thing else { return };
        let Some(on) = self.on(here, thing) else { return };
        let by = self.actor(here);
        let flow = self.engine.opened(by, on, flags);
        self.remember(here, flow);
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
        if let Some(on) = self.on(here, thing) {
            let by = self.actor(here);
            self.engine.closed(by, on);
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

// SPDX-License-Identifier: Apache-2.0
//! Sockets: made, bound, connected, accepted; and the ends that datagrams
//! bring.

use std::net::{IpAddr, Ipv4Addr};

use sysflow::record::OpFlags;

use crate::sink::Sink;

use super::convert::{Converter, Here};
use super::rows::Act;
use super::state::descriptors::{Role, Thing, ThingRef, kind, l4};
use super::value::{Address, Ends, Tuple, unsigned};

/// -EINPROGRESS: a connection that will be made.
const IN_PROGRESS: i64 = -115;

impl<S: Sink> Converter<S> {
    pub(super) fn socket_made(&mut self, here: &Here<'_>) {
        let kept = &self.threads.get(here.thread).kept;
        let (Some(fd @ 0..), true, Some(domain)) =
            (here.result(), here.entered, unsigned(kept.get(0)))
        else {
            self.counts.passed += 1;
            return;
        };
        let type_ = unsigned(kept.get(1)).unwrap_or(0) & 0xff;
        let protocol = unsigned(kept.get(2)).unwrap_or(0);
        let l4 = match (protocol, type_) {
            (6, _) | (0, 1) => l4::TCP,
            (17, _) | (0, 2) => l4::UDP,
            (1, _) => l4::ICMP,
            (255, _) | (_, 3) => l4::RAW,
            _ => l4::UNKNOWN,
        };
        self.counts.used += 1;
        let thing = match domain {
            1 => {
                let container = self.threads.get(here.thread).container;
                self.named_thing(container, kind::UNIX, b"")
            }
            2 => Thing { l4, ..Thing::new(kind::IPV4) },
            10 => Thing { l4, ..Thing::new(kind::IPV6) },
            16 => Thing::new(kind::NETLINK),
            _ => Thing::new(0),
        };
        self.give(here.thread, fd, thing);
    }

    pub(super) fn bound(&mut self, here: &Here<'_>, parse: bool) {
        let address = Address::read(here.event.params.get(1));
        let (Some(0..), Some(thing), Some(address), true) =
            (here.result(), here.thing, address, parse)
        else {
            self.counts.passed += 1;
            return;
        };
        self.counts.used += 1;
        address.show(&mut self.scratch);
        let server = match address {
            Address::Unix(path) => {
                self.name_socket(here, thing, path);
                return;
            }
            Address::Inet(IpAddr::V4(_), port @ 1..) => Some((kind::IPV4_SERVER, port)),
            Address::Inet(IpAddr::V6(_), port @ 1..) => Some((kind::IPV6_SERVER, port)),
            Address::Inet(..) => None,
        };
        self.change(here, thing, |thing| {
            thing.named = true;
            if let Some((kind, port)) = server {
                (thing.kind, thing.role) = (kind, Role::Server);
                thing.ends = Ends { sport: port, ..Ends::default() };
            }
        });
    }

    /// Changes what a descriptor stands for; the object that it was is not it
    /// any more.
    fn change(&mut self, here: &Here<'_>, thing: ThingRef, how: impl FnOnce(&mut Thing)) {
        let Some(own) = self.own(here, thing) else { return };
        let thing = self.things.get_mut(own);
        how(thing);
        if thing.kind != kind::UNIX
            && let Some(object) = thing.object.take()
        {
            self.engine.objects().0.drop_use(object);
        }
    }

    /// Gives a unix socket its name.
    fn name_socket(&mut self, here: &Here<'_>, thing: ThingRef, name: &[u8]) {
        let Some(own) = self.own(here, thing) else { return };
        let container = self.threads.get(here.thread).container;
        let named = self.named_thing(container, kind::UNIX, name);
        let thing = self.things.get_mut(own);
        let old = std::mem::replace(&mut thing.object, named.object);
        (thing.kind, thing.container) = (kind::UNIX, container);
        if let Some(old) = old {
            self.engine.objects().0.drop_use(old);
        }
    }

    /// Gives it the name that the library formatted last.
    fn name_socket_by_scratch(&mut self, here: &Here<'_>, thing: ThingRef) {
        let scratch = std::mem::take(&mut self.scratch);
        self.name_socket(here, thing, &scratch);
        self.scratch = scratch;
    }

    /// connect is entered. Without an address (older captures) the destination
    /// is forgotten, and a unix socket gets a name of no meaning, which stays
    /// if the call fails: so the reference does, and it is part of what
    /// identifies the file.
    pub(super) fn connecting(&mut self, here: &Here<'_>) {
        let Some(place) = here.thing else { return };
        let address = Address::read(here.event.params.get(1));
        match (self.things.get(place).kind, address) {
            (kind::UNIX, Some(Address::Unix(path))) => {
                self.scratch.clear();
                self.scratch.extend_from_slice(path);
                self.name_socket(here, place, path);
            }
            (kind::UNIX, _) => self.name_socket_by_scratch(here, place),
            (kind::IPV4 | kind::IPV6, address) => {
                let (dip, dport) = match address {
                    Some(Address::Inet(address, port)) => (address, port),
                    _ => (Ipv4Addr::UNSPECIFIED.into(), 0),
                };
                let ends = Ends { dip, dport, ..self.things.get(place).ends };
                ends.show(&mut self.scratch);
                self.change(here, place, |thing| (thing.ends, thing.named) = (ends, true));
            }
            _ => {}
        }
    }

    pub(super) fn connected(&mut self, here: &Here<'_>, parse: bool) {
        if let (Some(0 | IN_PROGRESS), Some(thing), true) = (here.result(), here.thing, parse)
            && let Some(tuple) = Tuple::read(here.event.params.get(1))
        {
            tuple.show(&mut self.scratch);
            match tuple {
                Tuple::Unix { .. } => self.name_socket_by_scratch(here, thing),
                Tuple::Inet(ends) => self.change(here, thing, |thing| {
                    let known = [thing.ends, thing.ends.swapped()].contains(&ends);
                    thing.kind = kind_of(&ends);
                    if !known {
                        let swap = thing.role == Role::Server && thing.l4 == l4::UDP;
                        thing.ends = if swap { ends.swapped() } else { ends };
                    }
                    become_client(thing);
                }),
            }
        }
        let now = self.threads.table(here.thread).and_then(|table| table.get(here.fd));
        self.marked(&Here { thing: now, ..*here }, OpFlags::CONNECT);
    }

    pub(super) fn accepted(&mut self, here: &Here<'_>) {
        let tuple = Tuple::read(here.event.params.get(1));
        let (Some(fd @ 0..), Some(tuple)) = (here.result(), tuple) else {
            self.counts.passed += 1;
            return;
        };
        tuple.show(&mut self.scratch);
        let server =
            |kind| Thing { l4: l4::TCP, role: Role::Server, named: true, ..Thing::new(kind) };
        let thing = match tuple {
            Tuple::Inet(ends) => Thing { ends, ..server(kind_of(&ends)) },
            Tuple::Unix { .. } => {
                let container = self.threads.get(here.thread).container;
                let name = std::mem::take(&mut self.scratch);
                let thing = self.named_thing(container, kind::UNIX, &name);
                self.scratch = name;
                Thing { role: Role::Server, ..thing }
            }
        };
        let thing = self.give(here.thread, fd, thing);
        if self.compat && here.row.newer {
            self.counts.used += 1;
            return;
        }
        self.marked(&Here { fd, thing, ..*here }, OpFlags::ACCEPT);
    }

    /// sendto is entered on a descriptor that is not known: with an address it
    /// is a datagram socket.
    pub(super) fn sending(&mut self, here: &Here<'_>) {
        if here.thing.is_some() || here.fd < 0 {
            return;
        }
        let of = match Tuple::read(here.event.params.get(2)) {
            Some(Tuple::Inet(ends)) => kind_of(&ends),
            _ => return,
        };
        self.give(here.thread, here.fd, Thing { l4: l4::UDP, ..Thing::new(of) });
    }

    /// recvfrom, recvmsg, sendto, sendmsg: bytes, and perhaps the peer.
    pub(super) fn moved_with(&mut self, here: &Here<'_>, parse: bool) {
        if let (Some(0..), Some(thing), true) = (here.result(), here.thing, parse) {
            self.peer_told(here, thing);
        }
        let now = self.threads.table(here.thread).and_then(|table| table.get(here.fd));
        self.moved_otherwise(&Here { thing: now, ..*here });
    }

    fn peer_told(&mut self, here: &Here<'_>, place: ThingRef) {
        let thing = self.things.get(place);
        let ip = matches!(thing.kind, kind::IPV4 | kind::IPV6);
        if ip && thing.l4 == l4::TCP && thing.named {
            return;
        }
        let (reads, bytes) = match here.row.act {
            Act::ReadFrom(index) => (true, here.event.params.get(usize::from(index))),
            _ if here.entered => (false, self.threads.get(here.thread).kept.get(2)),
            _ => return,
        };
        // The text of what was entered is not in the library's scratch text.
        let mut shown = Vec::new();
        match Tuple::read(bytes) {
            None => {}
            Some(tuple @ Tuple::Unix { .. }) => {
                tuple.show(&mut shown);
                self.name_socket(here, place, &shown);
                if reads {
                    self.scratch = shown;
                }
            }
            Some(Tuple::Inet(ends)) => {
                let known = [thing.ends, thing.ends.swapped()].contains(&ends);
                if known && thing.kind == kind_of(&ends) {
                    return;
                }
                self.change(here, place, |thing| take_ends(thing, ends, reads));
                let now = self.threads.table(here.thread).and_then(|table| table.get(here.fd));
                if let Some(now) = now {
                    self.things.get(now).ends.show(&mut self.scratch);
                }
            }
        }
    }
}

fn kind_of(ends: &Ends) -> u8 {
    if ends.is_v4() { kind::IPV4 } else { kind::IPV6 }
}

fn become_client(thing: &mut Thing) {
    thing.named = true;
    if thing.role == Role::None {
        thing.role = Role::Client;
    }
}

/// Takes over the ends of a datagram, such that the source stays the client:
/// what is received comes from the other end.
fn take_ends(thing: &mut Thing, ends: Ends, received: bool) {
    (thing.kind, thing.named) = (kind_of(&ends), true);
    if thing.l4 == l4::UNKNOWN {
        thing.l4 = l4::UDP;
    }
    if thing.role == Role::None {
        thing.role = Role::Client;
    }
    let swap = match thing.role {
        Role::Server => !received,
        _ => received,
    };
    thing.ends = if swap { ends.swapped() } else { ends };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(sport: u16, dport: u16) -> Ends {
        Ends { sport, dport, ..Ends::default() }
    }

    #[test]
    fn the_source_of_datagrams_is_the_client() {
        // Sent to 53, answered from 53: tuples tell (from, to).
        let mut client = Thing::new(kind::IPV4);
        take_ends(&mut client, ends(4000, 53), false);
        assert_eq!((client.role, client.l4, client.ends), (Role::Client, l4::UDP, ends(4000, 53)));
        take_ends(&mut client, ends(53, 4000), true);
        assert_eq!(client.ends, ends(4000, 53));
        let mut server = Thing { role: Role::Server, ..Thing::new(kind::IPV4_SERVER) };
        take_ends(&mut server, ends(4000, 53), true);
        assert_eq!((server.kind, server.ends), (kind::IPV4, ends(4000, 53)));
        take_ends(&mut server, ends(53, 4000), false);
        assert_eq!(server.ends, ends(4000, 53));
    }
}

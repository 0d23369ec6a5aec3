// SPDX-License-Identifier: Apache-2.0
//! Sockets: what they are, and which end is the client.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};

use probe_loader::abi::{
    SF_OP_ACCEPT, SF_OP_BIND, SF_OP_CONNECT, SF_OP_DESCRIBE_SOCKET, SF_OP_LISTEN, SF_OP_SHUTDOWN,
    SF_OP_SOCKET, SF_OP_SOCKETPAIR, sf_rec_sock, sf_tuple,
};
use sysflow::record::{OpFlags, OpenFlags, RestType};
use sysflow::schema::Version;

use super::Engine;
use crate::flow::Key;
use crate::sink::Sink;
use crate::state::object::{Connection, Object};
use crate::state::open_file::{OpenFile, Role, Target};
use crate::state::process::ProcRef;

/// Both ends of a socket as the output can or cannot hold them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// IPv4, also when mapped into IPv6, or IPv6 where the schema has a place for it.
    Inet(Inet),
    /// IPv6 where it has none.
    V6,
    /// Another family.
    None,
}

/// Local and remote end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Inet {
    local: (IpAddr, u16),
    remote: (IpAddr, u16),
    proto: u8,
}

impl Ends {
    pub(super) fn of(tuple: &sf_tuple, schema: Version) -> Self {
        let ends = |local, remote| {
            Ends::Inet(Inet {
                local: (local, tuple.lport),
                remote: (remote, tuple.rport),
                proto: tuple.proto,
            })
        };
        match i32::from(tuple.family) {
            libc::AF_INET => ends(first4(&tuple.laddr), first4(&tuple.raddr)),
            libc::AF_INET6 => match (mapped(&tuple.laddr), mapped(&tuple.raddr)) {
                (Some(local), Some(remote)) => ends(local, remote),
                _ if schema == Version::V5 => Ends::V6,
                _ => ends(tuple.laddr.into(), tuple.raddr.into()),
            },
            _ => Ends::None,
        }
    }
}

impl Inet {
    /// As a connection: the source is the client.
    pub(super) fn connection(&self, server: bool) -> Connection {
        let (source, destination) =
            if server { (self.remote, self.local) } else { (self.local, self.remote) };
        Connection {
            sip: source.0,
            sport: source.1,
            dip: destination.0,
            dport: destination.1,
            proto: i16::from(self.proto),
        }
    }
}

fn first4(bytes: &[u8; 16]) -> IpAddr {
    Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3]).into()
}

/// The IPv4 address in a mapped one (RFC 4291, 2.5.5.2); the unspecified
/// address counts as 0.0.0.0.
fn mapped(bytes: &[u8; 16]) -> Option<IpAddr> {
    let address = std::net::Ipv6Addr::from(*bytes);
    if address.is_unspecified() {
        return Some(Ipv4Addr::UNSPECIFIED.into());
    }
    address.to_ipv4_mapped().map(IpAddr::from)
}

impl<S: Sink> Engine<S> {
    /// A socket was made, described, connected or accepted.
    pub(super) fn sock(&mut self, sock: &sf_rec_sock, path: &[u8]) {
        let process = self.process(&sock.h);
        let op = u32::from(sock.h.op);
        let failed = sock.ret < 0;
        if sock.file == 0 || (failed && op != SF_OP_CONNECT) {
            self.counts.failed += 1;
            return;
        }
        let target = self.socket_target(process, sock, path);
        let target = self.wanted(target);
        let open = self.describe(sock.file, OpenFile { target, flags: OpenFlags::NONE });
        self.processes.set_descriptor(process, sock.fd, sock.file, open);
        self.counts.applied += 1;
        let mark = match op {
            SF_OP_CONNECT => OpFlags::CONNECT,
            SF_OP_ACCEPT => OpFlags::ACCEPT,
            SF_OP_SHUTDOWN => OpFlags::SHUTDOWN,
            SF_OP_LISTEN => {
                self.listening.add(sock.tuple.lport);
                return;
            }
            SF_OP_SOCKET | SF_OP_BIND | SF_OP_SOCKETPAIR | SF_OP_DESCRIBE_SOCKET => return,
            _ => {
                self.counts.applied -= 1;
                self.counts.unknown += 1;
                return;
            }
        };
        let object = match (target, Ends::of(&sock.tuple, self.settings.schema)) {
            (Target::Object(object), _) => object,
            (Target::Datagram(role), Ends::Inet(ends)) => {
                self.objects.net(ends.connection(role == Role::Server))
            }
            _ => return,
        };
        let key = Key { process, tid: sock.h.tid, fd: sock.fd, object };
        let flow = self.flow(key, sock.h.ts);
        self.flows.get_mut(flow).mark(mark, sock.h.ts);
    }

    fn socket_target(&mut self, process: ProcRef, sock: &sf_rec_sock, path: &[u8]) -> Target {
        let op = u32::from(sock.h.op);
        if i32::from(sock.tuple.family) == libc::AF_UNIX {
            let name = unix_name(path, sock.ino);
            let container = self.processes.get(process).container;
            let object = self.objects.file(container, &name, RestType::UNIX, &self.containers);
            return Target::Object(object);
        }
        let datagram = i32::from(sock.tuple.type_) == libc::SOCK_DGRAM;
        match Ends::of(&sock.tuple, self.settings.schema) {
            Ends::V6 => Target::Ipv6,
            Ends::None => Target::Silent,
            Ends::Inet(_) if datagram => Target::Datagram(self.datagram_role(sock)),
            Ends::Inet(ends) if ends.remote.1 == 0 => Target::Silent,
            Ends::Inet(ends) => {
                let server = match op {
                    SF_OP_ACCEPT => true,
                    SF_OP_CONNECT => false,
                    _ => self
                        .known_role(sock.file, &ends)
                        .unwrap_or_else(|| self.listening.is_server(ends.local.1, ends.remote.1)),
                };
                Target::Object(self.objects.net(ends.connection(server)))
            }
        }
    }

    /// Whether this end is the server, if that was seen: the connection is
    /// described again on each CPU where it is used first by a thread or a
    /// process that got it by inheritance.
    fn known_role(&self, file: u64, ends: &Inet) -> Option<bool> {
        let Target::Object(object) = self.open_files.get(self.open_files.find(file)?).target else {
            return None;
        };
        match self.objects.get(object) {
            Object::Net(known) if *known == ends.connection(true) => Some(true),
            Object::Net(known) if *known == ends.connection(false) => Some(false),
            _ => None,
        }
    }

    /// A datagram socket keeps the role that it had, also when it is described
    /// again on another CPU.
    fn datagram_role(&self, sock: &sf_rec_sock) -> Role {
        match (u32::from(sock.h.op), self.open_files.find(sock.file)) {
            (SF_OP_CONNECT, _) => Role::Client,
            (SF_OP_SOCKET, _) => Role::Unknown,
            (_, Some(open)) => match self.open_files.get(open).target {
                Target::Datagram(role) => role,
                _ => Role::Unknown,
            },
            _ => Role::Unknown,
        }
    }
}

/// Name of a unix socket: its path, `@` and the name if it is abstract, or its
/// number if it has none.
fn unix_name(path: &[u8], ino: u64) -> Cow<'_, [u8]> {
    match path {
        [] => format!("socket:[{ino}]").into_bytes().into(),
        [0, name @ ..] => {
            let mut text = vec![b'@'];
            text.extend_from_slice(name);
            text.into()
        }
        path => path.into(),
    }
}

// SPDX-License-Identifier: Apache-2.0
//! The other end of a connection. A flow names client and server; which of them is the process
//! itself is told by the operation that made the connection, else by the addresses of this host.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};

use nix::ifaddrs::getifaddrs;
use sysflow::record::{NetworkFlow, Oid, OpFlags, address_of};

/// Which end a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Way {
    /// The client.
    Out,
    /// The server.
    In,
    /// Nobody knows.
    Unknown,
}

impl Way {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::In => "in",
            Self::Unknown => "-",
        }
    }
}

/// Who a process talks to. All clients at one address that use one port of the process are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Peer {
    pub(super) way: Way,
    address: IpAddr,
    /// Of the server.
    port: u16,
    proto: i32,
}

impl Peer {
    /// `192.0.2.1:443`, or of a client `192.0.2.7 to port 443`.
    pub(super) fn name(&self) -> String {
        match self.way {
            Way::In => format!("{} to port {}", self.address, self.port),
            _ => SocketAddr::new(self.address, self.port).to_string(),
        }
    }

    pub(super) fn protocol(&self) -> &'static str {
        match self.proto {
            libc::IPPROTO_TCP => "tcp",
            libc::IPPROTO_UDP => "udp",
            libc::IPPROTO_ICMP | libc::IPPROTO_ICMPV6 => "icmp",
            libc::IPPROTO_SCTP => "sctp",
            254 => "raw",
            _ => "-",
        }
    }
}

type Ends = (IpAddr, u16, IpAddr, u16);

/// Connections whose way is remembered at most.
const REMEMBERED: usize = 16_384;

/// Tells ends apart.
#[derive(Debug, Default)]
pub(super) struct Ways {
    here: HashSet<IpAddr>,
    seen: HashMap<(Oid, Ends), Way>,
}

impl Ways {
    /// Of this host.
    pub(super) fn of_host() -> Self {
        let addresses = getifaddrs().into_iter().flatten().filter_map(|interface| {
            let address = interface.address?;
            let v4 = address.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
            v4.or_else(|| address.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip())))
        });
        Self { here: addresses.collect(), seen: HashMap::new() }
    }

    pub(super) fn peer(&mut self, flow: &NetworkFlow) -> Peer {
        let port = |number: i32| u16::try_from(number).unwrap_or(0);
        let client = address_of(flow.sip, flow.sip6);
        let server = address_of(flow.dip, flow.dip6);
        let ends = (client, port(flow.sport), server, port(flow.dport));
        let way = self.way(flow, ends);
        let address = if way == Way::In { client } else { server };
        Peer { way, address, port: ends.3, proto: flow.proto }
    }

    fn way(&mut self, flow: &NetworkFlow, ends: Ends) -> Way {
        let told = match flow.op_flags {
            flags if flags.contains(OpFlags::ACCEPT) => Some(Way::In),
            flags if flags.contains(OpFlags::CONNECT) => Some(Way::Out),
            _ => None,
        };
        let key = (flow.proc_oid, ends);
        let closed = flow.op_flags.intersects(OpFlags::CLOSE | OpFlags::TRUNCATE);
        if let Some(way) = told {
            if !closed {
                if self.seen.len() >= REMEMBERED {
                    self.seen.clear();
                }
                self.seen.insert(key, way);
            }
            return way;
        }
        let known = if closed { self.seen.remove(&key) } else { self.seen.get(&key).copied() };
        known.unwrap_or_else(|| match (self.here.contains(&ends.0), self.here.contains(&ends.2)) {
            (true, false) => Way::Out,
            (false, true) => Way::In,
            _ => Way::Unknown,
        })
    }
}

#[cfg(test)]
mod tests {
    use sysflow::record::fields_of;

    use super::*;

    fn flow(client: &str, server: &str, op_flags: OpFlags) -> NetworkFlow {
        let address = |text: &str| fields_of(text.parse().expect("an address"));
        let ((sip, sip6), (dip, dip6)) = (address(client), address(server));
        NetworkFlow {
            sip,
            sip6,
            dip,
            dip6,
            sport: 40_000,
            dport: 443,
            proto: 6,
            op_flags,
            ..NetworkFlow::default()
        }
    }

    #[test]
    fn operations_tell_before_addresses() {
        let here: IpAddr = "192.0.2.1".parse().expect("an address");
        let mut ways = Ways { here: [here].into(), ..Ways::default() };
        let mut told = |flow: &NetworkFlow| {
            let peer = ways.peer(flow);
            (peer.way.name(), peer.name())
        };
        let (read, made, took) = (OpFlags::READ_RECV, OpFlags::CONNECT, OpFlags::ACCEPT);
        let out = ("out", "198.51.100.9:443".to_owned());
        assert_eq!(told(&flow("192.0.2.1", "198.51.100.9", read)), out);
        let of_client = ("in", "198.51.100.9 to port 443".to_owned());
        assert_eq!(told(&flow("198.51.100.9", "192.0.2.1", read)), of_client);
        // Between two that are not here, as in a network of containers.
        let between = |flags| flow("10.0.0.1", "10.0.0.2", flags);
        assert_eq!(told(&between(read)), ("-", "10.0.0.2:443".to_owned()));
        let server = ("in", "10.0.0.1 to port 443".to_owned());
        assert_eq!(told(&between(took | read)), server);
        assert_eq!(told(&between(read)), server, "it is remembered");
        assert_eq!(told(&between(read | OpFlags::CLOSE)), server);
        assert_eq!(told(&between(read)).0, "-", "and forgotten with the connection");
        let v6 = told(&flow("2001:db8::1", "2001:db8::2", made));
        assert_eq!(v6, ("out", "[2001:db8::2]:443".to_owned()));
    }
}

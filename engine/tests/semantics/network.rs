// SPDX-License-Identifier: Apache-2.0
//! Network flows: ends, direction, datagrams.

use probe_loader::abi::{
    SF_OP_ACCEPT, SF_OP_CONNECT, SF_OP_DESCRIBE_SOCKET, SF_OP_RECV, SF_OP_SEND, SF_OP_SOCKET,
    sf_tuple,
};
use sysflow::record::{Ip4, OpFlags};

use super::world::{World, at, v4};

const LOOPBACK: Ip4 = Ip4(0x0100_007f);

#[test]
fn both_ends_of_a_connection_name_the_client_first() {
    let mut w = World::new();
    w.fork(1, 10);
    w.fork(1, 20);
    w.sock(SF_OP_SOCKET, at(10, 3), 0xc, v4(libc::SOCK_STREAM, 0, 0));
    w.sock(SF_OP_CONNECT, at(10, 3), 0xc, v4(libc::SOCK_STREAM, 50_000, 80));
    w.sock(SF_OP_ACCEPT, at(20, 5), 0xd, v4(libc::SOCK_STREAM, 80, 50_000));
    w.io(SF_OP_SEND, at(10, 3), 0xc, 64);
    w.io(SF_OP_RECV, at(20, 5), 0xd, 64);
    w.close(at(10, 3));
    w.close(at(20, 5));
    let out = w.finish();
    out.check();
    let flows = out.network_flows();
    assert_eq!(flows.len(), 2);
    for f in &flows {
        assert_eq!((f.sip, f.sport, f.dip, f.dport), (LOOPBACK, 50_000, LOOPBACK, 80));
        assert_eq!(f.proto, 6);
    }
    let client = OpFlags::CONNECT | OpFlags::WRITE_SEND | OpFlags::CLOSE;
    let server = OpFlags::ACCEPT | OpFlags::READ_RECV | OpFlags::CLOSE;
    assert_eq!((flows[0].op_flags, flows[1].op_flags), (client, server));
    assert_eq!((flows[0].num_w_send_bytes, flows[1].num_r_recv_bytes), (64, 64));
}

#[test]
fn the_first_to_send_a_datagram_is_the_client_and_each_peer_is_a_flow() {
    let mut w = World::new();
    let dgram = |local, remote| v4(libc::SOCK_DGRAM, local, remote);
    w.sock(SF_OP_SOCKET, at(1, 3), 0xa, dgram(0, 0));
    w.sock_io(SF_OP_SEND, at(1, 3), 0xa, 10, dgram(40_000, 53));
    w.sock_io(SF_OP_RECV, at(1, 3), 0xa, 20, dgram(40_000, 53));
    w.sock(SF_OP_SOCKET, at(1, 4), 0xb, dgram(53, 0));
    w.sock_io(SF_OP_RECV, at(1, 4), 0xb, 10, dgram(53, 40_000));
    // Described again, as on another CPU: it stays the server.
    w.sock(SF_OP_DESCRIBE_SOCKET, at(1, 4), 0xb, dgram(53, 0));
    w.sock_io(SF_OP_SEND, at(1, 4), 0xb, 20, dgram(53, 40_000));
    w.sock_io(SF_OP_RECV, at(1, 4), 0xb, 5, dgram(53, 40_001));
    w.close(at(1, 4));
    let out = w.finish();
    out.check();
    let mut flows: Vec<_> = out
        .network_flows()
        .iter()
        .map(|f| (f.fd, f.sport, f.dport, f.num_r_recv_bytes, f.num_w_send_bytes))
        .collect();
    flows.sort_unstable();
    assert_eq!(flows, [(3, 40_000, 53, 20, 10), (4, 40_000, 53, 10, 20), (4, 40_001, 53, 5, 0)]);
    let closed = out.network_flows().iter().filter(|f| f.op_flags.contains(OpFlags::CLOSE)).count();
    assert_eq!(closed, 2, "close ends the flows with every peer");
}

#[test]
fn mapped_addresses_are_ipv4_and_ipv6_is_counted() {
    let mapped = |local: u16, remote: u16| {
        let mut address = [0; 16];
        address[10..].copy_from_slice(&[0xff, 0xff, 127, 0, 0, 1]);
        let tuple = v4(libc::SOCK_STREAM, local, remote);
        sf_tuple { family: libc::AF_INET6 as u16, laddr: address, raddr: address, ..tuple }
    };
    let mut six = mapped(80, 50_000);
    six.laddr = [0x20; 16];
    let mut w = World::new();
    w.sock(SF_OP_ACCEPT, at(1, 5), 0xd, mapped(80, 50_000));
    w.io(SF_OP_RECV, at(1, 5), 0xd, 9);
    w.sock(SF_OP_ACCEPT, at(1, 6), 0xe, six);
    w.io(SF_OP_RECV, at(1, 6), 0xe, 9);
    w.close(at(1, 6));
    let out = w.finish();
    out.check();
    let flows = out.network_flows();
    assert_eq!(flows.len(), 1);
    assert_eq!((flows[0].sip, flows[0].sport, flows[0].dport), (LOOPBACK, 50_000, 80));
    assert_eq!(out.counts.ipv6, 1);
}

#[test]
fn a_socket_without_a_peer_writes_nothing() {
    let mut w = World::new();
    w.sock(SF_OP_SOCKET, at(1, 3), 0xa, v4(libc::SOCK_STREAM, 0, 0));
    w.close(at(1, 3));
    let out = w.finish();
    out.check();
    assert!(out.network_flows().is_empty());
}

// SPDX-License-Identifier: Apache-2.0
//! Sockets that serve, pairs, and families beyond IP streams and datagrams.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsRawFd;

use probe_loader::abi::{
    SF_F_USER, SF_OP_BIND, SF_OP_LISTEN, SF_OP_RECV, SF_OP_SEND, SF_OP_SHUTDOWN, SF_OP_SOCKETPAIR,
    SF_OP_WRITE, sf_tuple,
};

use crate::recording::{Event, Recording, record};
use crate::sockets::{address, check_tuple, inode_of, sockaddr, sockaddr_un};
use crate::{Test, sys};

pub(crate) const TESTS: &[Test] = &[
    ("network::server_v4", || server("127.0.0.1:0")),
    ("network::server_v6", || server("[::1]:0")),
    ("network::unix_server", unix_server),
    ("network::failed_bind", failed_bind),
    ("network::pair", pair),
    ("network::failed_pair", failed_pair),
    ("network::netlink", netlink),
    ("network::raw", raw),
    ("network::raw_v6", raw_v6),
    ("network::packet", packet),
];

fn of(r: &Recording, op: u32) -> Vec<&Event> {
    r.own().filter(|e| e.op() == op).collect()
}

fn bind(fd: i32, addr: &[u8]) -> std::io::Result<usize> {
    sys::call(libc::SYS_bind, [fd as usize, addr.as_ptr() as usize, addr.len()])
}

fn server(at: &str) {
    let r = record(|facts| {
        let listener = TcpListener::bind(at).expect("bind");
        let fd = listener.as_raw_fd();
        sys::numbers(libc::SYS_listen, &[fd, 7]).expect("listen");
        facts.set("fd", fd);
        facts.set("ino", inode_of(fd));
        facts.set("at", listener.local_addr().expect("address"));
        let client = std::net::TcpStream::connect(listener.local_addr().expect("address"));
        let client = client.expect("connect");
        sys::numbers(libc::SYS_shutdown, &[client.as_raw_fd(), libc::SHUT_WR]).expect("shutdown");
        sys::numbers(libc::SYS_shutdown, &[fd + 100, libc::SHUT_RDWR]).expect_err("not open");
        facts.set("client", client.local_addr().expect("address"));
        facts.set("client_fd", client.as_raw_fd());
    });
    let (at, client): (SocketAddr, SocketAddr) = (r.num("at"), r.num("client"));
    let check = |e: &Event, listen_fd, state| {
        let (s, path) = e.as_sock();
        assert_eq!((s.fd, s.ret, s.ino), (r.num("fd"), 0, r.num("ino")));
        assert_eq!((s.listen_fd, s.state, path.len(), e.flags()), (listen_fd, state, 0, 0));
        check_tuple(&s.tuple, libc::SOCK_STREAM, &at, None);
    };
    let binds = of(&r, SF_OP_BIND);
    assert_eq!(binds.len(), 1);
    check(binds[0], -1, 7); // TCP_CLOSE
    let listens = of(&r, SF_OP_LISTEN);
    assert_eq!(listens.len(), 2);
    check(listens[1], 7, 10); // TCP_LISTEN
    let shutdowns = of(&r, SF_OP_SHUTDOWN);
    let (s, _) = shutdowns[0].as_sock();
    assert_eq!((s.fd, s.ret, s.listen_fd), (r.num("client_fd"), 0, libc::SHUT_WR));
    check_tuple(&s.tuple, libc::SOCK_STREAM, &client, Some(&at));
    let (s, _) = shutdowns[1].as_sock();
    assert_eq!((s.ret, s.listen_fd, s.file), (-libc::EBADF, libc::SHUT_RDWR, 0));
    assert_eq!(s.fd, r.num::<i32>("fd") + 100);
}

fn unix_server() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = dir.path().join("socket");
    let name = path.to_str().expect("UTF-8").as_bytes();
    let r = record(|_| {
        let fd = sys::socket(libc::AF_UNIX, libc::SOCK_STREAM).expect("socket");
        bind(fd, &sockaddr_un(name)).expect("bind");
        sys::numbers(libc::SYS_listen, &[fd, 3]).expect("listen");
        let other = sys::socket(libc::AF_UNIX, libc::SOCK_STREAM).expect("socket");
        bind(other, &sockaddr_un(name)).expect_err("in use");
    });
    let binds = of(&r, SF_OP_BIND);
    let (s, told) = binds[0].as_sock();
    assert_eq!((s.ret, told.as_slice(), binds[0].flags()), (0, name, 0));
    let (s, told) = r.one("listen", |e| e.op() == SF_OP_LISTEN).as_sock();
    assert_eq!((s.ret, s.listen_fd, told.as_slice()), (0, 3, name));
    let (s, told) = binds[1].as_sock();
    assert_eq!((s.ret, told.as_slice()), (-libc::EADDRINUSE, name));
    assert_eq!(binds[1].flags(), SF_F_USER);
}

fn failed_bind() {
    let r = record(|_| {
        let far: SocketAddr = "203.0.113.7:4711".parse().expect("address");
        let fd = sys::socket(libc::AF_INET, libc::SOCK_STREAM).expect("socket");
        bind(fd, &sockaddr(&far)).expect_err("not an address of this host");
        let far: SocketAddr = "[2001:db8::7]:4712".parse().expect("address");
        let fd = sys::socket(libc::AF_INET6, libc::SOCK_DGRAM).expect("socket");
        bind(fd, &sockaddr(&far)).expect_err("not an address of this host");
        bind(777, &sockaddr_un(b"/none")).expect_err("no descriptor");
    });
    let binds = of(&r, SF_OP_BIND);
    for (e, addr, port) in [(binds[0], "203.0.113.7", 4711), (binds[1], "2001:db8::7", 4712)] {
        let (s, _) = e.as_sock();
        assert_eq!((s.ret, e.flags()), (-libc::EADDRNOTAVAIL, SF_F_USER));
        assert_eq!((s.tuple.lport, s.tuple.laddr), (port, address(addr.parse().expect("IP"))));
        assert_eq!((s.tuple.rport, s.tuple.raddr), (0, [0; 16]));
    }
    let (s, told) = binds[2].as_sock();
    assert_eq!((s.ret, s.fd, s.file), (-libc::EBADF, 777, 0));
    assert_eq!((i32::from(s.tuple.family), told.as_slice()), (libc::AF_UNIX, &b"/none"[..]));
}

fn pair() {
    let r = record(|facts| {
        let mut fds = [0_i32; 2];
        let (family, kind) = (libc::AF_UNIX as usize, libc::SOCK_SEQPACKET as usize);
        let kind = kind | libc::SOCK_CLOEXEC as usize;
        sys::call(libc::SYS_socketpair, [family, kind, 0, fds.as_mut_ptr() as usize])
            .expect("socketpair");
        // SAFETY: the kernel has filled it in behind the compiler's back.
        let fds = unsafe { std::ptr::read_volatile(&raw const fds) };
        sys::write(fds[1], b"across").expect("write");
        facts.set("a", fds[0]);
        facts.set("b", fds[1]);
        facts.set("a_ino", inode_of(fds[0]));
        facts.set("b_ino", inode_of(fds[1]));
    });
    let ends = of(&r, SF_OP_SOCKETPAIR);
    assert_eq!(ends.len(), 2);
    assert_eq!(ends[0].hdr().ts, ends[1].hdr().ts);
    for (e, name) in [(ends[0], "a"), (ends[1], "b")] {
        let (s, path) = e.as_sock();
        assert_eq!((s.fd, s.ret, s.ino), (r.num(name), 0, r.num(&format!("{name}_ino"))));
        assert_eq!((i32::from(s.tuple.family), i32::from(s.tuple.type_)), (libc::AF_UNIX, 5));
        assert_eq!((path.len(), s.listen_fd, e.flags()), (0, -1, SF_F_USER));
    }
    let written: Vec<_> = r.io_on(ends[1].as_sock().0.file);
    assert_eq!(written.len(), 1);
    assert_eq!((written[0].op(), written[0].as_io().bytes), (SF_OP_WRITE, 6));
}

fn failed_pair() {
    let r = record(|_| {
        let mut fds = [0_i32; 2];
        let at = fds.as_mut_ptr() as usize;
        sys::call(libc::SYS_socketpair, [libc::AF_INET as usize, 1, 0, at]).expect_err("not of IP");
    });
    let (s, _) = r.one("socketpair", |e| e.op() == SF_OP_SOCKETPAIR).as_sock();
    assert_eq!((s.fd, s.file, s.ret), (-1, 0, -libc::EOPNOTSUPP));
    assert_eq!((i32::from(s.tuple.family), s.tuple.type_), (libc::AF_INET, 1));
}

/// The two numbers of a netlink end.
fn netlink_end(end: &[u8; 16]) -> (u32, u32) {
    assert_eq!(end[8..], [0; 8]);
    let word = |at: usize| u32::from_ne_bytes(end[at..at + 4].try_into().expect("4 bytes"));
    (word(0), word(4))
}

fn sockaddr_nl(pid: u32, groups: u32) -> Vec<u8> {
    let family = libc::AF_NETLINK as u16;
    let words = [pid.to_ne_bytes(), groups.to_ne_bytes()].concat();
    [&family.to_ne_bytes()[..], &[0; 2], &words].concat()
}

fn netlink() {
    const PORT: u32 = 0x5f00_0042;
    let r = record(|facts| {
        let fd = sys::socket(libc::AF_NETLINK, libc::SOCK_RAW).expect("socket");
        bind(fd, &sockaddr_nl(PORT, 0)).expect("bind");
        // struct nlmsghdr of RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, and one
        // byte for the family.
        let mut ask = vec![20, 0, 0, 0, 18, 0, 1, 3];
        ask.resize(20, 0);
        sys::sendto(fd, &ask, &sockaddr_nl(0, 0)).expect("sendto");
        let got = sys::recvfrom(fd, &mut [0; 8192], Some(&mut [0; 28])).expect("recvfrom");
        facts.set("fd", fd);
        facts.set("got", got);
    });
    let told = |e: &Event, t: &sf_tuple| {
        assert_eq!(i32::from(t.family), libc::AF_NETLINK, "{:?}", e.record());
        assert_eq!((t.type_, t.lport, t.rport), (libc::SOCK_RAW as u8, 0, 0));
        (netlink_end(&t.laddr), netlink_end(&t.raddr))
    };
    let bound = r.one("bind", |e| e.op() == SF_OP_BIND);
    assert_eq!((told(bound, bound.tuple()), bound.flags()), (((PORT, 0), (0, 0)), 0));
    for (op, bytes) in [(SF_OP_SEND, 20), (SF_OP_RECV, r.num("got"))] {
        let e = r.one("message", |e| e.op() == op);
        assert_eq!((e.as_io().fd, e.as_io().bytes), (r.num("fd"), bytes));
        assert_eq!(told(e, e.tuple()), ((PORT, 0), (0, 0)));
        assert_ne!(e.flags() & SF_F_USER, 0, "the peer is what the call said");
    }
}

/// An echo request to this host itself: the socket gets the request back, and
/// the answer.
fn raw() {
    let echo = [8, 0, 0xf7, 0xfe, 0, 1, 0, 0];
    let r = record(|_| {
        let fd = sys::numbers(libc::SYS_socket, &[libc::AF_INET, libc::SOCK_RAW, 1]).expect("raw");
        let to: SocketAddr = "127.0.0.1:0".parse().expect("address");
        sys::sendto(fd, &echo, &sockaddr(&to)).expect("sendto");
        sys::recvfrom(fd, &mut [0; 512], Some(&mut [0; 28])).expect("recvfrom");
    });
    let here = address("127.0.0.1".parse().expect("IP"));
    for (op, bytes) in [(SF_OP_SEND, 8), (SF_OP_RECV, 28)] {
        let e = r.one("message", |e| e.op() == op);
        let t = e.tuple();
        assert_eq!(e.as_io().bytes, bytes);
        assert_eq!((t.type_, t.proto), (libc::SOCK_RAW as u8, libc::IPPROTO_ICMP as u8));
        assert_eq!((t.raddr, t.rport), (here, 0));
    }
}

fn raw_v6() {
    let r = record(|_| {
        let args = [libc::AF_INET6, libc::SOCK_RAW, libc::IPPROTO_UDPLITE];
        let fd = sys::numbers(libc::SYS_socket, &args).expect("raw");
        let to: SocketAddr = "[::1]:0".parse().expect("address");
        sys::sendto(fd, b"12345678", &sockaddr(&to)).expect("sendto");
    });
    let e = r.one("message", |e| e.op() == SF_OP_SEND);
    let t = e.tuple();
    assert_eq!((i32::from(t.family), t.type_), (libc::AF_INET6, libc::SOCK_RAW as u8));
    assert_eq!(i32::from(t.proto), libc::IPPROTO_UDPLITE);
    assert_eq!((t.raddr, t.rport), (address("::1".parse().expect("IP")), 0));
}

fn packet() {
    const PROTOCOL: u16 = 0x88b5; // for experiments
    let address = [2, 0, 0, 0, 0, 7];
    let sockaddr_ll = |index: i32| -> Vec<u8> {
        let mut bytes = (libc::AF_PACKET as u16).to_ne_bytes().to_vec();
        bytes.extend(PROTOCOL.to_be_bytes());
        bytes.extend(index.to_ne_bytes());
        bytes.extend([0, 0, 0, 6]);
        bytes.extend(address);
        bytes.extend([0; 2]);
        bytes
    };
    let r = record(|_| {
        let args = [libc::AF_PACKET, libc::SOCK_DGRAM, 0];
        let fd = sys::numbers(libc::SYS_socket, &args).expect("packet socket");
        bind(fd, &sockaddr_ll(1)).expect("bind to lo");
        sys::sendto(fd, b"frame", &sockaddr_ll(1)).expect("sendto");
    });
    let mut end = [0; 16];
    end[..4].copy_from_slice(&1_i32.to_ne_bytes());
    end[4..10].copy_from_slice(&address);
    let bound = r.one("bind", |e| e.op() == SF_OP_BIND);
    let t = bound.tuple();
    assert_eq!((i32::from(t.family), t.lport, t.laddr), (libc::AF_PACKET, PROTOCOL, end));
    assert_eq!((t.raddr, bound.flags()), ([0; 16], SF_F_USER));
    let sent = r.one("message", |e| e.op() == SF_OP_SEND);
    let t = sent.tuple();
    assert_eq!((sent.as_io().bytes, t.rport, t.raddr, t.laddr), (5, PROTOCOL, end, [0; 16]));
}

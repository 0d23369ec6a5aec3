// SPDX-License-Identifier: Apache-2.0
//! Sockets: both ends, and bytes.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, IntoRawFd};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

use probe_loader::abi::{
    SF_F_TUPLE, SF_F_USER, SF_OP_ACCEPT, SF_OP_CONNECT, SF_OP_DESCRIBE_SOCKET, SF_OP_READ,
    SF_OP_RECV, SF_OP_SEND, SF_OP_SOCKET, SF_OP_WRITE, sf_tuple,
};

use crate::Test;
use crate::recording::{Event, record};
use crate::sys::{self, Message};

pub(crate) const TESTS: &[Test] = &[
    ("sockets::tcp_v4", || tcp("127.0.0.1:0")),
    ("sockets::tcp_v6", || tcp("[::1]:0")),
    ("sockets::tcp_v4_mapped", tcp_v4_mapped),
    ("sockets::udp_v4", || udp("127.0.0.1:0")),
    ("sockets::udp_v6", || udp("[::1]:0")),
    ("sockets::udp_connected", udp_connected),
    ("sockets::several_messages", several_messages),
    ("sockets::several_messages_on_a_stream", several_messages_on_a_stream),
    ("sockets::unix_stream", unix_stream),
    ("sockets::unix_abstract", unix_abstract),
    ("sockets::unix_datagram", unix_datagram),
    ("sockets::failed_connects", failed_connects),
    ("sockets::failed_socket_and_accept", failed_socket_and_accept),
    ("sockets::inherited", inherited),
];

const AF_INET: u16 = libc::AF_INET as u16;
const AF_INET6: u16 = libc::AF_INET6 as u16;

fn family(addr: &SocketAddr) -> u16 {
    if addr.is_ipv4() { AF_INET } else { AF_INET6 }
}

pub(crate) fn address(addr: IpAddr) -> [u8; 16] {
    let mut bytes = [0; 16];
    match addr {
        IpAddr::V4(v4) => bytes[..4].copy_from_slice(&v4.octets()),
        IpAddr::V6(v6) => bytes = v6.octets(),
    }
    bytes
}

/// `sockaddr_in` or `sockaddr_in6`.
pub(crate) fn sockaddr(addr: &SocketAddr) -> Vec<u8> {
    let mut bytes = family(addr).to_ne_bytes().to_vec();
    bytes.extend(addr.port().to_be_bytes());
    match addr.ip() {
        IpAddr::V4(v4) => {
            bytes.extend(v4.octets());
            bytes.extend([0; 8]);
        }
        IpAddr::V6(v6) => {
            bytes.extend([0; 4]);
            bytes.extend(v6.octets());
            bytes.extend([0; 4]);
        }
    }
    bytes
}

pub(crate) fn sockaddr_un(path: &[u8]) -> Vec<u8> {
    let mut bytes = (libc::AF_UNIX as u16).to_ne_bytes().to_vec();
    bytes.extend(path);
    bytes
}

pub(crate) fn check_tuple(
    t: &sf_tuple,
    kind: i32,
    local: &SocketAddr,
    remote: Option<&SocketAddr>,
) {
    assert_eq!((t.family, i32::from(t.type_)), (family(local), kind));
    let proto = if kind == libc::SOCK_STREAM { libc::IPPROTO_TCP } else { libc::IPPROTO_UDP };
    assert_eq!(i32::from(t.proto), proto);
    assert_eq!((t.lport, t.laddr), (local.port(), address(local.ip())));
    let remote = remote.map(|r| (r.port(), address(r.ip()))).unwrap_or_default();
    assert_eq!((t.rport, t.raddr), remote);
}

pub(crate) fn inode_of(fd: i32) -> u64 {
    let link = std::fs::read_link(format!("/proc/self/fd/{fd}")).expect("/proc");
    let name = link.to_string_lossy();
    name.trim_start_matches("socket:[").trim_end_matches(']').parse().expect("socket:[inode]")
}

fn tcp(bind: &str) {
    let r = record(|facts| {
        let listener = TcpListener::bind(bind).expect("bind");
        let server = listener.local_addr().expect("address");
        let mut client = TcpStream::connect(server).expect("connect");
        let mut peer = crate::recording::owned(sys::accept(listener.as_raw_fd()).expect("accept"));
        facts.set("server", server);
        facts.set("client", client.local_addr().expect("address"));
        facts.set("client_fd", client.as_raw_fd());
        facts.set("listen_fd", listener.as_raw_fd());
        facts.set("client_ino", inode_of(client.as_raw_fd()));
        facts.set("peer_ino", inode_of(peer.as_raw_fd()));
        client.write_all(b"request").expect("write");
        let mut stream = TcpStream::from(peer);
        stream.read_exact(&mut [0; 7]).expect("read");
        sys::write(stream.as_raw_fd(), b"answer").expect("write");
        sys::read(client.as_raw_fd(), &mut [0; 64]).expect("read");
        peer = stream.into();
        drop(peer);
    });
    let (server, client): (SocketAddr, SocketAddr) = (r.num("server"), r.num("client"));
    let connect = r.one("connect", |e| e.op() == SF_OP_CONNECT);
    let (rec, path) = connect.as_sock();
    assert_eq!((rec.fd, rec.ret, rec.listen_fd), (r.num("client_fd"), 0, -1));
    assert_eq!((rec.ino, path.len()), (r.num("client_ino"), 0));
    assert_eq!(rec.state, 1, "TCP_ESTABLISHED");
    check_tuple(&rec.tuple, libc::SOCK_STREAM, &client, Some(&server));
    let accept = r.one("accept", |e| e.op() == SF_OP_ACCEPT);
    let (acc, _) = accept.as_sock();
    assert_eq!((acc.ino, acc.listen_fd), (r.num("peer_ino"), r.num("listen_fd")));
    assert_eq!(acc.fd, acc.ret);
    check_tuple(&acc.tuple, libc::SOCK_STREAM, &server, Some(&client));
    let on = |file| -> Vec<_> {
        r.io_on(file).iter().map(|e| (e.op(), e.as_io().bytes, e.flags() & SF_F_TUPLE)).collect()
    };
    // std writes to a TcpStream with send(2) and reads with recv(2).
    assert_eq!(on(rec.file), [(SF_OP_SEND, 7, 0), (SF_OP_READ, 6, 0)]);
    assert_eq!(on(acc.file), [(SF_OP_RECV, 7, 0), (SF_OP_WRITE, 6, 0)]);
    let sockets: Vec<_> = r.own().filter(|e| e.op() == SF_OP_SOCKET).collect();
    assert_eq!(sockets.len(), 2);
    for socket in sockets {
        let (s, _) = socket.as_sock();
        assert_eq!((s.fd, s.tuple.family), (s.ret, family(&server)));
        assert_eq!((s.tuple.lport, s.tuple.rport), (0, 0));
    }
}

fn tcp_v4_mapped() {
    let r = record(|facts| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        let server = listener.local_addr().expect("address");
        let fd = sys::socket(libc::AF_INET6, libc::SOCK_STREAM).expect("socket");
        let mapped: SocketAddr =
            format!("[::ffff:127.0.0.1]:{}", server.port()).parse().expect("address");
        sys::connect(fd, &sockaddr(&mapped)).expect("connect");
        facts.set("mapped", mapped);
    });
    let mapped: SocketAddr = r.num("mapped");
    let t = *r.one("connect", |e| e.op() == SF_OP_CONNECT).tuple();
    assert_eq!((t.family, t.rport, t.raddr), (AF_INET6, mapped.port(), address(mapped.ip())));
    assert_eq!(t.laddr, address(mapped.ip()));
}

fn udp(bind: &str) {
    let r = record(|facts| {
        let a = UdpSocket::bind(bind).expect("bind");
        let b = UdpSocket::bind(bind).expect("bind");
        let (at_a, at_b) = (a.local_addr().expect("address"), b.local_addr().expect("address"));
        facts.set("a", at_a);
        facts.set("b", at_b);
        facts.set("a_fd", a.as_raw_fd());
        facts.set("b_fd", b.as_raw_fd());
        sys::sendto(a.as_raw_fd(), b"ping", &sockaddr(&at_b)).expect("sendto");
        sys::recvfrom(b.as_raw_fd(), &mut [0; 64], Some(&mut [0; 28])).expect("recvfrom");
        sys::sendmsg(b.as_raw_fd(), &mut b"answer".to_vec(), &mut sockaddr(&at_a))
            .expect("sendmsg");
        sys::recvfrom(a.as_raw_fd(), &mut [0; 64], None).expect("recvfrom");
    });
    let (a, b): (SocketAddr, SocketAddr) = (r.num("a"), r.num("b"));
    let (a_fd, b_fd): (i32, i32) = (r.num("a_fd"), r.num("b_fd"));
    let io: Vec<_> = r.own().filter(|e| [SF_OP_SEND, SF_OP_RECV].contains(&e.op())).collect();
    assert_eq!(io.len(), 4, "{:#?}", r.dump());
    let check = |e: &Event, op, fd, bytes, local, remote: Option<_>| {
        assert_eq!((e.op(), e.as_io().fd, e.as_io().bytes), (op, fd, bytes));
        let user = if remote.is_some() { SF_F_USER } else { 0 };
        assert_eq!(e.flags(), SF_F_TUPLE | user);
        check_tuple(e.tuple(), libc::SOCK_DGRAM, local, remote);
    };
    check(io[0], SF_OP_SEND, a_fd, 4, &a, Some(&b));
    check(io[1], SF_OP_RECV, b_fd, 4, &b, Some(&a));
    check(io[2], SF_OP_SEND, b_fd, 6, &b, Some(&a));
    check(io[3], SF_OP_RECV, a_fd, 6, &a, None);
}

fn udp_connected() {
    let r = record(|facts| {
        let server = UdpSocket::bind("127.0.0.1:0").expect("bind");
        let at = server.local_addr().expect("address");
        let fd = sys::socket(libc::AF_INET, libc::SOCK_DGRAM).expect("socket");
        sys::connect(fd, &sockaddr(&at)).expect("connect");
        sys::write(fd, b"one").expect("write");
        sys::sendto(fd, b"three", &[]).expect("send");
        facts.set("server", at);
        facts.set("fd", fd);
    });
    let server: SocketAddr = r.num("server");
    let fd: i32 = r.num("fd");
    let connect = r.one("connect", |e| e.op() == SF_OP_CONNECT);
    let local = connect.tuple().lport;
    let sent: Vec<_> = r
        .own()
        .filter(|e| [SF_OP_WRITE, SF_OP_SEND].contains(&e.op()) && e.as_io().fd == fd)
        .filter(|e| e.hdr().ts > connect.hdr().ts)
        .collect();
    let ops: Vec<_> = sent.iter().map(|e| (e.op(), e.as_io().bytes)).collect();
    assert_eq!(ops, [(SF_OP_WRITE, 3), (SF_OP_SEND, 5)]);
    for e in sent.iter().chain([&connect]) {
        let t = e.tuple();
        assert_eq!((t.lport, t.rport), (local, server.port()));
        assert_eq!((t.laddr, t.raddr), (address(server.ip()), address(server.ip())));
    }
}

fn several_messages() {
    let r = record(|facts| {
        let socket = || UdpSocket::bind("127.0.0.1:0").expect("bind");
        let (a, b, c) = (socket(), socket(), socket());
        let at = |s: &UdpSocket| s.local_addr().expect("address");
        let message =
            |text: &[u8], to: &SocketAddr| Message { data: text.to_vec(), addr: sockaddr(to) };
        let mut out = [message(b"1", &at(&b)), message(b"22", &at(&c)), message(b"333", &at(&b))];
        assert_eq!(sys::sendmmsg(a.as_raw_fd(), &mut out).expect("sendmmsg"), 3);
        let room = || Message { data: vec![0; 16], addr: vec![0; 16] };
        let mut into = [room(), room()];
        assert_eq!(sys::recvmmsg(b.as_raw_fd(), &mut into).expect("recvmmsg"), 2);
        for (name, s) in [("a", &a), ("b", &b), ("c", &c)] {
            facts.set(name, at(s));
        }
    });
    let at = |name: &str| r.num::<SocketAddr>(name);
    let told = |op| -> Vec<_> {
        r.own()
            .filter(|e| e.op() == op)
            .map(|e| {
                let (io, t) = (e.as_io(), e.tuple());
                assert_eq!((io.ops, io.failed), (1, 0));
                (io.bytes, t.lport, t.rport)
            })
            .collect()
    };
    let (a, b, c) = (at("a").port(), at("b").port(), at("c").port());
    assert_eq!(told(SF_OP_SEND), [(1, a, b), (2, a, c), (3, a, b)]);
    assert_eq!(told(SF_OP_RECV), [(1, b, a), (3, b, a)]);
}

fn several_messages_on_a_stream() {
    let r = record(|_| {
        let (a, _b) = UnixStream::pair().expect("pair");
        let message = |n: usize| Message { data: vec![b'x'; n], addr: Vec::new() };
        let mut out = [message(10), message(20), message(30)];
        assert_eq!(sys::sendmmsg(a.as_raw_fd(), &mut out).expect("sendmmsg"), 3);
    });
    let sent = r.one("sendmmsg", |e| e.op() == SF_OP_SEND);
    let io = sent.as_io();
    assert_eq!((io.ops, io.bytes, io.failed, sent.flags()), (3, 60, 0, 0));
}

fn unix_stream() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = dir.path().join("socket");
    let r = record(|_| {
        let listener = UnixListener::bind(&path).expect("bind");
        let mut client = UnixStream::connect(&path).expect("connect");
        let fd = sys::accept(listener.as_raw_fd()).expect("accept");
        client.write_all(b"abc").expect("write");
        sys::read(fd, &mut [0; 8]).expect("read");
    });
    let name = path.to_str().expect("UTF-8").as_bytes();
    let connect = r.one("connect", |e| e.op() == SF_OP_CONNECT);
    let (rec, told) = connect.as_sock();
    assert_eq!((told.as_slice(), connect.flags()), (name, 0), "from the peer");
    assert_eq!((i32::from(rec.tuple.family), rec.tuple.lport), (libc::AF_UNIX, 0));
    let accept = r.one("accept", |e| e.op() == SF_OP_ACCEPT);
    let (acc, told) = accept.as_sock();
    assert_eq!((told.as_slice(), accept.flags()), (name, 0));
    assert_eq!(r.io_on(acc.file).len(), 1);
    assert_eq!(r.io_on(rec.file).len(), 1);
}

fn unix_abstract() {
    let name = b"\0sysflow live test";
    let r = record(|_| {
        let fd = sys::socket(libc::AF_UNIX, libc::SOCK_STREAM).expect("socket");
        sys::connect(fd, &sockaddr_un(name)).expect_err("nobody listens");
    });
    let connect = r.one("connect", |e| e.op() == SF_OP_CONNECT);
    let (rec, told) = connect.as_sock();
    assert_eq!((told.as_slice(), rec.ret), (name.as_slice(), -libc::ECONNREFUSED));
    assert_eq!(connect.flags(), SF_F_USER);
}

fn unix_datagram() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = dir.path().join("log");
    let r = record(|facts| {
        let server = UnixDatagram::bind(&path).expect("bind");
        let client = UnixDatagram::unbound().expect("socket");
        for _ in 0..5 {
            client.send_to(b"text", &path).expect("send");
            server.recv(&mut [0; 16]).expect("receive");
        }
        client.connect(&path).expect("connect");
        facts.set("server", server.as_raw_fd());
        facts.set("client", client.as_raw_fd());
    });
    let (server, client): (i32, i32) = (r.num("server"), r.num("client"));
    for (fd, op) in [(client, SF_OP_SEND), (server, SF_OP_RECV)] {
        let io: Vec<_> = r.own().filter(|e| e.op() == op && e.as_io().fd == fd).collect();
        assert_eq!(io.len(), 5);
        assert!(io.iter().all(|e| e.as_io().bytes == 4 && e.flags() == 0));
        let described =
            r.own().filter(|e| e.op() == SF_OP_DESCRIBE_SOCKET && e.as_sock().0.fd == fd).count();
        assert!(described < 5, "not with every message: {described}");
    }
    let (_, told) = r.one("connect", |e| e.op() == SF_OP_CONNECT).as_sock();
    assert_eq!(told, path.to_str().expect("UTF-8").as_bytes());
}

fn failed_connects() {
    let r = record(|facts| {
        let refused = TcpListener::bind("127.0.0.1:0").expect("bind");
        let at = refused.local_addr().expect("address");
        drop(refused);
        let fd = sys::socket(libc::AF_INET, libc::SOCK_STREAM).expect("socket");
        sys::connect(fd, &sockaddr(&at)).expect_err("nobody listens");
        facts.set("at", at);
        sys::connect(777, &sockaddr(&at)).expect_err("no descriptor");
        let file = sys::open(c"/dev/null", 0, 0).expect("open");
        sys::connect(file, &sockaddr(&at)).expect_err("no socket");
        facts.set("file", file);
    });
    let at: SocketAddr = r.num("at");
    let of =
        |error: i32| r.one("connect", |e| e.op() == SF_OP_CONNECT && e.as_sock().0.ret == -error);
    let refused = of(libc::ECONNREFUSED);
    let t = refused.tuple();
    assert_eq!((refused.flags(), t.family), (SF_F_USER, AF_INET));
    assert_eq!((t.rport, t.raddr), (at.port(), address(at.ip())));
    let unknown = of(libc::EBADF);
    let (t, (rec, _)) = (unknown.tuple(), unknown.as_sock());
    assert_eq!((rec.file, rec.fd, unknown.flags()), (0, 777, SF_F_USER));
    assert_eq!((t.family, t.rport, t.raddr), (AF_INET, at.port(), address(at.ip())));
    assert_eq!(of(libc::ENOTSOCK).as_sock().0.fd, r.num::<i32>("file"));
}

fn failed_socket_and_accept() {
    let r = record(|facts| {
        sys::socket(libc::AF_INET, 77).expect_err("no such type");
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        listener.set_nonblocking(true).expect("nonblocking");
        facts.set("listener", listener.local_addr().expect("address"));
        let fd = listener.into_raw_fd();
        sys::accept(fd).expect_err("nobody connects");
        facts.set("fd", fd);
    });
    let socket = r.one("socket", |e| e.op() == SF_OP_SOCKET && e.as_sock().0.ret < 0);
    let (s, _) = socket.as_sock();
    assert_eq!((s.file, s.fd, s.ret, s.tuple.family), (0, -1, -libc::EINVAL, AF_INET));
    let accept = r.one("accept", |e| e.op() == SF_OP_ACCEPT);
    let (a, _) = accept.as_sock();
    assert_eq!((a.file, a.fd, a.ret), (0, -1, -libc::EAGAIN));
    assert_eq!(a.listen_fd, r.num("fd"));
    check_tuple(&a.tuple, libc::SOCK_STREAM, &r.num("listener"), None);
}

/// Sockets that were made before the capture.
fn inherited() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let server = listener.local_addr().expect("address");
    let client = TcpStream::connect(server).expect("connect");
    let (peer, _) = listener.accept().expect("accept");
    let lonely = sys::socket(libc::AF_INET, libc::SOCK_STREAM).expect("socket");
    let r = record(|_| {
        for _ in 0..5 {
            sys::write(client.as_raw_fd(), b"x").expect("write");
            sys::write(lonely, b"x").expect_err("not connected");
        }
        sys::connect(lonely, &sockaddr(&server)).expect("connect");
        sys::write(lonely, b"x").expect("write");
    });
    let told = |fd: i32| -> Vec<&Event> {
        r.own().filter(|e| e.op() == SF_OP_DESCRIBE_SOCKET && e.as_sock().0.fd == fd).collect()
    };
    let described = told(client.as_raw_fd());
    let cpus: std::collections::HashSet<_> = described.iter().map(|e| e.cpu).collect();
    assert!(!described.is_empty() && described.len() == cpus.len(), "once per ring");
    let local = client.local_addr().expect("address");
    check_tuple(described[0].tuple(), libc::SOCK_STREAM, &local, Some(&server));
    // Without a peer it is described each time, so that none is missed.
    let lonely_told = told(lonely);
    assert!(lonely_told.len() >= 5, "{}", lonely_told.len());
    assert!(lonely_told[..5].iter().all(|e| e.tuple().rport == 0));
    drop(peer);
    sys::close(lonely).expect("close");
}

// SPDX-License-Identifier: Apache-2.0
//! Sockets: both ends, whichever family, and the peer of each datagram.

use std::io::{IoSlice, IoSliceMut, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};

use nix::sys::socket::{
    AddressFamily, MsgFlags, MultiHeaders, SockFlag, SockType, SockaddrIn, recvmmsg, sendmmsg,
    socket,
};

use probe_loader::abi::*;

use crate::support::{Board, Captured, capture};

const LOCALHOSTS: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

/// Local addresses of this host that sockets can have.
fn hosts() -> impl Iterator<Item = IpAddr> {
    LOCALHOSTS.into_iter().filter(|host| {
        let there = UdpSocket::bind((*host, 0)).is_ok();
        if !there {
            eprintln!("skipped: {host} is not an address of this host");
        }
        there
    })
}

fn address(family: u16, bytes: &[u8; 16], port: u16) -> SocketAddr {
    let ip = match i32::from(family) {
        libc::AF_INET => IpAddr::from([bytes[0], bytes[1], bytes[2], bytes[3]]),
        libc::AF_INET6 => IpAddr::from(*bytes),
        other => panic!("family {other}"),
    };
    SocketAddr::new(ip, port)
}

fn local(tuple: &sf_tuple) -> SocketAddr {
    address(tuple.family, &tuple.laddr, tuple.lport)
}

fn remote(tuple: &sf_tuple) -> SocketAddr {
    address(tuple.family, &tuple.raddr, tuple.rport)
}

fn with_port(host: IpAddr, board: Board, at: usize) -> SocketAddr {
    SocketAddr::new(host, u16::try_from(board.get(at)).expect("a port"))
}

#[test]
fn a_tcp_connection_tells_both_ends_and_its_bytes() {
    for host in hosts() {
        let Some(got) = capture(|board| {
            let listener = TcpListener::bind((host, 0)).expect("listen");
            let mut client =
                TcpStream::connect(listener.local_addr().expect("name")).expect("connect");
            let (mut server, _) = listener.accept().expect("accept");
            client.write_all(b"question").expect("send");
            server.read_exact(&mut [0; 8]).expect("receive");
            server.write_all(b"ok").expect("send");
            client.read_exact(&mut [0; 2]).expect("receive");
            board.put(0, client.as_raw_fd());
            board.put(1, server.as_raw_fd());
            board.put(2, listener.as_raw_fd());
            board.put(3, client.local_addr().expect("name").port());
            board.put(4, listener.local_addr().expect("name").port());
        }) else {
            return;
        };
        let (client, server) = (with_port(host, got.board, 3), with_port(host, got.board, 4));
        let (fd, peer_fd) = (got.board.fd(0), got.board.fd(1));
        let connects = got.socks(SF_OP_CONNECT, fd);
        let (connect, path, flags) = connects[0];
        assert_eq!((connects.len(), connect.ret, path.len(), flags), (1, 0, 0, 0));
        assert_eq!((local(&connect.tuple), remote(&connect.tuple)), (client, server));
        assert_eq!(i32::from(connect.tuple.type_), libc::SOCK_STREAM);
        assert_eq!(i32::from(connect.tuple.proto), libc::IPPROTO_TCP);
        let accepts = got.socks(SF_OP_ACCEPT, peer_fd);
        let accept = accepts[0].0;
        assert_eq!((local(&accept.tuple), remote(&accept.tuple)), (server, client));
        assert_eq!((accept.ret, accept.listen_fd), (peer_fd, got.board.fd(2)));
        assert_eq!(u32::from(accept.state), 1, "TCP_ESTABLISHED");
        let made: Vec<_> = got.socks(SF_OP_SOCKET, fd);
        assert_eq!(made[0].0.ino, connect.ino);
        assert_eq!(made[0].0.file, connect.file);
        for (who, fd, sent, received) in [(connect, fd, 8, 2), (accept, peer_fd, 2, 8)] {
            // std sends with send(2) and receives with recv(2).
            assert_eq!(sum(&got, SF_OP_SEND, fd, who.file), (1, sent));
            assert_eq!(sum(&got, SF_OP_RECV, fd, who.file), (1, received));
        }
    }
}

/// Operations and bytes of an open file.
fn sum(got: &Captured, op: u32, fd: i32, file: u64) -> (u32, u64) {
    let io = got.io(op, fd);
    assert!(io.iter().all(|io| io.file == file));
    (io.iter().map(|io| io.ops).sum(), io.iter().map(|io| io.bytes).sum())
}

#[test]
fn a_refused_connection_tells_where_to() {
    for host in hosts() {
        let Some(got) = capture(|board| {
            let unused = TcpListener::bind((host, 0)).expect("listen");
            let name = unused.local_addr().expect("name");
            drop(unused);
            TcpStream::connect(name).expect_err("nobody listens");
            board.put(0, name.port());
        }) else {
            return;
        };
        let server = with_port(host, got.board, 0);
        let failed: Vec<_> = got
            .child()
            .filter(|record| record.op() == SF_OP_CONNECT)
            .filter_map(|record| match record.get() {
                probe_loader::Record::Sock(sock, _) => Some((sock.ret, remote(&sock.tuple))),
                _ => None,
            })
            .collect();
        assert_eq!(failed, [(-libc::ECONNREFUSED, server)]);
    }
}

#[test]
fn each_datagram_tells_its_peer() {
    for host in hosts() {
        let Some(got) = capture(|board| {
            let a = UdpSocket::bind((host, 0)).expect("bind");
            let b = UdpSocket::bind((host, 0)).expect("bind");
            let (name_a, name_b) = (a.local_addr().expect("name"), b.local_addr().expect("name"));
            a.send_to(b"first", name_b).expect("send");
            b.recv_from(&mut [0; 16]).expect("receive");
            b.connect(name_a).expect("connect");
            b.send(b"second!").expect("send");
            // read(2), which gives no address.
            nix::unistd::read(&a, &mut [0; 16]).expect("read");
            a.set_nonblocking(true).expect("non-blocking");
            a.recv_from(&mut [0; 16]).expect_err("empty");
            board.put(0, a.as_raw_fd());
            board.put(1, b.as_raw_fd());
            board.put(2, name_a.port());
            board.put(3, name_b.port());
        }) else {
            return;
        };
        let (fd_a, fd_b) = (got.board.fd(0), got.board.fd(1));
        let (a, b) = (with_port(host, got.board, 2), with_port(host, got.board, 3));
        let sent = got.dgrams(SF_OP_SEND, fd_a);
        assert_eq!(sent.len(), 1);
        assert_eq!((sent[0].0.io.bytes, sent[0].1), (5, SF_F_TUPLE | SF_F_USER));
        assert_eq!(remote(&sent[0].0.tuple), b);
        assert_eq!(sent[0].0.tuple.lport, a.port());
        let received = got.dgrams(SF_OP_RECV, fd_b);
        assert_eq!(received.len(), 1);
        assert_eq!((received[0].0.io.bytes, remote(&received[0].0.tuple)), (5, a));
        assert_eq!(local(&received[0].0.tuple), b);
        let connected = got.dgrams(SF_OP_SEND, fd_b);
        assert_eq!((connected[0].0.io.bytes, connected[0].1), (7, SF_F_TUPLE));
        assert_eq!(remote(&connected[0].0.tuple), a);
        let read = got.dgrams(SF_OP_READ, fd_a);
        assert_eq!((read[0].0.io.bytes, read[0].1, read[0].0.tuple.rport), (7, SF_F_TUPLE, 0));
        let empty = got.dgrams(SF_OP_RECV, fd_a);
        assert_eq!((empty[0].0.io.failed, empty[0].0.io.error), (1, -libc::EAGAIN));
        let (connect, _, _) = got.socks(SF_OP_CONNECT, fd_b)[0];
        assert_eq!((connect.ret, remote(&connect.tuple)), (0, a));
        assert!(got.io(SF_OP_SEND, fd_a).is_empty(), "a datagram always has its tuple");
    }
}

#[test]
fn the_messages_of_one_call_have_a_record_each() {
    let Some(got) = capture(|board| {
        let sender = UdpSocket::bind("127.0.0.1:0").expect("bind");
        let sinks = [(); 3].map(|()| UdpSocket::bind("127.0.0.1:0").expect("bind"));
        let names = sinks.each_ref().map(|sink| match sink.local_addr().expect("name") {
            SocketAddr::V4(name) => Some(SockaddrIn::from(name)),
            SocketAddr::V6(_) => None,
        });
        let texts = [b"1".as_slice(), b"22", b"333"];
        let slices = texts.map(|text| [IoSlice::new(text)]);
        let mut headers = MultiHeaders::preallocate(3, None);
        let fd = sender.as_raw_fd();
        let none: [nix::sys::socket::ControlMessage<'_>; 0] = [];
        let count = sendmmsg(fd, &mut headers, &slices, names, none, MsgFlags::empty());
        assert_eq!(count.expect("sendmmsg").count(), 3);
        for byte in [b"x", b"y"] {
            sender.send_to(byte, sinks[0].local_addr().expect("name")).expect("send");
        }
        let mut bufs = [[0u8; 8]; 3];
        let mut slices: Vec<_> = bufs.iter_mut().map(|buf| [IoSliceMut::new(buf)]).collect();
        let mut headers = MultiHeaders::<SockaddrIn>::preallocate(3, None);
        let fd = sinks[0].as_raw_fd();
        let count = recvmmsg(fd, &mut headers, &mut slices, MsgFlags::MSG_DONTWAIT, None);
        assert_eq!(count.expect("recvmmsg").count(), 3);
        board.put(0, sender.as_raw_fd());
        board.put(1, sinks[0].as_raw_fd());
        board.put(2, sender.local_addr().expect("name").port());
        for (i, sink) in sinks.iter().enumerate() {
            board.put(3 + i, sink.local_addr().expect("name").port());
        }
    }) else {
        return;
    };
    let host = LOCALHOSTS[0];
    let sent: Vec<_> = got
        .dgrams(SF_OP_SEND, got.board.fd(0))
        .iter()
        .map(|(io, _)| (io.io.ops, io.io.bytes, remote(&io.tuple)))
        .collect();
    let to = |i: usize| with_port(host, got.board, 3 + i);
    assert_eq!(sent, [(1, 1, to(0)), (1, 2, to(1)), (1, 3, to(2)), (1, 1, to(0)), (1, 1, to(0))]);
    let from = with_port(host, got.board, 2);
    let received: Vec<_> = got
        .dgrams(SF_OP_RECV, got.board.fd(1))
        .iter()
        .map(|(io, _)| (io.io.bytes, remote(&io.tuple)))
        .collect();
    assert_eq!(received, [(1, from), (1, from), (1, from)]);
}

#[test]
fn the_messages_of_one_call_on_a_stream_are_one_sum() {
    let Some(got) = capture(|board| {
        let (a, b) = UnixStream::pair().expect("pair");
        let texts = [b"1".as_slice(), b"22", b"333"];
        let slices = texts.map(|text| [IoSlice::new(text)]);
        let mut headers = MultiHeaders::<()>::preallocate(3, None);
        let none: [nix::sys::socket::ControlMessage<'_>; 0] = [];
        let count =
            sendmmsg(a.as_raw_fd(), &mut headers, &slices, [None; 3], none, MsgFlags::empty());
        assert_eq!(count.expect("sendmmsg").count(), 3);
        board.put(0, a.as_raw_fd());
        drop(b);
    }) else {
        return;
    };
    let io = got.io(SF_OP_SEND, got.board.fd(0));
    assert_eq!(io.len(), 1);
    assert_eq!((io[0].ops, io[0].bytes), (3, 6));
    assert!(got.counters.aggregated[SF_CLASS_IO as usize] >= 2);
}

#[test]
fn unix_sockets_tell_their_path() {
    let dir = tempfile::tempdir().expect("directory");
    let path = dir.path().canonicalize().expect("path").join("socket");
    let name = path.to_str().expect("plain names").as_bytes().to_vec();
    let Some(got) = capture(|board| {
        let listener = UnixListener::bind(&path).expect("listen");
        let mut client = UnixStream::connect(&path).expect("connect");
        let (mut server, _) = listener.accept().expect("accept");
        client.write_all(b"abc").expect("send");
        server.read_exact(&mut [0; 3]).expect("receive");
        board.put(0, client.as_raw_fd());
        board.put(1, server.as_raw_fd());
        UnixStream::connect(path.with_extension("none")).expect_err("absent");
    }) else {
        return;
    };
    let (connect, told, flags) = got.socks(SF_OP_CONNECT, got.board.fd(0))[0];
    assert_eq!((connect.ret, told, flags), (0, name.as_slice(), 0));
    assert_eq!(i32::from(connect.tuple.family), libc::AF_UNIX);
    let (_, told, _) = got.socks(SF_OP_ACCEPT, got.board.fd(1))[0];
    assert_eq!(told, name.as_slice());
    let failed = got.child().find_map(|record| match record.get() {
        probe_loader::Record::Sock(sock, told) if sock.ret == -libc::ENOENT => {
            Some((told.to_vec(), record.flags()))
        }
        _ => None,
    });
    let (told, flags) = failed.expect("the failed connect");
    assert_eq!((told.as_slice(), flags), ([&name[..], b".none"].concat().as_slice(), SF_F_USER));
}

#[test]
fn a_socket_that_cannot_be_made_tells_what_was_asked() {
    let Some(got) = capture(|_| {
        // A family that no kernel has.
        // SAFETY: plain numbers.
        assert_eq!(unsafe { libc::socket(200, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 7) }, -1);
        let raw = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None);
        drop(raw.expect("socket"));
    }) else {
        return;
    };
    let (failed, _, _) = got.socks(SF_OP_SOCKET, -1)[0];
    assert_eq!((failed.ret, failed.file), (-libc::EAFNOSUPPORT, 0));
    assert_eq!((failed.tuple.family, failed.tuple.type_, failed.tuple.proto), (200, 1, 7));
}

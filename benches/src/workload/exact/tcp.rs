// SPDX-License-Identifier: Apache-2.0
//! 64 messages of 1,024 bytes over TCP and their echo: a client with two
//! threads and a child that inherits the connection, a server with two
//! threads. Once over IPv4, and where there is IPv6 also with IPv6 sockets to
//! an IPv4 address (the capture tells IPv4) and over IPv6 (schema version 5
//! has no place for it: no flow).

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4};
use std::os::fd::RawFd;
use std::thread;

use super::{Workload, whole};
use crate::workload::board::Board;
use crate::workload::report::{Owner, Sums, op};
use crate::workload::{child, sys};

const TCP: i32 = 6;
const MESSAGE: usize = 1024;

const CLIENT_FD: usize = 0;
const CLIENT_PORT: usize = 1;
const CLIENT_THREAD: usize = 2;
const CLIENT_CHILD: usize = 3;
const CLIENT_CLOSED: usize = 4;
const SERVER_FD: usize = 5;
const SERVER_THREAD: usize = 6;

/// Which addresses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    V4,
    Mapped,
    V6,
}

/// Whether IPv6 sockets can be used here.
pub(super) fn ipv6_is_there() -> bool {
    std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

pub(super) fn run(w: &mut Workload, kind: Kind) -> io::Result<()> {
    let board = Board::new()?;
    let any: SocketAddr = match kind {
        Kind::V4 => (Ipv4Addr::LOCALHOST, 0).into(),
        Kind::Mapped => (Ipv6Addr::UNSPECIFIED, 0).into(),
        Kind::V6 => (Ipv6Addr::LOCALHOST, 0).into(),
    };
    let listener = sys::socket(any, libc::SOCK_STREAM)?;
    sys::bind(listener, any)?;
    sys::listen(listener)?;
    let port = sys::local(listener)?.port();
    let to: SocketAddr = match kind {
        Kind::V4 => (Ipv4Addr::LOCALHOST, port).into(),
        Kind::Mapped => (Ipv4Addr::LOCALHOST.to_ipv6_mapped(), port).into(),
        Kind::V6 => (Ipv6Addr::LOCALHOST, port).into(),
    };
    let server = w.fork("tcp: server", || serve(board, listener))?;
    let client = w.fork("tcp: client", || request(board, to))?;
    sys::close(listener)?;
    w.join(client, 0)?;
    w.join(server, 0)?;
    report(w, board, kind, (client, server), port);
    Ok(())
}

fn round(fd: RawFd) -> io::Result<()> {
    let mut buf = [b'?'; MESSAGE];
    whole(sys::send(fd, &buf, None)?, MESSAGE)?;
    whole(sys::recv_all(fd, &mut buf)?, MESSAGE)
}

fn echo(fd: RawFd) -> io::Result<()> {
    let mut buf = [0; MESSAGE];
    whole(sys::recv_all(fd, &mut buf)?, MESSAGE)?;
    whole(sys::send(fd, &buf, None)?, MESSAGE)
}

/// 32 messages, then 16 from a thread and 16 from a child. The thread is
/// alive when the connection is closed.
fn request(board: Board, to: SocketAddr) -> io::Result<i32> {
    let fd = sys::socket(to, libc::SOCK_STREAM)?;
    sys::connect(fd, to)?;
    board.post(CLIENT_FD, fd);
    board.post(CLIENT_PORT, sys::local(fd)?.port());
    (0..32).try_for_each(|_| round(fd))?;
    let second = thread::spawn(move || {
        let done = (0..16).try_for_each(|_| round(fd));
        board.post(CLIENT_THREAD, sys::gettid());
        board.wait(CLIENT_CLOSED)?;
        done
    });
    board.wait(CLIENT_THREAD)?;
    let heir = child::fork(|| {
        (0..16).try_for_each(|_| round(fd))?;
        sys::close(fd)?;
        Ok(0)
    })?;
    board.post(CLIENT_CHILD, heir);
    child::expect(heir, 0)?;
    sys::close(fd)?;
    board.post(CLIENT_CLOSED, 1);
    second.join().map_err(|_| io::Error::other("the client's thread panicked"))??;
    Ok(0)
}

/// Echoes 32 messages, and 32 from a thread. The listening socket, which was
/// inherited, is not closed.
fn serve(board: Board, listener: RawFd) -> io::Result<i32> {
    let (fd, _) = sys::accept(listener)?;
    board.post(SERVER_FD, fd);
    (0..32).try_for_each(|_| echo(fd))?;
    let second = thread::spawn(move || {
        board.post(SERVER_THREAD, sys::gettid());
        (0..32).try_for_each(|_| echo(fd))
    });
    second.join().map_err(|_| io::Error::other("the server's thread panicked"))??;
    sys::close(fd)?;
    Ok(0)
}

fn report(w: &mut Workload, board: Board, kind: Kind, (client, server): (i32, i32), port: u16) {
    let look = |slot| board.look(slot) as i32;
    let heir = look(CLIENT_CHILD);
    w.forked("tcp: client's child", heir, client);
    w.exited(heir, 0);
    w.thread(client, look(CLIENT_THREAD));
    w.thread(server, look(SERVER_THREAD));
    if kind == Kind::V6 {
        return;
    }
    let local = |port| SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
    let ends = (local(board.look(CLIENT_PORT) as u16), local(port));
    let used = op::READ | op::WRITE;
    let mut flow = |pid, tid, fd, op, rounds: i64| {
        let both = (rounds, rounds * MESSAGE as i64);
        let sums = Sums { read: both, write: both };
        w.report.network(TCP, ends, Owner { pid, tid, fd }, op, sums);
    };
    let fd = look(CLIENT_FD);
    flow(client, client, fd, op::CONNECT | used | op::CLOSE, 32);
    flow(client, look(CLIENT_THREAD), fd, used | op::TRUNCATE, 16);
    flow(heir, heir, fd, used | op::CLOSE, 16);
    let fd = look(SERVER_FD);
    flow(server, server, fd, op::ACCEPT | used | op::CLOSE, 32);
    flow(server, look(SERVER_THREAD), fd, used | op::TRUNCATE, 32);
}

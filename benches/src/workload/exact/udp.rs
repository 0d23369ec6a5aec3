// SPDX-License-Identifier: Apache-2.0
//! 10 datagrams over UDP and their echo, and 10 more with one `sendmmsg` and
//! one `recvmmsg`: a client with two threads and a child that inherits the
//! socket.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::fd::RawFd;
use std::thread;

use super::{Workload, whole};
use crate::workload::board::Board;
use crate::workload::report::{Owner, Sums, op};
use crate::workload::{child, sys};

const UDP: i32 = 17;
/// Datagram n has (n + 1) times this many bytes.
const STEP: usize = 100;
const COUNT: usize = 10;

const CLIENT_FD: usize = 0;
const CLIENT_PORT: usize = 1;
const CLIENT_THREAD: usize = 2;
const CLIENT_CHILD: usize = 3;
const BURST_FD: usize = 4;
const BURST_PORT: usize = 5;

pub(super) fn run(w: &mut Workload) -> io::Result<()> {
    let board = Board::new()?;
    let any: SocketAddr = (Ipv4Addr::LOCALHOST, 0).into();
    let (echoing, counting) = (bound(any)?, bound(any)?);
    let (to, burst) = (sys::local(echoing)?, sys::local(counting)?);
    let server = w.fork("udp: server", || serve(echoing, counting))?;
    let client = w.fork("udp: client", || request(board, to, burst))?;
    w.join(client, 0)?;
    w.join(server, 0)?;
    report(w, board, (client, server), (echoing, to.port()), (counting, burst.port()));
    sys::close(echoing)?;
    sys::close(counting)
}

fn bound(to: SocketAddr) -> io::Result<RawFd> {
    let fd = sys::socket(to, libc::SOCK_DGRAM)?;
    sys::bind(fd, to)?;
    Ok(fd)
}

/// Echoes ten datagrams, then receives ten with one call. Closes nothing: the
/// sockets are used to its end.
fn serve(echoing: RawFd, counting: RawFd) -> io::Result<i32> {
    for _ in 0..COUNT {
        let mut buf = [0; 2048];
        let (got, from) = sys::recv_from(echoing, &mut buf)?;
        whole(sys::send(echoing, &buf[..got], Some(from))?, got)?;
    }
    let lengths = sys::recv_many(counting, COUNT)?;
    whole(lengths.iter().sum(), bytes(0..COUNT) as usize)?;
    Ok(0)
}

fn bytes(datagrams: std::ops::Range<usize>) -> i64 {
    datagrams.map(|n| ((n + 1) * STEP) as i64).sum()
}

fn exchange(fd: RawFd, to: SocketAddr, datagrams: std::ops::Range<usize>) -> io::Result<()> {
    for n in datagrams {
        let mut buf = [0; 2048];
        let len = (n + 1) * STEP;
        whole(sys::send(fd, &buf[..len], Some(to))?, len)?;
        whole(sys::recv_from(fd, &mut buf)?.0, len)?;
    }
    Ok(())
}

/// Datagrams 0 to 3, then 4 to 6 from a thread, 7 to 9 from a child, which
/// does not close the socket.
fn request(board: Board, to: SocketAddr, burst: SocketAddr) -> io::Result<i32> {
    let any: SocketAddr = (Ipv4Addr::LOCALHOST, 0).into();
    let fd = bound(any)?;
    board.post(CLIENT_FD, fd);
    board.post(CLIENT_PORT, sys::local(fd)?.port());
    exchange(fd, to, 0..4)?;
    let second = thread::spawn(move || {
        board.post(CLIENT_THREAD, sys::gettid());
        exchange(fd, to, 4..7)
    });
    second.join().map_err(|_| io::Error::other("the client's thread panicked"))??;
    let heir = child::fork(|| exchange(fd, to, 7..COUNT).map(|()| 0))?;
    board.post(CLIENT_CHILD, heir);
    child::expect(heir, 0)?;
    sys::close(fd)?;

    let fd = bound(any)?;
    sys::connect(fd, burst)?;
    board.post(BURST_FD, fd);
    board.post(BURST_PORT, sys::local(fd)?.port());
    let room = [0; COUNT * STEP];
    let datagrams: Vec<&[u8]> = (0..COUNT).map(|n| &room[..(n + 1) * STEP]).collect();
    whole(sys::send_many(fd, &datagrams)?, COUNT)?;
    sys::close(fd)?;
    Ok(0)
}

fn report(
    w: &mut Workload,
    board: Board,
    (client, server): (i32, i32),
    echoing: (RawFd, u16),
    counting: (RawFd, u16),
) {
    let look = |slot| board.look(slot) as i32;
    let (tid, heir) = (look(CLIENT_THREAD), look(CLIENT_CHILD));
    w.thread(client, tid);
    w.forked("udp: client's child", heir, client);
    w.exited(heir, 0);

    let local = |port| SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
    let ends = (local(look(CLIENT_PORT) as u16), local(echoing.1));
    let used = op::READ | op::WRITE;
    let mut flow = |pid, tid, fd, op, datagrams: std::ops::Range<usize>| {
        let both = (datagrams.len() as i64, bytes(datagrams));
        let sums = Sums { read: both, write: both };
        w.report.network(UDP, ends, Owner { pid, tid, fd }, op, sums);
    };
    let fd = look(CLIENT_FD);
    flow(client, client, fd, used | op::CLOSE, 0..4);
    flow(client, tid, fd, used | op::TRUNCATE, 4..7);
    flow(heir, heir, fd, used | op::TRUNCATE, 7..COUNT);
    flow(server, server, echoing.0, used | op::TRUNCATE, 0..COUNT);

    let ends = (local(look(BURST_PORT) as u16), local(counting.1));
    let many = (COUNT as i64, bytes(0..COUNT));
    let sent = Sums { write: many, ..Sums::default() };
    let owner = Owner { pid: client, tid: client, fd: look(BURST_FD) };
    w.report.network(UDP, ends, owner, op::CONNECT | op::WRITE | op::CLOSE, sent);
    let got = Sums { read: many, ..Sums::default() };
    let owner = Owner { pid: server, tid: server, fd: counting.0 };
    w.report.network(UDP, ends, owner, op::READ | op::TRUNCATE, got);
}

// SPDX-License-Identifier: Apache-2.0
//! Calls that move bytes from a descriptor to another: told at both.

use std::fs;

use probe_loader::abi::{SF_F_TUPLE, SF_OP_READ, SF_OP_WRITE, class_of};

use crate::Test;
use crate::files::{c, temporary, text};
use crate::recording::{Recording, record};
use crate::sys::{self, Arg};

pub(crate) const TESTS: &[Test] = &[
    ("transfers::between_files_and_pipes", between_files_and_pipes),
    ("transfers::to_sockets", to_sockets),
    ("transfers::failed", failed),
];

fn n(value: i64) -> Arg<'static> {
    Arg::Number(value)
}

fn call(nr: libc::c_long, args: &[i64]) -> std::io::Result<usize> {
    let args: Vec<_> = args.iter().copied().map(n).collect();
    sys::any(nr, &args)
}

/// Operation, descriptor and bytes of all transfers, in their order.
fn told(r: &Recording) -> Vec<(u32, i32, u64)> {
    r.own()
        .filter(|e| class_of(e.hdr().op) == 5)
        .map(|e| (e.op(), e.as_io().fd, e.as_io().bytes))
        .skip_while(|&(_, fd, _)| fd != MARK)
        .skip(1)
        .take_while(|&(_, fd, _)| fd != MARK)
        .collect()
}

/// A descriptor that is not open, used around what is looked at.
const MARK: i32 = 997;

fn mark() {
    sys::read(MARK, &mut [0; 1]).expect_err("not open");
}

fn between_files_and_pipes() {
    let dir = temporary();
    let at = |name: &str| c(&format!("{}/{name}", text(dir.path())));
    fs::write(dir.path().join("from"), vec![7; 3_000]).expect("file");
    let r = record(|facts| {
        let from = sys::open(&at("from"), libc::O_RDONLY, 0).expect("open");
        let to = sys::open(&at("to"), libc::O_CREAT | libc::O_RDWR, 0o600).expect("open");
        let (first, second) = (sys::pipe(), sys::pipe());
        facts.set("fds", format!("{from} {to} {} {} {}", first.0, first.1, second.1));
        let [f, t] = [from, to].map(i64::from);
        mark();
        assert_eq!(call(libc::SYS_sendfile, &[t, f, 0, 1_000]).expect("sendfile"), 1_000);
        let copied = call(libc::SYS_copy_file_range, &[f, 0, t, 0, 500, 0]);
        assert_eq!(copied.expect("copy_file_range"), 500);
        let spliced = call(libc::SYS_splice, &[f, 0, first.1.into(), 0, 300, 0]);
        assert_eq!(spliced.expect("splice"), 300);
        let teed = call(libc::SYS_tee, &[first.0.into(), second.1.into(), 200, 0]);
        assert_eq!(teed.expect("tee"), 200);
        assert_eq!(sys::vmsplice(second.1, &mut [1; 64]).expect("vmsplice to"), 64);
        assert_eq!(sys::vmsplice(first.0, &mut [0; 32]).expect("vmsplice from"), 32);
        mark();
    });
    let fds: Vec<i32> = r.fact("fds").split(' ').map(|n| n.parse().expect("number")).collect();
    let [from, to, reader, writer, second] = fds[..] else { panic!("{fds:?}") };
    assert_eq!(
        told(&r),
        [
            (SF_OP_READ, from, 1_000),
            (SF_OP_WRITE, to, 1_000),
            (SF_OP_READ, from, 500),
            (SF_OP_WRITE, to, 500),
            (SF_OP_READ, from, 300),
            (SF_OP_WRITE, writer, 300),
            (SF_OP_READ, reader, 200),
            (SF_OP_WRITE, second, 200),
            (SF_OP_WRITE, second, 64),
            (SF_OP_READ, reader, 32),
        ]
    );
    let opened = r.open_of(&text(&dir.path().join("from"))).as_file().0.file;
    assert_eq!(r.io_on(opened).len(), 3, "on the file that was opened");
}

/// A stream and a datagram socket: the latter's record has both ends.
fn to_sockets() {
    let dir = temporary();
    fs::write(dir.path().join("from"), vec![7; 3_000]).expect("file");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("listen");
    let receiver = std::net::UdpSocket::bind("127.0.0.1:0").expect("bind");
    let ports = [listener.local_addr(), receiver.local_addr()].map(|a| a.expect("bound").port());
    let address = |port: u16| {
        let mut addr = [0; 16];
        addr[..2].copy_from_slice(&(libc::AF_INET as u16).to_ne_bytes());
        addr[2..4].copy_from_slice(&port.to_be_bytes());
        addr[4..8].copy_from_slice(&[127, 0, 0, 1]);
        addr
    };
    let r = record(|facts| {
        let path = c(&text(&dir.path().join("from")));
        let from = sys::open(&path, libc::O_RDONLY, 0).expect("open");
        let sockets = [libc::SOCK_STREAM, libc::SOCK_DGRAM]
            .map(|kind| sys::socket(libc::AF_INET, kind).expect("socket"));
        for (socket, port) in sockets.into_iter().zip(ports) {
            sys::connect(socket, &address(port)).expect("connect");
        }
        facts.set("fds", format!("{from} {} {}", sockets[0], sockets[1]));
        mark();
        for socket in sockets {
            let sent = call(libc::SYS_sendfile, &[socket.into(), from.into(), 0, 400]);
            assert_eq!(sent.expect("sendfile"), 400);
        }
        mark();
    });
    let fds: Vec<i32> = r.fact("fds").split(' ').map(|n| n.parse().expect("number")).collect();
    let [from, stream, datagram] = fds[..] else { panic!("{fds:?}") };
    let read = (SF_OP_READ, from, 400);
    assert_eq!(told(&r), [read, (SF_OP_WRITE, stream, 400), read, (SF_OP_WRITE, datagram, 400)]);
    let write = |fd| r.one("write", |e| e.op() == SF_OP_WRITE && e.as_io().fd == fd);
    assert_eq!(write(stream).flags() & SF_F_TUPLE, 0);
    assert_ne!(write(datagram).flags() & SF_F_TUPLE, 0);
    assert_eq!(write(datagram).tuple().rport, ports[1]);
}

/// Which end was at fault is not known: both are told with the error.
fn failed() {
    let r = record(|_| {
        let (reader, _) = sys::pipe();
        mark();
        call(libc::SYS_sendfile, &[998, reader.into(), 0, 10]).expect_err("no such end");
        mark();
    });
    let events: Vec<_> = r
        .own()
        .filter(|e| class_of(e.hdr().op) == 5 && e.as_io().fd != MARK)
        .filter(|e| e.as_io().error == -libc::EBADF)
        .collect();
    let [read, write] = &events[..] else { panic!("{:#?}", r.dump()) };
    assert_eq!((read.op(), write.op(), write.as_io().fd), (SF_OP_READ, SF_OP_WRITE, 998));
    for end in [read, write] {
        assert_eq!((end.as_io().ops, end.as_io().failed, end.as_io().bytes), (1, 1, 0));
    }
    assert_eq!(write.as_io().file, 0);
    assert_ne!(read.as_io().file, 0);
}

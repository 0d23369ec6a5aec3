// SPDX-License-Identifier: Apache-2.0
//! 32-bit system calls, made through the kernel's 32-bit entry. A kernel
//! without it ends the test's child. Calls are named by their numbers in the
//! 32-bit table.

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;

use probe_loader::abi::{
    SF_F_COMPAT, SF_F_TUPLE, SF_F_USER, SF_ID_NONE, SF_OP_ACCEPT, SF_OP_BIND, SF_OP_CLOSE,
    SF_OP_CONNECT, SF_OP_DESCRIBE_FILE, SF_OP_DUP, SF_OP_EXEC, SF_OP_KILL, SF_OP_LISTEN,
    SF_OP_MKDIR, SF_OP_OPEN, SF_OP_READ, SF_OP_RECV, SF_OP_SEND, SF_OP_SETGROUPS, SF_OP_SETUID,
    SF_OP_SHUTDOWN, SF_OP_SOCKET, SF_OP_SOCKETPAIR, SF_OP_TRUNCATE, SF_OP_WRITE,
};

use crate::Test;
use crate::recording::{Event, Recording, record};
use crate::sockets::{address, sockaddr};
use crate::sys::{self, Low, call_32bit};

pub(crate) const TESTS: &[Test] = &[
    ("compat::files", files),
    ("compat::names", names),
    ("compat::processes", processes),
    ("compat::socketcall", socketcall),
    ("compat::messages", messages),
    ("compat::described_in_64_bits", described_in_64_bits),
    ("compat::uncovered", uncovered),
];

/// The child's records of 32-bit calls of one kind.
fn of(r: &Recording, op: u32) -> Vec<&Event> {
    r.own().filter(|e| e.op() == op && e.flags() & SF_F_COMPAT != 0).collect()
}

fn only(r: &Recording, op: u32) -> &Event {
    let found = of(r, op);
    assert_eq!(found.len(), 1, "operation {op}: {:#?}", r.dump());
    found[0]
}

fn fd(ret: i32) -> u32 {
    u32::try_from(ret).expect("a descriptor")
}

fn text(path: &std::path::Path) -> Vec<u8> {
    format!("{}\0", path.to_str().expect("UTF-8")).into_bytes()
}

/// With `O_LARGEFILE`, which 64-bit calls imply.
const FLAGS: u32 = (libc::O_RDWR | libc::O_CREAT) as u32 | 0o100_000;

fn files() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = fs::canonicalize(dir.path()).expect("exists").join("file");
    let r = record(|facts| {
        let mut low = Low::new();
        let (name, data) = (low.put(&text(&path)), low.put(b"twelve bytes"));
        let file = fd(call_32bit(295, [libc::AT_FDCWD as u32, name, FLAGS, 0o600]));
        assert_eq!(call_32bit(4, [file, data, 12]), 12);
        assert_eq!(call_32bit(180, [file, data, 5, 1, 0]), 5);
        let part = low.words(&[data, 3, data, 4]);
        assert_eq!(call_32bit(146, [file, part, 2]), 7);
        let second = fd(call_32bit(221, [file, libc::F_DUPFD_CLOEXEC as u32, 100]));
        call_32bit(221, [file, libc::F_GETFD as u32]);
        assert_eq!(call_32bit(6, [second]), 0);
        assert_eq!(call_32bit(194, [file, 5, 1]), 0);
        assert_eq!(call_32bit(3, [0xffff_ffff, data, 1]), -libc::EBADF);
        assert_eq!(call_32bit(5, [low.put(b"/none/such\0"), 0, 0]), -libc::ENOENT);
        facts.set("file", file);
        facts.set("second", second);
    });
    let opens = of(&r, SF_OP_OPEN);
    let (rec, told) = opens[0].as_file();
    let meta = fs::metadata(&path).expect("file");
    assert_eq!((told.as_str(), rec.ino), (path.to_str().expect("UTF-8"), meta.ino()));
    assert_eq!((rec.flags, opens[0].flags()), (FLAGS, SF_F_COMPAT));
    let (failed, told) = opens[1].as_file();
    assert_eq!((told.as_str(), failed.ret), ("/none/such", -libc::ENOENT));
    assert_eq!(opens[1].flags(), SF_F_COMPAT | SF_F_USER);
    let io: Vec<_> = r
        .io_on(rec.file)
        .iter()
        .map(|e| (e.op(), e.as_io().bytes, e.as_io().fd, e.flags()))
        .collect();
    let file: i32 = r.num("file");
    let compat = SF_F_COMPAT;
    assert_eq!(
        io,
        [
            (SF_OP_WRITE, 12, file, compat),
            (SF_OP_READ, 5, file, compat),
            (SF_OP_WRITE, 7, file, compat)
        ]
    );
    let dup = only(&r, SF_OP_DUP).as_fd();
    assert_eq!((dup.fd, dup.ret, dup.file), (file, r.num("second"), rec.file));
    assert_eq!(only(&r, SF_OP_CLOSE).as_fd().fd, r.num("second"));
    assert_eq!(only(&r, SF_OP_TRUNCATE).as_path().0.arg[0], 1 << 32 | 5);
    let bad = r.one("no descriptor", |e| e.op() == SF_OP_READ && e.as_io().file == 0);
    assert_eq!((bad.as_io().fd, bad.as_io().error), (-1, -libc::EBADF));
}

fn names() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = fs::canonicalize(dir.path()).expect("exists").join("folder");
    let r = record(|_| {
        let mut low = Low::new();
        assert_eq!(call_32bit(39, [low.put(&text(&path)), 0o755]), 0);
    });
    let (rec, names) = only(&r, SF_OP_MKDIR).as_path();
    assert_eq!((rec.ret, rec.arg[0]), (0, 0o755));
    assert_eq!(names[0], path.to_str().expect("UTF-8"));
}

fn processes() {
    let r = record(|_| {
        let mut low = Low::new();
        let me = std::process::id();
        assert_eq!(call_32bit(37, [me, 0]), 0);
        assert_eq!(call_32bit(37, [0x8000_0001, 1]), -libc::ESRCH);
        assert_eq!(call_32bit(11, [low.put(b"/none\0"), 0, 0]), -libc::ENOENT);
        let groups = low.words(&[1, 2]);
        assert_eq!(call_32bit(206, [2, groups]), 0);
        assert_eq!(call_32bit(208, [70_000, 70_001, 70_000]), 0);
        assert_eq!(call_32bit(23, [7]), -libc::EPERM);
        // setreuid(2) of 16 bits: 0xffff leaves the real id as it is.
        assert_eq!(call_32bit(70, [0xffff, 9]), -libc::EPERM);
    });
    let told =
        |op| -> Vec<_> { of(&r, op).iter().map(|e| (e.as_call().ret, e.as_call().arg)).collect() };
    let none = u64::from(SF_ID_NONE);
    let (eperm, esrch) = (-i64::from(libc::EPERM), -i64::from(libc::ESRCH));
    let group = i64::from(0x8000_0001_u32 as i32) as u64;
    assert_eq!(told(SF_OP_KILL), [(0, [u64::from(r.pid), 0, 0]), (esrch, [group, 1, 0])]);
    assert_eq!(told(SF_OP_SETGROUPS), [(0, [2, 0, 0])]);
    assert_eq!(
        told(SF_OP_SETUID),
        [(0, [70_001, 70_000, 70_000]), (eperm, [7, none, none]), (eperm, [9, none, none]),]
    );
    let exec = only(&r, SF_OP_EXEC);
    let (rec, strings) = exec.as_exec();
    assert_eq!((rec.ret, strings.exe), (-libc::ENOENT, &b"/none"[..]));
    assert_eq!(exec.flags(), SF_F_COMPAT | SF_F_USER);
}

/// socketcall(2) of the number `nr`.
fn socket_32bit(low: &mut Low, nr: u32, args: &[u32]) -> i32 {
    let args = low.words(args);
    call_32bit(102, [nr, args])
}

fn socketcall() {
    let r = record(|facts| {
        let low = &mut Low::new();
        let any = low.put(&sockaddr(&"127.0.0.1:0".parse().expect("address")));
        let (family, stream) = (libc::AF_INET as u32, libc::SOCK_STREAM as u32);
        let server = fd(socket_32bit(low, 1, &[family, stream, 0]));
        assert_eq!(socket_32bit(low, 2, &[server, any, 16]), 0);
        assert_eq!(socket_32bit(low, 4, &[server, 5]), 0);
        let (at, len) = (low.put(&[0; 16]), low.words(&[16]));
        assert_eq!(socket_32bit(low, 6, &[server, at, len]), 0);
        let port = Low::word(at) >> 16;
        facts.set("port", (port as u16).swap_bytes());
        let client = fd(call_32bit(359, [family, stream, 0]));
        assert_eq!(socket_32bit(low, 3, &[client, at, 16]), 0);
        let peer = fd(socket_32bit(low, 5, &[server, 0, 0]));
        let data = low.put(b"some text");
        assert_eq!(socket_32bit(low, 9, &[client, data, 9, 0]), 9);
        assert_eq!(socket_32bit(low, 10, &[peer, data, 9, 0]), 9);
        assert_eq!(socket_32bit(low, 13, &[client, 1]), 0);
        let pair = low.words(&[0, 0]);
        assert_eq!(socket_32bit(low, 8, &[libc::AF_UNIX as u32, stream, 0, pair]), 0);
        facts.set("a", Low::word(pair));
        facts.set("b", Low::word(pair + 4));
        for (name, value) in [("server", server), ("client", client), ("peer", peer)] {
            facts.set(name, value);
        }
    });
    let port: u16 = r.num("port");
    let sockets = of(&r, SF_OP_SOCKET);
    assert_eq!(sockets.len(), 2);
    assert_eq!(sockets[0].as_sock().0.fd, r.num("server"));
    assert_eq!(sockets[1].as_sock().0.fd, r.num("client"));
    for op in [SF_OP_BIND, SF_OP_LISTEN] {
        let (s, _) = only(&r, op).as_sock();
        assert_eq!((s.fd, s.tuple.lport), (r.num("server"), port));
    }
    assert_eq!(only(&r, SF_OP_LISTEN).as_sock().0.listen_fd, 5);
    let (connect, _) = only(&r, SF_OP_CONNECT).as_sock();
    assert_eq!((connect.fd, connect.tuple.rport), (r.num("client"), port));
    let (accept, _) = only(&r, SF_OP_ACCEPT).as_sock();
    assert_eq!((accept.fd, accept.listen_fd), (r.num("peer"), r.num("server")));
    assert_eq!(accept.tuple.rport, connect.tuple.lport);
    for (op, file) in [(SF_OP_SEND, connect.file), (SF_OP_RECV, accept.file)] {
        let io = only(&r, op).as_io();
        assert_eq!((io.bytes, io.file), (9, file));
    }
    assert_eq!(only(&r, SF_OP_SHUTDOWN).as_sock().0.listen_fd, 1);
    let fds: Vec<_> = of(&r, SF_OP_SOCKETPAIR).iter().map(|e| e.as_sock().0.fd).collect();
    assert_eq!(fds, [r.num("a"), r.num("b")]);
}

/// Structures of user memory that are smaller than their 64-bit kin.
fn messages() {
    let r = record(|facts| {
        let low = &mut Low::new();
        let a = UdpSocket::bind("127.0.0.1:0").expect("bind");
        let b = UdpSocket::bind("127.0.0.1:0").expect("bind");
        let (at_a, at_b) = (a.local_addr().expect("address"), b.local_addr().expect("address"));
        facts.set("a", at_a);
        facts.set("b", at_b);
        let (a, b) = (a.as_raw_fd() as u32, b.as_raw_fd() as u32);
        let to = low.put(&sockaddr(&at_b));
        let data = low.put(b"0123456789");
        assert_eq!(call_32bit(369, [a, data, 1, 0, to, 16]), 1);
        let part = low.words(&[data, 2]);
        let msg = low.words(&[to, 16, part, 1, 0, 0, 0]);
        assert_eq!(call_32bit(370, [a, msg, 0]), 2);
        let parts = [low.words(&[data, 3]), low.words(&[data, 4])];
        let mmsg: Vec<u32> = parts.iter().flat_map(|part| [to, 16, *part, 1, 0, 0, 0, 0]).collect();
        let mmsg = low.words(&mmsg);
        assert_eq!(call_32bit(345, [a, mmsg, 2, 0]), 2);
        let (from, len) = (low.put(&[0; 16]), low.words(&[16]));
        assert_eq!(call_32bit(371, [b, data, 10, 0, from, len]), 1);
        let part = low.words(&[data, 10]);
        let msg = low.words(&[from, 16, part, 1, 0, 0, 0]);
        assert_eq!(call_32bit(372, [b, msg, 0]), 2);
        let mmsg: Vec<u32> = [[from, 16, part, 1, 0, 0, 0, 0]; 2].concat();
        let mmsg = low.words(&mmsg);
        assert_eq!(call_32bit(337, [b, mmsg, 2, 0, 0]), 2);
    });
    let (a, b): (SocketAddr, SocketAddr) = (r.num("a"), r.num("b"));
    for (op, own, peer) in [(SF_OP_SEND, a, b), (SF_OP_RECV, b, a)] {
        let io = of(&r, op);
        let bytes: Vec<_> = io.iter().map(|e| e.as_io().bytes).collect();
        assert_eq!(bytes, [1, 2, 3, 4]);
        for e in io {
            let t = e.tuple();
            assert_eq!(e.flags(), SF_F_COMPAT | SF_F_TUPLE | SF_F_USER);
            assert_eq!((t.lport, t.rport, t.raddr), (own.port(), peer.port(), address(peer.ip())));
        }
    }
}

/// A description is the kernel's, whoever caused it.
fn described_in_64_bits() {
    let file = fs::File::open("/dev/zero").expect("open");
    let r = record(|_| {
        let data = Low::new().put(&[0; 8]);
        assert_eq!(call_32bit(3, [file.as_raw_fd() as u32, data, 8]), 8);
    });
    let io = only(&r, SF_OP_READ).as_io();
    let described =
        r.one("description", |e| e.op() == SF_OP_DESCRIBE_FILE && e.as_file().0.file == io.file);
    assert_eq!((described.flags(), described.as_file().1.as_str()), (0, "/dev/zero"));
}

/// umount(2) without flags exists in the 32-bit table only.
fn uncovered() {
    let r = record(|_| {
        let none = Low::new().put(b"/none/such\0");
        for _ in 0..10 {
            assert_eq!(call_32bit(22, [none]), -libc::ENOENT);
        }
        sys::gettid();
    });
    assert_eq!(r.counters.iter().map(|c| c.uncovered_compat).sum::<u64>(), 10);
}

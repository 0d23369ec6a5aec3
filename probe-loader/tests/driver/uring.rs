// SPDX-License-Identifier: Apache-2.0
//! Operations that `io_uring` does, with the system calls alone.

use std::ffi::CStr;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU32, Ordering};

use probe_loader::abi::{
    SF_F_COMPAT, SF_F_TUPLE, SF_F_URING, SF_F_USER, SF_OP_ACCEPT, SF_OP_CLOSE, SF_OP_CONNECT,
    SF_OP_LINK, SF_OP_MKDIR, SF_OP_OPEN, SF_OP_READ, SF_OP_RECV, SF_OP_RENAME, SF_OP_RMDIR,
    SF_OP_SEND, SF_OP_SHUTDOWN, SF_OP_SOCKET, SF_OP_SYMLINK, SF_OP_UNLINK, SF_OP_WRITE,
};

use crate::recording::{Event, Facts, Recording, record};
use crate::sockets::{address, check_tuple, sockaddr};
use crate::{Test, sys};

pub(crate) const TESTS: &[Test] = &[
    ("uring::io", io),
    ("uring::registered", registered),
    ("uring::by_a_worker", by_a_worker),
    ("uring::opens", opens),
    ("uring::names", names),
    ("uring::streams", streams),
    ("uring::datagrams", datagrams),
    #[cfg(target_arch = "x86_64")]
    ("uring::messages_of_32_bits", messages_of_32_bits),
    ("uring::accepts_many", accepts_many),
    ("uring::uncovered", uncovered),
];

/// `struct io_uring_sqe`.
#[derive(Clone, Copy, Default)]
#[repr(C)]
struct Sqe {
    opcode: u8,
    flags: u8,
    ioprio: u16,
    fd: i32,
    off: u64,
    addr: u64,
    len: u32,
    op_flags: u32,
    user_data: u64,
    buf_index: u16,
    personality: u16,
    file_index: u32,
    more: [u64; 2],
}

/// What a completion says.
struct Done {
    user_data: u64,
    res: i32,
    flags: u32,
}

/// A ring of eight entries.
struct Ring {
    fd: i32,
    memory: *mut u8,
    sqes: *mut Sqe,
    /// `struct io_uring_params` as the kernel has filled it in, by words.
    params: [u32; 30],
}

const SQ_OFF: usize = 10;
const CQ_OFF: usize = 20;

impl Ring {
    fn new() -> Self {
        let mut params = [0_u32; 30];
        let fd = sys::call(libc::SYS_io_uring_setup, [8, params.as_mut_ptr() as usize])
            .expect("io_uring_setup") as i32;
        Self::map(fd, params)
    }

    /// As a 32-bit program makes it.
    #[cfg(target_arch = "x86_64")]
    fn new_32bit(low: &mut sys::Low) -> Self {
        let at = low.words(&[0; 30]);
        let fd = sys::call_32bit(425, [8, at]);
        assert!(fd >= 0, "io_uring_setup: {fd}");
        Self::map(fd, std::array::from_fn(|i| sys::Low::word(at + 4 * i as u32)))
    }

    fn map(fd: i32, params: [u32; 30]) -> Self {
        let sq = params[SQ_OFF + 6] + params[0] * 4;
        let cq = params[CQ_OFF + 5] + params[1] * 16;
        let map = |len: usize, at: libc::off_t| {
            let prot = libc::PROT_READ | libc::PROT_WRITE;
            let flags = libc::MAP_SHARED | libc::MAP_POPULATE;
            // SAFETY: a fresh mapping of the ring's own memory.
            let memory = unsafe { libc::mmap(std::ptr::null_mut(), len, prot, flags, fd, at) };
            assert_ne!(memory, libc::MAP_FAILED, "ring");
            memory
        };
        let memory = map(sq.max(cq) as usize, 0).cast();
        let sqes = map(8 * size_of::<Sqe>(), 0x1000_0000).cast();
        Self { fd, memory, sqes, params }
    }

    /// A word of the mapped ring, at the offset that a parameter names.
    fn word(&self, param: usize) -> &AtomicU32 {
        // SAFETY: the kernel says that an aligned word lies there.
        unsafe { AtomicU32::from_ptr(self.memory.add(self.params[param] as usize).cast()) }
    }

    fn submit(&self, sqe: Sqe) {
        let tail = self.word(SQ_OFF + 1).load(Ordering::Relaxed);
        let at = tail & 7;
        // SAFETY: one of the eight entries; the array of indexes lies where
        // the kernel says.
        unsafe {
            self.sqes.add(at as usize).write(sqe);
            let array: *mut u32 = self.memory.add(self.params[SQ_OFF + 6] as usize).cast();
            array.add(at as usize).write(at);
        }
        self.word(SQ_OFF + 1).store(tail + 1, Ordering::Release);
        sys::call(libc::SYS_io_uring_enter, [self.fd as usize, 1, 0, 0, 0, 0]).expect("submit");
    }

    fn wait(&self) -> Done {
        let head = self.word(CQ_OFF).load(Ordering::Relaxed);
        while self.word(CQ_OFF + 1).load(Ordering::Acquire) == head {
            sys::call(libc::SYS_io_uring_enter, [self.fd as usize, 0, 1, 1, 0, 0]).expect("wait");
        }
        let at = self.params[CQ_OFF + 5] as usize + (head as usize & 15) * 16;
        // SAFETY: a completion that the kernel has published.
        let (user_data, rest) = unsafe {
            let cqe: *const u64 = self.memory.add(at).cast();
            (cqe.read_volatile(), cqe.add(1).read_volatile())
        };
        self.word(CQ_OFF).store(head + 1, Ordering::Release);
        Done { user_data, res: rest as u32 as i32, flags: (rest >> 32) as u32 }
    }

    /// One operation from end to end.
    fn run(&self, sqe: Sqe) -> i32 {
        self.submit(Sqe { user_data: 0x5f5f_5f5f_0000 + u64::from(sqe.opcode), ..sqe });
        let done = self.wait();
        assert_eq!(done.user_data, 0x5f5f_5f5f_0000 + u64::from(sqe.opcode));
        done.res
    }
}

/// Records what `scene` does. Before Linux 6.0, whose tracepoints are the first
/// that tell enough, requests are only counted: that is tried instead.
fn record_uring(scene: impl FnOnce(&Ring, &mut Facts)) -> Option<Recording> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").expect("release");
    let major: u32 = release.split('.').next().and_then(|n| n.parse().ok()).expect("a number");
    if major >= 6 {
        return Some(record(|facts| scene(&Ring::new(), facts)));
    }
    println!("skipped: requests of io_uring are counted before Linux 6.0");
    let r = record(|_| {
        Ring::new().run(transfer(22, -1, &[0]));
    });
    assert_eq!(r.own().filter(|e| e.flags() & SF_F_URING != 0).count(), 0);
    assert_ne!(r.counters.iter().map(|c| c.uncovered_uring).sum::<u64>(), 0);
    None
}

/// Reads from a descriptor through a ring, where requests are told: how often it
/// was done.
pub(crate) fn read_often(fd: i32, times: u32) -> u32 {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").expect("release");
    if release.split('.').next().and_then(|n| n.parse().ok()) < Some(6) {
        return 0;
    }
    let ring = Ring::new();
    for _ in 0..times {
        ring.run(transfer(22, fd, &[0]));
    }
    times
}

fn of(r: &Recording, op: u32) -> Vec<&Event> {
    r.own().filter(|e| e.op() == op && e.flags() & SF_F_URING != 0).collect()
}

fn only(r: &Recording, op: u32) -> &Event {
    let found = of(r, op);
    assert_eq!(found.len(), 1, "operation {op}: {:#?}", r.dump());
    assert_eq!(found[0].hdr().tid, r.pid, "who submitted it");
    found[0]
}

fn uncovered_in(r: &Recording) -> u64 {
    r.counters.iter().map(|c| c.uncovered_uring).sum()
}

fn transfer(opcode: u8, fd: i32, buf: &[u8]) -> Sqe {
    let (addr, len) = (buf.as_ptr() as u64, buf.len() as u32);
    Sqe { opcode, fd, addr, len, ..Sqe::default() }
}

/// The same, into memory.
fn receive(opcode: u8, fd: i32, buf: &mut [u8]) -> Sqe {
    let (addr, len) = (buf.as_mut_ptr() as u64, buf.len() as u32);
    Sqe { opcode, fd, addr, len, ..Sqe::default() }
}

fn io() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = fs::canonicalize(dir.path()).expect("exists").join("file");
    let Some(r) = record_uring(|ring, facts| {
        let file = fs::File::create_new(&path).expect("create");
        drop(file);
        let file = fs::File::options().read(true).write(true).open(&path).expect("open");
        let fd = file.as_raw_fd();
        facts.set("fd", fd);
        let mut buf = *b"twelve bytes";
        assert_eq!(ring.run(transfer(23, fd, &buf)), 12);
        assert_eq!(ring.run(receive(22, fd, &mut buf)), 12);
        let part = [buf.as_mut_ptr() as u64, 5, buf.as_mut_ptr() as u64, 2];
        let vector = Sqe { fd, addr: part.as_ptr() as u64, len: 2, ..Sqe::default() };
        assert_eq!(ring.run(Sqe { opcode: 2, ..vector }), 7);
        assert_eq!(ring.run(Sqe { opcode: 1, ..vector }), 7);
        let registered = [part[0], 12];
        let at = registered.as_ptr() as usize;
        sys::call(libc::SYS_io_uring_register, [ring.fd as usize, 0, at, 1]).expect("register");
        assert_eq!(ring.run(Sqe { off: 3, ..receive(4, fd, &mut buf) }), 9);
        assert_eq!(ring.run(Sqe { off: 3, ..transfer(5, fd, &buf) }), 12);
        assert_eq!(ring.run(receive(22, 777, &mut buf)), -libc::EBADF);
        // Of no interest.
        assert_eq!(ring.run(Sqe::default()), 0);
    }) else {
        return;
    };
    let path = path.to_str().expect("UTF-8");
    let opens = r.own().filter(|e| e.op() == SF_OP_OPEN && e.as_file().1 == path);
    let file = opens.last().expect("opened").file().expect("file");
    let io: Vec<_> = r.io_on(file);
    assert!(io.iter().all(|e| e.flags() == SF_F_URING && e.as_io().fd == r.num::<i32>("fd")));
    let told: Vec<_> = io.iter().map(|e| (e.op(), e.as_io().bytes)).collect();
    let (read, write) = (SF_OP_READ, SF_OP_WRITE);
    assert_eq!(told, [(write, 12), (read, 12), (write, 7), (read, 7), (read, 9), (write, 12)]);
    let bad = r.one("no descriptor", |e| {
        e.op() == SF_OP_READ && e.flags() == SF_F_URING && e.as_io().failed == 1
    });
    assert_eq!((bad.as_io().fd, bad.as_io().error, bad.as_io().file), (777, -libc::EBADF, 0));
    assert!(r.own().filter(|e| e.flags() & SF_F_URING != 0).all(|e| e.hdr().tid == r.pid));
    assert_eq!(uncovered_in(&r), 0);
}

/// A file that is registered with the ring has no descriptor there.
fn registered() {
    let Some(r) = record_uring(|ring, _| {
        let file = fs::File::open("/dev/zero").expect("open");
        let fds = [file.as_raw_fd()];
        let at = fds.as_ptr() as usize;
        sys::call(libc::SYS_io_uring_register, [ring.fd as usize, 2, at, 1]).expect("register");
        assert_eq!(ring.run(Sqe { flags: 1, ..receive(22, 0, &mut [0; 64]) }), 64);
    }) else {
        return;
    };
    let file = r.open_of("/dev/zero").file();
    let read = only(&r, SF_OP_READ);
    assert_eq!((read.file(), read.as_io().fd, read.as_io().bytes), (file, -1, 64));
}

/// A request that waits is told when it is done, as of who submitted it.
fn by_a_worker() {
    let Some(r) = record_uring(|ring, facts| {
        let (from, to) = sys::pipe();
        facts.set("fd", from);
        let mut buf = [0_u8; 16];
        ring.submit(Sqe { flags: 1 << 4, ..receive(22, from, &mut buf) });
        ring.submit(receive(22, from, &mut buf));
        for _ in 0..2 {
            sys::write(to, b"text").expect("write");
            assert_eq!(ring.wait().res, 4);
        }
    }) else {
        return;
    };
    let reads = of(&r, SF_OP_READ);
    assert_eq!(reads.len(), 2);
    for e in reads {
        assert_eq!((e.hdr().pid, e.hdr().tid), (r.pid, r.pid));
        assert_eq!((e.as_io().fd, e.as_io().bytes), (r.num("fd"), 4));
        assert_ne!(e.as_io().file, 0);
    }
}

fn at(path: &CStr) -> u64 {
    path.as_ptr() as u64
}

fn named(dir: &std::path::Path, name: &str) -> std::ffi::CString {
    std::ffi::CString::new(dir.join(name).to_str().expect("UTF-8")).expect("no NUL")
}

fn opens() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let dir = fs::canonicalize(dir.path()).expect("exists");
    fs::create_dir_all(&dir).expect("folder");
    let (new, none) = (named(&dir, "new"), named(&dir, "none"));
    let flags = (libc::O_CREAT | libc::O_WRONLY) as u32;
    let Some(r) = record_uring(|ring, facts| {
        let open = Sqe { opcode: 18, fd: libc::AT_FDCWD, ..Sqe::default() };
        let fd = ring.run(Sqe { addr: at(&new), op_flags: flags, len: 0o600, ..open });
        facts.set("fd", fd);
        assert!(fd >= 0, "{fd}");
        assert_eq!(ring.run(Sqe { addr: at(&none), ..open }), -libc::ENOENT);
        let how = [libc::O_RDONLY as u64, 0, 0];
        let off = how.as_ptr() as u64;
        let second = ring.run(Sqe { opcode: 28, addr: at(&new), off, len: 24, ..open });
        assert!(second >= 0, "{second}");
        facts.set("second", second);
        assert_eq!(ring.run(Sqe { opcode: 19, fd, ..Sqe::default() }), 0);
    }) else {
        return;
    };
    let opens = of(&r, SF_OP_OPEN);
    assert_eq!(opens.len(), 3, "{:#?}", r.dump());
    let (rec, path) = opens[0].as_file();
    assert_eq!((path.as_bytes(), rec.ret, rec.fd), (new.as_bytes(), r.num("fd"), rec.ret));
    assert_eq!((rec.flags, opens[0].flags()), (flags, SF_F_URING));
    let (rec, path) = opens[1].as_file();
    assert_eq!((path.as_bytes(), rec.ret), (none.as_bytes(), -libc::ENOENT));
    assert_eq!((rec.fd, opens[1].flags()), (libc::AT_FDCWD, SF_F_URING | SF_F_USER));
    let (rec, path) = opens[2].as_file();
    assert_eq!((path.as_bytes(), rec.ret), (new.as_bytes(), r.num("second")));
    let close = only(&r, SF_OP_CLOSE).as_fd();
    assert_eq!((close.fd, close.ret), (r.num("fd"), 0));
    fs::remove_dir_all(&dir).expect("clean");
}

fn names() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let dir = fs::canonicalize(dir.path()).expect("exists");
    let name = |name| named(&dir, name);
    let (folder, file, link) = (name("folder"), name("file"), name("link"));
    let (other, text) = (name("other"), c"somewhere");
    fs::write(dir.join("file"), "").expect("file");
    let Some(r) = record_uring(|ring, _| {
        let here = libc::AT_FDCWD;
        let one = |opcode, name: &CStr| Sqe { opcode, fd: here, addr: at(name), ..Sqe::default() };
        let two = |opcode, old: &CStr, new: &CStr| Sqe {
            off: at(new),
            len: here as u32,
            ..one(opcode, old)
        };
        assert_eq!(ring.run(Sqe { len: 0o711, ..one(37, &folder) }), 0);
        assert_eq!(ring.run(two(39, &file, &link)), 0);
        assert_eq!(ring.run(two(35, &link, &other)), 0);
        assert_eq!(ring.run(Sqe { off: at(&link), ..one(38, text) }), 0);
        assert_eq!(ring.run(one(36, &link)), 0);
        let flags = libc::AT_REMOVEDIR as u32;
        assert_eq!(ring.run(Sqe { op_flags: flags, ..one(36, &folder) }), 0);
        assert_eq!(ring.run(one(36, &folder)), -libc::ENOENT);
    }) else {
        return;
    };
    let check = |e: &Event, ret, first: &CStr, second: &CStr| {
        let (rec, told) = e.as_path();
        assert_eq!((rec.ret, e.flags()), (ret, SF_F_URING | SF_F_USER));
        assert_eq!((told[0].as_bytes(), told[1].as_bytes()), (first.to_bytes(), second.to_bytes()));
    };
    check(only(&r, SF_OP_MKDIR), 0, &folder, c"");
    assert_eq!(only(&r, SF_OP_MKDIR).as_path().0.arg[0], 0o711);
    check(only(&r, SF_OP_LINK), 0, &file, &link);
    check(only(&r, SF_OP_RENAME), 0, &link, &other);
    check(only(&r, SF_OP_SYMLINK), 0, text, &link);
    check(only(&r, SF_OP_RMDIR), 0, &folder, c"");
    let unlinks = of(&r, SF_OP_UNLINK);
    check(unlinks[0], 0, &link, c"");
    check(unlinks[1], -libc::ENOENT, &folder, c"");
}

fn streams() {
    let Some(r) = record_uring(|ring, facts| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        let server = listener.local_addr().expect("address");
        facts.set("server", server);
        facts.set("listen_fd", listener.as_raw_fd());
        let (domain, stream) = (libc::AF_INET, libc::SOCK_STREAM as u64);
        let fd = ring.run(Sqe { opcode: 45, fd: domain, off: stream, ..Sqe::default() });
        facts.set("fd", fd);
        let to = sockaddr(&server);
        let connect = Sqe { off: to.len() as u64, len: 0, ..transfer(16, fd, &to) };
        assert_eq!(ring.run(connect), 0);
        let accept = Sqe { opcode: 13, fd: listener.as_raw_fd(), ..Sqe::default() };
        let peer = ring.run(accept);
        facts.set("peer", peer);
        assert_eq!(ring.run(transfer(26, fd, b"request")), 7);
        assert_eq!(ring.run(receive(27, peer, &mut [0; 32])), 7);
        let shutdown = Sqe { opcode: 34, fd, len: libc::SHUT_WR as u32, ..Sqe::default() };
        assert_eq!(ring.run(shutdown), 0);
        drop(listener);
        assert_eq!(ring.run(Sqe { fd: 777, ..connect }), -libc::EBADF);
    }) else {
        return;
    };
    let server: SocketAddr = r.num("server");
    let (socket, _) = only(&r, SF_OP_SOCKET).as_sock();
    assert_eq!((socket.fd, i32::from(socket.tuple.family)), (r.num("fd"), libc::AF_INET));
    let connects = of(&r, SF_OP_CONNECT);
    let (connect, _) = connects[0].as_sock();
    assert_eq!((connect.fd, connect.ret, connect.file), (r.num("fd"), 0, socket.file));
    assert_eq!((connect.tuple.rport, connect.tuple.raddr), (server.port(), address(server.ip())));
    let (failed, _) = connects[1].as_sock();
    assert_eq!((failed.fd, failed.ret, failed.tuple.rport), (777, -libc::EBADF, server.port()));
    let (accept, _) = only(&r, SF_OP_ACCEPT).as_sock();
    assert_eq!((accept.fd, accept.listen_fd), (r.num("peer"), r.num("listen_fd")));
    assert_eq!(accept.tuple.rport, connect.tuple.lport);
    for (op, file) in [(SF_OP_SEND, socket.file), (SF_OP_RECV, accept.file)] {
        assert_eq!((only(&r, op).as_io().bytes, only(&r, op).file()), (7, Some(file)));
    }
    let (shutdown, _) = only(&r, SF_OP_SHUTDOWN).as_sock();
    assert_eq!((shutdown.fd, shutdown.listen_fd), (r.num("fd"), libc::SHUT_WR));
}

fn datagrams() {
    let Some(r) = record_uring(|ring, facts| {
        let a = UdpSocket::bind("[::1]:0").expect("bind");
        let b = UdpSocket::bind("[::1]:0").expect("bind");
        let (at_a, at_b) = (a.local_addr().expect("address"), b.local_addr().expect("address"));
        facts.set("a", at_a);
        facts.set("b", at_b);
        let (a, b) = (a.as_raw_fd(), b.as_raw_fd());
        let mut data = *b"12345678";
        let mut to = sockaddr(&at_b);
        let mut part = libc::iovec { iov_base: data.as_mut_ptr().cast(), iov_len: 8 };
        // SAFETY: a plain C structure, for which all zero is a value.
        let mut msg: libc::msghdr = unsafe { std::mem::zeroed() };
        msg.msg_iov = &raw mut part;
        msg.msg_iovlen = 1;
        msg.msg_name = to.as_mut_ptr().cast();
        msg.msg_namelen = to.len() as u32;
        let addr = &raw const msg as u64;
        let message = Sqe { addr, len: 1, ..Sqe::default() };
        assert_eq!(ring.run(Sqe { opcode: 9, fd: a, ..message }), 8);
        assert_eq!(ring.run(Sqe { opcode: 10, fd: b, ..message }), 8);
    }) else {
        return;
    };
    let (a, b): (SocketAddr, SocketAddr) = (r.num("a"), r.num("b"));
    for (op, own, peer) in [(SF_OP_SEND, a, b), (SF_OP_RECV, b, a)] {
        let e = only(&r, op);
        assert_eq!((e.as_io().bytes, e.flags()), (8, SF_F_URING | SF_F_TUPLE | SF_F_USER));
        check_tuple(e.tuple(), libc::SOCK_DGRAM, &own, Some(&peer));
    }
}

/// Messages on the ring of a 32-bit program have its layout.
#[cfg(target_arch = "x86_64")]
fn messages_of_32_bits() {
    let Some(r) = record_uring(|_, facts| {
        let low = &mut sys::Low::new();
        let ring = Ring::new_32bit(low);
        let a = UdpSocket::bind("127.0.0.1:0").expect("bind");
        let b = UdpSocket::bind("127.0.0.1:0").expect("bind");
        let (at_a, at_b) = (a.local_addr().expect("address"), b.local_addr().expect("address"));
        facts.set("a", at_a);
        facts.set("b", at_b);
        let (data, to) = (low.put(b"12345"), low.put(&sockaddr(&at_b)));
        let part = low.words(&[data, 5]);
        let addr = low.words(&[to, 16, part, 1, 0, 0, 0]).into();
        let message = Sqe { addr, len: 1, ..Sqe::default() };
        assert_eq!(ring.run(Sqe { opcode: 9, fd: a.as_raw_fd(), ..message }), 5);
        assert_eq!(ring.run(Sqe { opcode: 10, fd: b.as_raw_fd(), ..message }), 5);
    }) else {
        return;
    };
    let (a, b): (SocketAddr, SocketAddr) = (r.num("a"), r.num("b"));
    for (op, own, peer) in [(SF_OP_SEND, a, b), (SF_OP_RECV, b, a)] {
        let e = only(&r, op);
        let flags = SF_F_URING | SF_F_COMPAT | SF_F_TUPLE | SF_F_USER;
        assert_eq!((e.as_io().bytes, e.flags()), (5, flags));
        check_tuple(e.tuple(), libc::SOCK_DGRAM, &own, Some(&peer));
    }
}

/// One request that completes with each connection.
fn accepts_many() {
    let Some(r) = record_uring(|ring, facts| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        let server = listener.local_addr().expect("address");
        let fd = listener.as_raw_fd();
        ring.submit(Sqe { opcode: 13, ioprio: 1, fd, user_data: 42, ..Sqe::default() });
        let mut clients = Vec::new();
        for n in 0..3 {
            clients.push(TcpStream::connect(server).expect("connect"));
            let done = ring.wait();
            assert_eq!((done.user_data, done.flags & 2), (42, 2), "more follow");
            facts.set(&format!("fd{n}"), done.res);
        }
        // ASYNC_CANCEL of that request.
        ring.submit(Sqe { opcode: 14, fd: -1, addr: 42, ..Sqe::default() });
        let ends = [ring.wait(), ring.wait()];
        assert!(ends.iter().any(|done| done.res == -libc::ECANCELED));
    }) else {
        return;
    };
    let accepts = of(&r, SF_OP_ACCEPT);
    assert_eq!(accepts.len(), 4, "{:#?}", r.dump());
    for (n, e) in accepts[..3].iter().enumerate() {
        let (rec, _) = e.as_sock();
        assert_eq!((rec.fd, rec.ret), (r.num(&format!("fd{n}")), rec.fd));
        assert_ne!(rec.tuple.rport, 0);
    }
    assert_eq!(accepts[3].as_sock().0.ret, -libc::ECANCELED);
}

/// What a record could not tell is counted.
fn uncovered() {
    let Some(r) = record_uring(|ring, _| {
        let none = [-1_i32];
        let at = none.as_ptr() as usize;
        sys::call(libc::SYS_io_uring_register, [ring.fd as usize, 2, at, 1]).expect("register");
        let path = c"/dev/zero".as_ptr() as u64;
        let open = Sqe { opcode: 18, fd: libc::AT_FDCWD, addr: path, ..Sqe::default() };
        // Into a place of the ring: no descriptor comes of it.
        assert_eq!(ring.run(Sqe { file_index: 1, ..open }), 0);
        // Without a completion when it succeeds.
        let mut buf = [0_u8; 4];
        ring.submit(Sqe { flags: 1 << 6 | 1, ..receive(22, 0, &mut buf) });
        assert_eq!(ring.run(Sqe { flags: 1, ..receive(22, 0, &mut buf) }), 4);
    }) else {
        return;
    };
    assert_eq!(of(&r, SF_OP_OPEN).len(), 0);
    assert_eq!(only(&r, SF_OP_READ).as_io().bytes, 4);
    assert_eq!(uncovered_in(&r), 2);
}

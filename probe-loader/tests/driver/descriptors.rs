// SPDX-License-Identifier: Apache-2.0
//! Descriptors that no open gave, ranges of them, and files in memory.

use std::fs;
use std::os::unix::fs::MetadataExt;

use probe_loader::abi::{
    SF_F_FAULT, SF_F_USER, SF_FILE_MADE_SHIFT, SF_MADE_EPOLL, SF_MADE_EVENTFD, SF_MADE_FANOTIFY,
    SF_MADE_FSCONTEXT, SF_MADE_INOTIFY, SF_MADE_LANDLOCK, SF_MADE_MEMFD, SF_MADE_MEMFD_SECRET,
    SF_MADE_MOUNT, SF_MADE_MQUEUE, SF_MADE_PERF, SF_MADE_PIDFD, SF_MADE_PIDFD_GETFD,
    SF_MADE_SIGNALFD, SF_MADE_TIMERFD, SF_MADE_URING, SF_MADE_USERFAULTFD, SF_OP_ANON,
    SF_OP_CLOSE_RANGE, SF_OP_DESCRIBE_SOCKET, SF_OP_MMAP, SF_OP_OPEN, SF_OP_PIPE, SF_OP_WRITE,
};

use crate::Test;
use crate::files::{c, check_inode, temporary, text};
use crate::recording::{Event, record};
use crate::sys::{self, Arg};

pub(crate) const TESTS: &[Test] = &[
    ("descriptors::made_without_an_open", made_without_an_open),
    ("descriptors::failed_to_be_made", failed_to_be_made),
    ("descriptors::of_another_process", of_another_process),
    ("descriptors::pipes", pipes),
    ("descriptors::ranges", ranges),
    ("descriptors::opened_by_handle", opened_by_handle),
    ("descriptors::mapped_files", mapped_files),
];

fn n(value: i64) -> Arg<'static> {
    Arg::Number(value)
}

/// Calls that every kernel and container lets root make, and what the file is
/// then called.
fn made_without_an_open() {
    let signals = 1_u64 << 9;
    let mask = n(&raw const signals as i64);
    let calls: [(libc::c_long, Vec<Arg<'_>>, u32, u32, &str); 13] = [
        (libc::SYS_epoll_create, vec![n(5)], SF_MADE_EPOLL, 0, "[eventpoll]"),
        (libc::SYS_epoll_create1, vec![n(0x80000)], SF_MADE_EPOLL, 0x80000, "[eventpoll]"),
        (libc::SYS_eventfd, vec![n(3)], SF_MADE_EVENTFD, 0, "[eventfd]"),
        (libc::SYS_eventfd2, vec![n(3), n(0x800)], SF_MADE_EVENTFD, 0x800, "[eventfd]"),
        (libc::SYS_inotify_init, vec![], SF_MADE_INOTIFY, 0, "inotify"),
        (libc::SYS_inotify_init1, vec![n(0x800)], SF_MADE_INOTIFY, 0x800, "inotify"),
        (
            libc::SYS_memfd_create,
            vec![Arg::Text(c"some name"), n(3)],
            SF_MADE_MEMFD,
            3,
            "memfd:some name",
        ),
        (libc::SYS_pidfd_open, vec![n(1), n(0)], SF_MADE_PIDFD, 0, ""),
        (libc::SYS_signalfd, vec![n(-1), mask, n(8)], SF_MADE_SIGNALFD, 0, "[signalfd]"),
        (
            libc::SYS_signalfd4,
            vec![n(-1), mask, n(8), n(0x800)],
            SF_MADE_SIGNALFD,
            0x800,
            "[signalfd]",
        ),
        (libc::SYS_timerfd_create, vec![n(1), n(0x800)], SF_MADE_TIMERFD, 0x800, "[timerfd]"),
        (libc::SYS_fsopen, vec![Arg::Text(c"tmpfs"), n(1)], SF_MADE_FSCONTEXT, 1, "[fscontext]"),
        (
            libc::SYS_open_tree,
            vec![n(libc::AT_FDCWD.into()), Arg::Text(c"/"), n(0x80000)],
            SF_MADE_MOUNT,
            0x80000,
            "/",
        ),
    ];
    let r = record(|facts| {
        for (i, (nr, args, ..)) in calls.iter().enumerate() {
            let fd = sys::any(*nr, args).unwrap_or_else(|e| panic!("system call {nr}: {e}"));
            facts.set(&format!("fd{i}"), fd);
        }
    });
    let told: Vec<_> = r.own().filter(|e| e.op() == SF_OP_ANON).collect();
    assert_eq!(told.len(), calls.len(), "{:#?}", r.dump());
    for (i, (event, (nr, _, made, flags, name))) in told.iter().zip(&calls).enumerate() {
        let (file, path) = event.as_file();
        let fd: i32 = r.num(&format!("fd{i}"));
        assert_eq!((file.fd, file.ret, file.flags), (fd, fd, *flags), "{nr}");
        assert_eq!(u32::from(file.attr) >> SF_FILE_MADE_SHIFT, *made, "{nr}");
        assert!(file.file != 0 && file.ino != 0 && event.flags() == 0, "{nr}");
        if *made == SF_MADE_PIDFD {
            // "[pidfd]", and from 6.9 on a file of pidfs, whose name differs.
            continue;
        }
        // 6.12 puts "anon_inode:" before what was "inotify" and the like.
        assert!(path == *name || path == format!("anon_inode:{name}"), "{nr}: {path}");
    }
}

/// All calls that make one, told with what they were and why not.
fn failed_to_be_made() {
    const BAD: i64 = -1;
    let calls: [(libc::c_long, &[i64], u32, u32); 20] = [
        (libc::SYS_epoll_create, &[BAD], SF_MADE_EPOLL, 0),
        (libc::SYS_epoll_create1, &[0x7f00], SF_MADE_EPOLL, 0x7f00),
        (libc::SYS_eventfd2, &[0, 0x7f00], SF_MADE_EVENTFD, 0x7f00),
        (libc::SYS_fanotify_init, &[0x7f0000, 0], SF_MADE_FANOTIFY, 0x7f0000),
        (libc::SYS_fsmount, &[BAD, 1, 0], SF_MADE_MOUNT, 1),
        (libc::SYS_fsopen, &[8, 1], SF_MADE_FSCONTEXT, 1),
        (libc::SYS_fspick, &[BAD, 8, 1], SF_MADE_FSCONTEXT, 1),
        (libc::SYS_inotify_init1, &[0x7f00], SF_MADE_INOTIFY, 0x7f00),
        (libc::SYS_io_uring_setup, &[1, 8], SF_MADE_URING, 0),
        (444, &[8, 4, 0x7f], SF_MADE_LANDLOCK, 0x7f),
        (libc::SYS_memfd_create, &[8, 1], SF_MADE_MEMFD, 1),
        (447, &[0x7f], SF_MADE_MEMFD_SECRET, 0x7f),
        (libc::SYS_mq_open, &[8, 2, 0, 0], SF_MADE_MQUEUE, 2),
        (libc::SYS_open_tree, &[BAD, 8, 1], SF_MADE_MOUNT, 1),
        (libc::SYS_perf_event_open, &[8, 0, 0, BAD, 3], SF_MADE_PERF, 3),
        (libc::SYS_pidfd_getfd, &[BAD, 0, 5], SF_MADE_PIDFD_GETFD, 5),
        (libc::SYS_pidfd_open, &[BAD, 0], SF_MADE_PIDFD, 0),
        (libc::SYS_signalfd4, &[BAD, 8, 8, 2], SF_MADE_SIGNALFD, 2),
        (libc::SYS_timerfd_create, &[0x7f, 4], SF_MADE_TIMERFD, 4),
        (libc::SYS_userfaultfd, &[0x7f], SF_MADE_USERFAULTFD, 0x7f),
    ];
    let r = record(|facts| {
        for (i, (nr, args, ..)) in calls.iter().enumerate() {
            let args: Vec<_> = args.iter().copied().map(n).collect();
            let error = sys::any(*nr, &args).expect_err("made");
            facts.set(&format!("ret{i}"), -error.raw_os_error().expect("an errno"));
        }
    });
    let told: Vec<_> = r.own().filter(|e| e.op() == SF_OP_ANON).collect();
    assert_eq!(told.len(), calls.len(), "{:#?}", r.dump());
    for (i, (event, (nr, _, made, flags))) in told.iter().zip(calls).enumerate() {
        let (file, path) = event.as_file();
        let facts = (file.fd, file.ret, file.flags, file.attr);
        let attr = u16::try_from(made << SF_FILE_MADE_SHIFT).expect("a byte");
        assert_eq!(facts, (-1, r.num(&format!("ret{i}")), flags, attr), "{nr}");
        assert_eq!((file.file, file.ino, file.dev, file.mode, &*path), (0, 0, 0, 0, ""), "{nr}");
    }
}

/// `pidfd_getfd(2)`: what the other process opened, a socket among it.
fn of_another_process() {
    let dir = temporary();
    let path = format!("{}/file", text(dir.path()));
    fs::write(&path, "text").expect("file");
    let file = sys::open(&c(&path), libc::O_RDONLY, 0).expect("open");
    let socket = sys::socket(libc::AF_UNIX, libc::SOCK_STREAM).expect("socket");
    let parent = i64::from(std::process::id());
    let r = record(|_| {
        let pidfd = sys::any(libc::SYS_pidfd_open, &[n(parent), n(0)]).expect("pidfd_open") as i64;
        let get = |fd: i32| {
            sys::any(libc::SYS_pidfd_getfd, &[n(pidfd), n(fd.into()), n(0)]).expect("getfd") as i32
        };
        sys::read(get(file), &mut [0; 2]).expect("read");
        sys::write(get(socket), b"x").expect_err("not connected");
    });
    let got: Vec<_> = r
        .own()
        .filter(|e| e.op() == SF_OP_ANON)
        .map(|e| (e, e.as_file()))
        .filter(|(_, (f, _))| u32::from(f.attr) >> SF_FILE_MADE_SHIFT == SF_MADE_PIDFD_GETFD)
        .collect();
    let [(event, (rec, told)), (_, (sock, _))] = &got[..] else { panic!("{:#?}", r.dump()) };
    assert_eq!(*told, path);
    check_inode(event, &fs::metadata(&path).expect("file"));
    assert_eq!(r.io_on(rec.file)[0].as_io().bytes, 2);
    assert_eq!(sock.mode & libc::S_IFMT, libc::S_IFSOCK);
    let write = r.one("write", |e| e.op() == SF_OP_WRITE && e.as_io().fd == sock.fd);
    let described = r.one("socket", |e| e.op() == SF_OP_DESCRIBE_SOCKET);
    assert_eq!(described.file(), write.file(), "a socket is described as one");
    sys::close(file).expect("close");
    sys::close(socket).expect("close");
}

fn pipes() {
    let r = record(|facts| {
        let (a, b) = sys::old_pipe();
        let (x, y) = sys::pipe();
        sys::write(y, b"abc").expect("write");
        sys::read(x, &mut [0; 3]).expect("read");
        facts.set("ends", format!("{:?}", [a, b, x, y]));
        sys::any(libc::SYS_pipe2, &[n(8), n(0)]).expect_err("no memory there");
        sys::any(libc::SYS_pipe2, &[n(8), n(0x7f)]).expect_err("no such flags");
    });
    let told: Vec<_> = r.own().filter(|e| e.op() == SF_OP_PIPE).collect();
    assert_eq!(told.len(), 6, "{:#?}", r.dump());
    let ends: Vec<_> = told[..4].iter().map(|e| e.as_fd().fd).collect();
    assert_eq!(r.fact("ends"), format!("{ends:?}"));
    assert!(told[..4].iter().all(|e| e.flags() == SF_F_USER && e.as_fd().ret == 0));
    assert!(told[..4].iter().all(|e| e.flags() & SF_F_FAULT == 0));
    assert_eq!(told[2].hdr().ts, told[3].hdr().ts, "two records of one moment");
    let (reader, writer) = (told[2].as_fd().file, told[3].as_fd().file);
    assert!(reader != 0 && reader != writer);
    assert_eq!((r.io_on(reader).len(), r.io_on(writer).len()), (1, 1));
    let failed: Vec<_> = told[4..].iter().map(|e| (e.as_fd(), e.flags())).collect();
    let facts: Vec<_> = failed.iter().map(|(f, flags)| (f.file, f.fd, f.ret, *flags)).collect();
    assert_eq!(facts, [(0, -1, -libc::EFAULT, 0), (0, -1, -libc::EINVAL, 0)]);
}

fn ranges() {
    let last = i64::from(u32::MAX);
    // On exec (from 5.11 on); with a table of its own; to the end; backwards.
    let calls = [[700, last, 4], [700, 800, 2], [700, -1, 0], [800, 700, 0]];
    let r = record(|facts| {
        let rets = calls.map(|args| {
            let done = sys::any(libc::SYS_close_range, &args.map(n));
            done.map_or_else(|e| -e.raw_os_error().unwrap_or(1), |_| 0)
        });
        facts.set("rets", format!("{rets:?}"));
    });
    let told: Vec<_> =
        r.own().filter(|e| e.op() == SF_OP_CLOSE_RANGE).map(Event::as_call).collect();
    let rets: Vec<_> = told.iter().map(|c| c.ret).collect();
    assert_eq!(r.fact("rets"), format!("{rets:?}"));
    assert_eq!(rets[1..], [0, 0, i64::from(-libc::EINVAL)]);
    let args: Vec<_> = told.iter().map(|c| c.arg).collect();
    // Numbers are of 32 bits.
    assert_eq!(args, calls.map(|args| args.map(|arg| u64::from(arg as u32))));
}

fn opened_by_handle() {
    let dir = temporary();
    let path = format!("{}/file", text(dir.path()));
    fs::write(&path, "text").expect("file");
    let r = record(|facts| {
        let at = sys::open(&c(&text(dir.path())), libc::O_DIRECTORY, 0).expect("open");
        facts.set("dir", at);
        let fd = sys::open_by_handle(at, c"file", libc::O_RDWR).expect("open by handle");
        sys::read(fd, &mut [0; 4]).expect("read");
        let flags = n(libc::O_WRONLY.into());
        sys::any(libc::SYS_open_by_handle_at, &[n(at.into()), n(8), flags]).expect_err("no memory");
    });
    let opens: Vec<_> = r.own().filter(|e| e.op() == SF_OP_OPEN).collect();
    let done = opens.iter().find(|e| e.as_file().0.flags == libc::O_RDWR as u32).expect("opened");
    check_inode(done, &fs::metadata(&path).expect("file"));
    let (file, told) = done.as_file();
    assert!(file.ret >= 0 && done.flags() == 0, "{file:?}");
    // A file whose folder is not in the kernel's memory has no path.
    assert!(told == path || told == "file" || told == "/", "{told}");
    assert_eq!(r.io_on(file.file).len(), 1);
    let failed = opens.iter().find(|e| e.as_file().0.ret < 0).expect("failed");
    let (file, told) = failed.as_file();
    assert_eq!((file.ret, file.fd, &*told), (-libc::EFAULT, r.num("dir"), ""));
    assert_eq!((file.flags, failed.flags()), (libc::O_WRONLY as u32, 0));
}

fn mapped_files() {
    const LENGTH: i64 = 5_000;
    let dir = temporary();
    let path = format!("{}/file", text(dir.path()));
    fs::write(&path, vec![0; 20_000]).expect("file");
    let (read, shared) = (i64::from(libc::PROT_READ), i64::from(libc::MAP_SHARED));
    let anonymous = i64::from(libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    let fd = sys::open(&c(&path), libc::O_RDWR, 0).expect("open").into();
    let r = record(|facts| {
        let map = |prot, flags, fd, offset| {
            let args = [0, LENGTH, prot, flags, fd, offset].map(n);
            sys::any(libc::SYS_mmap, &args)
        };
        facts.set("at", map(read, shared, fd, 8192).expect("mmap"));
        map(read, anonymous, -1, 0).expect("anonymous");
        map(read | i64::from(libc::PROT_EXEC), shared, 999, 0).expect_err("not open");
        map(read, shared, fd, 1).expect_err("not a page");
    });
    let told: Vec<_> = r
        .own()
        .filter(|e| e.op() == SF_OP_MMAP)
        .map(|e| e.as_map())
        .filter(|m| m.length == LENGTH as u64)
        .collect();
    let [good, closed, odd] = told[..] else { panic!("{:#?}", r.dump()) };
    assert_eq!((i64::from(good.fd.fd), good.fd.ret, good.addr), (fd, 0, r.num("at")));
    assert_eq!((good.offset, good.prot, good.flags), (8192, read as u32, shared as u32));
    let (file, told_path) = r
        .own()
        .find(|e| class_is_describe(e) && e.file() == Some(good.fd.file))
        .expect("described before")
        .as_file();
    assert_eq!((told_path, file.ino), (path.clone(), fs::metadata(&path).expect("file").ino()));
    assert_eq!((closed.fd.file, closed.fd.fd, closed.fd.ret), (0, 999, -libc::EBADF));
    assert_eq!(closed.prot, (libc::PROT_READ | libc::PROT_EXEC) as u32);
    assert_eq!((odd.fd.file, odd.fd.ret, odd.addr), (good.fd.file, -libc::EINVAL, 0));
    sys::close(fd as i32).expect("close");
}

fn class_is_describe(event: &Event) -> bool {
    probe_loader::abi::class_of(event.hdr().op) == 1
}

// SPDX-License-Identifier: Apache-2.0
//! Files: who opened what, whatever name was used, and what was moved.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, symlink};
use std::path::Path;

use nix::fcntl::{OFlag, open, openat};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::eventfd::EventFd;
use nix::sys::stat::Mode;
use nix::unistd::{chdir, chroot, close, pipe, read, write};

use probe_loader::abi::*;

use crate::support::{Captured, capture};

fn text(path: &Path) -> &str {
    path.to_str().expect("plain names")
}

/// The kernel's device number from what stat gives.
fn dev_of(meta: &fs::Metadata) -> u32 {
    let (major, minor) = (libc::major(meta.dev()), libc::minor(meta.dev()));
    major << 20 | minor
}

#[test]
fn open_read_write_close_tell_the_file_and_the_bytes() {
    let dir = tempfile::tempdir().expect("directory");
    let path = dir.path().canonicalize().expect("path").join("known");
    let Some(got) = capture(|board| {
        let mut file = OpenOptions::new()
            .create_new(true)
            .read(true)
            .write(true)
            .mode(0o640)
            .open(&path)
            .expect("create");
        file.write_all(b"hello, world").expect("write");
        board.put(0, file.as_raw_fd());
        drop(file);
        let mut file = File::open(&path).expect("open");
        let mut buf = [0; 64];
        assert_eq!(file.read(&mut buf).expect("read"), 12);
        assert_eq!(file.read(&mut buf).expect("end"), 0);
        board.put(1, file.as_raw_fd());
    }) else {
        return;
    };
    let meta = fs::metadata(&path).expect("the file");
    let opens = got.files(SF_OP_OPEN, text(&path));
    assert_eq!(opens.len(), 2);
    let (created, opened) = (opens[0].0, opens[1].0);
    for (open, fd) in [(created, got.board.fd(0)), (opened, got.board.fd(1))] {
        assert_eq!((open.ino, open.dev), (meta.ino(), dev_of(&meta)));
        assert_eq!(open.mode, libc::S_IFREG | 0o640 & !umask());
        assert_eq!((open.fd, open.ret, open.h.flags), (fd, fd, 0));
        assert_ne!(open.file, 0);
        assert!(got.files(SF_OP_DESCRIBE_FILE, text(&path)).is_empty());
    }
    assert_eq!(u32::from(created.attr), SF_FILE_CREATED);
    assert_eq!(u32::from(opened.attr), 0);
    assert_eq!(created.flags & libc::O_ACCMODE as u32, libc::O_RDWR as u32);
    assert_eq!(opened.flags & libc::O_ACCMODE as u32, libc::O_RDONLY as u32);
    let writes = got.io(SF_OP_WRITE, created.fd);
    let write = writes.iter().find(|io| io.file == created.file).expect("the write");
    assert_eq!((write.ops, write.bytes, write.failed, write.error), (1, 12, 0, 0));
    assert_eq!(write.first, write.h.ts);
    let reads: Vec<u64> = got
        .io(SF_OP_READ, opened.fd)
        .iter()
        .filter(|io| io.file == opened.file && io.h.ts > opened.h.ts)
        .map(|io| io.bytes)
        .collect();
    assert_eq!(reads, [12, 0], "the end of file is an operation too");
    let closes = got.child().filter(|r| r.op() == SF_OP_CLOSE).count();
    assert!(closes >= 2);
}

fn umask() -> u32 {
    let old = nix::sys::stat::umask(Mode::empty());
    nix::sys::stat::umask(old);
    old.bits()
}

#[test]
fn relative_names_and_links_are_told_as_absolute_paths_of_the_file() {
    let dir = tempfile::tempdir().expect("directory");
    let dir = dir.path().canonicalize().expect("path");
    fs::create_dir(dir.join("sub")).expect("directory");
    fs::write(dir.join("sub/target"), "x").expect("file");
    symlink("sub/target", dir.join("link")).expect("link");
    let Some(got) = capture(|board| {
        chdir(&dir).expect("chdir");
        File::open("./sub/../sub/target").expect("relative");
        File::open("link").expect("link");
        let at = File::open("sub").expect("directory");
        board.put(0, at.as_raw_fd());
        openat(&at, "target", OFlag::O_RDONLY, Mode::empty()).expect("at");
    }) else {
        return;
    };
    let target = text(&dir.join("sub/target")).to_owned();
    assert_eq!(got.files(SF_OP_OPEN, &target).len(), 3);
    got.file(SF_OP_OPEN, text(&dir.join("sub")));
}

#[test]
fn a_path_of_sixty_directories_is_whole() {
    let dir = tempfile::tempdir().expect("directory");
    let mut path = dir.path().canonicalize().expect("path");
    for i in 0..60 {
        path.push(format!("directory-{i:02}"));
    }
    fs::create_dir_all(&path).expect("directories");
    path.push("leaf");
    let Some(got) = capture(|_| {
        File::create(&path).expect("create");
    }) else {
        return;
    };
    let (file, flags) = got.file(SF_OP_OPEN, text(&path));
    assert_eq!(flags & SF_F_CUT, 0);
    assert_eq!(usize::from(file.path_len), path.as_os_str().len());
}

#[test]
fn a_path_over_the_limit_is_cut_and_says_so() {
    let dir = tempfile::tempdir().expect("directory");
    let dir = dir.path().canonicalize().expect("path");
    let name = "n".repeat(250);
    let Some(got) = capture(|board| {
        chdir(&dir).expect("chdir");
        for _ in 0..20 {
            fs::create_dir(&name).expect("directory");
            chdir(name.as_str()).expect("chdir");
        }
        let leaf = File::create("leaf").expect("create");
        board.put(0, leaf.as_raw_fd());
    }) else {
        return;
    };
    let cut: Vec<_> = got
        .child()
        .filter_map(|record| match record.get() {
            probe_loader::Record::File(_, path) if path.ends_with(b"/leaf") => {
                Some((record.flags() & SF_F_CUT, path.len(), path[0]))
            }
            _ => None,
        })
        .collect();
    assert_eq!(cut.len(), 1);
    let (flag, len, first) = cut[0];
    assert_eq!((flag, first), (SF_F_CUT, b'/'));
    assert!(len > 3800 && len <= SF_PATH_MAX as usize, "{len}");
}

#[test]
fn a_path_is_seen_from_the_root_and_the_mounts_of_the_process() {
    let dir = tempfile::tempdir().expect("directory");
    let dir = dir.path().canonicalize().expect("path");
    for sub in ["here", "there", "root"] {
        fs::create_dir(dir.join(sub)).expect("directory");
    }
    fs::write(dir.join("here/file"), "x").expect("file");
    fs::write(dir.join("root/inside"), "x").expect("file");
    let outside = File::open(dir.join("here/file")).expect("open before the capture");
    let Some(got) = capture(|board| {
        unshare(CloneFlags::CLONE_NEWNS).expect("mount namespace");
        let none: Option<&str> = None;
        mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).expect("private");
        mount(Some(&dir.join("here")), &dir.join("there"), none, MsFlags::MS_BIND, none)
            .expect("bind");
        File::open(dir.join("there/file")).expect("through the mount");
        chroot(&dir.join("root")).expect("chroot");
        chdir("/").expect("chdir");
        File::open("inside").expect("inside");
        let mut outside = &outside;
        board.put(0, outside.as_raw_fd());
        outside.read_exact(&mut [0]).expect("read");
    }) else {
        return;
    };
    let through = got.file(SF_OP_OPEN, text(&dir.join("there/file"))).0;
    assert_eq!(through.ino, fs::metadata(dir.join("here/file")).expect("file").ino());
    got.file(SF_OP_OPEN, "/inside");
    let (file, _) = got.file(SF_OP_DESCRIBE_FILE, "file");
    assert_eq!(file.fd, got.board.fd(0), "a file outside of the root has only its name");
}

#[test]
fn an_inherited_file_is_described_once_before_its_first_use() {
    let dir = tempfile::tempdir().expect("directory");
    let dir = dir.path().canonicalize().expect("path");
    fs::write(dir.join("kept"), "0123456789").expect("file");
    fs::write(dir.join("gone"), "0123456789").expect("file");
    let kept = File::open(dir.join("kept")).expect("open");
    let gone = File::open(dir.join("gone")).expect("open");
    fs::remove_file(dir.join("gone")).expect("unlink");
    let Some(got) = capture(|board| {
        for (i, file) in [&kept, &gone].into_iter().enumerate() {
            board.put(i, file.as_raw_fd());
            for _ in 0..5 {
                (&*file).read_exact(&mut [0; 2]).expect("read");
            }
        }
    }) else {
        return;
    };
    for (i, name, attr) in [(0, "kept", 0), (1, "gone", SF_FILE_UNLINKED)] {
        let (file, _) = got.file(SF_OP_DESCRIBE_FILE, text(&dir.join(name)));
        assert_eq!((file.fd, file.ret, u32::from(file.attr)), (got.board.fd(i), 0, attr));
        let reads = got.io(SF_OP_READ, file.fd);
        assert_eq!(reads.len(), 5);
        for io in reads {
            assert_eq!((io.file, io.bytes), (file.file, 2));
            assert!(io.h.ts >= file.h.ts);
        }
    }
}

#[test]
fn a_failed_open_is_told_in_the_callers_words() {
    let Some(got) = capture(|board| {
        open("/absent/file", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty()).expect_err("absent");
        let at = File::open("/proc").expect("directory");
        board.put(0, at.as_raw_fd());
        openat(&at, "none", OFlag::O_RDONLY, Mode::empty()).expect_err("absent");
        let how = [libc::O_DIRECTORY as u64, 0, 0];
        // SAFETY: a path and an open_how of 24 bytes that outlive the call.
        let ret = unsafe {
            libc::syscall(
                libc::SYS_openat2,
                libc::AT_FDCWD,
                c"/etc/hostname".as_ptr(),
                how.as_ptr(),
                size_of_val(&how),
            )
        };
        assert_eq!(ret, -1);
        // SAFETY: address 1 is not mapped, which is the point.
        let ret = unsafe { libc::syscall(libc::SYS_openat, libc::AT_FDCWD, 1, 0) };
        assert_eq!(ret, -1);
    }) else {
        return;
    };
    let rdwr = (libc::O_RDWR | libc::O_CLOEXEC) as u32;
    let at = got.board.fd(0);
    for (path, errno, fd, call_flags, fault) in [
        ("/absent/file", libc::ENOENT, libc::AT_FDCWD, rdwr, 0),
        ("none", libc::ENOENT, at, 0, 0),
        ("/etc/hostname", libc::ENOTDIR, libc::AT_FDCWD, libc::O_DIRECTORY as u32, 0),
        ("", libc::EFAULT, libc::AT_FDCWD, 0, SF_F_FAULT),
    ] {
        let (file, flags) = got.file(SF_OP_OPEN, path);
        assert_eq!(flags, SF_F_USER | fault, "{path}");
        assert_eq!((file.file, file.ino, file.ret), (0, 0, -errno), "{path}");
        assert_eq!(file.fd, fd, "{path}");
        let large = libc::O_LARGEFILE as u32;
        assert_eq!(file.flags & !large, call_flags & !large, "{path}");
    }
}

#[test]
fn pipes_and_anonymous_inodes_are_described_by_their_kind() {
    let Some(got) = capture(|board| {
        let (from, to) = pipe().expect("pipe");
        write(&to, b"abc").expect("write");
        read(&from, &mut [0; 8]).expect("read");
        board.put(0, from.as_raw_fd());
        board.put(1, to.as_raw_fd());
        let event = EventFd::from_value(7).expect("eventfd");
        board.put(2, event.as_fd_raw());
        event.read().expect("read");
    }) else {
        return;
    };
    let described = |fd: i32, op: u32| {
        let io = got.io(op, fd)[0];
        assert_ne!(io.file, 0);
        let file = got.child().find_map(|record| match record.get() {
            probe_loader::Record::File(file, path) if file.file == io.file => {
                Some((file.mode, file.ino, path.to_vec()))
            }
            _ => None,
        });
        (io.bytes, file.expect("a description"))
    };
    let (bytes, (mode, ino, _)) = described(got.board.fd(0), SF_OP_READ);
    assert_eq!((bytes, mode & libc::S_IFMT), (3, libc::S_IFIFO));
    let (bytes, (mode, other, _)) = described(got.board.fd(1), SF_OP_WRITE);
    assert_eq!((bytes, mode & libc::S_IFMT), (3, libc::S_IFIFO));
    assert_eq!(ino, other, "both ends have the pipe's inode");
    let (bytes, (mode, _, name)) = described(got.board.fd(2), SF_OP_READ);
    assert_eq!((bytes, name), (8, b"[eventfd]".to_vec()));
    let _ = mode;
}

trait AsFdRaw {
    fn as_fd_raw(&self) -> i32;
}

impl AsFdRaw for EventFd {
    fn as_fd_raw(&self) -> i32 {
        use std::os::fd::AsFd;
        self.as_fd().as_raw_fd()
    }
}

#[test]
fn a_descriptor_that_is_not_open_gives_a_failed_operation() {
    let Some(got) = capture(|_| {
        // SAFETY: descriptor 999 is not open, so nothing else uses it; the
        // handle is leaked and never closed.
        let mut file = std::mem::ManuallyDrop::new(unsafe { File::from_raw_fd(999) });
        file.read(&mut [0; 4]).expect_err("not open");
        file.write(b"x").expect_err("not open");
        close(998).expect_err("not open");
    }) else {
        return;
    };
    for op in [SF_OP_READ, SF_OP_WRITE] {
        let io = got.io(op, 999);
        assert_eq!(io.len(), 1);
        assert_eq!((io[0].file, io[0].ops, io[0].failed), (0, 1, 1));
        assert_eq!((io[0].error, io[0].bytes), (-libc::EBADF, 0));
    }
    assert_eq!(closed(&got, 998), [-libc::EBADF]);
}

fn closed(got: &Captured, fd: i32) -> Vec<i32> {
    got.child()
        .filter(|record| record.op() == SF_OP_CLOSE)
        .filter_map(|record| match record.get() {
            probe_loader::Record::Fd(r) if r.fd == fd => Some(r.ret),
            _ => None,
        })
        .collect()
}

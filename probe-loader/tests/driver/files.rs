// SPDX-License-Identifier: Apache-2.0
//! Files: identity, path, and bytes.

use std::ffi::CString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, chdir, chroot};
use probe_loader::abi::{
    SF_F_CUT, SF_F_USER, SF_FILE_CREATED, SF_FILE_UNLINKED, SF_OP_ANON, SF_OP_CLOSE,
    SF_OP_DESCRIBE_FILE, SF_OP_DUP, SF_OP_OPEN, SF_OP_READ, SF_OP_WRITE, SF_PATH_MAX,
};

use crate::recording::{Event, Facts, Recording, record};
use crate::{Test, sys};

pub(crate) const TESTS: &[Test] = &[
    ("files::open_write_read_close", open_write_read_close),
    ("files::paths_are_those_of_the_opened_file", paths_are_those_of_the_opened_file),
    ("files::failed_opens", failed_opens),
    ("files::creat_and_flags", creat_and_flags),
    ("files::duplicated", duplicated),
    ("files::unlinked_and_inherited", unlinked_and_inherited),
    ("files::deep_paths", deep_paths),
    ("files::bind_mount_and_chroot", bind_mount_and_chroot),
    ("files::outside_of_the_root", outside_of_the_root),
    ("files::pipe_and_eventfd", pipe_and_eventfd),
    ("files::descriptor_that_is_not_open", descriptor_that_is_not_open),
    ("files::shared_descriptor_table", shared_descriptor_table),
    ("files::renames_and_mounts_meanwhile", renames_and_mounts_meanwhile),
];

pub(crate) fn c(text: &str) -> CString {
    CString::new(text).expect("no NUL")
}

pub(crate) fn temporary() -> tempfile::TempDir {
    tempfile::tempdir().expect("temporary folder")
}

pub(crate) fn text(path: &Path) -> String {
    fs::canonicalize(path).expect("exists").to_str().expect("UTF-8").to_owned()
}

/// Device number as the kernel writes it.
pub(crate) fn kernel_dev(dev: u64) -> u32 {
    libc::major(dev) << 20 | libc::minor(dev)
}

pub(crate) fn check_inode(event: &Event, meta: &fs::Metadata) {
    let (file, path) = event.as_file();
    assert_eq!(file.ino, meta.ino(), "{path}");
    assert_eq!(file.dev, kernel_dev(meta.dev()), "{path}");
    assert_eq!(file.mode, meta.mode(), "{path}");
}

fn open_write_read_close() {
    let dir = temporary();
    let path = format!("{}/file", text(dir.path()));
    let name = c(&path);
    let r = record(|facts| {
        let fd = sys::open(&name, libc::O_RDWR | libc::O_CREAT, 0o640).expect("open");
        facts.set("fd", fd);
        sys::write(fd, b"hello").expect("write");
        let mut buf = [0; 64];
        sys::pread(fd, &mut buf, 1).expect("pread");
        sys::read(fd, &mut buf).expect("read at the end");
        sys::close(fd).expect("close");
        let fd = sys::open(&name, libc::O_RDONLY, 0).expect("open again");
        sys::write(fd, b"x").expect_err("written to a read-only descriptor");
    });
    let opens: Vec<_> = r.own().filter(|e| e.op() == SF_OP_OPEN && e.as_file().1 == path).collect();
    assert_eq!(opens.len(), 2, "{:#?}", r.dump());
    let meta = fs::metadata(&path).expect("file");
    for open in &opens {
        check_inode(open, &meta);
    }
    let fd: i32 = r.num("fd");
    let first = opens[0].as_file().0;
    assert_eq!((first.fd, first.ret), (fd, fd));
    assert_eq!(first.flags & libc::O_ACCMODE as u32, libc::O_RDWR as u32);
    assert_eq!(u32::from(first.attr), SF_FILE_CREATED);
    assert_ne!(first.file, 0);
    let second = opens[1].as_file().0;
    assert_eq!(second.attr, 0);
    let told: Vec<_> = r
        .own()
        .skip_while(|e| e.op() != SF_OP_OPEN || e.as_file().1 != path)
        .filter(|e| [SF_OP_READ, SF_OP_WRITE].contains(&e.op()))
        .filter(|e| e.as_io().fd == fd)
        .map(|e| (e.op(), e.as_io().bytes, e.as_io().failed, e.as_io().error))
        .collect();
    assert_eq!(
        told[..4],
        [
            (SF_OP_WRITE, 5, 0, 0),
            (SF_OP_READ, 4, 0, 0),
            (SF_OP_READ, 0, 0, 0),
            (SF_OP_WRITE, 0, 1, -libc::EBADF),
        ]
    );
    let close = r.one("close", |e| e.op() == SF_OP_CLOSE && e.hdr().ts > opens[0].hdr().ts);
    let probe_loader::Record::Fd(close) = close.record() else { panic!("CLOSE is sf_rec_fd") };
    assert_eq!((close.fd, close.ret), (fd, 0));
}

fn paths_are_those_of_the_opened_file() {
    let dir = temporary();
    let base = text(dir.path());
    fs::create_dir(dir.path().join("sub")).expect("mkdir");
    fs::write(dir.path().join("sub/target"), "x").expect("write");
    std::os::unix::fs::symlink("sub/target", dir.path().join("link")).expect("symlink");
    let r = record(|_| {
        chdir(dir.path()).expect("chdir");
        for name in ["sub/target", "./sub/../link", "sub//target"] {
            sys::open(&c(name), libc::O_RDONLY, 0).expect(name);
        }
        let fd = sys::open(c"sub", libc::O_RDONLY | libc::O_DIRECTORY, 0).expect("folder");
        sys::openat(fd, c"target", libc::O_RDONLY).expect("openat");
        sys::openat2(fd, c"target", 0).expect("openat2");
        sys::open(c"/", libc::O_RDONLY, 0).expect("root");
    });
    let target = format!("{base}/sub/target");
    let opens = r.own().filter(|e| e.op() == SF_OP_OPEN && e.as_file().1 == target);
    assert_eq!(opens.count(), 5, "{:#?}", r.dump());
    check_inode(
        r.open_of(&format!("{base}/sub")),
        &fs::metadata(dir.path().join("sub")).expect("sub"),
    );
    check_inode(r.open_of("/"), &fs::metadata("/").expect("root"));
}

fn failed_opens() {
    let dir = temporary();
    let r = record(|_| {
        chdir(dir.path()).expect("chdir");
        sys::open(c"no/such", libc::O_RDWR, 0).expect_err("open");
        let fd = sys::open(c".", libc::O_RDONLY | libc::O_DIRECTORY, 0).expect("folder");
        assert_eq!(fd, sys::openat(fd, c"missing", 0).map_or(fd, |_| -1));
        sys::openat2(fd, c"missing2", libc::O_WRONLY as u64).expect_err("openat2");
        sys::open(c"", libc::O_RDWR, 0).expect_err("no name");
    });
    let check = |path: &str, flags: i32, at_cwd: bool| {
        let event = r.open_of(path);
        let (file, _) = event.as_file();
        assert_eq!(event.flags(), SF_F_USER, "{path}");
        assert_eq!((file.file, file.ino, file.ret), (0, 0, -libc::ENOENT), "{path}");
        assert_eq!(file.flags, flags as u32, "{path}");
        assert_eq!(file.fd == libc::AT_FDCWD, at_cwd, "{path}");
    };
    check("no/such", libc::O_RDWR, true);
    check("missing", 0, false);
    check("missing2", libc::O_WRONLY, false);
    check("", libc::O_RDWR, true);
}

fn creat_and_flags() {
    let dir = temporary();
    let base = text(dir.path());
    let r = record(|_| {
        sys::creat(&c(&format!("{base}/new")), 0o600).expect("creat");
        sys::creat(c"/no/such/folder", 0o600).expect_err("creat");
        let again = libc::O_CREAT | libc::O_APPEND | libc::O_WRONLY | libc::O_CLOEXEC;
        sys::open(&c(&format!("{base}/new")), again, 0).expect("open");
    });
    let opens: Vec<_> = r
        .own()
        .filter(|e| e.op() == SF_OP_OPEN && e.as_file().1 == format!("{base}/new"))
        .map(|e| (e.as_file().0.attr, e.as_file().0.flags))
        .collect();
    assert_eq!(opens.len(), 2);
    assert_eq!(u32::from(opens[0].0), SF_FILE_CREATED);
    // As the caller gave them: the file itself has lost most.
    assert_eq!(opens[0].1, (libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC) as u32);
    let again = libc::O_CREAT | libc::O_APPEND | libc::O_WRONLY | libc::O_CLOEXEC;
    assert_eq!(opens[1].1, again as u32);
    let (failed, _) = r.open_of("/no/such/folder").as_file();
    assert_eq!(failed.flags, (libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC) as u32);
}

fn duplicated() {
    let dir = temporary();
    let path = format!("{}/file", text(dir.path()));
    fs::write(&path, "text").expect("file");
    let r = record(|_| {
        let fd = sys::open(&c(&path), 0, 0).expect("open");
        assert_eq!(sys::numbers(libc::SYS_dup, &[fd]).expect("dup"), fd + 1);
        sys::numbers(libc::SYS_dup2, &[fd, 100]).expect("dup2");
        sys::numbers(libc::SYS_dup3, &[fd, 101, libc::O_CLOEXEC]).expect("dup3");
        sys::numbers(libc::SYS_fcntl, &[fd, libc::F_DUPFD, 102]).expect("F_DUPFD");
        sys::numbers(libc::SYS_fcntl, &[fd, libc::F_DUPFD_CLOEXEC, 103]).expect("F_DUPFD_CLOEXEC");
        sys::numbers(libc::SYS_fcntl, &[fd, libc::F_GETFL]).expect("F_GETFL");
        sys::numbers(libc::SYS_dup2, &[999, 5]).expect_err("not open");
    });
    let (file, _) = r.open_of(&path).as_file();
    let dups: Vec<_> = r.own().filter(|e| e.op() == SF_OP_DUP).map(Event::as_fd).collect();
    let told: Vec<_> = dups.iter().map(|d| (d.file == file.file, d.fd, d.ret)).collect();
    let fd = file.fd;
    let given = [fd + 1, 100, 101, 102, 103].map(|new| (true, fd, new));
    assert_eq!(told[..5], given);
    assert_eq!((dups[5].file, dups[5].fd, dups[5].ret), (0, 999, -libc::EBADF));
    assert_eq!(told.len(), 6, "other commands of fcntl are of no interest");
}

fn unlinked_and_inherited() {
    let dir = temporary();
    let path = format!("{}/gone", text(dir.path()));
    fs::write(&path, "contents").expect("write");
    let fd = sys::open(&c(&path), libc::O_RDONLY, 0).expect("open");
    let meta = fs::metadata(&path).expect("file");
    fs::remove_file(&path).expect("unlink");
    let r = record(|_| {
        let mut buf = [0; 4];
        sys::read(fd, &mut buf).expect("read");
        sys::read(fd, &mut buf).expect("read");
    });
    let described: Vec<_> =
        r.own().filter(|e| e.op() == SF_OP_DESCRIBE_FILE && e.as_file().1 == path).collect();
    let cpus: std::collections::HashSet<_> = described.iter().map(|e| e.cpu).collect();
    assert!(!described.is_empty() && described.len() == cpus.len(), "once per ring");
    let (file, _) = described[0].as_file();
    assert_eq!(u32::from(file.attr), SF_FILE_UNLINKED);
    assert_eq!((file.ino, file.dev), (meta.ino(), kernel_dev(meta.dev())));
    assert_eq!((file.fd, file.ret), (fd, 0));
    let io = r.io_on(file.file);
    assert_eq!(io.len(), 2);
    assert!(io.iter().all(|e| e.as_io().bytes == 4));
    sys::close(fd).expect("close");
}

fn deep_paths() {
    let dir = temporary();
    let base = text(dir.path());
    let deep = (0..60).fold(base.clone(), |path, n| format!("{path}/{n:02}"));
    fs::create_dir_all(&deep).expect("folders");
    fs::write(format!("{deep}/leaf"), "x").expect("leaf");
    let long = "n".repeat(250);
    let r = record(|_| {
        sys::open(&c(&format!("{deep}/leaf")), 0, 0).expect("deep");
        chdir(dir.path()).expect("chdir");
        // Deeper than a path can name: twenty folders of 250 bytes.
        for _ in 0..20 {
            fs::create_dir(&long).expect("mkdir");
            chdir(long.as_str()).expect("chdir");
        }
        sys::open(c"bottom", libc::O_CREAT | libc::O_RDWR, 0o600).expect("bottom");
    });
    assert_eq!(r.open_of(&format!("{deep}/leaf")).flags(), 0);
    let cut = r.one("cut path", |e| e.op() == SF_OP_OPEN && e.flags() & SF_F_CUT != 0);
    let (file, path) = cut.as_file();
    assert!(path.ends_with(&format!("/{long}/bottom")), "the end of the path is kept");
    assert!(path.len() <= SF_PATH_MAX as usize && path.len() > 3500, "{}", path.len());
    assert_ne!(file.file, 0);
}

pub(crate) fn private_mounts() {
    unshare(CloneFlags::CLONE_NEWNS).expect("unshare");
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)
        .expect("private mounts");
}

pub(crate) fn bind(from: &Path, to: &Path) {
    mount(Some(from), to, None::<&str>, MsFlags::MS_BIND, None::<&str>).expect("bind mount");
}

fn bind_mount_and_chroot() {
    let dir = temporary();
    let base = text(dir.path());
    for sub in ["a/b", "jail/mnt"] {
        fs::create_dir_all(dir.path().join(sub)).expect("folders");
    }
    fs::write(dir.path().join("a/b/file"), "x").expect("file");
    let meta = fs::metadata(dir.path().join("a/b/file")).expect("file");
    let r = record(|_| {
        // A bind mount onto itself: the root file system may be one that
        // cannot be unshared from, an initramfs.
        private_mounts();
        bind(&dir.path().join("a"), &dir.path().join("jail/mnt"));
        sys::open(&c(&format!("{base}/jail/mnt/b/file")), 0, 0).expect("through the mount");
        chroot(&dir.path().join("jail")).expect("chroot");
        chdir("/").expect("chdir");
        sys::open(c"/mnt/b/file", 0, 0).expect("in the jail");
    });
    check_inode(r.open_of(&format!("{base}/jail/mnt/b/file")), &meta);
    check_inode(r.open_of("/mnt/b/file"), &meta);
}

fn outside_of_the_root() {
    let dir = temporary();
    fs::create_dir(dir.path().join("jail")).expect("folder");
    fs::write(dir.path().join("outside"), "x").expect("file");
    let r = record(|_| {
        let fd = sys::open(&c(&text(dir.path())), libc::O_DIRECTORY, 0).expect("folder");
        chroot(&dir.path().join("jail")).expect("chroot");
        sys::openat(fd, c"outside", 0).expect("openat");
    });
    check_inode(r.open_of("outside"), &fs::metadata(dir.path().join("outside")).expect("file"));
}

fn pipe_and_eventfd() {
    let r = record(|facts: &mut Facts| {
        let (read_end, write_end) = sys::pipe();
        sys::write(write_end, b"abc").expect("write");
        sys::read(read_end, &mut [0; 8]).expect("read");
        let event = sys::eventfd();
        sys::write(event, &1_u64.to_ne_bytes()).expect("eventfd");
        facts.set("read_end", read_end);
        facts.set("event", event);
    });
    let described = |r: &Recording, fd: i32| {
        r.own()
            .filter(|e| [SF_OP_DESCRIBE_FILE, SF_OP_ANON].contains(&e.op()))
            .find(|e| e.as_file().0.fd == fd)
            .map(|e| (e.as_file().0.mode & libc::S_IFMT, e.as_file().1))
            .expect("described")
    };
    assert_eq!(described(&r, r.num("read_end")).0, libc::S_IFIFO);
    let writer = |e: &Event| e.as_file().0.flags & libc::O_ACCMODE as u32 == libc::O_WRONLY as u32;
    let ends = r.own().filter(|e| e.op() == SF_OP_DESCRIBE_FILE && e.as_file().0.fd > 2);
    assert!(ends.filter(|e| writer(e)).count() >= 1, "a file without a name has its flags");
    assert_eq!(described(&r, r.num("event")), (0, "[eventfd]".to_owned()));
}

fn descriptor_that_is_not_open() {
    let r = record(|_| {
        sys::read(777, &mut [0; 8]).expect_err("read");
        sys::close(778).expect_err("close");
    });
    let read = r.one("read", |e| e.op() == SF_OP_READ && e.as_io().fd == 777);
    let io = read.as_io();
    assert_eq!((io.file, io.ops, io.bytes, io.failed), (0, 1, 0, 1));
    assert_eq!(io.error, -libc::EBADF);
    let close =
        r.one("close", |e| matches!(e.record(), probe_loader::Record::Fd(fd) if fd.fd == 778));
    let probe_loader::Record::Fd(close) = close.record() else { panic!("CLOSE is sf_rec_fd") };
    assert_eq!((close.file, close.ret), (0, -libc::EBADF));
}

/// Threads that open and close the same descriptor numbers while others use
/// them: the driver has to take references, and every record stays sound
/// (which `Recording` checks).
fn shared_descriptor_table() {
    let dir = temporary();
    for n in 0..4 {
        fs::write(dir.path().join(format!("f{n}")), "some text").expect("file");
    }
    let base = text(dir.path());
    let r = record(|_| {
        let threads: Vec<_> = (0..4)
            .map(|n| {
                let path = c(&format!("{base}/f{n}"));
                std::thread::spawn(move || {
                    for _ in 0..300 {
                        let fd = sys::open(&path, 0, 0).expect("open");
                        let _ = sys::read(fd, &mut [0; 4]);
                        let _ = sys::read(fd ^ 1, &mut [0; 4]);
                        sys::close(fd).expect("close");
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().expect("thread");
        }
    });
    for n in 0..4 {
        let path = format!("{base}/f{n}");
        let ino = fs::metadata(&path).expect("file").ino();
        let opens: Vec<_> =
            r.own().filter(|e| e.op() == SF_OP_OPEN && e.as_file().1 == path).collect();
        assert_eq!(opens.len(), 300, "{path}");
        assert!(opens.iter().all(|e| e.as_file().0.ino == ino), "{path}");
    }
}

/// Starts a process that repeats `work` until it is killed.
fn meanwhile(mut work: impl FnMut()) -> Pid {
    match sys::fork() {
        0 => loop {
            work();
        },
        pid => Pid::from_raw(pid as i32),
    }
}

/// A folder above the file changes between a name within the dentry and one
/// outside of it, and a mount comes and goes, while the file is opened.
fn renames_and_mounts_meanwhile() {
    let dir = temporary();
    let base = text(dir.path());
    let (short, long) = (format!("{base}/s"), format!("{base}/{}", "long".repeat(20)));
    fs::create_dir_all(format!("{short}/sub")).expect("folders");
    fs::create_dir(format!("{base}/mnt")).expect("folder");
    fs::write(format!("{short}/sub/file"), "x").expect("file");
    let ino = fs::metadata(format!("{short}/sub/file")).expect("file").ino();
    let at_mount = format!("{base}/mnt/file");
    let r = record(|facts| {
        facts.set(crate::differential::RACING, 1);
        private_mounts();
        let sub = format!("{short}/sub");
        let dir_fd = sys::open(&c(&sub), libc::O_DIRECTORY, 0).expect("folder");
        let renames = meanwhile(|| {
            fs::rename(&short, &long).expect("rename");
            fs::rename(&long, &short).expect("rename");
        });
        let mounts = meanwhile(|| {
            let from = format!("/proc/self/fd/{dir_fd}");
            bind(Path::new(&from), Path::new(&format!("{base}/mnt")));
            nix::mount::umount2(&*format!("{base}/mnt"), nix::mount::MntFlags::MNT_DETACH)
                .expect("umount");
        });
        for _ in 0..2_000 {
            let fd = sys::openat(dir_fd, c"file", 0).expect("openat");
            sys::close(fd).expect("close");
            if let Ok(fd) = sys::open(&c(&at_mount), 0, 0) {
                sys::close(fd).expect("close");
            }
        }
        for pid in [renames, mounts] {
            kill(pid, Signal::SIGKILL).expect("kill");
            waitpid(pid, None).expect("wait");
        }
    });
    let places = [format!("{short}/sub/file"), format!("{long}/sub/file")];
    let (mut sound, mut torn) = (0, Vec::new());
    for e in r.own().filter(|e| e.op() == SF_OP_OPEN && e.as_file().0.ret >= 0) {
        let (file, path) = e.as_file();
        if file.ino != ino {
            continue;
        }
        // Unmounted before the walk: outside of the root.
        if places.contains(&path) || path == at_mount || path == "file" {
            sound += 1;
        } else {
            torn.push(path);
        }
    }
    assert!(sound >= 1_980, "{sound} sound paths of 2000");
    // A walk that is disturbed each time it is tried is told as it came out.
    assert!(torn.len() <= 20, "{torn:?}");
}

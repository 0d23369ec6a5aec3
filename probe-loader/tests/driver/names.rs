// SPDX-License-Identifier: Apache-2.0
//! Operations on names: both paths, the directory that a relative one is
//! joined to, the numbers of the call, and the object where a descriptor names
//! it.

use std::ffi::CStr;
use std::fs;
use std::os::unix::fs::MetadataExt;

use nix::unistd::chdir;
use probe_loader::abi::{
    SF_F_CUT, SF_F_FAULT, SF_F_USER, SF_OP_CHDIR, SF_OP_CHMOD, SF_OP_CHOWN, SF_OP_CHROOT,
    SF_OP_LINK, SF_OP_MKDIR, SF_OP_MKNOD, SF_OP_MOUNT, SF_OP_PIVOT_ROOT, SF_OP_REMOVEXATTR,
    SF_OP_RENAME, SF_OP_RMDIR, SF_OP_SETXATTR, SF_OP_SYMLINK, SF_OP_TRUNCATE, SF_OP_UMOUNT,
    SF_OP_UNLINK, SF_PATH_MAX,
};

use crate::Test;
use crate::files::{c, kernel_dev, private_mounts, temporary, text};
use crate::recording::{Event, Recording, record};
use crate::sys::{self, Arg};

pub(crate) const TESTS: &[Test] = &[
    ("names::absolute_names", absolute_names),
    ("names::relative_names", relative_names),
    ("names::descriptors_name_the_object", descriptors_name_the_object),
    ("names::failed_calls", failed_calls),
    ("names::long_names", long_names),
    ("names::attributes", attributes),
    ("names::mounts", mounts),
    ("names::working_directory", working_directory),
    ("names::new_root", new_root),
];

/// `fchmodat2`, `setxattrat` and `removexattrat`, newer than the C library's list.
const SYS_FCHMODAT2: libc::c_long = 452;
const SYS_SETXATTRAT: libc::c_long = 463;
const SYS_REMOVEXATTRAT: libc::c_long = 466;

/// What a record of two names tells, without the object.
#[derive(Debug, PartialEq)]
struct Told {
    op: u32,
    paths: [String; 2],
    ret: i32,
    flags: u32,
    arg: [u64; 2],
}

fn told(event: &Event) -> Told {
    let (rec, paths) = event.as_path();
    assert_eq!(rec.pad, 0);
    Told { op: event.op(), paths, ret: rec.ret, flags: rec.flags, arg: rec.arg }
}

fn is_path(event: &Event) -> bool {
    matches!(event.record(), probe_loader::Record::Path(..))
}

fn all_told(r: &Recording) -> Vec<Told> {
    r.own().filter(|e| is_path(e)).map(told).collect()
}

/// A call of two paths that succeeded.
fn done(op: u32, paths: [&str; 2], flags: u32, arg: [u64; 2]) -> Told {
    Told { op, paths: paths.map(str::to_owned), ret: 0, flags, arg }
}

fn ok(nr: libc::c_long, args: &[Arg<'_>]) {
    sys::any(nr, args).unwrap_or_else(|error| panic!("system call {nr}: {error}"));
}

fn err(nr: libc::c_long, args: &[Arg<'_>]) -> i32 {
    let error = sys::any(nr, args).expect_err("the call succeeded");
    -error.raw_os_error().expect("an error of the system")
}

fn n(value: i64) -> Arg<'static> {
    Arg::Number(value)
}

fn s(text: &CStr) -> Arg<'_> {
    Arg::Text(text)
}

const CWD: i64 = libc::AT_FDCWD as i64;
const NOFOLLOW: u32 = libc::AT_SYMLINK_NOFOLLOW as u32;

fn absolute_names() {
    let dir = temporary();
    let base = text(dir.path());
    let at = |name: &str| format!("{base}/{name}");
    let r = record(|_| {
        let (d, f, l, y, m) =
            (c(&at("dir")), c(&at("file")), c(&at("link")), c(&at("sym")), c(&at("moved")));
        ok(libc::SYS_mkdir, &[s(&d), n(0o751)]);
        ok(libc::SYS_mknod, &[s(&f), n(0o100_640), n(0)]);
        ok(libc::SYS_link, &[s(&f), s(&l)]);
        ok(libc::SYS_symlink, &[s(c"over/there"), s(&y)]);
        ok(libc::SYS_rename, &[s(&l), s(&m)]);
        ok(libc::SYS_chmod, &[s(&f), n(0o4755)]);
        ok(libc::SYS_chown, &[s(&f), n(12), n(-1)]);
        ok(libc::SYS_lchown, &[s(&y), n(13), n(14)]);
        ok(libc::SYS_truncate, &[s(&f), n(5_000_000_000)]);
        ok(libc::SYS_unlink, &[s(&m)]);
        ok(libc::SYS_rmdir, &[s(&d)]);
    });
    let (d, f, l, y, m) = (at("dir"), at("file"), at("link"), at("sym"), at("moved"));
    assert_eq!(
        all_told(&r),
        [
            done(SF_OP_MKDIR, [&d, ""], 0, [0o751, 0]),
            done(SF_OP_MKNOD, [&f, ""], 0, [0o100_640, 0]),
            done(SF_OP_LINK, [&f, &l], 0, [0; 2]),
            done(SF_OP_SYMLINK, ["over/there", &y], 0, [0; 2]),
            done(SF_OP_RENAME, [&l, &m], 0, [0; 2]),
            done(SF_OP_CHMOD, [&f, ""], 0, [0o4755, 0]),
            done(SF_OP_CHOWN, [&f, ""], 0, [12, u64::from(u32::MAX)]),
            done(SF_OP_CHOWN, [&y, ""], NOFOLLOW, [13, 14]),
            done(SF_OP_TRUNCATE, [&f, ""], 0, [5_000_000_000, 0]),
            done(SF_OP_UNLINK, [&m, ""], 0, [0; 2]),
            done(SF_OP_RMDIR, [&d, ""], 0, [0; 2]),
        ]
    );
    for event in r.own().filter(|e| is_path(e)) {
        let rec = event.as_path().0;
        assert_eq!((event.flags(), rec.ino, rec.dev, rec.mode), (SF_F_USER, 0, 0, 0));
    }
}

/// Joined to the working directory or to a descriptor's, as they are written.
fn relative_names() {
    let dir = temporary();
    let base = text(dir.path());
    fs::create_dir_all(dir.path().join("a/b")).expect("folders");
    fs::create_dir(dir.path().join("cwd")).expect("folder");
    let r = record(|_| {
        chdir(&dir.path().join("cwd")).expect("chdir");
        let a = sys::open(&c(&format!("{base}/a")), libc::O_DIRECTORY, 0).expect("open").into();
        let b = sys::open(&c(&format!("{base}/a/b")), libc::O_PATH, 0).expect("open a path").into();
        ok(libc::SYS_mkdirat, &[n(a), s(c"./b/../new"), n(0o700)]);
        ok(libc::SYS_mkdirat, &[n(CWD), s(c"here"), n(0o700)]);
        ok(libc::SYS_mkdirat, &[n(999), s(&c(&format!("{base}/abs"))), n(0o700)]);
        ok(libc::SYS_mknodat, &[n(b), s(c"pipe"), n(0o10_600), n(0x105)]);
        ok(libc::SYS_linkat, &[n(b), s(c"pipe"), n(a), s(c"again"), n(0x400)]);
        ok(libc::SYS_symlinkat, &[s(c"../up"), n(b), s(c"sym")]);
        ok(libc::SYS_renameat, &[n(a), s(c"again"), n(CWD), s(c"../moved")]);
        ok(libc::SYS_renameat2, &[n(CWD), s(c"../moved"), n(b), s(c"m"), n(1)]);
        ok(libc::SYS_fchmodat, &[n(b), s(c"m"), n(0o644)]);
        ok(libc::SYS_fchownat, &[n(b), s(c"sym"), n(7), n(8), n(0x100)]);
        ok(libc::SYS_unlinkat, &[n(b), s(c"m"), n(0)]);
        ok(libc::SYS_unlinkat, &[n(CWD), s(c"here"), n(libc::AT_REMOVEDIR.into())]);
        // From the root itself no second slash comes between.
        chdir("/").expect("chdir");
        assert_eq!(err(libc::SYS_rmdir, &[s(c"no-such")]), -libc::ENOENT);
        ok(libc::SYS_chdir, &[s(&c(&base))]);
    });
    let at = |name: &str| format!("{base}/{name}");
    let found: Vec<_> = all_told(&r).into_iter().filter(|t| t.op != SF_OP_CHDIR).collect();
    assert_eq!(
        found,
        [
            done(SF_OP_MKDIR, [&at("a/./b/../new"), ""], 0, [0o700, 0]),
            done(SF_OP_MKDIR, [&at("cwd/here"), ""], 0, [0o700, 0]),
            done(SF_OP_MKDIR, [&at("abs"), ""], 0, [0o700, 0]),
            done(SF_OP_MKNOD, [&at("a/b/pipe"), ""], 0, [0o10_600, 0x105]),
            done(SF_OP_LINK, [&at("a/b/pipe"), &at("a/again")], 0x400, [0; 2]),
            done(SF_OP_SYMLINK, ["../up", &at("a/b/sym")], 0, [0; 2]),
            done(SF_OP_RENAME, [&at("a/again"), &at("cwd/../moved")], 0, [0; 2]),
            done(SF_OP_RENAME, [&at("cwd/../moved"), &at("a/b/m")], 1, [0; 2]),
            done(SF_OP_CHMOD, [&at("a/b/m"), ""], 0, [0o644, 0]),
            done(SF_OP_CHOWN, [&at("a/b/sym"), ""], 0x100, [7, 8]),
            done(SF_OP_UNLINK, [&at("a/b/m"), ""], 0, [0; 2]),
            done(SF_OP_RMDIR, [&at("cwd/here"), ""], 0x200, [0; 2]),
            Told { ret: -libc::ENOENT, ..done(SF_OP_RMDIR, ["/no-such", ""], 0, [0; 2]) },
        ]
    );
}

/// What a descriptor leads to comes from the kernel, with its inode.
fn descriptors_name_the_object() {
    let dir = temporary();
    let path = format!("{}/file", text(dir.path()));
    fs::write(&path, "contents").expect("file");
    let r = record(|_| {
        let fd = sys::open(&c(&path), libc::O_RDWR, 0).expect("open").into();
        ok(libc::SYS_fchown, &[n(fd), n(3), n(4)]);
        ok(libc::SYS_fchmod, &[n(fd), n(0o600)]);
        ok(libc::SYS_ftruncate, &[n(fd), n(3)]);
        ok(libc::SYS_fchownat, &[n(fd), s(c""), n(5), n(6), n(libc::AT_EMPTY_PATH.into())]);
        let linked = c(&format!("{path}-2"));
        ok(libc::SYS_linkat, &[n(fd), s(c""), n(CWD), s(&linked), n(libc::AT_EMPTY_PATH.into())]);
        let (reader, _) = sys::pipe();
        ok(libc::SYS_fchmod, &[n(reader.into()), n(0o400)]);
        assert_eq!(err(libc::SYS_fchmod, &[n(999), n(0o400)]), -libc::EBADF);
    });
    let empty = libc::AT_EMPTY_PATH as u32;
    assert_eq!(
        all_told(&r),
        [
            done(SF_OP_CHOWN, [&path, ""], 0, [3, 4]),
            done(SF_OP_CHMOD, [&path, ""], 0, [0o600, 0]),
            done(SF_OP_TRUNCATE, [&path, ""], 0, [3, 0]),
            done(SF_OP_CHOWN, [&path, ""], empty, [5, 6]),
            done(SF_OP_LINK, [&path, &format!("{path}-2")], empty, [0; 2]),
            done(SF_OP_CHMOD, ["", ""], 0, [0o400, 0]),
            Told { ret: -libc::EBADF, ..done(SF_OP_CHMOD, ["", ""], 0, [0o400, 0]) },
        ]
    );
    let meta = fs::metadata(&path).expect("file");
    let events: Vec<_> = r.own().filter(|e| is_path(e)).collect();
    for event in &events[..5] {
        let rec = event.as_path().0;
        assert_eq!((rec.ino, rec.dev), (meta.ino(), kernel_dev(meta.dev())));
        let user = if event.op() == SF_OP_LINK { SF_F_USER } else { 0 };
        assert_eq!(event.flags(), user, "{:?}", event.record());
    }
    assert_eq!(events[1].as_path().0.mode, 0o100_600, "the mode after the call");
    let pipe = events[5].as_path().0;
    assert_eq!((pipe.mode, pipe.ino != 0), (0o10_400, true));
    let none = events[6].as_path().0;
    assert_eq!((none.ino, none.dev, none.mode, events[6].flags()), (0, 0, 0, 0));
}

fn failed_calls() {
    let dir = temporary();
    let base = text(dir.path());
    let r = record(|_| {
        chdir(dir.path()).expect("chdir");
        assert_eq!(err(libc::SYS_mkdir, &[s(c"no/such"), n(0o700)]), -libc::ENOENT);
        assert_eq!(err(libc::SYS_mkdirat, &[n(999), s(c"x"), n(0o700)]), -libc::EBADF);
        assert_eq!(err(libc::SYS_unlink, &[n(8)]), -libc::EFAULT);
        assert_eq!(err(libc::SYS_rename, &[s(c"no"), n(8)]), -libc::EFAULT);
        assert_eq!(err(libc::SYS_chdir, &[s(c"nowhere")]), -libc::ENOENT);
        assert_eq!(err(libc::SYS_fchdir, &[n(999)]), -libc::EBADF);
        assert_eq!(err(libc::SYS_chroot, &[s(c"nowhere")]), -libc::ENOENT);
    });
    let at = |name: &str| format!("{base}/{name}");
    let failed = |ret: i32, told: Told| Told { ret: -ret, ..told };
    assert_eq!(
        all_told(&r)[1..],
        [
            failed(libc::ENOENT, done(SF_OP_MKDIR, [&at("no/such"), ""], 0, [0o700, 0])),
            failed(libc::EBADF, done(SF_OP_MKDIR, ["x", ""], 0, [0o700, 0])),
            failed(libc::EFAULT, done(SF_OP_UNLINK, ["", ""], 0, [0; 2])),
            failed(libc::EFAULT, done(SF_OP_RENAME, [&at("no"), ""], 0, [0; 2])),
            failed(libc::ENOENT, done(SF_OP_CHDIR, [&at("nowhere"), ""], 0, [0; 2])),
            failed(libc::EBADF, done(SF_OP_CHDIR, ["", ""], 0, [0; 2])),
            failed(libc::ENOENT, done(SF_OP_CHROOT, [&at("nowhere"), ""], 0, [0; 2])),
        ]
    );
    let flags: Vec<_> = r.own().filter(|e| is_path(e)).map(Event::flags).collect();
    let fault = SF_F_USER | SF_F_FAULT;
    assert_eq!(flags[1..], [SF_F_USER, SF_F_USER, fault, fault, SF_F_USER, 0, SF_F_USER]);
}

/// A directory of thousands of bytes and a name of thousands: both whole. A
/// name that no call takes is cut.
fn long_names() {
    let dir = temporary();
    let base = text(dir.path());
    let long = "n".repeat(250);
    let name = format!("{}x", "./".repeat(1_900));
    let longest = format!("{}.", "./".repeat(2_047));
    let r = record(|_| {
        chdir(dir.path()).expect("chdir");
        for _ in 0..14 {
            fs::create_dir(&long).expect("mkdir");
            chdir(long.as_str()).expect("chdir");
        }
        let (from, to) = (c(&name), c(&format!("{name}y")));
        ok(libc::SYS_mkdir, &[s(&from), n(0o700)]);
        ok(libc::SYS_rename, &[s(&from), s(&to)]);
        // The longest that a call takes: 4095 bytes.
        ok(libc::SYS_chmod, &[s(&c(&longest)), n(0o700)]);
        let endless = c(&"e".repeat(SF_PATH_MAX as usize + 10));
        assert_eq!(err(libc::SYS_rmdir, &[s(&endless)]), -libc::ENAMETOOLONG);
    });
    let deep = format!("{base}{}", format!("/{long}").repeat(14));
    let rename = r.one("rename", |e| e.op() == SF_OP_RENAME);
    let (_, paths) = rename.as_path();
    assert!(paths == [format!("{deep}/{name}"), format!("{deep}/{name}y")], "{paths:?}");
    assert_eq!(rename.flags(), SF_F_USER);
    let whole = r.one("chmod", |e| e.op() == SF_OP_CHMOD);
    assert_eq!((whole.flags(), longest.len()), (SF_F_USER, SF_PATH_MAX as usize - 1));
    assert!(whole.as_path().1[0] == format!("{deep}/{longest}"), "{:?}", whole.record());
    let cut = r.one("rmdir", |e| e.op() == SF_OP_RMDIR);
    assert_eq!(cut.flags(), SF_F_USER | SF_F_CUT);
    let short = "e".repeat(SF_PATH_MAX as usize - 1);
    assert!(cut.as_path().1[0] == format!("{deep}/{short}"), "{:?}", cut.record());
}

fn attributes() {
    let dir = temporary();
    let path = format!("{}/file", text(dir.path()));
    fs::write(&path, "contents").expect("file");
    let name = c"trusted.sysflow";
    let r = record(|facts| {
        let p = c(&path);
        let fd = sys::open(&p, libc::O_RDWR, 0).expect("open").into();
        let value = s(c"value");
        // A file system without extended attributes fails, and is told too.
        let mut rets = Vec::new();
        let mut call = |nr, args: &[Arg<'_>]| {
            rets.push(sys::any(nr, args).map_or_else(|e| -e.raw_os_error().unwrap_or(0), |_| 0));
        };
        call(libc::SYS_setxattr, &[s(&p), s(name), value, n(5), n(1)]);
        call(libc::SYS_lsetxattr, &[s(&p), s(name), value, n(4), n(2)]);
        call(libc::SYS_fsetxattr, &[n(fd), s(name), value, n(3), n(0)]);
        call(libc::SYS_removexattr, &[s(&p), s(name)]);
        call(libc::SYS_lremovexattr, &[s(&p), s(name)]);
        call(libc::SYS_fremovexattr, &[n(fd), s(name)]);
        call(SYS_FCHMODAT2, &[n(CWD), s(&p), n(0o611), n(0x100)]);
        call(SYS_SETXATTRAT, &[n(CWD), s(&p), n(0x100), s(name), n(0), n(0)]);
        call(SYS_REMOVEXATTRAT, &[n(CWD), s(&p), n(0x100), s(name)]);
        facts.set("rets", format!("{rets:?}"));
    });
    let name = "trusted.sysflow";
    let want = [
        done(SF_OP_SETXATTR, [&path, name], 1, [5, 0]),
        done(SF_OP_SETXATTR, [&path, name], NOFOLLOW | 2, [4, 0]),
        done(SF_OP_SETXATTR, [&path, name], 0, [3, 0]),
        done(SF_OP_REMOVEXATTR, [&path, name], 0, [0; 2]),
        done(SF_OP_REMOVEXATTR, [&path, name], NOFOLLOW, [0; 2]),
        done(SF_OP_REMOVEXATTR, [&path, name], 0, [0; 2]),
        done(SF_OP_CHMOD, [&path, ""], 0x100, [0o611, 0]),
        done(SF_OP_SETXATTR, [&path, name], 0x100, [0; 2]),
        done(SF_OP_REMOVEXATTR, [&path, name], 0x100, [0; 2]),
    ];
    let found = all_told(&r);
    let rets: Vec<_> = found.iter().map(|t| t.ret).collect();
    assert_eq!(r.fact("rets"), format!("{rets:?}"));
    for (found, want) in found.into_iter().zip(want) {
        assert_eq!(Told { ret: 0, ..found }, want);
    }
}

fn mounts() {
    let dir = temporary();
    let base = text(dir.path());
    for sub in ["mnt", "there", "new/old"] {
        fs::create_dir_all(dir.path().join(sub)).expect("folder");
    }
    let r = record(|facts| {
        private_mounts();
        chdir(dir.path()).expect("chdir");
        let (tmpfs, data) = (s(c"tmpfs"), s(c"size=64k"));
        ok(libc::SYS_mount, &[s(c"some text"), s(c"mnt"), tmpfs, n(libc::MS_NODEV as i64), data]);
        ok(libc::SYS_mount, &[n(0), s(c"mnt"), n(0), n(libc::MS_PRIVATE as i64), n(0)]);
        let moved = sys::any(libc::SYS_move_mount, &[n(CWD), s(c"mnt"), n(CWD), s(c"there"), n(0)]);
        facts.set("moved", moved.is_ok());
        let at = if moved.is_ok() { c"there" } else { c"mnt" };
        ok(libc::SYS_umount2, &[s(at), n(libc::MNT_DETACH.into())]);
        assert_eq!(err(libc::SYS_umount2, &[s(c"mnt"), n(0)]), -libc::EINVAL);
        // EBUSY or EINVAL: "new" is no mount.
        facts.set("pivot", err(libc::SYS_pivot_root, &[s(c"new"), s(c"new/old")]));
    });
    let at = |name: &str| format!("{base}/{name}");
    let found: Vec<_> = all_told(&r)
        .into_iter()
        .filter(|t| [SF_OP_MOUNT, SF_OP_UMOUNT, SF_OP_PIVOT_ROOT].contains(&t.op))
        .skip_while(|t| t.paths[0] == "/")
        .collect();
    let moved: bool = r.num("moved");
    let last = if moved { at("there") } else { at("mnt") };
    assert_eq!(
        found[0],
        done(SF_OP_MOUNT, [&at("mnt"), "some text"], libc::MS_NODEV as u32, [0; 2])
    );
    assert_eq!(found[1], done(SF_OP_MOUNT, [&at("mnt"), ""], libc::MS_PRIVATE as u32, [0; 2]));
    assert_eq!(found[2].paths, [at("there"), at("mnt")]);
    assert_eq!((found[2].op, found[2].ret == 0), (SF_OP_MOUNT, moved));
    assert_eq!(found[3], done(SF_OP_UMOUNT, [&last, ""], libc::MNT_DETACH as u32, [0; 2]));
    let failed = |ret, told| Told { ret, ..told };
    assert_eq!(found[4], failed(-libc::EINVAL, done(SF_OP_UMOUNT, [&at("mnt"), ""], 0, [0; 2])));
    let pivot = done(SF_OP_PIVOT_ROOT, [&at("new"), &at("new/old")], 0, [0; 2]);
    assert_eq!(found[5], failed(r.num("pivot"), pivot));
    assert_eq!(found.len(), 6);
}

/// From the process's state after the call: a link shows as what it points to.
fn working_directory() {
    let dir = temporary();
    let base = text(dir.path());
    fs::create_dir_all(dir.path().join("a/b")).expect("folders");
    std::os::unix::fs::symlink("a/b", dir.path().join("link")).expect("symlink");
    let r = record(|_| {
        ok(libc::SYS_chdir, &[s(&c(&base))]);
        ok(libc::SYS_chdir, &[s(c"./link")]);
        let fd = sys::open(c"..", libc::O_DIRECTORY, 0).expect("open").into();
        ok(libc::SYS_chdir, &[s(c"/")]);
        ok(libc::SYS_fchdir, &[n(fd)]);
    });
    let found = all_told(&r);
    let at = |name: &str| format!("{base}{name}");
    let paths = [at(""), at("/a/b"), "/".to_owned(), at("/a")];
    for (event, path) in r.own().filter(|e| is_path(e)).zip(&paths) {
        assert_eq!(told(event), done(SF_OP_CHDIR, [path, ""], 0, [0; 2]));
        let (rec, meta) = (event.as_path().0, fs::metadata(path).expect("folder"));
        assert_eq!((rec.ino, rec.dev), (meta.ino(), kernel_dev(meta.dev())));
        assert_eq!((rec.mode, event.flags()), (meta.mode(), 0));
    }
    assert_eq!(found.len(), paths.len());
}

/// The new root's path leads from the top of the mounts, also from within
/// another root.
fn new_root() {
    let dir = temporary();
    let base = text(dir.path());
    fs::create_dir_all(dir.path().join("jail/cell")).expect("folders");
    let r = record(|_| {
        chdir("/").expect("chdir");
        ok(libc::SYS_chroot, &[s(&c(&format!("{base}/jail")))]);
        ok(libc::SYS_chroot, &[s(c"/cell")]);
    });
    let found: Vec<_> = all_told(&r).into_iter().filter(|t| t.op == SF_OP_CHROOT).collect();
    let (outer, inner) = (format!("{base}/jail"), format!("{base}/jail/cell"));
    // A test that itself runs in a chroot sees less of the path.
    for (told, path) in found.iter().zip([&outer, &inner]) {
        assert!(told.paths[0].ends_with(path.as_str()), "{told:?}");
        assert_eq!((told.ret, &*told.paths[1]), (0, ""));
    }
    assert_eq!(found.len(), 2);
    let meta = fs::metadata(&inner).expect("folder");
    let last = r.own().filter(|e| e.op() == SF_OP_CHROOT).last().expect("found above");
    assert_eq!((last.as_path().0.ino, last.flags()), (meta.ino(), 0));
}

// SPDX-License-Identifier: Apache-2.0
//! Paths of open files, where the way that the driver takes to them changes:
//! names and depths of every size, mounts, renames, a ring without room.

use std::collections::BTreeSet;
use std::fs;
use std::mem::size_of;
use std::path::Path;

use nix::sys::wait::waitpid;
use nix::unistd::{Pid, chdir, chroot};
use probe_loader::abi::{SF_FILE_UNLINKED, SF_OP_OPEN, sf_rec_file};

use crate::accounting::finish;
use crate::files::{bind, c, check_inode, private_mounts, temporary, text};
use crate::recording::{Collector, Event, Recording, open, record};
use crate::{Test, sys};

pub(crate) const TESTS: &[Test] = &[
    ("paths::names_of_every_length", names_of_every_length),
    ("paths::every_depth", every_depth),
    ("paths::mounts_within_mounts", mounts_within_mounts),
    ("paths::chroot_in_a_mount", chroot_in_a_mount),
    ("paths::renamed_between_opens", renamed_between_opens),
    ("paths::deleted_and_opened_again", deleted_and_opened_again),
    ("paths::ring_without_room", ring_without_room),
];

/// The record of a path is as long as the path needs, and zero behind it.
fn check_padding(event: &Event) {
    let (file, path) = event.as_file();
    let fixed = size_of::<sf_rec_file>();
    let len = usize::from(file.path_len);
    assert_eq!(usize::from(event.hdr().len), fixed + len.next_multiple_of(8), "{path}");
    let bytes: Vec<u8> = event.words().iter().flat_map(|word| word.to_ne_bytes()).collect();
    assert!(bytes[fixed + len..].iter().all(|byte| *byte == 0), "{path}");
}

fn check_opened(r: &Recording, path: &str) {
    let event = r.open_of(path);
    assert_eq!(event.flags(), 0, "{path}");
    check_padding(event);
    check_inode(event, &fs::metadata(path).expect(path));
}

/// A short name lies in its dentry, a longer one elsewhere.
fn names_of_every_length() {
    let dir = temporary();
    let base = text(dir.path());
    let letters = || ('a'..='z').cycle();
    let paths: Vec<String> = (1..=72)
        .chain([127, 128, 254, 255])
        .map(|len| format!("{base}/{}", letters().skip(len % 7).take(len).collect::<String>()))
        .collect();
    for path in &paths {
        fs::write(path, "x").expect(path);
    }
    let r = record(|_| {
        for path in &paths {
            sys::close(sys::open(&c(path), 0, 0).expect(path)).expect("close");
        }
    });
    for path in &paths {
        check_opened(&r, path);
    }
}

fn every_depth() {
    let dir = temporary();
    let mut paths = vec![text(dir.path())];
    for depth in 0..40 {
        let deeper = format!("{}/{}", paths[depth], "d".repeat(depth + 1));
        fs::create_dir(&deeper).expect("mkdir");
        paths.push(deeper);
    }
    let r = record(|_| {
        for path in &paths {
            sys::open(&c(path), libc::O_DIRECTORY, 0).expect(path);
        }
        sys::open(c"/", libc::O_DIRECTORY, 0).expect("root");
        sys::open(c"/proc", libc::O_DIRECTORY, 0).expect("the top of a mount");
    });
    for path in paths.iter().map(String::as_str).chain(["/", "/proc"]) {
        check_opened(&r, path);
    }
}

/// Every name of the path is a mount point, up to more of them than the short
/// way takes.
fn mounts_within_mounts() {
    let dir = temporary();
    let base = text(dir.path());
    let sources: Vec<_> = (0..24).map(|n| dir.path().join(format!("source{n}"))).collect();
    for source in &sources {
        fs::create_dir_all(source.join("m")).expect("folders");
        fs::write(source.join("file"), "x").expect("file");
    }
    fs::create_dir(dir.path().join("m")).expect("folder");
    let metas: Vec<_> =
        sources.iter().map(|s| fs::metadata(s.join("file")).expect("file")).collect();
    let place = |n: usize| format!("{base}{}", "/m".repeat(n + 1));
    let r = record(|_| {
        private_mounts();
        for (n, source) in sources.iter().enumerate() {
            bind(source, Path::new(&place(n)));
            sys::open(&c(&format!("{}/file", place(n))), 0, 0).expect("through the mounts");
        }
    });
    for (n, meta) in metas.iter().enumerate() {
        let event = r.open_of(&format!("{}/file", place(n)));
        check_padding(event);
        check_inode(event, meta);
    }
}

/// The root of the process is the top of a mount, and a folder that is seen
/// at two places: the path is that of the mount in use.
fn chroot_in_a_mount() {
    let dir = temporary();
    for sub in ["a/b", "jail"] {
        fs::create_dir_all(dir.path().join(sub)).expect("folders");
    }
    fs::write(dir.path().join("a/b/file"), "x").expect("file");
    let meta = fs::metadata(dir.path().join("a/b/file")).expect("file");
    let base = text(dir.path());
    let r = record(|_| {
        private_mounts();
        bind(&dir.path().join("a"), &dir.path().join("jail"));
        let beside = sys::open(&c(&format!("{base}/a/b")), libc::O_DIRECTORY, 0).expect("folder");
        chroot(&dir.path().join("jail")).expect("chroot");
        chdir("/").expect("chdir");
        sys::open(c"/b/file", libc::O_WRONLY, 0).expect("in the jail");
        // The same file through the other mount: from there no way leads up
        // to the root, whose folder it passes.
        sys::openat(beside, c"file", libc::O_RDONLY).expect("beside the jail");
    });
    let inside = r.open_of("/b/file");
    assert_eq!(inside.as_file().0.flags & libc::O_ACCMODE as u32, libc::O_WRONLY as u32);
    let outside = r.open_of("file");
    for event in [inside, outside] {
        check_padding(event);
        check_inode(event, &meta);
    }
}

/// A folder changes its name between two opens below it, also into another
/// folder: each is told as it was when it was opened.
fn renamed_between_opens() {
    let dir = temporary();
    let base = text(dir.path());
    fs::create_dir_all(dir.path().join("first/sub")).expect("folders");
    fs::create_dir(dir.path().join("other")).expect("folder");
    fs::write(dir.path().join("first/sub/file"), "x").expect("file");
    let long = "long".repeat(20);
    let names = ["first".to_owned(), "twice".to_owned(), long.clone(), format!("other/{long}")];
    let r = record(|_| {
        let first = format!("{base}/first/sub");
        let folder = sys::open(&c(&first), libc::O_DIRECTORY, 0).expect("folder");
        for (n, name) in names.iter().enumerate() {
            if n > 0 {
                fs::rename(format!("{base}/{}", names[n - 1]), format!("{base}/{name}"))
                    .expect("rename");
            }
            sys::openat(folder, c"file", 0).expect("openat");
        }
    });
    let told: Vec<_> = r
        .own()
        .filter(|e| e.op() == SF_OP_OPEN && e.as_file().1.ends_with("/file"))
        .map(|e| e.as_file().1)
        .collect();
    let expected: Vec<_> = names.iter().map(|name| format!("{base}/{name}/sub/file")).collect();
    assert_eq!(told, expected);
}

fn deleted_and_opened_again() {
    let dir = temporary();
    let path = format!("{}/folder/gone", text(dir.path()));
    fs::create_dir(dir.path().join("folder")).expect("folder");
    let r = record(|_| {
        let fd = sys::open(&c(&path), libc::O_CREAT | libc::O_RDWR, 0o600).expect("create");
        fs::remove_dir_all(dir.path().join("folder")).expect("remove");
        sys::open(&c(&format!("/proc/self/fd/{fd}")), 0, 0).expect("again");
    });
    let told: Vec<_> = r
        .own()
        .filter(|e| e.op() == SF_OP_OPEN && e.as_file().1 == path)
        .map(|e| u32::from(e.as_file().0.attr) & SF_FILE_UNLINKED)
        .collect();
    assert_eq!(told, [0, SF_FILE_UNLINKED]);
}

/// What is written behind the last name of a path harms no record that waits
/// in the ring to be read.
fn ring_without_room() {
    let dir = temporary();
    let base = text(dir.path());
    let paths: BTreeSet<String> =
        (1..=40).map(|len| format!("{base}/{}", "n".repeat(len))).collect();
    for path in &paths {
        fs::write(path, "x").expect(path);
    }
    let mut driver = open(64 << 10);
    let mut collector = Collector::new();
    driver.start().expect("start");
    let mut pids = Vec::new();
    for _ in 0..8 {
        let pid = match sys::fork() {
            0 => {
                for path in paths.iter().cycle().take(1_500) {
                    sys::close(sys::open(&c(path), 0, 0).expect(path)).expect("close");
                }
                sys::exit(0)
            }
            pid => pid,
        };
        waitpid(Pid::from_raw(pid as i32), None).expect("wait");
        pids.push(pid);
        collector.drain(&mut driver);
    }
    let (collector, lost) = finish(driver, collector);
    assert!(lost > 0, "1,500 opens do not fit");
    let mut told = 0;
    for event in &collector.events {
        if event.op() == SF_OP_OPEN && pids.contains(&event.hdr().pid) {
            let (file, path) = event.as_file();
            if file.ret >= 0 && path.starts_with(&base) {
                assert!(paths.contains(&path), "{path}");
                check_padding(event);
                told += 1;
            }
        }
    }
    assert!(told > 100, "{told} opens told");
}

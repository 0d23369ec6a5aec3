// SPDX-License-Identifier: Apache-2.0
//! Credentials, namespaces, signals, tracing, kernel modules, eBPF programs.

use std::ffi::CString;
use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;

use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use probe_loader::abi::{
    SF_F_USER, SF_ID_NONE, SF_OP_BPF, SF_OP_CAPSET, SF_OP_EXEC, SF_OP_FORK, SF_OP_KILL,
    SF_OP_MODULE, SF_OP_MODULE_DELETE, SF_OP_PTRACE, SF_OP_SETFSID, SF_OP_SETGID, SF_OP_SETGROUPS,
    SF_OP_SETNS, SF_OP_SETUID, SF_OP_UNSHARE,
};

use crate::recording::{Recording, record};
use crate::{Test, sys};

pub(crate) const TESTS: &[Test] = &[
    ("security::user_ids", user_ids),
    ("security::group_ids", group_ids),
    ("security::capabilities", capabilities),
    ("security::setns", setns),
    ("security::unshare", unshare),
    ("security::signals", signals),
    ("security::signal_by_pidfd", signal_by_pidfd),
    ("security::tracing", tracing),
    ("security::modules", modules),
    ("security::programs", programs),
];

/// Result and numbers of each of the child's calls of one kind.
fn told(r: &Recording, op: u32) -> Vec<(i64, [u64; 3])> {
    r.own()
        .filter(|e| e.op() == op)
        .map(|e| {
            assert_eq!(e.flags(), 0);
            (e.as_call().ret, e.as_call().arg)
        })
        .collect()
}

const NONE: u64 = SF_ID_NONE as u64;

fn errno(error: i32) -> i64 {
    -i64::from(error)
}

fn user_ids() {
    let r = record(|_| {
        sys::numbers(libc::SYS_setresuid, &[1001, 1002, 0]).expect("setresuid");
        sys::numbers(libc::SYS_setreuid, &[-1, 1001]).expect("setreuid");
        sys::numbers(libc::SYS_setfsuid, &[1002]).expect("setfsuid");
        sys::numbers(libc::SYS_setuid, &[1003]).expect_err("not one of its own");
        sys::numbers(libc::SYS_setreuid, &[5, -1]).expect_err("not one of its own");
        sys::numbers(libc::SYS_setresuid, &[6, 7, -1]).expect_err("not one of its own");
    });
    let eperm = errno(libc::EPERM);
    assert_eq!(
        told(&r, SF_OP_SETUID),
        [
            (0, [1002, 1001, 0]),
            // The kernel saves the new effective id when it sets it.
            (0, [1001, 1001, 0]),
            (eperm, [1003, NONE, NONE]),
            (eperm, [NONE, 5, NONE]),
            (eperm, [7, 6, NONE]),
        ]
    );
    // Refused in its own way: the old one is returned, and stays.
    assert_eq!(told(&r, SF_OP_SETFSID), [(1001, [1001, 0, 0])]);
}

fn group_ids() {
    let r = record(|_| {
        let groups = [7_u32, 8, 9];
        sys::call(libc::SYS_setgroups, [3, groups.as_ptr() as usize]).expect("setgroups");
        sys::numbers(libc::SYS_setfsgid, &[2002]).expect("setfsgid");
        sys::numbers(libc::SYS_setregid, &[2001, -1]).expect("setregid");
        sys::numbers(libc::SYS_setresgid, &[-1, 2003, 2004]).expect("setresgid");
        sys::numbers(libc::SYS_setgid, &[2005]).expect("setgid");
        sys::numbers(libc::SYS_setuid, &[1000]).expect("setuid");
        sys::call(libc::SYS_setgroups, [2, groups.as_ptr() as usize]).expect_err("no longer root");
        sys::numbers(libc::SYS_setgid, &[1]).expect_err("no longer root");
    });
    let eperm = errno(libc::EPERM);
    assert_eq!(
        told(&r, SF_OP_SETGID),
        [
            // A new real id is saved too.
            (0, [0, 2001, 0]),
            (0, [2003, 2001, 2004]),
            (0, [2005, 2005, 2005]),
            (eperm, [1, NONE, NONE]),
        ]
    );
    assert_eq!(told(&r, SF_OP_SETFSID), [(0, [0, 2002, 0])]);
    assert_eq!(told(&r, SF_OP_SETGROUPS), [(0, [3, 0, 0]), (eperm, [2, 0, 0])]);
    assert_eq!(told(&r, SF_OP_SETUID), [(0, [1000, 1000, 1000])]);
}

fn capabilities() {
    let header = [0x2008_0522_u32, 0];
    let r = record(|_| {
        // Two words each of effective, permitted, inheritable: bit by bit,
        // low halves first.
        let mut data = [0x5_u32, 0xf, 0, 0x1, 0x1, 0];
        let at = (header.as_ptr() as usize, data.as_ptr() as usize);
        sys::call(libc::SYS_capset, [at.0, at.1]).expect("capset");
        data[1] = 0x1f;
        let at = (header.as_ptr() as usize, data.as_ptr() as usize);
        sys::call(libc::SYS_capset, [at.0, at.1]).expect_err("more than it has");
    });
    let now = [0x1_0000_0005, 0x1_0000_000f, 0];
    assert_eq!(told(&r, SF_OP_CAPSET), [(0, now), (errno(libc::EPERM), now)]);
}

fn setns() {
    let r = record(|facts| {
        let net = fs::File::open("/proc/self/ns/net").expect("namespace");
        let uts = fs::File::open("/proc/self/ns/uts").expect("namespace");
        let fds = (net.as_raw_fd(), uts.as_raw_fd());
        facts.set("net", net.metadata().expect("inode").ino());
        facts.set("uts", uts.metadata().expect("inode").ino());
        facts.set("net_fd", fds.0);
        facts.set("uts_fd", fds.1);
        sys::numbers(libc::SYS_setns, &[fds.0, 0]).expect("setns");
        sys::numbers(libc::SYS_setns, &[fds.1, libc::CLONE_NEWNET]).expect_err("of another kind");
        sys::numbers(libc::SYS_setns, &[777, libc::CLONE_NEWUTS]).expect_err("no descriptor");
    });
    let (net, uts) = (libc::CLONE_NEWNET as u64, libc::CLONE_NEWUTS as u64);
    assert_eq!(
        told(&r, SF_OP_SETNS),
        [
            (0, [r.num("net_fd"), net, r.num("net")]),
            (errno(libc::EINVAL), [r.num("uts_fd"), uts, r.num("uts")]),
            (errno(libc::EBADF), [777, uts, 0]),
        ]
    );
}

/// Inode number of a namespace of the calling process.
fn namespace(kind: &str) -> u64 {
    // Without following it: a pid namespace without processes has no link.
    let link = fs::read_link(format!("/proc/self/ns/{kind}")).expect("namespace");
    let name = link.to_string_lossy();
    name.split(['[', ']']).nth(1).expect("kind:[inode]").parse().expect("a number")
}

fn unshare() {
    let flags = libc::CLONE_NEWNET | libc::CLONE_NEWPID;
    let exe = std::env::current_exe().expect("own path");
    let exe = CString::new(exe.to_str().expect("UTF-8")).expect("no NUL");
    let r = record(|facts| {
        facts.set("children", namespace("pid_for_children"));
        sys::numbers(libc::SYS_unshare, &[flags]).expect("unshare");
        facts.set("net", namespace("net"));
        sys::numbers(libc::SYS_unshare, &[0x1]).expect_err("no such flag");
        let child = match sys::fork() {
            0 => panic!("{}", sys::execve(&exe, &[&exe, c"exit", c"0"], &[])),
            child => child,
        };
        waitpid(Pid::from_raw(child as i32), None).expect("wait");
        facts.set("child", child);
        facts.set("pid", namespace("pid_for_children"));
    });
    let (net, pid): (u64, u64) = (r.num("net"), r.num("pid"));
    assert_ne!(pid, r.num("children"));
    assert_eq!(
        told(&r, SF_OP_UNSHARE),
        [(0, [flags as u64, net, pid]), (errno(libc::EINVAL), [1, net, pid])]
    );
    let fork = r.one("fork", |e| e.op() == SF_OP_FORK).as_fork();
    assert_eq!((u64::from(fork.pidns), fork.vtid), (pid, 1));
    let exec: Vec<_> = r.of(fork.child_pid).filter(|e| e.op() == SF_OP_EXEC).collect();
    assert_eq!(exec.len(), 1);
    let (exec, _) = exec[0].as_exec();
    assert_eq!((u64::from(exec.netns), u64::from(exec.pidns), exec.vpid), (net, pid, 1));
}

fn signals() {
    let r = record(|_| {
        let me = std::process::id() as i32;
        sys::numbers(libc::SYS_kill, &[me, 0]).expect("kill");
        sys::numbers(libc::SYS_kill, &[-2_000_000_000, libc::SIGHUP]).expect_err("no such group");
        sys::numbers(libc::SYS_tkill, &[me, 0]).expect("tkill");
        sys::numbers(libc::SYS_tgkill, &[me, me, 0]).expect("tgkill");
        sys::numbers(libc::SYS_tgkill, &[1, me, libc::SIGTERM]).expect_err("of another group");
        let info = [0_i32; 32];
        let at = info.as_ptr() as usize;
        let (pid, sig) = (me as usize, libc::SIGCHLD as usize);
        sys::call(libc::SYS_rt_sigqueueinfo, [pid, sig, at]).expect("rt_sigqueueinfo");
        sys::call(libc::SYS_rt_tgsigqueueinfo, [pid, pid, sig, at]).expect("rt_tgsigqueueinfo");
    });
    let (me, chld) = (u64::from(r.pid), libc::SIGCHLD as u64);
    let esrch = errno(libc::ESRCH);
    assert_eq!(
        told(&r, SF_OP_KILL),
        [
            (0, [me, 0, 0]),
            (esrch, [-2_000_000_000_i64 as u64, libc::SIGHUP as u64, 0]),
            (0, [me, 0, 0]),
            (0, [me, 0, me]),
            (esrch, [me, libc::SIGTERM as u64, 1]),
            (0, [me, chld, 0]),
            (0, [me, chld, me]),
        ]
    );
}

fn signal_by_pidfd() {
    let r = record(|facts| {
        let me = std::process::id() as i32;
        let fd = sys::numbers(libc::SYS_pidfd_open, &[me, 0]).expect("pidfd_open");
        sys::numbers(libc::SYS_pidfd_send_signal, &[fd, 0, 0, 0]).expect("pidfd_send_signal");
        let other = sys::open(c"/dev/null", 0, 0).expect("open");
        sys::numbers(libc::SYS_pidfd_send_signal, &[other, 3, 0, 0]).expect_err("no process");
        // Its number in another namespace: there it is the first.
        sys::numbers(libc::SYS_unshare, &[libc::CLONE_NEWPID]).expect("unshare");
        let child = match sys::fork() {
            0 => {
                let mine = sys::numbers(libc::SYS_pidfd_open, &[1, 0]).expect("pidfd_open");
                for fd in [mine, fd] {
                    let _ = sys::numbers(libc::SYS_pidfd_send_signal, &[fd, 0, 0, 0]);
                }
                sys::exit(0);
            }
            child => child,
        };
        waitpid(Pid::from_raw(child as i32), None).expect("wait");
        facts.set("child", child);
    });
    assert_eq!(
        told(&r, SF_OP_KILL),
        [(0, [u64::from(r.pid), 0, 0]), (errno(libc::EBADF), [0, 3, 0])]
    );
    let by_child: Vec<_> = r
        .of(r.num("child"))
        .filter(|e| e.op() == SF_OP_KILL)
        .map(|e| (e.as_call().ret, e.as_call().arg))
        .collect();
    assert_eq!(by_child, [(0, [1, 0, 0]), (errno(libc::EINVAL), [0, 0, 0])]);
}

fn tracing() {
    let r = record(|_| {
        let ptrace = |request: i32, pid| sys::numbers(libc::SYS_ptrace, &[request, pid, 0, 0]);
        ptrace(libc::PTRACE_ATTACH as i32, 0x3fff_ffff).expect_err("no such process");
        ptrace(libc::PTRACE_PEEKTEXT as i32, 0x3fff_ffff).expect_err("not told");
        ptrace(libc::PTRACE_CONT as i32, 0x3fff_ffff).expect_err("not told");
        ptrace(libc::PTRACE_SEIZE as i32, 0x3fff_ffff).expect_err("no such process");
        ptrace(libc::PTRACE_TRACEME as i32, 0).expect("traceme");
    });
    let esrch = errno(libc::ESRCH);
    assert_eq!(
        told(&r, SF_OP_PTRACE),
        [
            (esrch, [u64::from(libc::PTRACE_ATTACH), 0x3fff_ffff, 0]),
            (esrch, [u64::from(libc::PTRACE_SEIZE), 0x3fff_ffff, 0]),
            (0, [0, 0, 0]),
        ]
    );
}

/// The kernel's answer depends on the machine (modules, lockdown), so the test
/// asks for what it refuses in any case, and compares with what it was told.
fn modules() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = fs::canonicalize(dir.path()).expect("exists").join("none.ko");
    fs::write(&path, "no module").expect("file");
    let r = record(|facts| {
        let code =
            |of: std::io::Result<usize>| -of.expect_err("refused").raw_os_error().expect("errno");
        let file = fs::File::open(&path).expect("file");
        let fd = file.as_raw_fd() as usize;
        // In memory that is there: a kernel that refuses at once does not
        // bring it in, and the driver never does.
        let params = CString::new("answer=42").expect("no NUL");
        let at = params.as_ptr() as usize;
        facts.set("finit", code(sys::call(libc::SYS_finit_module, [fd, at, 2])));
        facts.set("init", code(sys::call(libc::SYS_init_module, [at, 9, at])));
        let name = CString::new("sysflow_no_such_module").expect("no NUL");
        let of = [name.as_ptr() as usize, libc::O_NONBLOCK as usize];
        facts.set("delete", code(sys::call(libc::SYS_delete_module, of)));
    });
    let loads: Vec<_> = r.own().filter(|e| e.op() == SF_OP_MODULE).collect();
    assert_eq!(loads.len(), 2);
    let meta = fs::metadata(&path).expect("file");
    let (rec, names) = loads[0].as_path();
    assert_eq!((rec.ret, rec.flags, loads[0].flags()), (r.num("finit"), 2, 0));
    assert_eq!((rec.ino, rec.mode), (meta.ino(), meta.mode()));
    assert_eq!(rec.dev, libc::major(meta.dev()) << 20 | libc::minor(meta.dev()));
    assert_eq!(names, [path.to_str().expect("UTF-8"), "answer=42"]);
    let (rec, names) = loads[1].as_path();
    assert_eq!((rec.ret, rec.flags, rec.ino), (r.num("init"), 0, 0));
    assert_eq!(names, ["", "answer=42"]);
    let delete = r.one("delete_module", |e| e.op() == SF_OP_MODULE_DELETE);
    let (rec, names) = delete.as_path();
    assert_eq!((rec.ret, rec.flags), (r.num("delete"), libc::O_NONBLOCK as u32));
    assert_eq!(
        (names, delete.flags()),
        (["sysflow_no_such_module".into(), String::new()], SF_F_USER)
    );
}

fn programs() {
    const BPF_PROG_LOAD: usize = 5;
    const BPF_PROG_ATTACH: usize = 8;
    const BPF_OBJ_GET_INFO_BY_FD: usize = 15;
    const SOCKET_FILTER: u64 = 1;
    let r = record(|facts| {
        // r0 = 0; exit
        let code = [0xb7_u64, 0x95];
        let licence = c"GPL";
        let mut attr = [0_u64; 16];
        attr[0] = SOCKET_FILTER | (code.len() as u64) << 32;
        attr[1] = code.as_ptr() as u64;
        attr[2] = licence.as_ptr() as u64;
        let bpf = |cmd, attr: &[u64; 16]| {
            sys::call(libc::SYS_bpf, [cmd, attr.as_ptr() as usize, size_of_val(attr)])
        };
        let fd = bpf(BPF_PROG_LOAD, &attr).expect("load");
        let mut info = [0_u32; 64];
        let mut ask = [0_u64; 16];
        ask[0] = fd as u64 | 256 << 32;
        ask[1] = info.as_mut_ptr() as u64;
        let at = [BPF_OBJ_GET_INFO_BY_FD, ask.as_ptr() as usize, 16];
        sys::call(libc::SYS_bpf, at).expect("info");
        facts.set("fd", fd);
        // SAFETY: the kernel has filled it in behind the compiler's back.
        facts.set("id", unsafe { std::ptr::read_volatile(&raw const info[1]) });
        bpf(BPF_PROG_ATTACH, &[u64::MAX; 16]).expect_err("nonsense");
        attr[0] = 0xffff;
        bpf(BPF_PROG_LOAD, &attr).expect_err("no such type");
    });
    let calls = told(&r, SF_OP_BPF);
    assert_eq!(calls.len(), 3, "info is not told: {calls:?}");
    let load = BPF_PROG_LOAD as u64;
    assert_eq!(calls[0], (r.num("fd"), [load, SOCKET_FILTER, r.num("id")]));
    assert!(calls[1].0 < 0 && calls[2].0 < 0);
    assert_eq!((calls[1].1, calls[2].1), ([BPF_PROG_ATTACH as u64, 0, 0], [load, 0, 0]));
}

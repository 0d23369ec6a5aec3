// SPDX-License-Identifier: Apache-2.0
//! Processes: birth, program, death.

use std::ffi::{CStr, CString};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use nix::sched::{CloneFlags, unshare};
use nix::sys::wait::waitpid;
use nix::unistd::{Gid, Pid, Uid, setresgid, setresuid};
use probe_loader::abi::{
    SF_ARGS_MAX, SF_EXIT_LAST, SF_F_CUT, SF_F_FAULT, SF_F_USER, SF_OP_CLONE, SF_OP_EXEC,
    SF_OP_EXIT, SF_OP_FORK, SF_OP_READ, SF_SHARE_FILES, SF_SHARE_FS, SF_SHARE_THREAD, SF_SHARE_VM,
};

use crate::recording::{Event, Recording, record};
use crate::{Test, sys};

pub(crate) const TESTS: &[Test] = &[
    ("processes::fork_and_exit", fork_and_exit),
    ("processes::clone3", clone3),
    ("processes::vfork_and_posix_spawn", vfork_and_posix_spawn),
    ("processes::thread", thread),
    ("processes::exec", exec),
    ("processes::exec_of_long_arguments", exec_of_long_arguments),
    ("processes::exec_of_a_script", exec_of_a_script),
    ("processes::exec_by_a_thread", exec_by_a_thread),
    ("processes::failed_exec", failed_exec),
    ("processes::ids", ids),
    ("processes::killed", killed),
    ("processes::pid_namespace", pid_namespace),
    ("processes::started_by_the_kernel", started_by_the_kernel),
];

fn myself() -> CString {
    let path = std::env::current_exe().expect("own path");
    CString::new(path.to_str().expect("UTF-8")).expect("no NUL")
}

fn wait(pid: u32) {
    waitpid(Pid::from_raw(pid as i32), None).expect("wait");
}

fn fork_of(r: &Recording, child: u32) -> &Event {
    r.one("fork", |e| e.op() == SF_OP_FORK && e.as_fork().child_tid == child)
}

fn exit_of(r: &Recording, tid: u32) -> &Event {
    let found: Vec<_> =
        r.events.iter().filter(|e| e.op() == SF_OP_EXIT && e.hdr().tid == tid).collect();
    assert_eq!(found.len(), 1, "exit of {tid}");
    found[0]
}

fn call_of(e: &Event) -> (i64, u64) {
    match e.record() {
        probe_loader::Record::Call(call) => (call.ret, call.arg[0]),
        other => panic!("CLONE is sf_rec_call, not {other:?}"),
    }
}

/// Inode number of a namespace of the calling process.
fn namespace(kind: &str) -> u64 {
    fs::metadata(format!("/proc/self/ns/{kind}")).expect("namespace").ino()
}

fn fork_and_exit() {
    let r = record(|facts| {
        let child = match sys::fork() {
            0 => sys::exit(3),
            child => child,
        };
        wait(child);
        facts.set("child", child);
        facts.set("pidns", namespace("pid"));
        facts.set("uid", Uid::effective());
        facts.set("gid", Gid::effective());
    });
    let child: u32 = r.num("child");
    let fork = fork_of(&r, child);
    let f = fork.as_fork();
    assert_eq!((f.child_pid, f.ppid, f.shared), (child, r.pid, 0));
    assert_eq!((f.h.pid, f.h.tid), (r.pid, r.pid));
    assert_eq!((f.vtid, u64::from(f.pidns)), (child, r.num("pidns")));
    assert_eq!((f.uid, f.gid), (r.num("uid"), r.num("gid")));
    let exit = exit_of(&r, child);
    let x = exit.as_exit();
    assert_eq!((x.start, x.code, x.flags), (f.start, 3 << 8, SF_EXIT_LAST));
    // Before 5.17 the kernel sets it for a group of several threads only.
    assert!([0, 3 << 8].contains(&x.leader_code), "{}", x.leader_code);
    assert_eq!(exit_of(&r, r.pid).as_exit().start, f.parent_start);
    let clones = |pid| -> Vec<_> {
        r.of(pid).filter(|e| e.op() == SF_OP_CLONE).map(|e| call_of(e).0).collect()
    };
    assert_eq!(clones(child), [0]);
    assert_eq!(clones(r.pid).last(), Some(&i64::from(child)));
    let first = r.of(child).next().expect("child");
    assert!(fork.hdr().ts <= first.hdr().ts, "told before the child runs");
}

/// The flags of clone3 lie in user memory, and each side tells the network
/// namespace that it is in.
fn clone3() {
    // CLONE_CLEAR_SIGHAND, which clone(2) has no room for, and a namespace.
    let flags = 0x1_0000_0000 | u64::try_from(libc::CLONE_NEWNET).expect("a flag");
    let netns = || fs::metadata("/proc/self/ns/net").expect("namespace").ino();
    let r = record(|facts| {
        let mut args = [0_u64; 11];
        args[0] = flags;
        args[4] = libc::SIGCHLD as u64;
        let size = size_of_val(&args);
        let pid = sys::call(libc::SYS_clone3, [args.as_ptr() as usize, size]).expect("clone3");
        if pid == 0 {
            facts.set("inner", netns());
            sys::exit(0);
        }
        waitpid(Pid::from_raw(pid as i32), None).expect("wait");
        facts.set("child", pid);
        facts.set("outer", netns());
        let failed = sys::call(libc::SYS_clone3, [0, 64]);
        assert_eq!(failed.expect_err("no arguments").raw_os_error(), Some(libc::EFAULT));
    });
    let child: u32 = r.num("child");
    let clones = |pid: u32| -> Vec<_> {
        let clones = r.of(pid).filter(|e| e.op() == SF_OP_CLONE);
        clones.map(|e| (e.as_call().ret, e.as_call().arg, e.flags())).collect()
    };
    let (outer, inner): (u64, u64) = (r.num("outer"), r.num("inner"));
    let fault = i64::from(-libc::EFAULT);
    assert_ne!(outer, inner);
    assert_eq!(clones(child), [(0, [flags, inner, 0], SF_F_USER)]);
    // Before them is how the scene's own process was made.
    let made = clones(r.pid);
    let expected = [
        (child.into(), [flags, outer, 0], SF_F_USER),
        (fault, [0, outer, 0], SF_F_USER | SF_F_FAULT),
    ];
    assert!(made.ends_with(&expected), "{made:x?}");
}

/// A library starts programs with vfork's kind of clone.
fn vfork_and_posix_spawn() {
    let exe = std::env::current_exe().expect("own path");
    let r = record(|facts| {
        let mut child = std::process::Command::new(exe).args(["exit", "5"]).spawn().expect("spawn");
        facts.set("child", child.id());
        child.wait().expect("wait");
    });
    let child: u32 = r.num("child");
    let f = fork_of(&r, child).as_fork();
    assert_eq!(f.shared, SF_SHARE_VM);
    let execs: Vec<_> = r.of(child).filter(|e| e.op() == SF_OP_EXEC).collect();
    assert_eq!(execs.len(), 1);
    assert_eq!(execs[0].as_exec().0.start, f.start);
    assert_eq!(exit_of(&r, child).as_exit().code, 5 << 8);
}

fn thread() {
    let r = record(|facts| {
        let tid = std::thread::spawn(sys::gettid).join().expect("thread");
        facts.set("tid", tid);
        // A thread can be joined before it has ended: that it is not the last
        // is certain only when it is gone.
        while fs::exists(format!("/proc/self/task/{tid}")).expect("/proc") {
            std::thread::yield_now();
        }
    });
    let tid: u32 = r.num("tid");
    let f = fork_of(&r, tid).as_fork();
    assert_eq!((f.child_pid, f.child_tid), (r.pid, tid));
    assert_eq!(f.shared, SF_SHARE_THREAD | SF_SHARE_FILES | SF_SHARE_FS | SF_SHARE_VM);
    let exit = exit_of(&r, tid);
    assert_eq!((exit.hdr().pid, exit.as_exit().flags), (r.pid, 0), "not the last");
    let leader = exit_of(&r, r.pid).as_exit();
    assert_eq!((leader.flags, leader.start), (SF_EXIT_LAST, exit.as_exit().start));
}

fn zero_terminated(parts: &[&CStr]) -> Vec<u8> {
    parts.iter().flat_map(|part| part.to_bytes_with_nul()).copied().collect()
}

fn exec_record(r: &Recording, which: impl Fn(i32) -> bool) -> &Event {
    r.one("exec", |e| e.op() == SF_OP_EXEC && which(e.as_exec().0.ret))
}

const ENV: [&CStr; 2] = [c"PATH=/bin", c"EMPTY="];

fn exec() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let cwd = fs::canonicalize(dir.path()).expect("exists");
    let exe = myself();
    let r = record(|facts| {
        std::env::set_current_dir(&cwd).expect("chdir");
        let cgroup = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let cgroup = cgroup.lines().find_map(|line| line.strip_prefix("0::"));
        facts.set("cgroup", cgroup.unwrap_or("/"));
        let error = sys::execve(&exe, &[&exe, c"exit", c"7", c"two words"], &ENV);
        panic!("{error}");
    });
    let event = exec_record(&r, |ret| ret == 0);
    let (rec, strings) = event.as_exec();
    let meta = fs::metadata(exe.to_str().expect("UTF-8")).expect("program");
    assert_eq!(event.flags(), 0);
    assert_eq!((rec.exe_ino, rec.argc), (meta.ino(), 4));
    assert_eq!(rec.exe_dev, libc::major(meta.dev()) << 20 | libc::minor(meta.dev()));
    assert_eq!((rec.ppid, rec.vpid, rec.old_tid), (std::process::id(), r.pid, r.pid));
    assert_eq!((event.hdr().pid, event.hdr().tid), (r.pid, r.pid));
    assert_eq!(u64::from(rec.pidns), namespace("pid"));
    assert_eq!(strings.exe, exe.as_bytes());
    assert_eq!(strings.cwd, cwd.to_str().expect("UTF-8").as_bytes());
    assert_eq!(strings.args, zero_terminated(&[&exe, c"exit", c"7", c"two words"]));
    assert_eq!(strings.env, zero_terminated(&ENV));
    let cgroup = String::from_utf8_lossy(strings.cgroup);
    assert!(cgroup.starts_with('/'), "{cgroup}");
    if r.fact("cgroup") != "/" {
        assert!(cgroup.ends_with(r.fact("cgroup")), "{cgroup} and {}", r.fact("cgroup"));
    }
    let exit = exit_of(&r, r.pid).as_exit();
    assert_eq!((exit.start, exit.code), (rec.start, 7 << 8));
}

fn exec_of_a_script() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let script = fs::canonicalize(dir.path()).expect("exists").join("script");
    let exe = myself();
    let line = format!("#!{} exit\n", exe.to_str().expect("UTF-8"));
    fs::write(&script, line).expect("script");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("mode");
    let name = CString::new(script.to_str().expect("UTF-8")).expect("no NUL");
    let r = record(|_| {
        let error = sys::execve(&name, &[&name, c"x"], &ENV);
        panic!("{error}");
    });
    let (rec, strings) = exec_record(&r, |ret| ret == 0).as_exec();
    assert_eq!(strings.exe, exe.as_bytes(), "the interpreter runs");
    assert_eq!(strings.args, zero_terminated(&[&exe, c"exit", &name, c"x"]));
    assert_eq!(rec.argc, 4);
}

fn exec_of_long_arguments() {
    let exe = myself();
    let long = CString::new("a".repeat(20_000)).expect("no NUL");
    let var = CString::new(format!("V={}", "e".repeat(20_000))).expect("no NUL");
    let r = record(|_| {
        let error = sys::execve(&exe, &[&exe, c"exit", c"0", &long], &[&var]);
        panic!("{error}");
    });
    let event = exec_record(&r, |ret| ret == 0);
    let (rec, strings) = event.as_exec();
    assert_eq!((event.flags(), rec.argc), (SF_F_CUT, 4));
    let whole = zero_terminated(&[&exe, c"exit", c"0", &long]);
    assert_eq!(strings.args, &whole[..SF_ARGS_MAX as usize]);
    assert_eq!(strings.env, &zero_terminated(&[&var])[..SF_ARGS_MAX as usize]);
}

/// The thread becomes the leader; the record names it by its new number.
fn exec_by_a_thread() {
    let exe = myself();
    let r = record(|facts| {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                facts.set("tid", sys::gettid());
                let error = sys::execve(&exe, &[&exe, c"exit", c"4"], &[]);
                panic!("{error}");
            });
        });
    });
    let (rec, _) = exec_record(&r, |ret| ret == 0).as_exec();
    assert_eq!((rec.h.pid, rec.h.tid), (r.pid, r.pid));
    assert_eq!(rec.old_tid, r.num("tid"));
    assert_ne!(rec.old_tid, r.pid);
    assert_eq!(exit_of_last(&r).code, 4 << 8);
}

fn exit_of_last(r: &Recording) -> probe_loader::abi::sf_rec_exit {
    let last: Vec<_> =
        r.own().filter(|e| e.op() == SF_OP_EXIT && e.as_exit().flags & SF_EXIT_LAST != 0).collect();
    assert_eq!(last.len(), 1, "one last exit");
    *last[0].as_exit()
}

fn failed_exec() {
    let r = record(|_| {
        sys::execve(c"no/such/program", &[c"a"], &[]);
        sys::execve(c"/", &[c"a"], &[]);
    });
    for (path, error) in [("no/such/program", libc::ENOENT), ("/", libc::EACCES)] {
        let event = exec_record(&r, |ret| ret == -error);
        let (rec, strings) = event.as_exec();
        assert_eq!((event.flags(), strings.exe), (SF_F_USER, path.as_bytes()));
        assert_eq!((rec.exe_ino, rec.ppid), (0, std::process::id()));
        let cwd = std::env::current_dir().expect("cwd");
        assert_eq!(strings.cwd, cwd.to_str().expect("UTF-8").as_bytes());
    }
}

fn ids() {
    let exe = CString::new("/tmp/sysflow-live-ids").expect("no NUL");
    fs::copy(std::env::current_exe().expect("own path"), exe.to_str().expect("UTF-8"))
        .expect("a copy that others may run");
    let r = record(|_| {
        let (gid, uid) = (Gid::from_raw, Uid::from_raw);
        setresgid(gid(1001), gid(1002), gid(1003)).expect("setresgid");
        setresuid(uid(2001), uid(2002), uid(2003)).expect("setresuid");
        let error = sys::execve(&exe, &[&exe, c"exit", c"0"], &[]);
        panic!("{error}");
    });
    let (rec, _) = exec_record(&r, |ret| ret == 0).as_exec();
    assert_eq!((rec.ruid, rec.uid, rec.rgid, rec.gid), (2001, 2002, 1001, 1002));
    fs::remove_file(exe.to_str().expect("UTF-8")).expect("removed");
}

fn killed() {
    let r = record(|facts| {
        let (read_end, _write_end) = sys::pipe();
        let child = match sys::fork() {
            0 => {
                let _ = sys::read(read_end, &mut [0; 1]);
                sys::exit(0)
            }
            child => child,
        };
        nix::sys::signal::kill(Pid::from_raw(child as i32), nix::sys::signal::Signal::SIGKILL)
            .expect("kill");
        wait(child);
        facts.set("child", child);
    });
    let exit = exit_of(&r, r.num("child")).as_exit();
    assert_eq!((exit.code, exit.flags), (libc::SIGKILL, SF_EXIT_LAST));
    assert_eq!(exit.leader_code, libc::SIGKILL as u32);
}

fn pid_namespace() {
    let r = record(|facts| {
        unshare(CloneFlags::CLONE_NEWPID).expect("unshare");
        let child = match sys::fork() {
            0 => sys::exit(0),
            child => child,
        };
        let ns = fs::metadata("/proc/self/ns/pid_for_children").map(|m| m.ino());
        facts.set("pidns", ns.unwrap_or(0));
        facts.set("child", child);
        wait(child);
    });
    let f = fork_of(&r, r.num("child")).as_fork();
    assert_eq!((f.vtid, f.child_pid), (1, r.num("child")));
    assert_ne!(u64::from(f.pidns), namespace("pid"));
    let told: u64 = r.num("pidns");
    assert!(told == 0 || told == u64::from(f.pidns));
}

/// The kernel starts a program by itself: it has no system call to return
/// from, and none is told. Changes a setting of the machine, so only where the
/// test has one of its own.
fn started_by_the_kernel() {
    const PATTERN: &str = "/proc/sys/kernel/core_pattern";
    if std::env::var_os("SYSFLOW_TEST_MACHINE").is_none() {
        eprintln!("skipped: SYSFLOW_TEST_MACHINE is not set");
        return;
    }
    let exe = std::env::current_exe().expect("own path");
    let before = fs::read_to_string(PATTERN).expect("core pattern");
    fs::write(PATTERN, format!("|{} exit 0", exe.display())).expect("core pattern");
    let r = record(|_| {
        let child = match sys::fork() {
            0 => {
                let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGABRT);
                sys::exit(0)
            }
            child => child,
        };
        wait(child);
        std::thread::sleep(std::time::Duration::from_millis(300));
    });
    fs::write(PATTERN, before).expect("core pattern");
    let helper = r
        .events
        .iter()
        .find(|e| e.op() == SF_OP_EXEC && e.hdr().pid != r.pid)
        .expect("the program that takes the core");
    assert_eq!(helper.as_exec().1.exe, exe.to_str().expect("UTF-8").as_bytes());
    let helper = helper.hdr().pid;
    let reads = r.of(helper).filter(|e| e.op() == SF_OP_READ && e.as_io().fd == 0);
    assert_eq!(reads.count(), 0, "no read(2) was called");
}

// SPDX-License-Identifier: Apache-2.0
//! Processes: birth, program, end.

use std::ffi::CString;
use std::os::unix::fs::MetadataExt;

use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, chdir, execv, execve, fork};

use probe_loader::Record;
use probe_loader::abi::*;

use crate::support::{Captured, capture};

/// The FORK record whose child is this task.
fn birth(got: &Captured, tid: u32) -> &sf_rec_fork {
    got.all
        .iter()
        .find_map(|record| match record.get() {
            Record::Fork(fork) if fork.child_tid == tid => Some(fork),
            _ => None,
        })
        .expect("a birth")
}

fn exits(got: &Captured, pid: u32) -> Vec<&sf_rec_exit> {
    got.all
        .iter()
        .filter_map(|record| match record.get() {
            Record::Exit(exit) if exit.h.pid == pid => Some(exit),
            _ => None,
        })
        .collect()
}

fn calls(got: &Captured, tid: u32) -> Vec<i64> {
    got.all
        .iter()
        .filter(|record| record.op() == SF_OP_CLONE)
        .filter_map(|record| match record.get() {
            Record::Call(call) if call.h.tid == tid => Some(call.ret),
            _ => None,
        })
        .collect()
}

fn pid_of(value: i64) -> u32 {
    u32::try_from(value).expect("a pid")
}

/// Ends a child of the child.
fn leave(code: i32) -> ! {
    // SAFETY: ends the process; nothing runs after it.
    unsafe { libc::_exit(code) }
}

#[test]
fn a_fork_tells_parent_and_child_on_both_sides() {
    let Some(got) = capture(|board| {
        // SAFETY: the child has one thread and only ends.
        match unsafe { fork() }.expect("fork") {
            ForkResult::Child => leave(7),
            ForkResult::Parent { child } => {
                board.put(0, child.as_raw());
                waitpid(child, None).expect("wait");
            }
        }
    }) else {
        return;
    };
    let child = pid_of(got.board.get(0));
    let fork = birth(&got, child);
    assert_eq!((fork.h.pid, fork.h.tid, fork.child_pid), (got.pid, got.pid, child));
    assert_eq!((fork.ppid, fork.uid, fork.gid), (got.pid, 0, 0));
    assert_eq!((fork.vtid, fork.shared), (child, 0));
    assert_eq!(fork.parent_start, birth(&got, got.pid).start);
    let ns = std::fs::metadata("/proc/self/ns/pid").expect("namespace").ino();
    assert_eq!(u64::from(fork.pidns), ns);
    assert_eq!(calls(&got, got.pid).last(), Some(&i64::from(child)), "in the parent");
    assert_eq!(calls(&got, child), [0], "in the child");
    let ends = exits(&got, child);
    assert_eq!(ends.len(), 1);
    assert_eq!((ends[0].start, ends[0].code, ends[0].flags), (fork.start, 7 << 8, SF_EXIT_LAST));
}

#[test]
fn vfork_and_threads_tell_what_they_share() {
    let Some(got) = capture(|board| {
        // clone(2) as vfork does it, but with a copy of the memory, which is
        // safe to return into.
        let flags = libc::CLONE_VFORK | libc::SIGCHLD | libc::CLONE_FILES;
        // SAFETY: no stack is given and the memory is copied: like fork.
        let child = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
        if child == 0 {
            leave(0);
        }
        board.put(0, child);
        waitpid(Pid::from_raw(i32::try_from(child).expect("pid")), None).expect("wait");
        let thread = std::thread::spawn(nix::unistd::gettid);
        board.put(1, thread.join().expect("thread").as_raw());
        // Before Linux 6.16 a thread whose end is told after the process began
        // to end is marked as last too; this one shall be told before.
        std::thread::sleep(std::time::Duration::from_millis(200));
    }) else {
        return;
    };
    let vfork = birth(&got, pid_of(got.board.get(0)));
    assert_eq!(vfork.shared, SF_SHARE_FILES);
    let flags: Vec<u64> = got
        .child()
        .filter_map(|record| match record.get() {
            Record::Call(call) if call.ret == got.board.get(0) => Some(call.arg[0]),
            _ => None,
        })
        .collect();
    let asked = libc::CLONE_VFORK | libc::SIGCHLD | libc::CLONE_FILES;
    assert_eq!(flags, [u64::try_from(asked).expect("flags")]);
    let thread = birth(&got, pid_of(got.board.get(1)));
    assert_eq!(thread.child_pid, got.pid);
    let all = SF_SHARE_THREAD | SF_SHARE_FILES | SF_SHARE_FS | SF_SHARE_VM;
    assert_eq!(thread.shared, all);
    let ends = exits(&got, got.pid);
    assert_eq!(ends.len(), 2, "the thread, and the process");
    for end in ends {
        let last = if end.h.tid == got.pid { SF_EXIT_LAST } else { 0 };
        assert_eq!(end.flags, last);
    }
}

fn execs(
    got: &Captured,
    pid: u32,
) -> Vec<(&sf_rec_exec, probe_loader::record::ExecStrings<'_>, u32)> {
    got.all
        .iter()
        .filter_map(|record| match record.get() {
            Record::Exec(exec, strings) if exec.h.pid == pid => {
                Some((exec, strings, record.flags()))
            }
            _ => None,
        })
        .collect()
}

/// Runs a program in a child of the child and waits for it.
fn run(args: &[&str], env: &[&str]) -> Pid {
    let c = |all: &[&str]| -> Vec<CString> {
        all.iter().map(|text| CString::new(*text).expect("no NUL")).collect()
    };
    let (args, env) = (c(args), c(env));
    // SAFETY: the child has one thread.
    match unsafe { fork() }.expect("fork") {
        ForkResult::Child => {
            let Err(error) = execve(&args[0], &args, &env);
            eprintln!("{args:?}: {error}");
            leave(1)
        }
        ForkResult::Parent { child } => {
            waitpid(child, None).expect("wait");
            child
        }
    }
}

#[test]
fn an_exec_tells_the_program_its_arguments_and_where_it_runs() {
    let dir = tempfile::tempdir().expect("directory");
    let dir = dir.path().canonicalize().expect("path");
    let Some(got) = capture(|board| {
        chdir(&dir).expect("chdir");
        board.put(
            0,
            run(&["/bin/true", "first", "", "third arg"], &["A=1", "LONG_NAME=x y"]).as_raw(),
        );
    }) else {
        return;
    };
    let pid = pid_of(got.board.get(0));
    let execs = execs(&got, pid);
    assert_eq!(execs.len(), 1);
    let (exec, strings, flags) = &execs[0];
    let binary = std::fs::canonicalize("/bin/true").expect("true");
    assert_eq!(strings.exe, binary.to_str().expect("plain").as_bytes());
    assert_eq!(strings.cwd, dir.to_str().expect("plain").as_bytes());
    assert_eq!(strings.args, b"/bin/true\0first\0\0third arg\0");
    assert_eq!(strings.env, b"A=1\0LONG_NAME=x y\0");
    assert_eq!((*flags, exec.ret, exec.argc), (0, 0, 4));
    assert_eq!(exec.exe_ino, std::fs::metadata(&binary).expect("true").ino());
    assert_eq!((exec.ppid, exec.vpid, exec.old_tid), (got.pid, pid, pid));
    assert_eq!((exec.uid, exec.gid, exec.ruid, exec.rgid), (0, 0, 0, 0));
    assert_eq!(exec.start, birth(&got, pid).start);
    assert_eq!(exec.pidns, birth(&got, pid).pidns);
    assert_eq!(strings.cgroup.first(), Some(&b'/'));
    assert!(
        own_cgroups().iter().any(|path| path.as_bytes() == strings.cgroup),
        "{:?}",
        own_cgroups()
    );
}

/// Paths of this process's control groups, of which the child has the same.
fn own_cgroups() -> Vec<String> {
    let text = std::fs::read_to_string("/proc/self/cgroup").expect("control groups");
    text.lines().filter_map(|line| line.splitn(3, ':').nth(2).map(str::to_owned)).collect()
}

#[test]
fn arguments_and_environment_over_the_limit_are_cut() {
    let long = "a".repeat(20_000);
    let var = format!("V={long}");
    let Some(got) = capture(|board| {
        board.put(0, run(&["/bin/true", &long], &[&var]).as_raw());
    }) else {
        return;
    };
    let execs = execs(&got, pid_of(got.board.get(0)));
    let (exec, strings, flags) = &execs[0];
    assert_eq!(*flags, SF_F_CUT);
    assert_eq!(strings.args.len(), SF_ARGS_MAX as usize);
    assert!(strings.args.starts_with(b"/bin/true\0aaaa"));
    assert_eq!(strings.env.len(), SF_ENV_MAX as usize);
    assert!(strings.env.starts_with(b"V=aaaa"));
    assert_eq!(exec.argc, 2);
}

#[test]
fn a_script_tells_the_interpreter_that_runs_it() {
    let dir = tempfile::tempdir().expect("directory");
    let script = dir.path().canonicalize().expect("path").join("script");
    std::fs::write(&script, "#!/bin/sh -e\nexit 3\n").expect("script");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, mode).expect("mode");
    let name = script.to_str().expect("plain");
    let Some(got) = capture(|board| board.put(0, run(&[name, "x"], &[]).as_raw())) else {
        return;
    };
    let pid = pid_of(got.board.get(0));
    let (exec, strings, _) = execs(&got, pid)[0];
    let shell = std::fs::canonicalize("/bin/sh").expect("a shell");
    assert_eq!(strings.exe, shell.to_str().expect("plain").as_bytes());
    assert_eq!(strings.args, format!("/bin/sh\0-e\0{name}\0x\0").as_bytes());
    assert_eq!(exec.argc, 4);
    assert_eq!(exits(&got, pid)[0].code, 3 << 8);
}

#[test]
fn a_failed_exec_is_told_in_the_callers_words() {
    let Some(got) = capture(|_| {
        let path = CString::new("relative/none").expect("no NUL");
        execv(&path, std::slice::from_ref(&path)).expect_err("absent");
    }) else {
        return;
    };
    let execs = execs(&got, got.pid);
    assert_eq!(execs.len(), 1);
    let (exec, strings, flags) = &execs[0];
    assert_eq!((exec.ret, exec.exe_ino, *flags), (-libc::ENOENT, 0, SF_F_USER));
    assert_eq!(strings.exe, b"relative/none");
    assert_eq!(
        strings.cwd,
        std::env::current_dir().expect("cwd").to_str().expect("plain").as_bytes()
    );
    assert_eq!((strings.args, strings.env), (&b""[..], &b""[..]));
}

#[test]
fn a_killed_process_tells_the_signal() {
    let Some(got) = capture(|board| {
        // SAFETY: the child has one thread and waits to be killed.
        match unsafe { fork() }.expect("fork") {
            ForkResult::Child => loop {
                nix::unistd::pause();
            },
            ForkResult::Parent { child } => {
                board.put(0, child.as_raw());
                nix::sys::signal::kill(child, nix::sys::signal::SIGKILL).expect("kill");
                waitpid(child, None).expect("wait");
            }
        }
    }) else {
        return;
    };
    let ends = exits(&got, pid_of(got.board.get(0)));
    assert_eq!(ends.len(), 1);
    assert_eq!((ends[0].code, ends[0].leader_code), (libc::SIGKILL, libc::SIGKILL as u32));
}

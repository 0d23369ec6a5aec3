// SPDX-License-Identifier: Apache-2.0
//! Processes and their events.

use engine::snapshot::{Found, Lookup};
use probe_loader::abi::{SF_OP_READ, SF_SHARE_THREAD};
use sysflow::record::{ObjectState, OpFlags, Record};

use super::world::{World, at};

#[test]
fn a_shell_command_gives_the_sequence_of_the_reference() {
    let mut w = World::new();
    w.birth(1, 10, 10, 0);
    let start = w.now;
    w.clone_returns(1, 1, 10);
    w.clone_returns(10, 10, 0);
    w.exec(10, start, "/bin/ls\0-l\0a b\0", 0);
    w.exit(10, 10, true);
    let out = w.finish();
    out.check();
    let told: Vec<String> = out.all[1..]
        .iter()
        .map(|r| match r {
            Record::Process(p) => format!("{:?} {} {}", p.state, p.oid.hpid, p.exe),
            Record::ProcessEvent(e) => format!("{} {} {}", e.op_flags, e.proc_oid.hpid, e.ret),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(
        told,
        [
            "Reup 1 /init",
            "CLONE 1 10",
            "Created 10 /init",
            "CLONE 10 0",
            "Modified 10 /bin/ls",
            "EXEC 10 0",
            "EXIT 10 0",
        ]
    );
    let ls = out.processes().pop().expect("ls was written");
    assert_eq!((ls.exe_args.as_str(), ls.cwd.as_str()), ("-l a b", "/home/"));
    assert_eq!(ls.env, ["A=1", "B=2"]);
    assert_eq!(ls.poid.map(|p| p.hpid), Some(1));
}

#[test]
fn a_failed_exec_changes_nothing_but_is_told() {
    let mut w = World::new();
    w.birth(1, 10, 10, 0);
    let start = w.now;
    w.clone_returns(10, 10, 0);
    w.exec(10, start, "/nowhere\0", -2);
    let out = w.finish();
    out.check();
    assert_eq!(out.processes().last().map(|p| p.exe.clone()), Some("/init".into()));
    let last = out.process_events().pop().expect("the exec");
    assert_eq!((last.op_flags, last.ret), (OpFlags::EXEC, -2));
}

#[test]
fn a_thread_is_no_process() {
    let mut w = World::new();
    w.fork(1, 10);
    w.birth(10, 10, 11, SF_SHARE_THREAD);
    w.clone_returns(10, 10, 11);
    w.clone_returns(10, 11, 0);
    w.exit(10, 11, false);
    w.exit(10, 10, true);
    let out = w.finish();
    out.check();
    assert_eq!(out.processes().len(), 2, "init and one process");
    let exits: Vec<_> = out
        .process_events()
        .iter()
        .filter(|e| e.op_flags == OpFlags::EXIT)
        .map(|e| (e.proc_oid.hpid, e.tid))
        .collect();
    assert_eq!(exits, [(10, 11), (10, 10)]);
}

#[test]
fn two_threads_that_both_seem_the_last_end_one_process() {
    let mut w = World::new();
    w.fork(1, 10);
    w.birth(10, 10, 11, SF_SHARE_THREAD);
    w.exit(10, 11, true);
    w.exit(10, 10, true);
    let out = w.finish();
    out.check();
    assert_eq!(out.counts.looked_up, 0);
    assert_eq!(out.processes().len(), 2);
}

#[test]
fn a_pid_that_is_used_again_is_another_process() {
    let mut w = World::new();
    w.fork(1, 10);
    w.open(at(10, 3), 0xf, "/a");
    // The exit did not arrive.
    w.fork(1, 10);
    w.io(SF_OP_READ, at(10, 3), 0xf, 1);
    let out = w.finish();
    out.check();
    let tens: Vec<_> = out.processes().iter().filter(|p| p.oid.hpid == 10).map(|p| p.oid).collect();
    assert_eq!(tens.len(), 2);
    assert_ne!(tens[0], tens[1]);
    let flows = out.file_flows();
    assert_eq!((flows[0].proc_oid, flows[1].proc_oid), (tens[0], tens[1]));
}

#[test]
fn an_exec_with_another_start_time_is_another_process() {
    let mut w = World::new();
    w.fork(1, 10);
    w.exec(10, w.now + 500, "/bin/new\0", 0);
    let out = w.finish();
    out.check();
    let new = out.processes().pop().expect("the new process");
    assert_eq!((new.exe.as_str(), new.state), ("/bin/new", ObjectState::Created));
    assert_eq!(out.processes().iter().filter(|p| p.oid.hpid == 10).count(), 2);
}

/// A /proc with two processes that the engine was not told of.
struct Two;

impl Lookup for Two {
    fn process(&mut self, pid: u32) -> Option<Found> {
        let ppid = match pid {
            50 => 51,
            51 => 1,
            _ => return None,
        };
        Some(Found {
            pid,
            ppid,
            start: u64::from(pid),
            exe: format!("/bin/{pid}"),
            ..Found::default()
        })
    }
}

#[test]
fn an_unknown_process_is_looked_up_with_its_parent() {
    let mut w = World::with_lookup(Box::new(Two));
    w.open(at(50, 3), 0xf, "/a");
    w.open(at(60, 3), 0xe, "/b");
    let out = w.finish();
    out.check();
    assert_eq!((out.counts.looked_up, out.counts.not_found), (2, 1));
    let chain: Vec<_> = out.processes().iter().map(|p| p.exe.clone()).collect();
    assert_eq!(chain, ["/init", "/bin/51", "/bin/50", "<NA>"]);
}

#[test]
fn in_another_file_entities_are_written_again() {
    let mut w = World::new();
    w.fork(1, 10);
    w.open(at(10, 3), 0xf, "/a");
    w.tick(31);
    w.begin_file();
    w.io(SF_OP_READ, at(10, 3), 0xf, 1);
    w.exit(10, 10, true);
    let out = w.finish();
    out.check();
    let told: Vec<_> = out.processes().iter().map(|p| (p.oid.hpid, p.state)).collect();
    use ObjectState::{Created, Reup};
    assert_eq!(told, [(1, Reup), (10, Created), (1, Reup), (10, Reup)]);
    let files = out.all.iter().filter(|r| matches!(r, Record::File(_))).count();
    assert_eq!(files, 2);
}

#[test]
fn dead_ancestors_are_written_with_their_descendants() {
    let mut w = World::new();
    w.fork(1, 10);
    w.fork(10, 20);
    w.exit(10, 10, true);
    w.tick(5);
    w.fork(20, 30);
    w.exit(30, 30, true);
    let out = w.finish();
    out.check();
}

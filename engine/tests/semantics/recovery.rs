// SPDX-License-Identifier: Apache-2.0
//! What is made good after records were lost.

use engine::engine::Corrected;
use engine::snapshot::Found;
use probe_loader::Record;
use probe_loader::abi::sf_rec_call;
use probe_loader::abi::{SF_OP_READ, SF_OP_SETUID};
use sysflow::record::{ObjectState, OpFlags};

use super::world::{SECOND, World, at};

/// A process as /proc tells it, which knows start times to 10 ms.
fn found(pid: u32, start: u64) -> Found {
    Found {
        pid,
        ppid: 1,
        start: start - start % 10_000_000,
        exe: "/init".into(),
        binary: true,
        ..Found::default()
    }
}

fn init() -> Found {
    Found { ppid: 0, uid: 0, gid: 0, ..found(1, 1) }
}

#[test]
fn a_process_whose_exit_was_lost_is_ended() {
    let mut w = World::new();
    w.fork(1, 10);
    w.open(at(10, 3), 0xf, "/a");
    w.io(SF_OP_READ, at(10, 3), 0xf, 5);
    w.tick(1);
    let corrected = w.scan(&[init()]);
    assert_eq!(corrected, Corrected { gone: 1, ..Corrected::default() });
    assert_eq!((w.living(), w.table("flows").0), (1, 0));
    w.tick(5);
    assert_eq!(w.table("processes").0, 1, "its memory is given back");
    let out = w.finish();
    out.check();
    assert_eq!(out.counts.gone, 1);
    let [flow] = &out.file_flows()[..] else { panic!("a flow") };
    assert_eq!(flow.op_flags, OpFlags::OPEN | OpFlags::READ_RECV | OpFlags::TRUNCATE);
    assert_eq!(flow.num_r_recv_bytes, 5);
    let exits = out.process_events().iter().filter(|e| e.op_flags == OpFlags::EXIT).count();
    assert_eq!(exits, 0, "nobody saw it");
}

#[test]
fn a_process_whose_birth_was_lost_is_known_before_it_does_something() {
    let mut w = World::new();
    let start = w.now;
    w.tick(1);
    let missed = Found { exe: "/bin/missed".into(), ..found(10, start) };
    let child = Found { ppid: 10, ..found(11, start) };
    // In any order: a child can be found before its parent.
    let corrected = w.scan(&[child, init(), missed]);
    assert_eq!(corrected, Corrected { missed: 2, ..Corrected::default() });
    w.open(at(11, 3), 0xf, "/a");
    w.exit(11, 11, true);
    let out = w.finish();
    out.check();
    assert_eq!(out.counts.looked_up, 0);
    let told: Vec<_> = out.processes().iter().map(|p| (p.oid.hpid, p.state)).collect();
    use ObjectState::Reup;
    assert_eq!(told, [(1, Reup), (10, Reup), (11, Reup)]);
}

#[test]
fn a_number_that_was_used_again_unseen_is_another_process() {
    let mut w = World::new();
    w.fork(1, 10);
    w.open(at(10, 3), 0xf, "/a");
    w.tick(1);
    let second = w.now;
    w.tick(1);
    let corrected = w.scan(&[init(), found(10, second)]);
    assert_eq!(corrected, Corrected { missed: 1, ..Corrected::default() });
    w.io(SF_OP_READ, at(10, 3), 0xf, 3);
    let out = w.finish();
    out.check();
    let [first, second] = &out.file_flows()[..] else { panic!("two flows") };
    assert_ne!(first.proc_oid, second.proc_oid);
    assert_eq!((first.num_r_recv_bytes, second.num_r_recv_bytes), (0, 3));
    assert!(first.op_flags.contains(OpFlags::TRUNCATE));
}

#[test]
fn a_program_that_was_started_unseen_is_told() {
    let mut w = World::new();
    let start = w.birth_with(1, 10, 10, |_| ());
    w.clone_returns(10, 10, 0);
    w.tick(1);
    let now = Found {
        exe: "/bin/new".into(),
        args: "-x".into(),
        uid: 5,
        gid: 6,
        cgroup: b"/lxc/web".to_vec(),
        ..found(10, start)
    };
    let corrected = w.scan(&[init(), now.clone()]);
    assert_eq!(corrected, Corrected { changed: 1, ..Corrected::default() });
    w.tick(1);
    assert!(w.scan(&[init(), now]).is_nothing(), "all is well");
    let out = w.finish();
    out.check();
    let last = out.processes().pop().expect("written again");
    assert_eq!((last.state, last.exe.as_str()), (ObjectState::Modified, "/bin/new"));
    assert_eq!((last.exe_args.as_str(), last.uid, last.gid), ("-x", 5, 6));
    assert_eq!(last.container_id.as_deref(), Some("web"));
    let execs = out.process_events().iter().filter(|e| e.op_flags == OpFlags::EXEC).count();
    assert_eq!((execs, out.counts.scans), (0, 2), "nobody saw the exec");
}

#[test]
fn what_happens_while_proc_is_read_is_newer() {
    let mut w = World::new();
    let start = w.birth_with(1, 10, 10, |_| ());
    w.tick(1);
    let begun = w.now;
    // Read then, and before all of that.
    let old = found(10, start);
    w.exec(10, start, "/bin/new\0", 0);
    let h = w.hdr(10, 10, SF_OP_SETUID);
    w.apply(&Record::Call(&sf_rec_call { h, arg: [9, 9, 9], ..sf_rec_call::default() }));
    w.fork(1, 20);
    w.fork(1, 30);
    w.exit(30, 30, true);
    let ended = found(30, w.now);
    let corrected = w.scan_from(&[init(), old, ended], begun);
    assert!(corrected.is_nothing(), "{corrected:?}");
    assert_eq!(w.living(), 3, "20 began after it was read, 30 has ended");
    let out = w.finish();
    out.check();
    let ten = out.processes().into_iter().rfind(|p| p.oid.hpid == 10).expect("written");
    assert_eq!((ten.exe.as_str(), ten.uid), ("/bin/new", 9));
}

#[test]
fn a_process_that_could_not_be_looked_up_does_not_stay() {
    let mut w = World::new();
    // Its birth and its end were lost, and one operation of it was not.
    w.open(at(60, 3), 0xf, "/a");
    assert_eq!(w.living(), 2);
    w.tick(1);
    assert_eq!(w.scan(&[init()]).gone, 1);
    w.tick(5);
    assert_eq!((w.living(), w.table("processes").0), (1, 1));
    w.finish().check();
}

#[test]
fn a_process_that_was_unknown_and_lives_is_known_from_then_on() {
    let mut w = World::new();
    let start = w.now;
    w.open(at(60, 3), 0xf, "/a");
    w.tick(1);
    let corrected = w.scan(&[init(), Found { exe: "/bin/x".into(), ..found(60, start) }]);
    assert_eq!(corrected.missed, 1);
    w.io(SF_OP_READ, at(60, 3), 0xf, 1);
    let out = w.finish();
    out.check();
    assert_eq!(out.processes().pop().map(|p| p.exe).as_deref(), Some("/bin/x"));
}

#[test]
fn a_zombie_has_ended() {
    let mut w = World::new();
    let start = w.birth_with(1, 10, 10, |_| ());
    w.tick(1);
    let zombie = Found { zombie: true, ..found(10, start) };
    let other = Found { zombie: true, ..found(11, start) };
    assert_eq!(w.scan(&[init(), zombie, other]).gone, 1);
    assert_eq!(w.living(), 1);
    w.finish().check();
}

#[test]
fn a_name_that_is_not_the_binarys_changes_nothing() {
    let mut w = World::new();
    let start = w.birth_with(1, 10, 10, |_| ());
    w.tick(1);
    // The leader has ended, and with it what /proc had of its program.
    let leader = Found { exe: "[x]".into(), binary: false, ..found(10, start) };
    assert!(w.scan(&[init(), leader]).is_nothing());
    w.finish().check();
}

// Of files nothing has to be looked up: each record names its open file, and
// the driver describes a file until its description arrived.

#[test]
fn a_lost_close_ends_with_the_next_use_of_the_number() {
    let mut w = World::new();
    w.fork(1, 10);
    w.open(at(10, 3), 0xf, "/a");
    w.io(SF_OP_READ, at(10, 3), 0xf, 1);
    // The close was lost.
    w.open(at(10, 3), 0xe, "/b");
    w.io(SF_OP_READ, at(10, 3), 0xe, 2);
    w.close(at(10, 3));
    let out = w.finish();
    out.check();
    let told: Vec<_> = out
        .file_flows()
        .iter()
        .map(|f| (out.path(f.file_oid).to_owned(), f.num_r_recv_bytes))
        .collect();
    let sum = |path: &str| -> i64 { told.iter().filter(|t| t.0 == path).map(|t| t.1).sum() };
    assert_eq!((sum("/a"), sum("/b"), told.len()), (1, 2, 2), "{told:?}");
}

#[test]
fn a_lost_open_is_made_good_by_the_description() {
    let mut w = World::new();
    w.fork(1, 10);
    w.open(at(10, 3), 0xf, "/a");
    w.close(at(10, 3));
    // The kernel gives the same identity to the next file; its open was lost,
    // so the driver describes it at its first use.
    w.describe(at(10, 3), 0xf, "/b", libc::S_IFREG);
    w.io(SF_OP_READ, at(10, 3), 0xf, 2);
    // Open, description and all were lost: no guess is made.
    w.io(SF_OP_READ, at(10, 4), 0x99, 7);
    let out = w.finish();
    out.check();
    let [first, second] = &out.file_flows()[..] else { panic!("two flows") };
    assert_eq!((out.path(first.file_oid), first.num_r_recv_bytes), ("/a", 0));
    assert_eq!((out.path(second.file_oid), second.num_r_recv_bytes), ("/b", 2));
    assert_eq!(out.counts.undescribed, 1);
}

#[test]
fn a_lost_dup_does_not_tell_of_the_old_file() {
    let mut w = World::new();
    w.fork(1, 10);
    w.open(at(10, 3), 0xf, "/a");
    w.open(at(10, 4), 0xe, "/b");
    w.io(SF_OP_READ, at(10, 4), 0xe, 1);
    // dup2(3, 4) was lost: 4 is another file from now on.
    w.io(SF_OP_READ, at(10, 4), 0xf, 100);
    w.now += SECOND;
    let out = w.finish();
    out.check();
    let bytes = |path: &str| -> i64 {
        let flows = out.file_flows();
        let of = flows.iter().filter(|f| out.path(f.file_oid) == path);
        of.map(|f| f.num_r_recv_bytes).sum()
    };
    assert_eq!((bytes("/a"), bytes("/b")), (100, 1));
}

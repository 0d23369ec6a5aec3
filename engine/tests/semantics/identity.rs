// SPDX-License-Identifier: Apache-2.0
//! Who did it: processes that are born, change and end in every way that Linux
//! has.

use probe_loader::Record;
use probe_loader::abi::{
    SF_OP_CLONE, SF_OP_CLOSE_RANGE, SF_OP_READ, SF_OP_SETNS, SF_OP_UNSHARE, SF_OP_WRITE,
    SF_SHARE_FILES, SF_SHARE_FS, SF_SHARE_THREAD, SF_SHARE_VM, sf_rec_call,
};
use sysflow::record::{ContainerType, ObjectState, Oid, OpFlags};

use super::world::{At, World, Written, at};

/// The identities of all processes with that number, as they were written.
fn written(out: &Written, pid: i64) -> Vec<Oid> {
    let mut oids: Vec<_> =
        out.processes().iter().filter(|p| p.oid.hpid == pid).map(|p| p.oid).collect();
    oids.dedup();
    oids
}

fn call(w: &mut World, pid: u32, op: u32, arg: [u64; 3]) {
    let h = w.hdr(pid, pid, op);
    w.apply(&Record::Call(&sf_rec_call { h, arg, ..sf_rec_call::default() }));
}

#[test]
fn pid_reuse_after_an_exit() {
    let mut w = World::new();
    w.fork(1, 10);
    w.open(at(10, 3), 0xf, "/a");
    w.exit(10, 10, true);
    w.fork(1, 10);
    w.open(at(10, 3), 0xe, "/b");
    w.exit(10, 10, true);
    let out = w.finish();
    out.check();
    let [first, second] = written(&out, 10)[..] else { panic!("two processes") };
    let flows: Vec<_> =
        out.file_flows().iter().map(|f| (f.proc_oid, out.path(f.file_oid).to_owned())).collect();
    assert_eq!(flows, [(first, "/a".to_owned()), (second, "/b".to_owned())]);
    let exits: Vec<_> = out.process_events().iter().map(|e| (e.op_flags, e.proc_oid)).collect();
    let exits: Vec<_> = exits.iter().filter(|(op, _)| *op == OpFlags::EXIT).collect();
    assert_eq!(exits, [&(OpFlags::EXIT, first), &(OpFlags::EXIT, second)]);
    assert_eq!(out.counts.looked_up, 0);
}

#[test]
fn pid_reuse_while_the_exit_was_lost() {
    let mut w = World::new();
    w.fork(1, 10);
    w.open(at(10, 3), 0xf, "/a");
    w.io(SF_OP_READ, at(10, 3), 0xf, 5);
    w.fork(1, 10);
    w.exit(10, 10, true);
    w.tick(5);
    assert_eq!(w.living(), 1);
    let out = w.finish();
    out.check();
    let [first, second] = written(&out, 10)[..] else { panic!("two processes") };
    let [flow] = &out.file_flows()[..] else { panic!("a flow") };
    assert_eq!((flow.proc_oid, flow.num_r_recv_bytes), (first, 5));
    assert_eq!(flow.op_flags, OpFlags::OPEN | OpFlags::READ_RECV | OpFlags::TRUNCATE);
    let exit = out.process_events().pop().expect("an exit");
    assert_eq!(exit.proc_oid, second, "the exit is that of the second");
}

#[test]
fn exec_by_a_thread_that_is_not_the_leader() {
    let mut w = World::new();
    let start = w.birth_with(1, 10, 10, |_| ());
    w.birth(10, 10, 11, SF_SHARE_THREAD);
    w.birth(10, 10, 12, SF_SHARE_THREAD);
    let thread = At { pid: 10, tid: 11, fd: 3 };
    w.open(thread, 0xf, "/a");
    w.open(at(10, 4), 0xe, "/b");
    // The kernel ends the others, the leader too, and gives its number to 11.
    w.exit(10, 12, false);
    w.exit(10, 10, false);
    w.exec_with(10, start, "/bin/new\0", b"/", |exec| exec.old_tid = 11);
    assert_eq!(w.table("flows").0, 0, "no thread with these numbers is left");
    w.open(at(10, 3), 0xd, "/c");
    w.exit(10, 10, true);
    let out = w.finish();
    out.check();
    assert_eq!(written(&out, 10).len(), 1, "it is the same process");
    let last = out.processes().pop().expect("written again");
    assert_eq!((last.state, last.exe.as_str()), (ObjectState::Modified, "/bin/new"));
    let flows: Vec<_> =
        out.file_flows().iter().map(|f| (f.tid, out.path(f.file_oid).to_owned())).collect();
    let expected = [(10, "/b"), (11, "/a"), (10, "/c")].map(|(t, p)| (t, p.to_owned()));
    assert_eq!(flows, expected);
}

#[test]
fn fork_with_a_shared_table_of_descriptors() {
    let mut w = World::new();
    w.fork(1, 10);
    w.open(at(10, 3), 0xf, "/a");
    w.birth(10, 20, 20, SF_SHARE_FILES);
    w.io(SF_OP_READ, at(20, 3), 0xf, 7);
    // What the child opens, the parent uses under the same number.
    w.open(at(20, 4), 0xe, "/b");
    w.io(SF_OP_WRITE, at(10, 4), 0xe, 9);
    // What the child closes is closed for the parent.
    w.close(at(20, 3));
    let before = w.now;
    w.tick(1);
    w.open(at(10, 3), 0xd, "/c");
    w.io(SF_OP_READ, at(10, 3), 0xd, 1);
    let out = w.finish();
    out.check();
    let flows = out.file_flows();
    let of = |pid: i64, path: &str| {
        let found: Vec<_> = flows
            .iter()
            .filter(|f| f.proc_oid.hpid == pid && out.path(f.file_oid) == path)
            .collect();
        assert_eq!(found.len(), 1, "{pid} {path}");
        *found[0]
    };
    assert_eq!(of(20, "/a").op_flags, OpFlags::READ_RECV | OpFlags::CLOSE);
    let cut = of(10, "/a");
    assert_eq!(cut.op_flags, OpFlags::OPEN | OpFlags::TRUNCATE);
    assert_eq!(cut.end_ts, before.cast_signed(), "when the child closed it");
    assert_eq!(of(10, "/b").num_w_send_bytes, 9);
    assert_eq!(of(10, "/c").num_r_recv_bytes, 1);
}

#[test]
fn a_table_of_descriptors_is_shared_until_exec_or_unshare() {
    type Change = fn(&mut World);
    let ways: [Change; 3] = [
        |w| w.exec_with(20, 0, "/bin/x\0", b"/", |exec| exec.start = w_start(20)),
        |w| call(w, 20, SF_OP_UNSHARE, [0x400, 0, 0]),
        // Of a child that closes a range: in a table of its own.
        |w| call(w, 20, SF_OP_CLOSE_RANGE, [100, 200, 2]),
    ];
    for (index, way) in ways.into_iter().enumerate() {
        let mut w = World::new();
        w.fork(1, 10);
        w.birth_with(10, 20, 20, |fork| {
            (fork.shared, fork.start) = (SF_SHARE_FILES, w_start(20));
        });
        w.open(at(10, 3), 0xf, "/a");
        w.io(SF_OP_READ, at(20, 3), 0xf, 1);
        way(&mut w);
        w.io(SF_OP_READ, at(20, 3), 0xf, 1);
        w.close(at(20, 3));
        w.io(SF_OP_READ, at(10, 3), 0xf, 5);
        let out = w.finish();
        out.check();
        let parent: Vec<_> =
            out.file_flows().into_iter().filter(|f| f.proc_oid.hpid == 10).collect();
        assert_eq!(parent.len(), 1, "way {index}: the parent's goes on");
        assert_eq!(parent[0].num_r_recv_bytes, 5);
    }
}

/// A start time that does not depend on when.
fn w_start(pid: u32) -> u64 {
    u64::from(pid) << 32
}

#[test]
fn vfork_and_exec_while_the_parent_waits() {
    let mut w = World::new();
    w.fork(1, 10);
    let start = w.birth_with(10, 20, 20, |fork| fork.shared = SF_SHARE_VM);
    // The child returns and starts its program before the parent goes on.
    w.clone_returns(20, 20, 0);
    w.open(at(20, 3), 0xf, "/log");
    w.exec(20, start, "/bin/tool\0", 0);
    w.clone_returns(10, 10, 20);
    w.io(SF_OP_WRITE, at(20, 3), 0xf, 2);
    w.exit(20, 20, true);
    let out = w.finish();
    out.check();
    let tool: Vec<_> = out.processes().into_iter().filter(|p| p.oid.hpid == 20).collect();
    let states: Vec<_> = tool.iter().map(|p| (p.state, p.exe.as_str())).collect();
    assert_eq!(states, [(ObjectState::Created, "/init"), (ObjectState::Modified, "/bin/tool")]);
    let parent = out.processes().into_iter().find(|p| p.oid.hpid == 10).expect("the parent");
    assert_eq!((parent.exe.as_str(), tool[1].poid), ("/init", Some(parent.oid)));
    let [flow] = &out.file_flows()[..] else { panic!("one flow, before and after the exec") };
    assert_eq!((flow.num_w_send_bytes, flow.proc_oid), (2, tool[1].oid));
}

#[test]
fn double_fork_keeps_the_parent_that_has_gone() {
    let mut w = World::new();
    w.fork(1, 10);
    w.fork(10, 20);
    w.fork(20, 30);
    w.exit(20, 20, true);
    w.tick(5);
    w.begin_file();
    w.open(at(30, 3), 0xf, "/a");
    w.exit(30, 30, true);
    w.tick(5);
    assert_eq!(w.table("processes").0, 2, "1 and 10");
    let out = w.finish();
    out.check();
    let daemon = out.processes().pop().expect("the daemon");
    assert_eq!((daemon.oid.hpid, daemon.poid.map(|p| p.hpid)), (30, Some(20)));
    let again = out.processes().iter().filter(|p| p.oid.hpid == 20).count();
    assert_eq!(again, 2, "the parent is in the second file too, though it has gone");
}

#[test]
fn a_child_that_is_made_under_another_parent() {
    // CLONE_PARENT, or a parent that had gone and was replaced by a subreaper:
    // the kernel names the real parent, which is not the caller.
    let mut w = World::new();
    w.fork(1, 10);
    w.fork(10, 20);
    w.birth_with(20, 30, 30, |fork| fork.ppid = 10);
    w.open(at(30, 3), 0xf, "/a");
    // A subreaper takes over a child: what was told of it stays.
    w.exit(10, 10, true);
    w.tick(5);
    w.open(at(30, 4), 0xe, "/b");
    let out = w.finish();
    out.check();
    let child: Vec<_> = out.processes().into_iter().filter(|p| p.oid.hpid == 30).collect();
    assert_eq!(child.len(), 1);
    assert_eq!(child[0].poid.map(|p| p.hpid), Some(10));
}

#[test]
fn the_first_process_of_a_pid_namespace_is_an_entry() {
    let mut w = World::new();
    w.birth_with(1, 10, 10, |fork| fork.vtid = 1);
    w.birth_with(10, 20, 20, |fork| fork.vtid = 2);
    w.open(at(20, 3), 0xf, "/a");
    // A program started by a process of which nothing was known.
    w.exec_with(40, w_start(40), "/bin/init\0", b"/", |exec| exec.vpid = 1);
    let out = w.finish();
    out.check();
    let entry =
        |pid: i64| out.processes().into_iter().rfind(|p| p.oid.hpid == pid).expect("written").entry;
    assert_eq!((entry(1), entry(10), entry(20), entry(40)), (false, true, false, true));
}

#[test]
fn setns_and_unshare_change_no_identity() {
    let mut w = World::new();
    w.fork(1, 10);
    w.open(at(10, 3), 0xf, "/proc/1/ns/net");
    call(&mut w, 10, SF_OP_SETNS, [3, 0x4000_0000, 0]);
    call(&mut w, 10, SF_OP_UNSHARE, [0x2000_0000, 0, 0]);
    // Children are in another pid namespace, told by the host's numbers.
    w.birth_with(10, 20, 20, |fork| (fork.vtid, fork.pidns) = (1, 77));
    w.open(at(20, 3), 0xe, "/a");
    let out = w.finish();
    out.check();
    assert_eq!((written(&out, 10).len(), written(&out, 20).len()), (1, 1));
    let entered = &out.file_flows()[0];
    assert!(entered.op_flags.contains(OpFlags::SETNS), "{entered:?}");
    assert_eq!(out.counts.untold, 1, "unshare has no record");
}

#[test]
fn exit_of_a_whole_thread_group() {
    let mut w = World::new();
    w.fork(1, 10);
    for tid in 11..15 {
        w.birth(10, 10, tid, SF_SHARE_THREAD);
        w.open(At { pid: 10, tid, fd: tid as i32 }, u64::from(tid), "/a");
    }
    // In any order, and with several that seem the last (kernels before 6.16).
    for (tid, last) in [(12, false), (10, false), (14, true), (11, true), (13, true)] {
        w.exit(10, tid, last);
    }
    assert_eq!((w.living(), w.table("flows").0), (1, 0));
    w.tick(5);
    assert_eq!(w.table("processes").0, 1);
    let out = w.finish();
    out.check();
    assert_eq!(out.file_flows().len(), 4);
    let exits = out.process_events().into_iter().filter(|e| e.op_flags == OpFlags::EXIT).count();
    assert_eq!((exits, out.counts.looked_up), (5, 0));
}

#[test]
fn a_leader_that_ended_before_its_threads() {
    let mut w = World::new();
    w.fork(1, 10);
    w.birth(10, 10, 11, SF_SHARE_THREAD);
    w.open(at(10, 3), 0xf, "/a");
    w.exit(10, 10, false);
    w.tick(100);
    let thread = At { pid: 10, tid: 11, fd: 3 };
    w.io(SF_OP_READ, thread, 0xf, 4);
    w.fork(10, 20);
    assert_eq!(w.living(), 3, "the process lives on");
    w.exit(10, 11, true);
    w.tick(5);
    assert_eq!(w.living(), 2);
    let out = w.finish();
    out.check();
    assert_eq!(written(&out, 10).len(), 1);
    let flows = out.file_flows();
    assert_eq!(flows.iter().map(|f| f.tid).collect::<Vec<_>>(), [10, 11]);
    assert_eq!(out.counts.looked_up, 0);
}

#[test]
fn a_fork_bomb_that_ends_leaves_nothing() {
    let mut w = World::new();
    let mut pids = 10..;
    let mut alive = vec![1];
    for _ in 0..9 {
        let children: Vec<u32> = alive
            .iter()
            .map(|parent| (*parent, pids.next().expect("endless")))
            .map(|(parent, child)| {
                w.fork(parent, child);
                child
            })
            .collect();
        alive.extend(children);
    }
    assert_eq!(w.living(), 512);
    for pid in alive.iter().skip(1) {
        w.exit(*pid, *pid, true);
    }
    w.tick(5);
    assert_eq!((w.living(), w.table("processes").0), (1, 1));
    let out = w.finish();
    out.check();
    assert_eq!(out.counts.looked_up, 0);
}

#[test]
fn a_program_started_in_another_control_group_is_in_another_container() {
    let id = "0123456789ab".repeat(6);
    let group = |name: &str| format!("/docker/{name}").into_bytes();
    let (first, second) = (group(&id[..64]), group(&id[1..65]));
    let mut w = World::new();
    let start = w.birth_with(1, 10, 10, |_| ());
    w.open(at(10, 3), 0xf, "/host");
    w.exec_with(10, start, "/bin/a\0", &first, |_| ());
    w.open(at(10, 3), 0xe, "/etc/passwd");
    // Its child is in the same until it is told otherwise.
    w.birth(10, 20, 20, SF_SHARE_FS);
    w.open(at(20, 3), 0xd, "/etc/passwd");
    // Moved by its runtime, which then starts the program.
    w.exec_with(10, start, "/bin/b\0", &second, |_| ());
    w.open(at(10, 4), 0xc, "/etc/passwd");
    let out = w.finish();
    out.check();
    let containers: Vec<_> =
        out.containers().iter().map(|c| (c.id.clone(), c.container_type)).collect();
    let docker = |id: &str| (id[..12].to_owned(), ContainerType::Docker);
    assert_eq!(containers, [docker(&id), docker(&id[1..])]);
    let of = |pid: i64| {
        let mut all: Vec<_> = out
            .processes()
            .into_iter()
            .filter(|p| p.oid.hpid == pid)
            .map(|p| p.container_id)
            .collect();
        all.dedup();
        all
    };
    assert_eq!(of(10), [Some(id[..12].to_owned()), Some(id[1..13].to_owned())]);
    assert_eq!(of(20), [Some(id[..12].to_owned())]);
    // The same path in another container is another file.
    let files: Vec<_> = out.file_flows().iter().map(|f| f.file_oid).collect();
    assert_eq!(files.len(), 4);
    let passwd: std::collections::HashSet<_> =
        files.iter().filter(|f| out.path(**f) == "/etc/passwd").collect();
    assert_eq!(passwd.len(), 2);
}

#[test]
fn a_pod_is_told_with_its_container() {
    let mut w = World::new();
    let start = w.birth_with(1, 10, 10, |_| ());
    let id = "a".repeat(64);
    let path = format!(
        "/kubepods.slice/kubepods-pod33b35f4f_6d9e_4d3c_8c8e_4b9d6c0a5d11.slice/cri-containerd-{id}.scope"
    );
    w.exec_with(10, start, "/bin/a\0", path.as_bytes(), |exec| exec.vpid = 1);
    let out = w.finish();
    out.check();
    let [container] = &out.containers()[..] else { panic!("a container") };
    assert_eq!(container.pod_id.as_deref(), Some("33b35f4f-6d9e-4d3c-8c8e-4b9d6c0a5d11"));
    assert_eq!(container.container_type, ContainerType::Containerd);
}

#[test]
fn clone_that_fails_makes_nobody() {
    let mut w = World::new();
    w.fork(1, 10);
    let h = w.hdr(10, 10, SF_OP_CLONE);
    w.apply(&Record::Call(&sf_rec_call { h, ret: -11, ..sf_rec_call::default() }));
    assert_eq!(w.living(), 2);
    let out = w.finish();
    out.check();
    let failed = out.process_events().pop().expect("the failed clone");
    assert_eq!((failed.op_flags, failed.ret), (OpFlags::CLONE, -11));
}

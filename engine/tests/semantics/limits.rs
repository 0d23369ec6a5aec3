// SPDX-License-Identifier: Apache-2.0
//! Tables that are full: what goes, and that nothing is lost by it.

use engine::state::limits::Limits;
use probe_loader::abi::{SF_OP_READ, SF_OP_WRITE};
use sysflow::record::OpFlags;

use super::world::{World, at};

#[test]
fn of_too_many_flows_the_oldest_are_written_and_ended() {
    let mut w = World::with_limits(Limits { flows: 100, ..Limits::default() });
    w.fork(1, 10);
    for fd in 3..1003 {
        w.open(at(10, fd), fd as u64, &format!("/{fd}"));
        w.io(SF_OP_WRITE, at(10, fd), fd as u64, 1);
    }
    let (open, evicted) = w.table("flows");
    assert!(open <= 100 && evicted >= 900, "{open} {evicted}");
    // One that was ended begins anew, and is closed as any.
    w.io(SF_OP_READ, at(10, 3), 3, 5);
    w.close(at(10, 3));
    let out = w.finish();
    out.check();
    let flows = out.file_flows();
    let sum: i64 = flows.iter().map(|f| f.num_w_send_bytes).sum();
    assert_eq!((sum, flows.len()), (1000, 1001), "nothing is lost");
    let first: Vec<_> =
        flows.iter().filter(|f| f.fd == 3).map(|f| (f.op_flags, f.num_r_recv_bytes)).collect();
    let begun = OpFlags::OPEN | OpFlags::WRITE_SEND | OpFlags::TRUNCATE;
    assert_eq!(first, [(begun, 0), (OpFlags::READ_RECV | OpFlags::CLOSE, 5)]);
}

#[test]
fn of_too_many_open_files_those_without_flows_go() {
    let mut w = World::with_limits(Limits { open_files: 64, ..Limits::default() });
    w.fork(1, 10);
    w.open(at(10, 3), 3, "/busy");
    for fd in 4..500 {
        w.open(at(10, fd), fd as u64, &format!("/{fd}"));
        // Closed, but that was lost; its flow has run out.
        w.tick(20);
        w.io(SF_OP_READ, at(10, 3), 3, 1);
        assert!(w.table("open_files").0 <= 65);
    }
    assert!(w.table("open_files").1 >= 400);
    // One that went is told of by its description at its next use.
    w.io(SF_OP_READ, at(10, 4), 4, 1);
    w.describe(at(10, 4), 4, "/4", libc::S_IFREG);
    w.io(SF_OP_READ, at(10, 4), 4, 7);
    let out = w.finish();
    out.check();
    assert_eq!(out.counts.undescribed, 1, "and until then it is counted");
    let bytes = |path: &str| -> i64 {
        let flows = out.file_flows();
        flows.iter().filter(|f| out.path(f.file_oid) == path).map(|f| f.num_r_recv_bytes).sum()
    };
    assert_eq!((bytes("/busy"), bytes("/4")), (496, 7));
}

#[test]
fn of_too_many_files_those_that_nothing_names_go() {
    let mut w = World::with_limits(Limits { objects: 64 << 10, ..Limits::default() });
    w.fork(1, 10);
    w.open(at(10, 3), 3, "/busy");
    for n in 0..5000u64 {
        // The kernel uses identities again.
        w.open(at(10, 4), 4, &format!("/some/folder/{n}"));
        w.io(SF_OP_READ, at(10, 4), 4, 1);
        w.close(at(10, 4));
        w.io(SF_OP_READ, at(10, 3), 3, 1);
    }
    assert!(w.table("objects").1 > 4000);
    let out = w.finish();
    out.check();
    assert_eq!(out.counts.undescribed, 0);
    let sum: i64 = out.file_flows().iter().map(|f| f.num_r_recv_bytes).sum();
    assert_eq!(sum, 10_000, "nothing is lost");
}

#[test]
fn too_many_files_in_use_make_room_for_others() {
    let mut w = World::with_limits(Limits { objects: 64 << 10, ..Limits::default() });
    w.fork(1, 10);
    for fd in 3..3003 {
        w.open(at(10, fd), fd as u64, &format!("/some/folder/{fd}"));
        w.io(SF_OP_READ, at(10, fd), fd as u64, 1);
    }
    assert!(w.table("objects").1 > 2000 && w.table("flows").1 > 2000);
    let out = w.finish();
    out.check();
    let sum: i64 = out.file_flows().iter().map(|f| f.num_r_recv_bytes).sum();
    assert_eq!(sum, 3000, "nothing is lost");
}

#[test]
fn of_too_many_descriptors_those_of_idle_processes_go() {
    let mut w = World::with_limits(Limits { descriptors: 1000, ..Limits::default() });
    for pid in 10..60 {
        w.fork(1, pid);
        for fd in 0..40 {
            w.open(at(pid, fd), u64::from(pid) << 8 | fd as u64, "/a");
        }
    }
    assert!(w.table("descriptors").0 <= 1100 && w.table("descriptors").1 > 900);
    // A number that is not remembered is known again by its use.
    w.io(SF_OP_READ, at(10, 7), 10 << 8 | 7, 3);
    w.close(at(10, 7));
    let out = w.finish();
    out.check();
    let last = out.file_flows().into_iter().find(|f| f.op_flags.contains(OpFlags::CLOSE));
    assert_eq!(last.map(|f| (f.fd, f.num_r_recv_bytes)), Some((7, 3)));
    assert_eq!(out.file_flows().len(), 50 * 40 + 1);
}

#[test]
fn of_too_many_processes_the_dead_go_first_and_then_the_idle() {
    let mut w = World::with_limits(Limits { processes: 100, ..Limits::default() });
    w.fork(1, 5);
    w.open(at(5, 3), 3, "/busy");
    for pid in 10..510 {
        w.fork(1, pid);
        w.exit(pid, pid, true);
        assert!(w.table("processes").0 <= 100);
    }
    assert_eq!(w.living(), 2, "nobody who lives has gone");
    for pid in 1000..1500 {
        w.fork(1, pid);
        w.io(SF_OP_READ, at(5, 3), 3, 1);
    }
    assert!(w.table("processes").0 <= 100 && w.table("processes").1 > 800);
    // One that was forgotten is looked up when it does something.
    w.open(at(1000, 3), 9, "/a");
    let out = w.finish();
    out.check();
    assert_eq!(out.counts.looked_up, 1);
    let busy: Vec<_> = out.file_flows().into_iter().filter(|f| f.proc_oid.hpid == 5).collect();
    assert_eq!((busy.len(), busy[0].num_r_recv_bytes), (1, 500), "who does something stays");
}

#[test]
fn texts_without_room_are_in_one_file_only() {
    let mut w = World::with_limits(Limits { texts: 1 << 16, ..Limits::default() });
    for pid in 10..200u32 {
        let start = w.birth_with(1, pid, pid, |_| ());
        w.exec(pid, start, &format!("/bin/tool\0{pid}\0{}\0", "x".repeat(1000)), 0);
    }
    let (_, evicted) = w.table("texts");
    assert!(evicted > 50, "{evicted}");
    w.begin_file();
    w.open(at(199, 3), 3, "/a");
    let out = w.finish();
    out.check();
    let told: Vec<_> = out.processes().into_iter().filter(|p| p.exe == "/bin/tool").collect();
    assert_eq!(told.len(), 191);
    let (again, first) = told.split_last().expect("processes");
    assert!(first.iter().all(|p| p.exe_args.len() > 1000), "all arguments were told once");
    assert_eq!((again.oid.hpid, again.exe_args.as_str()), (199, ""));
}

#[test]
fn containers_that_nobody_is_in_go() {
    let mut w = World::with_limits(Limits { containers: 16, ..Limits::default() });
    for pid in 10..200u32 {
        let start = w.birth_with(1, pid, pid, |_| ());
        let group = format!("/docker/{pid:012}{}", "0".repeat(52));
        w.exec_with(pid, start, "/bin/a\0", group.as_bytes(), |_| ());
        w.exit(pid, pid, true);
        w.tick(2);
        assert!(w.table("containers").0 <= 16);
    }
    let out = w.finish();
    out.check();
    assert_eq!(out.containers().len(), 190);
}

// SPDX-License-Identifier: Apache-2.0
//! File flows: when they start, what they sum, when they end.

use probe_loader::abi::{SF_OP_READ, SF_OP_WRITE};
use sysflow::record::{OpFlags, OpenFlags};

use super::world::{At, World, at};

#[test]
fn a_file_that_is_opened_used_and_closed_is_one_flow() {
    let mut w = World::new();
    w.fork(1, 10);
    w.open(at(10, 3), 0xf, "/a");
    let opened = w.now;
    for _ in 0..3 {
        w.io(SF_OP_WRITE, at(10, 3), 0xf, 100);
    }
    w.io(SF_OP_READ, at(10, 3), 0xf, 7);
    w.close(at(10, 3));
    let closed = w.now;
    w.exit(10, 10, true);
    let out = w.finish();
    out.check();
    let flows = out.file_flows();
    assert_eq!(flows.len(), 1);
    let f = &flows[0];
    assert_eq!(out.path(f.file_oid), "/a");
    let all = OpFlags::OPEN | OpFlags::WRITE_SEND | OpFlags::READ_RECV | OpFlags::CLOSE;
    assert_eq!((f.op_flags, f.open_flags), (all, OpenFlags::RDWR));
    assert_eq!((f.num_w_send_ops, f.num_w_send_bytes), (3, 300));
    assert_eq!((f.num_r_recv_ops, f.num_r_recv_bytes), (1, 7));
    assert_eq!((f.ts, f.end_ts), (opened as i64, closed as i64));
    assert_eq!((f.fd, f.tid, f.proc_oid.hpid), (3, 10, 10));
}

#[test]
fn exit_ends_the_flows_that_are_open_before_it_is_told() {
    let mut w = World::new();
    w.fork(1, 10);
    w.open(at(10, 3), 0xf, "/a");
    w.exit(10, 10, true);
    let out = w.finish();
    out.check();
    assert_eq!(out.file_flows()[0].op_flags, OpFlags::OPEN | OpFlags::TRUNCATE);
    assert!(matches!(out.all.last(), Some(sysflow::record::Record::ProcessEvent(_))));
}

#[test]
fn the_end_of_the_capture_ends_what_is_open() {
    let mut w = World::new();
    w.open(at(1, 3), 0xf, "/a");
    let out = w.finish();
    out.check();
    assert_eq!(out.file_flows()[0].op_flags, OpFlags::OPEN | OpFlags::TRUNCATE);
}

#[test]
fn a_flow_that_goes_on_is_exported_each_interval_and_idle_ones_are_not() {
    let mut w = World::new();
    w.open(at(1, 3), 0xf, "/a");
    for _ in 0..3 {
        w.tick(31);
        w.io(SF_OP_READ, at(1, 3), 0xf, 5);
    }
    for _ in 0..10 {
        w.tick(31);
    }
    w.io(SF_OP_READ, at(1, 3), 0xf, 9);
    let out = w.finish();
    out.check();
    let flows = out.file_flows();
    let sums: Vec<_> = flows.iter().map(|f| f.num_r_recv_bytes).collect();
    assert_eq!(sums, [0, 5, 5, 5, 9], "one for each interval with operations, nothing lost");
    assert!(flows[0].op_flags.contains(OpFlags::OPEN));
    assert!(flows[1..].iter().all(|f| !f.op_flags.contains(OpFlags::OPEN)));
    assert_eq!(flows[1].open_flags, OpenFlags::RDWR, "how it was opened is kept over an export");
}

#[test]
fn a_gap_in_time_loses_nothing() {
    let mut w = World::new();
    w.open(at(1, 3), 0xf, "/a");
    w.io(SF_OP_READ, at(1, 3), 0xf, 5);
    w.tick(100_000);
    let out = w.finish();
    assert_eq!(out.file_flows()[0].num_r_recv_bytes, 5);
}

#[test]
fn threads_have_flows_of_their_own_and_close_ends_them_all() {
    let mut w = World::new();
    w.fork(1, 10);
    let (one, two) = (at(10, 3), At { pid: 10, tid: 11, fd: 3 });
    w.open(one, 0xf, "/a");
    w.io(SF_OP_READ, two, 0xf, 8);
    w.close(one);
    let out = w.finish();
    out.check();
    let flows = out.file_flows();
    let told: Vec<_> = flows.iter().map(|f| (f.tid, f.op_flags)).collect();
    assert_eq!(
        told,
        [(11, OpFlags::READ_RECV | OpFlags::TRUNCATE), (10, OpFlags::OPEN | OpFlags::CLOSE),]
    );
}

#[test]
fn a_thread_that_exits_does_not_end_the_flows_of_others() {
    let mut w = World::new();
    w.fork(1, 10);
    let two = At { pid: 10, tid: 11, fd: 3 };
    w.open(two, 0xf, "/a");
    w.io(SF_OP_READ, at(10, 3), 0xf, 8);
    w.exit(10, 11, false);
    w.io(SF_OP_READ, at(10, 3), 0xf, 8);
    w.close(at(10, 3));
    let out = w.finish();
    out.check();
    let told: Vec<_> =
        out.file_flows().iter().map(|f| (f.tid, f.op_flags, f.num_r_recv_ops)).collect();
    assert_eq!(
        told,
        [(11, OpFlags::OPEN | OpFlags::TRUNCATE, 0), (10, OpFlags::READ_RECV | OpFlags::CLOSE, 2),]
    );
}

#[test]
fn a_child_uses_what_it_inherits_as_its_own_flow() {
    let mut w = World::new();
    w.fork(1, 10);
    w.open(at(10, 3), 0xf, "/a");
    w.fork(10, 20);
    w.io(SF_OP_WRITE, at(20, 3), 0xf, 1);
    w.close(at(20, 3));
    w.close(at(10, 3));
    let out = w.finish();
    out.check();
    let told: Vec<_> = out.file_flows().iter().map(|f| (f.proc_oid.hpid, f.op_flags)).collect();
    assert_eq!(
        told,
        [(20, OpFlags::WRITE_SEND | OpFlags::CLOSE), (10, OpFlags::OPEN | OpFlags::CLOSE)]
    );
}

#[test]
fn closing_an_inherited_descriptor_is_told_and_an_unknown_one_is_counted() {
    let mut w = World::new();
    w.open(at(1, 3), 0xf, "/a");
    w.fork(1, 10);
    w.close(at(10, 3));
    w.close(at(10, 3));
    w.close(at(10, 99));
    let out = w.finish();
    out.check();
    let told: Vec<_> = out.file_flows().iter().map(|f| (f.proc_oid.hpid, f.op_flags)).collect();
    assert_eq!(told[0], (10, OpFlags::CLOSE));
    assert_eq!(out.counts.unused_close, 2);
}

#[test]
fn dup_makes_flows_of_its_own_and_keeps_numbers_apart() {
    let mut w = World::new();
    w.fork(1, 10);
    w.open(at(10, 3), 0xf, "/a");
    w.open(at(10, 1), 0xe, "/log");
    // dup2(3, 1): number 1 is /a from now on.
    w.dup(at(10, 3), 0xf, 1);
    w.io(SF_OP_WRITE, at(10, 1), 0xf, 10);
    w.close(at(10, 1));
    let out = w.finish();
    out.check();
    let told: Vec<_> = out
        .file_flows()
        .iter()
        .map(|f| (out.path(f.file_oid).to_owned(), f.fd, f.num_w_send_bytes))
        .collect();
    assert!(told.contains(&("/a".into(), 1, 10)));
    assert!(told.contains(&("/log".into(), 1, 0)));
}

#[test]
fn what_may_be_gone_after_an_exec_is_not_guessed() {
    let mut w = World::new();
    w.fork(1, 10);
    w.open(at(10, 3), 0xf, "/a");
    let start = w.now;
    w.exec(10, start, "/bin/ls\0", 0);
    w.close(at(10, 3));
    let out = w.finish();
    assert_eq!(out.counts.unused_close, 1);
    assert!(!out.file_flows()[0].op_flags.contains(OpFlags::CLOSE));
}

#[test]
fn an_identity_that_the_kernel_uses_again_is_the_new_file() {
    let mut w = World::new();
    w.open(at(1, 3), 0xf, "/a");
    w.io(SF_OP_READ, at(1, 3), 0xf, 1);
    // The close did not arrive; the same struct file serves the next open.
    w.open(at(1, 3), 0xf, "/b");
    w.io(SF_OP_READ, at(1, 3), 0xf, 2);
    let out = w.finish();
    out.check();
    let mut told: Vec<_> = out
        .file_flows()
        .iter()
        .map(|f| (out.path(f.file_oid).to_owned(), f.num_r_recv_bytes))
        .collect();
    told.sort();
    assert_eq!(told, [("/a".to_owned(), 1), ("/b".to_owned(), 2)]);
}

#[test]
fn pipes_have_names_and_anonymous_inodes_are_silent() {
    let mut w = World::new();
    w.describe(at(1, 4), 0xa, "", libc::S_IFIFO);
    w.io(SF_OP_WRITE, at(1, 4), 0xa, 3);
    w.describe(at(1, 5), 0xb, "[eventfd]", 0);
    w.io(SF_OP_WRITE, at(1, 5), 0xb, 8);
    let out = w.finish();
    out.check();
    let flows = out.file_flows();
    assert_eq!(flows.len(), 1);
    assert_eq!(out.path(flows[0].file_oid), "pipe:[0]");
    assert_eq!(out.counts.silent, 1);
}

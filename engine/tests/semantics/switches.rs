// SPDX-License-Identifier: Apache-2.0
//! What is collected is chosen by switches.

use engine::semantics::{Collect, FileReads, Semantics};
use probe_loader::abi::{SF_OP_READ, SF_OP_WRITE, SF_SHARE_THREAD};
use sysflow::record::{self, OpFlags, ProcessFlow};

use super::world::{At, World, Written, at};

/// A file that is read, one that is written, and a pipe.
fn work(semantics: Semantics) -> Written {
    let mut w = World::with_semantics(semantics);
    w.fork(1, 10);
    w.open(at(10, 3), 0xa, "/proc/stat");
    w.io(SF_OP_READ, at(10, 3), 0xa, 5);
    w.close(at(10, 3));
    w.open(at(10, 3), 0xb, "/home/log");
    w.io(SF_OP_WRITE, at(10, 3), 0xb, 5);
    w.close(at(10, 3));
    w.describe(at(10, 4), 0xc, "", libc::S_IFIFO);
    w.io(SF_OP_WRITE, at(10, 4), 0xc, 3);
    w.exit(10, 10, true);
    let out = w.finish();
    out.check();
    out
}

fn paths(out: &Written) -> Vec<(&str, OpFlags)> {
    let flows = out.file_flows();
    flows.iter().map(|f| (out.path(f.file_oid), f.op_flags)).collect()
}

#[test]
fn files_can_be_told_by_their_opening_only_or_not_at_all() {
    let consume = work(Semantics { collect: Collect::Consume, ..Semantics::default() });
    assert_eq!(paths(&consume), [("/proc/stat", OpFlags::OPEN), ("/home/log", OpFlags::OPEN)]);
    let none = work(Semantics { collect: Collect::NoFiles, ..Semantics::default() });
    assert_eq!(paths(&none), []);
    assert_eq!(none.process_events().len(), 3);
}

#[test]
fn of_files_only_regular_ones_can_be_told() {
    let out = work(Semantics { file_only: true, ..Semantics::default() });
    assert_eq!(paths(&out).len(), 2);
}

#[test]
fn flows_that_only_read_can_be_left_out() {
    // The flows were opened for reading and writing.
    let out = work(Semantics { reads: FileReads::NoSystem, ..Semantics::default() });
    let told: Vec<_> = paths(&out).into_iter().map(|(path, _)| path).collect();
    assert_eq!(told, ["/home/log", "pipe:[0]"]);
    assert_eq!(out.counts.left_out, 1);
}

#[test]
fn threads_can_be_summed_in_process_flows() {
    let mut w = World::with_semantics(Semantics { process_flows: true, ..Semantics::default() });
    w.fork(1, 10);
    for tid in [11, 12] {
        w.birth(10, 10, tid, SF_SHARE_THREAD);
        w.clone_returns(10, tid, 0);
    }
    w.open(At { pid: 10, tid: 11, fd: 3 }, 0xa, "/a");
    w.exit(10, 11, false);
    w.exit(10, 10, true);
    let out = w.finish();
    out.check();
    let flows: Vec<&ProcessFlow> = out
        .all
        .iter()
        .filter_map(|r| if let record::Record::ProcessFlow(f) = r { Some(f) } else { None })
        .collect();
    assert_eq!(flows.len(), 1);
    let f = flows[0];
    assert_eq!((f.num_threads_cloned, f.num_threads_exited, f.num_clone_errors), (2, 1, 0));
    assert_eq!(f.op_flags, OpFlags::CLONE | OpFlags::EXIT);
    assert_eq!(out.file_flows()[0].op_flags, OpFlags::OPEN | OpFlags::TRUNCATE);
    let told: Vec<_> = out.process_events().iter().map(|e| (e.tid, e.op_flags)).collect();
    assert_eq!(told, [(1, OpFlags::CLONE), (10, OpFlags::CLONE), (10, OpFlags::EXIT)]);
}

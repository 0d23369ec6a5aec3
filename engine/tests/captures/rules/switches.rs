// SPDX-License-Identifier: Apache-2.0
//! The reference's switches, and its defects on request.

use capture_writer::{Scenario, Values};
use engine::scap::Options;
use engine::semantics::{Collect, FileReads, Semantics};
use sysflow::record::{OpFlags, Record};

use super::{none, story, told, told_with};

fn options(change: impl FnOnce(&mut Semantics)) -> Options {
    let mut options = Options::default();
    change(&mut options.semantics);
    options
}

fn files() -> Scenario {
    let (mut s, _) = story();
    s.open(100, 3, "/proc/stat", 1).read(100, 3, 5).close(100, 3);
    s.open(100, 3, "/home/a", 3).write(100, 3, 5).close(100, 3);
    s.open(100, 3, "/home", 0x401).close(100, 3);
    s.call(100, 276, &none(), &Values::new().i64(0).text("/d"));
    s
}

#[test]
fn modes_choose_what_of_files_is_told() {
    let paths = |options: &Options| {
        let out = told_with(files(), options);
        let flows = out.flows().into_iter().map(|(path, _, ops)| (path, ops));
        (flows.collect::<Vec<_>>(), out.file_events().len())
    };
    let open = |path: &str| (path.to_owned(), OpFlags::OPEN.bits());
    let consume = options(|s| s.collect = Collect::Consume);
    assert_eq!(paths(&consume), (vec![open("/proc/stat"), open("/home/a"), open("/home")], 1));
    let none = options(|s| s.collect = Collect::NoFiles);
    assert_eq!(paths(&none), (vec![], 0));
    let only = options(|s| s.file_only = true);
    assert_eq!((paths(&only).0.len(), paths(&only).1), (2, 1));
}

#[test]
fn reads_are_left_out_but_their_files_are_told() {
    let system = options(|s| s.reads = FileReads::NoSystem);
    let out = told_with(files(), &system);
    assert_eq!(out.file_flows().len(), 2);
    assert!(out.records.iter().any(|r| matches!(r, Record::File(f) if f.path == "/proc/stat")));
    let all = options(|s| s.reads = FileReads::None);
    let ours = told_with(files(), &all);
    assert_eq!(ours.flows()[0].0, "/home/a");
    let theirs = options(|s| (s.reads, s.compat) = (FileReads::None, true));
    assert!(told_with(files(), &theirs).flows().is_empty(), "opened for reading, too");
}

#[test]
fn what_is_open_at_the_end_is_told_whatever_it_read() {
    let (mut s, _) = story();
    s.open(100, 3, "/proc/stat", 1).read(100, 3, 5);
    let out = told_with(s, &options(|s| s.reads = FileReads::None));
    assert_eq!(out.flows().len(), 1);
}

/// A process with two threads, one of which ends before it.
fn threads() -> Scenario {
    let (mut s, shell) = story();
    let child = s.fork(&shell, 200);
    s.spawn(&child, 201);
    s.spawn(&child, 202);
    s.open(201, 3, "/a", 1);
    s.exit(201, 0);
    s.event(200, 222, &none());
    s.event(200, 223, &Values::new().i64(-11).text("x").bytes(b"").i64(200).i64(200).i64(100));
    s.exit(200, 0);
    s
}

#[test]
fn threads_are_summed_in_process_flows() {
    for (compat, errors) in [(false, 1), (true, 0)] {
        let out = told_with(threads(), &options(|s| (s.process_flows, s.compat) = (true, compat)));
        let flow = out.records.iter().find_map(|r| match r {
            Record::ProcessFlow(f) => {
                Some((f.num_threads_cloned, f.num_threads_exited, f.num_clone_errors))
            }
            _ => None,
        });
        assert_eq!(flow, Some((2, 1, errors)), "compat: {compat}");
        let told: Vec<_> =
            out.process_events().iter().map(|e| (e.tid, e.op_flags, e.ret)).collect();
        assert_eq!(
            told,
            [(100, OpFlags::CLONE, 200), (200, OpFlags::CLONE, 0), (200, OpFlags::EXIT, 0)],
            "compat: {compat}"
        );
        assert_eq!(out.flows().len(), 1);
    }
    let out = told(threads());
    assert_eq!(out.process_events().len(), 9, "an event each");
}

#[test]
fn newer_versions_of_calls_are_told_but_not_by_the_reference() {
    let work = || {
        let (mut s, _) = story();
        let exit = Values::new().i64(3).text("/made").u32(0).u32(0).u64(0).u16(0x4000);
        s.call(100, 58, &none(), &exit);
        let exit = Values::new().i64(4).i64(-100).text("/o2").u32(1).u32(0).u32(0).u32(0).u64(0);
        s.call(100, 326, &none(), &exit);
        s.write(100, 3, 1);
        s
    };
    let ours = told(work());
    assert_eq!(ours.file_flows().len(), 2);
    let made = ours.file_flows().into_iter().find(|f| f.fd == 3).expect("the flow");
    assert_eq!(made.open_flags.bits(), 0x4106, "as open with CREAT, WRONLY, TRUNC");
    let theirs = told_with(work(), &options(|s| s.compat = true));
    let told: Vec<_> = theirs.flows().into_iter().map(|(path, _, ops)| (path, ops)).collect();
    assert_eq!(told, [("/made".to_owned(), (OpFlags::WRITE_SEND | OpFlags::TRUNCATE).bits())]);
}

#[test]
fn nothing_is_lost_over_a_gap_but_by_the_reference() {
    let work = || {
        let (mut s, _) = story();
        s.open(100, 3, "/a", 1).read(100, 3, 5);
        s.wait(100_000_000_000);
        s.read(100, 3, 7).close(100, 3);
        s
    };
    let sums = |options: &Options| -> Vec<_> {
        let flows = told_with(work(), options).file_flows();
        flows.iter().map(|f| (f.num_r_recv_bytes, f.open_flags.bits())).collect()
    };
    assert_eq!(sums(&Options::default()), [(5, 1), (7, 0)]);
    assert_eq!(sums(&options(|s| s.compat = true)), [(7, 0)]);
}

#[test]
fn a_flow_that_goes_on_is_told_every_thirty_seconds() {
    let (mut s, _) = story();
    s.open(100, 3, "/a", 1);
    for _ in 0..100 {
        s.wait(1_000_000_000).read(100, 3, 1);
    }
    s.close(100, 3);
    let out = told(s);
    let told: Vec<_> = out
        .file_flows()
        .iter()
        .map(|f| (f.num_r_recv_ops, f.op_flags.bits() & (128 | 1024), f.open_flags.bits()))
        .collect();
    assert_eq!(told, [(29, 128, 1), (30, 0, 1), (30, 0, 1), (11, 1024, 1)]);
    let flows = out.file_flows();
    assert!(flows.windows(2).all(|pair| pair[0].end_ts == pair[1].ts), "without a gap");
}

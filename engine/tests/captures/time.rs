// SPDX-License-Identifier: Apache-2.0
//! Long captures: flows that go on, that rest, and that are never closed.

use std::io::Cursor;

use capture_writer::Scenario;
use capture_writer::lists::Process;
use engine::scap::Options;
use engine::scap::file::Reader;
use proptest::prelude::*;
use sysflow::record::{FileFlow, NetworkFlow, OpFlags, Record};

use super::convert::convert;

const SECOND: u64 = 1_000_000_000;
const START: u64 = 1_600_000_000 * SECOND;

/// A host with a shell and somebody else.
fn scenario() -> Scenario {
    let mut scenario = Scenario::new(START);
    scenario.thread(Process::new(1, 0, "/sbin/init"));
    scenario.thread(Process::new(100, 1, "/bin/sh")).thread(Process::new(200, 1, "/bin/other"));
    scenario
}

fn records(scenario: Scenario) -> Vec<Record> {
    let reader = Reader::new(Cursor::new(scenario.finish()), "memory").expect("memory is read");
    convert(reader, &Options::default()).records
}

fn file_flows(records: &[Record]) -> Vec<FileFlow> {
    let flows = records.iter().filter_map(|record| match record {
        Record::FileFlow(flow) => Some(*flow),
        _ => None,
    });
    flows.collect()
}

fn network_flows(records: &[Record]) -> Vec<NetworkFlow> {
    let flows = records.iter().filter_map(|record| match record {
        Record::NetworkFlow(flow) => Some(*flow),
        _ => None,
    });
    flows.collect()
}

#[test]
fn a_long_flow_gives_a_record_every_30_seconds() {
    let mut scenario = scenario();
    scenario.open(100, 3, "/var/log/a", 2);
    for _ in 0..300 {
        scenario.wait(SECOND).write(100, 3, 10);
    }
    scenario.close(100, 3);
    let flows = file_flows(&records(scenario));
    assert!((10..=11).contains(&flows.len()), "{}", flows.len());
    assert_eq!(flows.iter().map(|flow| flow.num_w_send_ops).sum::<i64>(), 300);
    assert_eq!(flows.iter().map(|flow| flow.num_w_send_bytes).sum::<i64>(), 3000);
    let (first, last) = (&flows[0], &flows[flows.len() - 1]);
    assert!(first.op_flags.contains(OpFlags::OPEN) && last.op_flags.contains(OpFlags::CLOSE));
    for pair in flows.windows(2) {
        // One goes on where the one before it ended, and still knows how the file was opened.
        assert_eq!(pair[1].ts, pair[0].end_ts);
        let length = (pair[0].end_ts - pair[0].ts) / SECOND.cast_signed();
        assert!((29..=31).contains(&length), "{length} s");
        assert!(!pair[1].op_flags.contains(OpFlags::OPEN), "{:?}", pair[1].op_flags);
        assert!(!pair[0].op_flags.contains(OpFlags::CLOSE), "{:?}", pair[0].op_flags);
        assert_eq!(pair[1].open_flags, first.open_flags);
    }
}

#[test]
fn a_long_connection_gives_a_record_every_30_seconds() {
    let mut scenario = scenario();
    scenario.connect(100, 4, (([10, 0, 0, 1], 4711), ([10, 0, 0, 2], 80)));
    for _ in 0..90 {
        scenario.wait(SECOND).write(100, 4, 10).read(100, 4, 1000);
    }
    scenario.close(100, 4);
    let flows = network_flows(&records(scenario));
    assert!((3..=4).contains(&flows.len()), "{}", flows.len());
    assert_eq!(flows.iter().map(|flow| flow.num_w_send_bytes).sum::<i64>(), 900);
    assert_eq!(flows.iter().map(|flow| flow.num_r_recv_bytes).sum::<i64>(), 90_000);
    assert!(flows.windows(2).all(|pair| pair[1].ts == pair[0].end_ts));
}

#[test]
fn nothing_is_lost_over_an_idle_gap() {
    // The reference deletes what is due for export after a gap of a minute and more.
    for gap in [29, 31, 59, 61, 3600, 30 * 86_400] {
        let mut scenario = scenario();
        scenario.open(100, 3, "/var/log/a", 2).write(100, 3, 10).write(100, 3, 10);
        scenario.connect(200, 4, (([10, 0, 0, 1], 4711), ([10, 0, 0, 2], 80))).write(200, 4, 7);
        scenario.wait(gap * SECOND).write(100, 3, 10);
        scenario.wait(SECOND).close(100, 3).close(200, 4);
        let records = records(scenario);
        let flows = file_flows(&records);
        assert_eq!(flows.iter().map(|flow| flow.num_w_send_ops).sum::<i64>(), 3, "{gap} s");
        let seen = flows.iter().fold(OpFlags::NONE, |all, flow| all | flow.op_flags);
        assert!(seen.contains(OpFlags::OPEN | OpFlags::CLOSE), "{gap} s: {seen:?}");
        let flows = network_flows(&records);
        assert_eq!(flows.iter().map(|flow| flow.num_w_send_bytes).sum::<i64>(), 7, "{gap} s");
        let seen = flows.iter().fold(OpFlags::NONE, |all, flow| all | flow.op_flags);
        assert!(seen.contains(OpFlags::CONNECT | OpFlags::CLOSE), "{gap} s: {seen:?}");
    }
}

#[test]
fn an_idle_flow_gives_no_empty_records() {
    let mut scenario = scenario();
    scenario.open(100, 3, "/var/log/a", 2).write(100, 3, 10);
    // Somebody else makes time pass.
    for _ in 0..600 {
        scenario.wait(SECOND).open(200, 5, "/tmp/x", 1).close(200, 5);
    }
    scenario.write(100, 3, 10).close(100, 3);
    let ours: Vec<FileFlow> =
        file_flows(&records(scenario)).into_iter().filter(|flow| flow.tid == 100).collect();
    assert_eq!(ours.len(), 2, "{ours:?}");
    assert!(ours[0].op_flags.contains(OpFlags::OPEN | OpFlags::WRITE_SEND));
    assert!(ours[1].op_flags.contains(OpFlags::WRITE_SEND | OpFlags::CLOSE));
    // It is told of when it was used again, not since it rested.
    assert!(ours[1].end_ts - ours[1].ts < SECOND.cast_signed());
}

#[test]
fn what_is_never_closed_ends_with_the_capture() {
    let mut scenario = scenario();
    scenario.open(100, 3, "/var/log/a", 2).write(100, 3, 10);
    scenario.wait(5 * SECOND).open(200, 5, "/tmp/x", 1).close(200, 5);
    let end = scenario.now().cast_signed();
    let flows = file_flows(&records(scenario));
    let ours = flows.iter().find(|flow| flow.tid == 100).expect("a flow");
    assert_eq!((ours.num_w_send_bytes, ours.end_ts), (10, end));
    assert!(ours.op_flags.contains(OpFlags::TRUNCATE), "{:?}", ours.op_flags);
}

/// What happens next.
#[derive(Clone, Debug)]
enum Step {
    Read { tid: u64, fd: i64, bytes: u64 },
    Write { tid: u64, fd: i64, bytes: u64 },
    Reopen { tid: u64, fd: i64 },
    Wait { seconds: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let who = || (prop_oneof![Just(100_u64), Just(200)], 3..6_i64);
    prop_oneof![
        (who(), 1..5000_u64).prop_map(|((tid, fd), bytes)| Step::Read { tid, fd, bytes }),
        (who(), 1..5000_u64).prop_map(|((tid, fd), bytes)| Step::Write { tid, fd, bytes }),
        who().prop_map(|(tid, fd)| Step::Reopen { tid, fd }),
        prop_oneof![0..3_u64, 20..100_u64, Just(100_000)]
            .prop_map(|seconds| Step::Wait { seconds }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn everything_read_and_written_is_in_some_flow(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut scenario = scenario();
        for tid in [100, 200] {
            for fd in 3..6 {
                scenario.open(tid, fd, &format!("/data/{tid}/{fd}"), 3);
            }
        }
        let (mut read, mut written, mut opened) = ((0, 0), (0, 0), 6);
        for step in steps {
            match step {
                Step::Read { tid, fd, bytes } => {
                    read = (read.0 + 1, read.1 + bytes.cast_signed());
                    scenario.read(tid, fd, bytes);
                }
                Step::Write { tid, fd, bytes } => {
                    written = (written.0 + 1, written.1 + bytes.cast_signed());
                    scenario.write(tid, fd, bytes);
                }
                Step::Reopen { tid, fd } => {
                    opened += 1;
                    scenario.close(tid, fd).open(tid, fd, &format!("/data/{tid}/{fd}"), 3);
                }
                Step::Wait { seconds } => {
                    scenario.wait(seconds * SECOND);
                }
            }
        }
        let flows = file_flows(&records(scenario));
        let sum = |of: fn(&FileFlow) -> i64| flows.iter().map(of).sum::<i64>();
        prop_assert_eq!(read, (sum(|f| f.num_r_recv_ops), sum(|f| f.num_r_recv_bytes)));
        prop_assert_eq!(written, (sum(|f| f.num_w_send_ops), sum(|f| f.num_w_send_bytes)));
        let opens = flows.iter().filter(|flow| flow.op_flags.contains(OpFlags::OPEN)).count();
        prop_assert_eq!(opens, opened);
        for flow in &flows {
            prop_assert!(flow.ts <= flow.end_ts && !flow.op_flags.is_empty());
        }
    }
}

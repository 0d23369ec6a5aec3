// SPDX-License-Identifier: Apache-2.0
//! Threads of one process that use the same file.

use std::io::Cursor;

use capture_writer::Scenario;
use capture_writer::lists::Process;
use engine::scap::Options;
use engine::scap::file::Reader;
use sysflow::record::{OpFlags, Record};

use super::convert::convert;

/// A thread that does not share its process's descriptors (`CLONE_THREAD`
/// without `CLONE_FILES`) has the same number for the same file. When one of
/// them closes it, the flow of the other is cut off, though it is the one that
/// was used last.
#[test]
fn a_close_ends_what_another_thread_began_later() {
    let mut scenario = Scenario::new(1_600_000_000_000_000_000);
    let process = Process::new(100, 1, "/bin/a");
    let apart = Process { tid: 101, vtid: 101, ..process.clone() };
    scenario.thread(Process::new(1, 0, "/sbin/init")).thread(process).thread(apart);
    scenario.open(100, 3, "/data", 1).open(101, 3, "/data", 1).close(100, 3);
    scenario.open(100, 3, "/data", 1).close(100, 3);
    let reader = Reader::new(Cursor::new(scenario.finish()), "memory").expect("memory is read");
    let records = convert(reader, &Options::default()).records;
    let flows: Vec<_> = records
        .iter()
        .filter_map(|record| match record {
            Record::FileFlow(flow) => Some((flow.tid, flow.op_flags)),
            _ => None,
        })
        .collect();
    let closed = OpFlags::OPEN | OpFlags::CLOSE;
    let cut_off = OpFlags::OPEN | OpFlags::TRUNCATE;
    assert_eq!(flows, [(101, cut_off), (100, closed), (100, closed)]);
}

// SPDX-License-Identifier: Apache-2.0
//! The clock of the host is set while it is recorded.

use probe_loader::abi::{SF_OP_READ, SF_OP_WRITE};
use sysflow::record::Record;

use crate::world::{SECOND, World, at};

#[test]
fn a_clock_that_steps_back_turns_no_flow_round() {
    let mut world = World::new();
    world.exec(10, 5, "/bin/first\0", 0);
    world.open(at(10, 3), 77, "/etc/x");
    world.io(SF_OP_READ, at(10, 3), 77, 1);
    world.tick(40);
    world.io(SF_OP_READ, at(10, 3), 77, 1);
    let hour = 3600;
    assert!(world.set_clock(-hour));
    assert!(!world.set_clock(-hour), "it stays where it is");
    world.io(SF_OP_WRITE, at(10, 3), 77, 1);
    world.exec(11, 6, "/bin/second\0", 0);
    world.tick(40);
    let back = hour * SECOND.cast_signed();
    let records = world.finish().all;
    let flows: Vec<_> = records
        .iter()
        .filter_map(|record| match record {
            Record::FileFlow(flow) => Some(flow),
            _ => None,
        })
        .collect();
    assert!(flows.len() > 1);
    for flow in &flows {
        assert!(flow.ts <= flow.end_ts, "{flow:?}");
        assert_eq!(flow.proc_oid, flows[0].proc_oid, "a process is the same after that");
    }
    // What was written before has the time of then, what comes after it that of now.
    let (first, last) = (flows[0], flows[flows.len() - 1]);
    assert!(first.ts > 0 && last.ts < 0 && last.ts + back > first.ts, "{first:?} {last:?}");
    let read: i64 = flows.iter().map(|flow| flow.num_r_recv_ops).sum();
    let written: i64 = flows.iter().map(|flow| flow.num_w_send_ops).sum();
    assert_eq!((read, written), (2, 1), "nothing is lost with it");
}

// SPDX-License-Identifier: Apache-2.0
//! The memory of the engine stays below its ceiling, and flat.

use benches::synthetic::Host;
use counting_allocator::{Counting, highest, live};
use engine::sink::Sink;
use engine::state::limits::Limits;
use sysflow::encode::Encode;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Counts file flows and keeps nothing.
struct Counted(u64);

impl Sink for Counted {
    fn put(&mut self, record: impl Encode) {
        self.0 += u64::from(record.kind().name() == "FileFlow");
    }
}

/// Lets a stream run below the least ceiling. Returns live bytes after a third,
/// and in the rest the most.
fn run(count: u64, step: fn(&mut Host<Counted>, u64)) -> (Host<Counted>, usize, usize) {
    let before = live();
    let mut host = Host::new(Limits::of(Limits::LEAST), Counted(0));
    for number in 0..count / 3 {
        step(&mut host, number);
    }
    let early = highest() - before;
    for number in count / 3..count {
        step(&mut host, number);
    }
    let highest = highest() - before;
    assert!(highest <= Limits::LEAST, "{highest} bytes is above the ceiling");
    for table in host.engine().tables() {
        assert!(table.bytes <= table.limit, "{table:?}");
    }
    (host, early, highest)
}

fn evicted(host: &mut Host<Counted>, name: &str) -> u64 {
    let tables = host.engine().tables();
    tables.iter().find(|table| table.name == name).expect("a table").evicted
}

#[test]
fn short_processes_leave_nothing() {
    let (mut host, early, highest) = run(100_000, Host::short_process);
    // Flat: what the last two thirds add is what a clearing more or less holds.
    assert!(highest <= early + (1 << 20), "{early} bytes became {highest}");
    assert_eq!(evicted(&mut host, "flows"), 0, "they were closed");
    assert_eq!(host.engine().counts().undescribed, 0);
    host.wait(100);
    assert_eq!((host.engine().living(), host.engine().open_flows()), (1, 0));
}

#[test]
fn descriptors_that_stay_open_are_bounded() {
    let (mut host, _, _) = run(200_000, Host::open_descriptor);
    assert!(evicted(&mut host, "objects") > 0 && evicted(&mut host, "flows") > 0);
    assert_eq!(host.engine().counts().undescribed, 0);
    let flows = host.finish().0;
    assert!(flows >= 200_000, "each was opened and read: {flows} flows were written");
}

#[test]
fn processes_that_stay_are_bounded() {
    let (mut host, _, _) = run(20_000, Host::living_process);
    assert!(evicted(&mut host, "processes") > 0 && evicted(&mut host, "flows") > 0);
}

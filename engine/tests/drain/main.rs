// SPDX-License-Identifier: Apache-2.0
//! The same comes out whatever number of threads events pass through, and
//! however they are cut into batches.

mod events;
mod machine;

use proptest::prelude::*;

use events::{Step, steps};
use machine::{ALWAYS, NEVER, Way, run};

/// Each way but the plain one. Batches of one record do not sum; small ones end
/// everywhere. Where rings are crowded the back merges what it has time for.
const WAYS: [Way; 7] = [
    Way::Two { batch: 1, rest: 0, crowded: NEVER },
    Way::Two { batch: 3, rest: 0, crowded: NEVER },
    Way::Two { batch: 64, rest: 0, crowded: NEVER },
    Way::Two { batch: 4096, rest: 0, crowded: NEVER },
    Way::Two { batch: 8, rest: 2, crowded: NEVER },
    Way::Two { batch: 4, rest: 0, crowded: ALWAYS },
    Way::Two { batch: 64, rest: 1, crowded: ALWAYS },
];

fn agree(rings: u32, steps: &[Step]) -> Result<machine::Made, TestCaseError> {
    let plain = run(Way::One, rings, steps);
    for way in WAYS {
        let other = run(way, rings, steps);
        prop_assert_eq!(&other.counts, &plain.counts, "{:?}", way);
        prop_assert!(other.bytes == plain.bytes, "{way:?}: other records, or in another order");
    }
    Ok(plain)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever drivers tell, by whichever CPU, with time that passes, files
    /// that begin and clocks that go back in between.
    #[test]
    fn threads_and_batches_change_nothing(
        rings in 1u32..4,
        steps in prop::collection::vec(steps(), 1..250),
    ) {
        agree(rings, &steps)?;
    }
}

/// The property above is worth something: its events make records of flows, sums
/// and ends.
#[test]
fn the_events_do_something() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let steps =
        prop::collection::vec(steps(), 3000).new_tree(&mut runner).expect("steps").current();
    let made = agree(3, &steps).expect("the same");
    let counts = made.counts;
    assert!(counts.applied > 1000 && counts.records > 200, "{counts:?}");
    for number in [counts.late, counts.exported, counts.undescribed, counts.damaged, counts.failed]
    {
        assert!(number > 0, "{counts:?}");
    }
    let summed = machine::summed(&steps, 3);
    assert!(summed > 300, "{summed} records were summed");
}

/// A thread's flow that began later was used last: it is the first of its
/// descriptor, and ends first when a third thread closes.
#[test]
fn the_order_of_last_uses_is_kept() {
    let io = |tid, wait| Step::Io { cpu: 0, wait, pid: 0, tid, fd: 0, file: 0, op: 0 };
    let open = Step::Open { cpu: 0, wait: 1, pid: 0, tid: 0, fd: 0, file: 0, kind: 0 };
    let close = Step::Close { cpu: 1, wait: 1, pid: 0, tid: 2, fd: 0 };
    let steps = [open, io(0, 1), io(0, 1), io(0, 1), io(1, 1), io(1, 1), io(0, 1), io(1, 1), close];
    let made = agree(2, &steps).expect("the same");
    assert_eq!(made.counts.failed, 0);
    assert!(machine::summed(&steps, 2) > 3);
}

/// A number that is given to another file is that file's from then on.
#[test]
fn a_descriptor_that_becomes_another_stays_that() {
    let io = Step::Io { cpu: 0, wait: 1, pid: 0, tid: 0, fd: 1, file: 1, op: 0 };
    let open = Step::Open { cpu: 0, wait: 1, pid: 0, tid: 0, fd: 1, file: 1, kind: 0 };
    // Of a file that nobody has described yet: what the number was is forgotten.
    let dup = Step::Dup { cpu: 1, wait: 1, pid: 0, fd: 2, new: 1, file: 3, kind: 0 };
    let close = Step::Close { cpu: 0, wait: 1, pid: 0, tid: 0, fd: 1 };
    let made = agree(2, &[open, io, io, io, dup, close]).expect("the same");
    assert_eq!(made.counts.unused_close, 1);
}

/// What one process says of an open file holds for another that inherited it.
#[test]
fn a_file_that_becomes_another_is_noticed_by_all() {
    let io = |pid| Step::Io { cpu: 0, wait: 1, pid, tid: 0, fd: 0, file: 0, op: 0 };
    let open = |pid, kind| Step::Open { cpu: 1, wait: 1, pid, tid: 0, fd: 0, file: 0, kind };
    let steps = [
        open(0, 0),
        io(0),
        io(0),
        io(0),
        open(1, 1),
        io(0),
        io(0),
        io(1),
        open(1, 2),
        io(0),
        io(0),
    ];
    agree(2, &steps).expect("the same");
}

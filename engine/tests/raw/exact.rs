// SPDX-License-Identifier: Apache-2.0
//! A replay gives what the capture gave: the same records, in the same order.

use engine::raw::Moment;
use proptest::prelude::*;

use crate::support::{BEGUN, Host, RINGS, operation, player};

/// What happens next on the host.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A process on a CPU does something, so many ns later.
    Operation { cpu: u32, pid: u32, later: u64 },
    /// The capture drains the rings.
    Drain,
    /// A second passes in the engine.
    Second,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => (0..RINGS, 2u32..12, 1u64..200_000)
            .prop_map(|(cpu, pid, later)| Step::Operation { cpu, pid, later }),
        3 => Just(Step::Drain),
        1 => Just(Step::Second),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_replay_is_the_capture(steps in proptest::collection::vec(step(), 0..600)) {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("r.sfr");
        // Each second takes a buffer, and these come faster than any thread writes.
        let mut host = Host::new(&path, 1 << 30);
        let mut now = BEGUN;
        for (number, step) in (0..).zip(steps) {
            match step {
                Step::Operation { cpu, pid, later } => {
                    now += later;
                    host.writer.put(cpu, &operation(now, pid, number));
                }
                Step::Drain => host.drain(now),
                Step::Second => {
                    now += 1_000_000_000;
                    host.second(now);
                }
            }
        }
        let (records, counts, ended) = host.finish();
        prop_assert_eq!((ended.error, ended.missed, ended.records), (None, 0, counts.events));

        let bytes = std::fs::read(&path).expect("the recording has its name");
        prop_assert_eq!(ended.bytes, bytes.len() as u64);
        let mut player = player(bytes).expect("a recording");
        let mut last = None;
        while let Some(moment) = player.step(|_| ()).expect("no damage") {
            last = Some(moment);
        }
        prop_assert_eq!(last, Some(Moment::End));
        let (sink, account, played) = player.finish();
        prop_assert_eq!(account.counts, counts);
        prop_assert_eq!((played.events, played.holes, played.damaged), (counts.events, 0, 0));
        let delivered: u64 = account.cpus.iter().flat_map(|cpu| cpu.delivered).sum();
        prop_assert_eq!(delivered, counts.events);
        prop_assert!(account.cpus.iter().all(probe_loader::Counters::balanced));
        prop_assert_eq!(sink.0, records);
    }
}

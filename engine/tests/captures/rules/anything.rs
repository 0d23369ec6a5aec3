// SPDX-License-Identifier: Apache-2.0
//! Events in any order, with any parameters: captures begin in the middle of
//! things, lose events, and are damaged.

use capture_writer::Values;
use engine::scap::Options;
use engine::semantics::Semantics;
use proptest::prelude::*;
use sysflow::record::Record;

use super::{story, told_with};

/// Calls that change what is known, more often than the others.
const OFTEN: [u16; 24] = [
    2, 3, 4, 5, 6, 7, 18, 19, 22, 23, 61, 95, 97, 124, 125, 151, 186, 199, 223, 225, 249, 293, 307,
    16,
];

fn kind() -> impl Strategy<Value = u16> {
    prop_oneof![proptest::sample::select(&OFTEN[..]), 0u16..440]
}

/// A parameter: a small number, most of the time.
fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        (-3i64..8).prop_map(|n| n.to_le_bytes().to_vec()),
        (0u32..0x8000).prop_map(|n| n.to_le_bytes().to_vec()),
        any::<i64>().prop_map(|n| n.to_le_bytes().to_vec()),
        proptest::sample::select(vec!["a\0", "/b\0", "../c\0", "<NA>\0", ""])
            .prop_map(|text| text.as_bytes().to_vec()),
        proptest::collection::vec(any::<u8>(), 0..40),
    ]
}

fn events() -> impl Strategy<Value = Vec<(u16, u64, u64, Vec<Vec<u8>>)>> {
    let tid = prop_oneof![0u64..6, Just(100), Just(u64::MAX)];
    let wait = prop_oneof![20 => 0u64..1000, 1 => 0u64..100_000_000_000];
    let params = proptest::collection::vec(value(), 0..20);
    proptest::collection::vec((kind(), tid, wait, params), 0..150)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_events_are_accounted_for(
        events in events(),
        compat: bool,
        process_flows: bool,
    ) {
        let (mut s, _) = story();
        let count = events.len() as u64;
        for (kind, tid, wait, params) in events {
            let params = params.iter().fold(Values::new(), |all, one| all.bytes(one));
            s.wait(wait).event(tid, kind, &params);
        }
        let semantics = Semantics { compat, process_flows, ..Semantics::of_reference() };
        let out = told_with(s, &Options { semantics, ..Options::default() });
        let c = out.counts;
        prop_assert_eq!(c.events, count);
        prop_assert_eq!(c.events, c.passed + c.used + c.incomplete + c.unknown);
        prop_assert_eq!(out.engine.records + 1, out.records.len() as u64);
        // Everything that is referred to was written before.
        let (mut processes, mut files) = (Vec::new(), Vec::new());
        for record in &out.records {
            let (process, file) = match record {
                Record::Process(p) => {
                    prop_assert!(p.poid.is_none_or(|poid| processes.contains(&poid)));
                    processes.push(p.oid);
                    continue;
                }
                Record::File(f) => {
                    files.push(f.oid);
                    continue;
                }
                Record::ProcessEvent(e) => (e.proc_oid, None),
                Record::FileFlow(f) => (f.proc_oid, Some(f.file_oid)),
                Record::NetworkFlow(f) => (f.proc_oid, None),
                Record::FileEvent(e) => (e.proc_oid, Some(e.file_oid)),
                Record::ProcessFlow(f) => (f.proc_oid, None),
                _ => continue,
            };
            prop_assert!(processes.contains(&process));
            prop_assert!(file.is_none_or(|file| files.contains(&file)));
        }
    }
}

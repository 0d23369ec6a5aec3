// SPDX-License-Identifier: Apache-2.0
//! Comparing traces.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use sysflow::diff::{Comparison, Count, Difference, Ignore, Options as DiffOptions, compare};
use sysflow::record::{FileFlow, Header, Kind, Oid, OpFlags, Record};
use sysflow::write::{Options, Writer};

use crate::support::{capture, header, read, strategy};

/// A folder with two traces.
struct Two(tempfile::TempDir);

impl Two {
    fn new(left: &[Record], right: &[Record]) -> Self {
        let two = Self(tempfile::tempdir().unwrap());
        write(&two.path("left"), left);
        write(&two.path("right"), right);
        two
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn compare(&self, options: &DiffOptions) -> Comparison {
        compare(&self.path("left"), &self.path("right"), options).unwrap()
    }
}

fn write(path: &Path, records: &[Record]) {
    let mut writer = Writer::new(Vec::new(), &Options::default()).unwrap();
    writer.write(Header { filename: path.display().to_string(), ..header() }).unwrap();
    for record in records {
        writer.write(record).unwrap();
    }
    std::fs::write(path, writer.finish().unwrap()).unwrap();
}

fn flow(ts: i64) -> Record {
    let proc_oid = Oid { create_ts: 5, hpid: 6 };
    FileFlow { ts, proc_oid, op_flags: OpFlags::READ_RECV, ..FileFlow::default() }.into()
}

/// Any record but a header: those that differ in the file's name only count as equal.
fn record() -> impl Strategy<Value = Record> {
    strategy::record().prop_filter("header", |record| record.kind() != Kind::Header)
}

fn unordered() -> DiffOptions {
    DiffOptions { unordered: true, ..DiffOptions::default() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_trace_equals_itself_in_any_order(
        (records, shuffled) in prop::collection::vec(record(), 0..20)
            .prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
    ) {
        let same = Two::new(&records, &records).compare(&DiffOptions::default());
        prop_assert!(same.equal() && same.differences.is_empty());
        let two = Two::new(&records, &shuffled);
        prop_assert!(two.compare(&unordered()).equal());
        let comparison = two.compare(&DiffOptions::default());
        let moved: u64 = comparison.counts.values().map(|count| count.moved).sum();
        prop_assert_eq!(moved == 0, records == shuffled);
        prop_assert_eq!(comparison.equal(), records == shuffled);
        prop_assert_eq!(comparison.differences.len() as u64, moved);
    }

    #[test]
    fn what_was_taken_out_is_found(
        records in prop::collection::vec(record(), 1..20),
        at in any::<prop::sample::Index>(),
    ) {
        let at = at.index(records.len());
        let mut fewer = records.clone();
        let gone = fewer.remove(at);
        let two = Two::new(&records, &fewer);
        let comparison = two.compare(&unordered());
        prop_assert!(!comparison.equal());
        let [Difference::Left(_, found)] = &comparison.differences[..] else {
            panic!("{:?}", comparison.differences)
        };
        prop_assert_eq!(&**found, &gone);
        let back = compare(&two.path("right"), &two.path("left"), &unordered()).unwrap();
        prop_assert!(matches!(&back.differences[..], [Difference::Right(..)]));
    }
}

#[test]
fn changed_fields_are_named() {
    let mut changed =
        FileFlow { ts: 2, proc_oid: Oid { create_ts: 5, hpid: 6 }, ..FileFlow::default() };
    changed.op_flags = OpFlags::READ_RECV | OpFlags::CLOSE;
    changed.end_ts = 9;
    let two = Two::new(&[flow(1), flow(2), flow(3)], &[flow(1), changed.into(), flow(3)]);
    let comparison = two.compare(&DiffOptions::default());
    let fields = vec![
        ("opFlags", "READ_RECV".to_owned(), "READ_RECV|CLOSE".to_owned()),
        ("endTs", "0".to_owned(), "9".to_owned()),
    ];
    // The header is number 0.
    let expected = Difference::Changed { at: (2, 2), kind: Kind::FileFlow, fields };
    assert_eq!(comparison.differences, [expected]);
    let count = Count { left: 3, right: 3, same: 2, changed: 1, ..Count::default() };
    assert_eq!(comparison.counts[&Kind::FileFlow], count);
    assert_eq!(comparison.fields[&(Kind::FileFlow, "endTs")], 1);

    // What does not matter is not told.
    let ignoring = |list: &str| DiffOptions { ignore: list.parse().unwrap(), ..unordered() };
    let fewer = two.compare(&ignoring("endTs"));
    assert!(
        matches!(&fewer.differences[..], [Difference::Changed { fields, .. }] if fields.len() == 1)
    );
    assert!(two.compare(&ignoring("endTs,FF.opFlags")).equal());
    assert!(two.compare(&ignoring("endTs, FileFlow.opFlags")).equal());
    assert!(!two.compare(&ignoring("endTs,NF.opFlags")).equal());
    assert!("FF.endts".parse::<Ignore>().is_err() && "PE.endTs".parse::<Ignore>().is_err());
}

#[test]
fn the_header_matters_but_for_the_name() {
    let two = Two::new(&[], &[]);
    assert!(two.compare(&DiffOptions::default()).equal());
    let strict = DiffOptions { ignore: Ignore::nothing(), ..DiffOptions::default() };
    let comparison = two.compare(&strict);
    assert_eq!(comparison.fields.keys().collect::<Vec<_>>(), [&(Kind::Header, "filename")]);
}

#[test]
fn a_record_that_moved_is_one_difference() {
    let left: Vec<Record> = (0..1000).map(flow).collect();
    let mut right = left.clone();
    let moved = right.remove(500);
    right.insert(3, moved);
    let comparison = Two::new(&left, &right).compare(&DiffOptions::default());
    assert_eq!(comparison.differences, [Difference::Moved((501, 4), Kind::FileFlow)]);
}

#[test]
fn real_traces_differ_in_what_is_changed() {
    let Some(path) = capture("real_traces_differ_in_what_is_changed", "collector/alpine.sf") else {
        return;
    };
    let mut records = read(&path);
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    let mut touched = BTreeSet::new();
    for (at, record) in records.iter_mut().enumerate() {
        if let Record::ProcessEvent(event) = record {
            event.ret += 1;
            touched.insert(at as u64);
        }
    }
    let mut writer = Writer::new(Vec::new(), &Options::default()).unwrap();
    records.iter().for_each(|record| writer.write(record).unwrap());
    std::fs::write(&copy, writer.finish().unwrap()).unwrap();
    let comparison = compare(&path, &copy, &DiffOptions::default()).unwrap();
    let found: BTreeSet<u64> = comparison
        .differences
        .iter()
        .map(|difference| match difference {
            Difference::Changed { at: (left, right), fields, .. } if left == right => {
                assert!(matches!(fields[..], [("ret", _, _)]), "{fields:?}");
                *left
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(found, touched);
}

#[test]
fn a_trace_that_cannot_be_read_is_an_error() {
    let two = Two::new(&[flow(1)], &[flow(1)]);
    let bytes = std::fs::read(two.path("right")).unwrap();
    std::fs::write(two.path("right"), &bytes[..bytes.len() - 3]).unwrap();
    assert!(compare(&two.path("left"), &two.path("right"), &unordered()).is_err());
    assert!(compare(&two.path("left"), &two.path("none"), &unordered()).is_err());
}

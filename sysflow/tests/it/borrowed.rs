// SPDX-License-Identifier: Apache-2.0
//! Records that borrow from their block are those that own what they have.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

use proptest::prelude::*;
use sysflow::decode::Decoder;
use sysflow::encode::Encode;
use sysflow::read::{Limits, Reader};
use sysflow::record::{FileFlow, Pod, Process, Record, RecordRef};
use sysflow::resolve::{Events, Resolver};
use sysflow::schema::Version;
use sysflow::write::Options;

use crate::support::{TRACES, capture, file_of, header, read, strategy};

/// All records of a file, decoded without copies and then copied.
fn copied(bytes: &[u8]) -> Vec<Record> {
    let mut reader = Reader::new(bytes, "memory").unwrap();
    let mut records = Vec::new();
    while let Some(record) = reader.next_ref().unwrap() {
        records.push(record.into_owned());
    }
    records
}

/// The first records of a file, visited, and whether there may be more.
fn visited(bytes: &[u8], count: usize) -> (Vec<Record>, bool) {
    let mut records = Vec::new();
    let mut reader = Reader::new(bytes, "memory").unwrap();
    let end = reader.for_each_ref(|record| {
        records.push(record.clone().into_owned());
        if records.len() == count { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let end = end.unwrap();
    assert_eq!(reader.records(), records.len() as u64);
    (records, end.is_break())
}

#[test]
fn a_visit_ends_when_it_is_told_to_and_at_damage() {
    let records: Vec<_> = (0..10).map(|fd| FileFlow { fd, ..FileFlow::default() }).collect();
    let mut file = file_of(&Options::default(), &records);
    let (found, more) = visited(&file, 3);
    assert_eq!((found.last(), more), (Some(&records[1].into()), true));
    let end = file.len() - 20;
    file.truncate(end);
    let mut reader = Reader::new(&file[..], "memory").unwrap();
    let mut count = 0;
    let error = reader.for_each_ref(|_| {
        count += 1;
        ControlFlow::<()>::Continue(())
    });
    assert_eq!(error.unwrap_err().records, count);
}

fn bytes(record: &impl Encode) -> Vec<u8> {
    let mut out = Vec::new();
    record.encode(&mut out);
    out
}

proptest! {
    #[test]
    fn both_ways_to_read_agree(records in prop::collection::vec(strategy::record(), 0..60)) {
        let options = Options { block_bytes: 1000, ..Options::default() };
        let file = file_of(&options, &records);
        let mut expected = vec![Record::Header(header())];
        expected.extend(records);
        prop_assert_eq!(&copied(&file), &expected);
        prop_assert_eq!(visited(&file, usize::MAX), (expected, false));
    }

    #[test]
    fn a_borrowed_record_encodes_to_the_bytes_it_came_from(record in strategy::record()) {
        let decoder = Decoder::new(Version::V5);
        let original = bytes(&record);
        let mut rest = &original[..];
        let found = decoder.decode(&mut rest).unwrap().unwrap();
        prop_assert!(rest.is_empty());
        prop_assert_eq!(found.kind(), record.kind());
        prop_assert_eq!(bytes(&found), &original[..]);
        prop_assert_eq!(&found, &found.clone());
        prop_assert_eq!(found.into_owned(), record);
    }

    #[test]
    fn cut_records_are_refused(record in strategy::record(), cut in any::<prop::sample::Index>()) {
        let decoder = Decoder::new(Version::V5);
        let bytes = bytes(&record);
        let mut rest = &bytes[..cut.index(bytes.len())];
        let before = rest;
        prop_assert!(decoder.decode(&mut rest).is_err());
        prop_assert_eq!(rest, before);
    }
}

#[test]
fn real_traces_are_read_the_same_both_ways() {
    for &(name, ..) in TRACES {
        let Some(path) = capture("borrowed", name) else { return };
        assert_eq!(copied(&std::fs::read(&path).unwrap()), read(&path), "{name}");
    }
}

/// Arrays in several blocks, some with their size in bytes, as Avro allows.
#[test]
fn lists_may_come_in_blocks() {
    let process = Process::<&str, &[&str]>::default();
    let mut data = bytes(&process);
    assert_eq!(data.pop(), Some(0)); // the empty environment
    data.extend(b"\x02\x02a\x03\x0a\x02b\x04cd\x00");
    let decoder = Decoder::new(Version::V5);
    let Ok(Some(RecordRef::Process(found))) = decoder.decode(&mut &data[..]) else { panic!() };
    assert_eq!((found.env.len(), found.env.is_empty()), (3, false));
    let items: Vec<_> = found.env.iter().collect();
    assert_eq!(items, ["a", "b", "cd"]);
    assert!(items.iter().all(|item| matches!(item, Cow::Borrowed(_))));
    assert_eq!(RecordRef::Process(found).into_owned(), {
        let env = ["a", "b", "cd"].map(str::to_owned).to_vec();
        Record::Process(Process { env, ..Process::default() })
    });
}

#[test]
fn of_a_key_that_comes_twice_the_last_counts() {
    let labels: BTreeMap<_, _> =
        [("k".to_owned(), "1".to_owned()), ("l".to_owned(), "2".to_owned())].into();
    let mut data = bytes(&Pod { labels, ..<Pod>::default() });
    let at = data.windows(2).position(|two| two == b"\x02l").unwrap();
    data[at + 1] = b'k';
    let decoder = Decoder::new(Version::V5);
    let Ok(Some(RecordRef::Pod(pod))) = decoder.decode(&mut &data[..]) else { panic!() };
    assert_eq!((pod.labels.len(), pod.labels.iter().count()), (2, 2));
    let Record::Pod(pod) = RecordRef::Pod(pod).into_owned() else { panic!() };
    assert_eq!(pod.labels.into_iter().collect::<Vec<_>>(), [("k".to_owned(), "2".to_owned())]);
}

#[test]
fn descriptions_are_kept_up_to_a_limit() {
    let process = |hpid| Process {
        oid: sysflow::record::Oid { create_ts: 1, hpid },
        exe: "x".repeat(1000),
        ..Process::default()
    };
    let mut resolver = Resolver::with_limit(20_000);
    (0..1000).for_each(|hpid| assert!(resolver.accept(process(hpid).into()).is_none()));
    let kept = (0..1000).filter(|&hpid| resolver.process(process(hpid).oid).is_some()).count();
    assert!((10..20).contains(&kept), "{kept}");
    assert_eq!(resolver.dropped() as usize, 1000 - kept);
    // The same process again takes no more room.
    (0..1000).for_each(|_| assert!(resolver.accept(process(0).into()).is_none()));
    assert_eq!(resolver.dropped() as usize, 1000 - kept);

    let records: Vec<_> = (0..1000).map(process).collect();
    let file = file_of(&Options::default(), &records);
    let limits = Limits { entities: 20_000, ..Limits::default() };
    let mut events = Events::new(Reader::with_limits(&file[..], "memory", limits).unwrap());
    assert!(events.next_event().unwrap().is_none());
    assert_eq!(events.resolver().dropped(), 1000 - kept as u64);
}

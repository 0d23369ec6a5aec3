// SPDX-License-Identifier: Apache-2.0
//! Real traces of all schema versions are read completely and correctly.

use std::collections::BTreeMap;
use std::path::Path;

use apache_avro::types::Value;
use sysflow::read::Reader;
use sysflow::record::{Kind, Record};
use sysflow::resolve::{Event, Events};

use crate::support::{TRACES, capture, oracle, read};

fn each(test: &str, check: impl Fn(&Path, i64, &str, usize)) {
    for &(name, version, counts, rows) in TRACES {
        if let Some(path) = capture(test, name) {
            check(&path, version, counts, rows);
        }
    }
}

#[test]
fn records_by_type_are_those_of_the_reference() {
    each("captures", |path, version, counts, _| {
        let records = read(path);
        let Record::Header(header) = &records[0] else { panic!("{path:?} has no header") };
        assert_eq!(header.version, version, "{path:?}");
        let mut found = BTreeMap::<Kind, usize>::new();
        for record in &records {
            *found.entry(record.kind()).or_default() += 1;
        }
        let found: Vec<_> = found.iter().map(|(k, n)| format!("{} {n}", k.short())).collect();
        assert_eq!(found.join(" "), counts, "{path:?}");
    });
}

/// The value without the logical types that some builds put on fields, wrongly.
fn plain(value: Value) -> Value {
    match value {
        Value::TimestampMillis(n) => Value::Long(n),
        Value::Record(fields) => {
            Value::Record(fields.into_iter().map(|(name, value)| (name, plain(value))).collect())
        }
        Value::Union(_, inner) => plain(*inner),
        Value::Enum(_, symbol) => Value::String(symbol),
        other => other,
    }
}

/// Compares the fields that the writer had.
fn compare(ours: &Value, theirs: &Value, at: &str) {
    let (Value::Record(ours), Value::Record(theirs)) = (ours, theirs) else {
        assert_eq!(ours, theirs, "{at}");
        return;
    };
    for (name, value) in theirs {
        let found = ours.iter().find(|(our, _)| our == name);
        let (_, our) = found.unwrap_or_else(|| panic!("no field {name} at {at}"));
        compare(our, value, &format!("{at}.{name}"));
    }
}

#[test]
fn every_field_is_that_of_an_independent_reader() {
    each("oracle", |path, _, _, _| {
        let theirs = apache_avro::Reader::new(std::fs::File::open(path).unwrap()).unwrap();
        let ours = Reader::open(path).unwrap();
        let mut count = 0;
        for (ours, theirs) in ours.zip(theirs) {
            let at = format!("{path:?} record {count}");
            compare(&plain(oracle::value(&ours.unwrap())), &plain(theirs.unwrap()), &at);
            count += 1;
        }
        assert!(count > 10, "{path:?}");
    });
}

#[test]
fn what_the_writer_did_not_have_gets_its_documented_value() {
    if let Some(path) = capture("captures", "traces/nodejs-mon.1544763289.sf") {
        for record in read(&path) {
            match record {
                Record::Header(header) => {
                    assert_eq!((header.ip.as_str(), header.filename.as_str()), ("NA", ""));
                }
                Record::Process(p) => assert!(!p.entry && p.cwd.is_empty() && p.env.is_empty()),
                Record::Container(container) => assert_eq!(container.pod_id, None),
                Record::NetworkFlow(flow) => assert_eq!(flow.fd, 0),
                _ => {}
            }
        }
    }
}

#[test]
fn every_event_finds_its_process_and_files() {
    each("resolve", |path, _, _, expected| {
        let mut events = Events::new(Reader::open(path).unwrap());
        let mut rows = 0;
        while let Some(found) = events.next_event().unwrap() {
            rows += 1;
            assert!(found.header.is_some());
            match found.event {
                Event::K8s(_) => continue,
                Event::FileFlow(_) => assert!(found.file.is_some(), "{path:?} {found:?}"),
                Event::File(event) => {
                    assert!(found.file.is_some(), "{path:?} {found:?}");
                    assert_eq!(event.new_file_oid.is_some(), found.new_file.is_some());
                }
                _ => {}
            }
            let process = found.process.unwrap_or_else(|| panic!("{path:?} {found:?}"));
            assert_eq!(process.container_id.is_some(), found.container.is_some(), "{path:?}");
        }
        assert_eq!(rows, expected, "{path:?}");
    });
}

#[test]
fn pods_are_found_through_containers() {
    let Some(path) = capture("resolve", "traces/k8s_small.sf") else { return };
    let mut events = Events::new(Reader::open(path).unwrap());
    let mut network_flows = 0;
    while let Some(found) = events.next_event().unwrap() {
        if matches!(found.event, Event::NetworkFlow(_)) && found.pod.is_some() {
            network_flows += 1;
        }
    }
    assert_eq!(network_flows, 1484); // the reference's "type=NF and pod.name exists"
}

#[test]
fn file_identities_are_the_hash_of_container_and_path() {
    use sysflow::record::Foid;
    each("foid", |path, version, _, _| {
        for record in read(path) {
            if let Record::File(file) = record
                && version == 5
            {
                let hash = Foid::of(file.container_id.as_deref(), file.path.as_bytes());
                assert_eq!(hash, file.oid, "{path:?}: {file:?}");
            }
        }
    });
}

#[test]
fn any_trace_can_be_written_again_as_version_5() {
    use sysflow::write::{Options, Writer};
    each("rewrite", |path, version, _, _| {
        let records = read(path);
        let mut writer = Writer::new(Vec::new(), &Options::default()).unwrap();
        records.iter().for_each(|record| writer.write(record).unwrap());
        let bytes = writer.finish().unwrap();
        let ours = apache_avro::Reader::new(&bytes[..]).unwrap();
        assert!(ours.zip(&records).all(|(a, b)| a.unwrap() == oracle::value(b)));
        if version == 5 {
            let original = Reader::open(path).unwrap();
            assert_eq!(original.schema(), sysflow::schema::TEXT.as_str());
        }
    });
}

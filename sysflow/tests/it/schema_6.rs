// SPDX-License-Identifier: Apache-2.0
//! Schema version 6 adds to version 5 what readers of version 5 pass over.

use std::net::IpAddr;

use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::writer::datum::GenericDatumWriter;
use proptest::prelude::*;
use serde_json::Value as Json;
use sysflow::attribute::Attribute;
use sysflow::decode::Decoder;
use sysflow::encode::Encode as _;
use sysflow::expression::{Predicate, Scratch};
use sysflow::record::{
    File, FileFlow, Loss, NetworkFlow, OperationClass, ProcessFlow, Record, fields_of,
};
use sysflow::resolve::{ResolvedEvent, Resolver};
use sysflow::schema::{TEXT, TEXT_6, Version};
use sysflow::write::Options;

use crate::support::{capture, file_of, header, oracle, read, read_bytes, strategy};

const V6: Options = Options {
    codec: sysflow::write::Codec::Null,
    level: None,
    block_bytes: 2000,
    schema: Version::V6,
    mode: 0o600,
};

fn bytes(record: &Record, version: Version) -> Vec<u8> {
    let mut out = Vec::new();
    record.encode_as(version, &mut out);
    out
}

/// Where the first schema has a list of fields, it is a beginning of that of the second; what comes
/// then has a default. Everything else is equal.
fn extends(old: &Json, new: &Json, at: &str) {
    match (old, new) {
        (Json::Object(a), Json::Object(b)) => {
            assert!(a.keys().eq(b.keys()), "attributes at {at}");
            for (key, value) in a {
                let name = a.get("name").and_then(Json::as_str).unwrap_or(key);
                match (key.as_str(), value, &b[key]) {
                    ("fields", Json::Array(old), Json::Array(new)) => {
                        assert!(new[old.len()..].iter().all(|f| f.get("default").is_some()));
                        old.iter().zip(new).for_each(|(a, b)| extends(a, b, name));
                    }
                    ("default", old, new) if name == "version" => {
                        assert_eq!((old, new), (&5.into(), &6.into()));
                    }
                    (_, old, new) => extends(old, new, name),
                }
            }
        }
        (Json::Array(a), Json::Array(b)) => {
            assert_eq!(a.len(), b.len(), "{at}");
            a.iter().zip(b).for_each(|(a, b)| extends(a, b, at));
        }
        (a, b) => assert_eq!(a, b, "{at}"),
    }
}

#[test]
fn it_has_the_fields_of_version_5_and_then_others_with_defaults() {
    let json = |text: &str| serde_json::from_str::<Json>(text).unwrap();
    extends(&json(&TEXT), &json(&TEXT_6), "");
    assert_ne!(*TEXT, *TEXT_6);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn same_bytes_as_the_oracle(record in strategy::record_6()) {
        let schema = oracle::schema_of(Version::V6);
        let writer = GenericDatumWriter::builder(&schema).build().unwrap();
        let theirs = writer.write_value_to_vec(oracle::value_6(&record)).unwrap();
        prop_assert_eq!(bytes(&record, Version::V6), theirs);
    }

    #[test]
    fn it_begins_with_the_bytes_of_version_5(record in strategy::record_6()) {
        let (old, new) = (bytes(&record, Version::V5), bytes(&record, Version::V6));
        prop_assert!(new.starts_with(&old));
        // So a receiver of single records that knows version 5 only reads it and has a rest.
        let mut rest = &new[..];
        let found = Decoder::new(Version::V5).decode(&mut rest).unwrap().unwrap();
        prop_assert_eq!(found.into_owned(), strategy::without_6(record));
        prop_assert_eq!(rest.len(), new.len() - old.len());
    }

    #[test]
    fn what_is_written_is_read_by_us_and_by_others(
        records in prop::collection::vec(strategy::record_6(), 0..40),
    ) {
        let file = file_of(&V6, &records);
        let mut all = vec![Record::Header(header())];
        all.extend(records);
        prop_assert_eq!(&read_bytes(&file), &all);
        let theirs = apache_avro::Reader::new(&file[..]).unwrap().map(Result::unwrap);
        prop_assert!(theirs.eq(all.iter().map(oracle::value_6)));
    }

    #[test]
    fn resolution_gives_version_5(record in strategy::record_6()) {
        let (old, new) = (oracle::schema_of(Version::V5), oracle::schema_of(Version::V6));
        let reader = GenericDatumReader::builder(&new).reader_schema(&old).build().unwrap();
        let theirs = reader.read_value(&mut &bytes(&record, Version::V6)[..]).unwrap();
        prop_assert_eq!(theirs, oracle::value(&record));
    }

    #[test]
    fn version_5_has_no_trace_of_it(record in strategy::record_6()) {
        let file = file_of(&Options { schema: Version::V5, ..V6 }, &[&record]);
        prop_assert_eq!(&read_bytes(&file)[1], &strategy::without_6(record));
    }
}

#[test]
fn any_trace_can_be_written_in_version_6() {
    let Some(path) = capture("schema 6", "collector/mpm-event-full.sf") else { return };
    let records = read(&path);
    assert_eq!(read_bytes(&file_of(&V6, &records[1..]))[1..], records[1..]);
}

/// What the attributes say of the event.
fn texts(event: &ResolvedEvent<'_>, names: &[&str]) -> Vec<String> {
    let text = |name| Attribute::by_name(name).unwrap().value(event).to_string();
    names.iter().map(|&name| text(name)).collect()
}

fn holds(event: &ResolvedEvent<'_>, filter: &str) -> bool {
    let predicate = Predicate::new(filter).unwrap_or_else(|error| panic!("{error}"));
    predicate.matches(event, &mut Scratch::default())
}

#[test]
fn addresses_of_ipv6_are_shown_and_found() {
    let (sip, sip6) = fields_of("fe80::1".parse::<IpAddr>().unwrap());
    let (dip, dip6) = fields_of("2001:db8::2".parse::<IpAddr>().unwrap());
    let flow = NetworkFlow { sip, sip6, sport: 1, dip, dip6, dport: 443, ..Default::default() };
    let mut resolver = Resolver::new();
    let event = resolver.accept(flow.into()).unwrap();
    let found = texts(&event, &["net.sip", "net.dip", "net.ip", "res"]);
    let both = "fe80::1,2001:db8::2";
    assert_eq!(found, ["fe80::1", "2001:db8::2", both, "[fe80::1]:1-[2001:db8::2]:443"]);
    for filter in ["net.dip = 2001:db8::2", "net.ip = fe80::/10", "net.dip in (1.2.3.4, ::/0)"] {
        assert!(holds(&event, filter), "{filter}");
    }
    for filter in ["net.dip = 2001:db8::3", "net.ip = 0.0.0.0/0", "net.sip = 2000::/3"] {
        assert!(!holds(&event, filter), "{filter}");
    }
    let error = Predicate::new("net.ip = fe80::/129").unwrap_err();
    assert!(error.message().contains("is no address"), "{error}");
}

#[test]
fn loss_and_inodes_are_attributes() {
    let loss = Loss {
        cpu: 3,
        class: OperationClass::Io,
        seen: 100,
        delivered: 20,
        aggregated: 70,
        ring_full: 9,
        nested: 1,
        ..Loss::default()
    };
    let mut resolver = Resolver::new();
    let flow = ProcessFlow { loss: Some(loss), ..ProcessFlow::default() };
    let event = resolver.accept(flow.into()).unwrap();
    let names = ["loss.cpu", "loss.class", "loss.seen", "loss.lost", "loss.ringfull"];
    assert_eq!(texts(&event, &names), ["3", "IO", "100", "10", "9"]);
    assert!(holds(&event, "loss.class = io and loss.lost > 0"));

    let file = File { path: "/x".to_owned(), dev: 2049, ino: 77, ..File::default() };
    assert!(resolver.accept(file.into()).is_none());
    let event = resolver.accept(FileFlow::default().into()).unwrap();
    assert_eq!(texts(&event, &["file.dev", "file.ino", "loss.cpu"]), ["2049", "77", ""]);
    assert!(!holds(&event, "loss.cpu exists"));
}

// SPDX-License-Identifier: Apache-2.0
//! Any bytes as the records of a file: what is read survives being written and read again.

#![no_main]

use std::io;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sysflow::attribute::ALL;
use sysflow::encode::Encode as _;
use sysflow::print::{Column, Format, Options, Printer};
use sysflow::read::Reader;
use sysflow::record::{Header, Record};
use sysflow::resolve::Resolver;
use sysflow::schema::Version;
use sysflow::write::{Codec, Options as WriteOptions, Writer};

/// The head of a file, its sync marker last.
fn head(schema: Version) -> Vec<u8> {
    let options = WriteOptions { codec: Codec::Null, schema, ..WriteOptions::default() };
    Writer::new(Vec::new(), &options).expect("memory takes all").get_ref().clone()
}

static HEAD_5: LazyLock<Vec<u8>> = LazyLock::new(|| head(Version::V5));
static HEAD_6: LazyLock<Vec<u8>> = LazyLock::new(|| head(Version::V6));

/// A file whose only block has these bytes.
fn file(version: Version, records: i64, data: &[u8]) -> Vec<u8> {
    let head = if version == Version::V5 { &*HEAD_5 } else { &*HEAD_6 };
    let long = |value: i64, out: &mut Vec<u8>| {
        let mut rest = (value as u64) << 1;
        while rest >= 0x80 {
            out.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        out.push(rest as u8);
    };
    let mut file = head.clone();
    long(records, &mut file);
    long(data.len() as i64, &mut file);
    file.extend_from_slice(data);
    file.extend_from_slice(&head[head.len() - 16..]);
    file
}

fn print(records: Vec<Record>) {
    let columns: Vec<_> = ALL.iter().map(Column::Attribute).collect();
    let options = Options { columns, width: Some(120), ..Options::default() };
    let mut printers: Vec<_> =
        Format::ALL.iter().map(|&format| Printer::new(format, options.clone())).collect();
    let mut resolver = Resolver::new();
    for record in records {
        if let Some(event) = resolver.accept(record) {
            for printer in &mut printers {
                printer.write_event(&mut io::sink(), &event).expect("a sink takes all");
            }
        }
    }
}

/// The first `most` records, read with texts and lists of their own, and borrowed: the same, and the same
/// error at the end.
fn both(file: &[u8], most: usize) -> Vec<Record> {
    let open = || Reader::new(file, "fuzz").expect("the head is good");
    let (mut owned, mut borrowed) = (open(), open());
    let mut records = Vec::new();
    while records.len() < most {
        match (owned.next_record(), borrowed.next_ref()) {
            (Ok(Some(one)), Ok(Some(other))) => {
                let (mut bytes, mut others) = (Vec::new(), Vec::new());
                one.encode_as(Version::V6, &mut bytes);
                other.encode_as(Version::V6, &mut others);
                let other = other.into_owned();
                assert_eq!(one, other);
                // Keys that come twice in a map are one in the record that owns it.
                if !matches!(one, Record::Pod(_)) {
                    assert_eq!(bytes, others);
                }
                records.push(one);
            }
            (Ok(None), Ok(None)) => break,
            (Err(one), Err(other)) => {
                assert_eq!(one.to_string(), other.to_string());
                break;
            }
            (one, other) => panic!("{one:?} is not {other:?}"),
        }
    }
    assert_eq!((owned.records(), owned.skipped()), (borrowed.records(), borrowed.skipped()));
    records
}

fuzz_target!(|data: &[u8]| {
    for version in [Version::V5, Version::V6] {
        let records = both(&file(version, 1 << 20, data), 1000);
        let mut bytes = Vec::new();
        Header::<&str>::default().encode(&mut bytes);
        records.iter().for_each(|record| record.encode_as(version, &mut bytes));
        let good = file(version, records.len() as i64 + 1, &bytes);
        assert_eq!(both(&good, 1001)[1..], records);
        print(records);
    }
});

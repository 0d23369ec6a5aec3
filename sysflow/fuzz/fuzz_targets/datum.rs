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
use sysflow::write::{Codec, Options as WriteOptions, Writer};

/// The head of a file, its sync marker last.
static HEAD: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let options = WriteOptions { codec: Codec::Null, ..WriteOptions::default() };
    Writer::new(Vec::new(), &options).expect("memory takes all").get_ref().clone()
});

/// A file whose only block has these bytes.
fn file(records: i64, data: &[u8]) -> Vec<u8> {
    let long = |value: i64, out: &mut Vec<u8>| {
        let mut rest = (value as u64) << 1;
        while rest >= 0x80 {
            out.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        out.push(rest as u8);
    };
    let mut file = HEAD.clone();
    long(records, &mut file);
    long(data.len() as i64, &mut file);
    file.extend_from_slice(data);
    file.extend_from_slice(&HEAD[HEAD.len() - 16..]);
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

fuzz_target!(|data: &[u8]| {
    let damaged = file(1 << 20, data);
    let reader = Reader::new(&damaged[..], "fuzz").expect("the head is good");
    let records: Vec<Record> = reader.map_while(Result::ok).take(1000).collect();
    let mut bytes = Vec::new();
    Header::<&str>::default().encode(&mut bytes);
    records.iter().for_each(|record| record.encode(&mut bytes));
    let good = file(records.len() as i64 + 1, &bytes);
    let again: Result<Vec<Record>, _> = Reader::new(&good[..], "again").expect("a head").collect();
    let again = again.expect("what was written can be read");
    assert_eq!(again[1..], records);
    print(records);
});

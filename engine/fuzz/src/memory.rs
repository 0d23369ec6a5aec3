// SPDX-License-Identifier: Apache-2.0
//! A trace in memory.

use engine::sink::Sink;
use sysflow::encode::Encode;
use sysflow::record::{Header, Record};
use sysflow::schema::Version;
use sysflow::write::{Codec, Options, Writer};

/// Writes to memory.
pub(crate) struct Memory(Writer<Vec<u8>>);

impl Memory {
    /// A trace with its header.
    pub(crate) fn new(schema: Version) -> Self {
        let options = Options { codec: Codec::Null, schema, ..Options::default() };
        let mut writer = Writer::new(Vec::new(), &options).expect("memory takes everything");
        let header = Header { version: schema.number(), exporter: "fuzz", ip: "", filename: "" };
        writer.write(header).expect("memory takes everything");
        Self(writer)
    }

    /// The whole file.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.0.finish().expect("memory takes everything")
    }
}

impl Sink for Memory {
    fn put(&mut self, record: impl Encode) {
        self.0.write(record).expect("memory takes everything");
    }
}

/// The records of a trace, which can be read to its end.
pub(crate) fn records(trace: &[u8]) -> Vec<Record> {
    let records = sysflow::read::Reader::new(trace, "trace").expect("a trace");
    records.map(|record| record.expect("a good record")).collect()
}

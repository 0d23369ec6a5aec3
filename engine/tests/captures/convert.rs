// SPDX-License-Identifier: Apache-2.0
//! A capture to records in memory.

use std::path::{Path, PathBuf};

use engine::scap::file::Reader;
use engine::scap::{Converter, Counts, Options};
use engine::sink::Sink;
use sysflow::encode::Encode;
use sysflow::read;
use sysflow::record::{Header, Record};
use sysflow::write::{Options as WriteOptions, Writer};

/// Keeps records as a file in memory.
pub(crate) struct Memory(pub(crate) Writer<Vec<u8>>);

impl Memory {
    pub(crate) fn new() -> Self {
        let mut writer = Writer::new(Vec::new(), &WriteOptions::default()).expect("memory");
        let header = Header::<&str> { version: 5, exporter: "tests", ip: "", filename: "" };
        writer.write(header).expect("memory");
        Self(writer)
    }

    pub(crate) fn records(mut self) -> Vec<Record> {
        self.0.flush_block().expect("memory");
        let bytes = self.0.finish().expect("memory");
        let reader = read::Reader::new(&bytes[..], "memory").expect("a container file");
        reader.map(|record| record.expect("a record")).collect()
    }
}

impl Sink for Memory {
    fn put(&mut self, record: impl Encode) {
        self.0.write(record).expect("memory takes every record");
    }
}

/// What a conversion gave.
pub(crate) struct Converted {
    pub(crate) records: Vec<Record>,
    pub(crate) counts: Counts,
    pub(crate) engine: engine::Counts,
}

pub(crate) fn convert(mut reader: Reader, options: &Options) -> Converted {
    let mut converter = Converter::new(options, Memory::new());
    loop {
        reader.events(|event| {
            converter.event(event);
            true
        });
        let Some(block) = reader.next_block().expect("a capture without damage") else { break };
        converter.block(&block);
    }
    let (sink, counts, engine) = converter.finish();
    Converted { records: sink.records(), counts, engine }
}

/// The folder of captures, if it is there.
pub(crate) fn captures() -> Option<PathBuf> {
    let folder = match std::env::var_os("SYSFLOW_CAPTURES") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/captures"),
    };
    let folder = folder.join("collector");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no captures in {} (SYSFLOW_CAPTURES names the folder)", folder.display());
    None
}

/// The records that the reference collector made of a capture.
pub(crate) fn expected(folder: &Path, name: &str) -> Vec<Record> {
    let path = folder.join(name).with_extension("sf");
    let reader = read::Reader::open(&path).expect("the expected records");
    reader.map(|record| record.expect("a record")).collect()
}

pub(crate) fn converted(folder: &Path, name: &str, options: &Options) -> Converted {
    let path = folder.join(name).with_extension("scap");
    convert(Reader::open(&path).expect("a capture"), options)
}

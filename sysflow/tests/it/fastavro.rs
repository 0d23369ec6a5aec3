// SPDX-License-Identifier: Apache-2.0
//! Our files, read by Python's fastavro, on which the tools around the format are built.

use std::path::Path;
use std::process::Command;

use apache_avro::types::Value;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value as Json, json};
use sysflow::record::{Kind, Record};
use sysflow::write::{Codec, Options};
use tempfile::TempDir;

use crate::support::{
    capture, file_of, has_module, header, oracle, python_with, read, skipped, strategy,
};

fn python() -> Option<String> {
    python_with("fastavro", "fastavro")
}

/// fastavro leaves some codecs to modules that need not be there.
fn module_of(codec: Codec) -> &'static str {
    match codec {
        Codec::Snappy => "cramjam",
        Codec::Zstandard => "backports.zstd",
        _ => "zlib",
    }
}

fn fastavro(python: &str, file: &Path) -> Vec<Json> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fastavro_read.py");
    let output = Command::new(python).arg(script).arg(file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What the script makes of a value.
fn json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Boolean(truth) => json!(truth),
        Value::Int(number) => json!(number),
        Value::Long(number) => json!(number),
        Value::String(text) | Value::Enum(_, text) => json!(text),
        Value::Fixed(_, bytes) => {
            json!(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
        }
        Value::Union(_, inner) => json(inner),
        Value::Array(items) => items.iter().map(json).collect(),
        Value::Map(map) => map.iter().map(|(k, v)| (k.clone(), json(v))).collect(),
        Value::Record(fields) => fields.iter().map(|(k, v)| (k.clone(), json(v))).collect(),
        other => panic!("no such value in a record: {other:?}"),
    }
}

fn expected(record: &Record) -> Json {
    let space = match record.kind() {
        Kind::Header | Kind::Container | Kind::Process | Kind::File | Kind::Pod => "entity",
        Kind::ProcessEvent | Kind::FileEvent | Kind::NetworkEvent | Kind::K8sEvent => "event",
        Kind::NetworkFlow | Kind::FileFlow | Kind::ProcessFlow => "flow",
    };
    let name = format!("sysflow.{space}.{}", record.kind().name());
    json!({"rec": [name, json(&oracle::value(record))["rec"]]})
}

/// fastavro names what is in a union of named types, also an OID or FOID beside null.
fn strip(value: &mut Json) {
    for field in ["poid", "newFileOID"] {
        if let Some(id) = value["rec"][1].get_mut(field)
            && let Some(bare) = id.get(1)
        {
            *id = bare.clone();
        }
    }
}

fn check(python: &str, bytes: &[u8], records: &[Record]) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("trace.sf");
    std::fs::write(&path, bytes).unwrap();
    let mut theirs = fastavro(python, &path);
    theirs.iter_mut().for_each(strip);
    let ours: Vec<_> = records.iter().map(expected).collect();
    assert_eq!(theirs.len(), ours.len());
    for (theirs, ours) in theirs.iter().zip(&ours) {
        assert_eq!(theirs, ours);
    }
}

#[test]
fn fastavro_reads_any_record_of_ours() {
    let Some(python) = python() else { return };
    let mut runner = TestRunner::deterministic();
    let strategy = prop::collection::vec(strategy::record(), 400);
    let records = strategy.new_tree(&mut runner).unwrap().current();
    let mut all = vec![Record::Header(header())];
    all.extend(records.clone());
    for &codec in Codec::ALL {
        let module = module_of(codec);
        if !has_module(&python, module) {
            skipped("fastavro", &format!("{codec}: python3 has no {module}"));
            continue;
        }
        let options = Options { codec, block_bytes: 2000, ..Options::default() };
        check(&python, &file_of(&options, &records), &all);
    }
}

#[test]
fn fastavro_reads_a_real_trace_written_by_us() {
    let Some(python) = python() else { return };
    let Some(path) = capture("fastavro", "collector/mpm-event-full.sf") else { return };
    let records = read(&path);
    let Record::Header(_) = records[0] else { panic!("no header") };
    let mut writer = sysflow::write::Writer::new(Vec::new(), &Options::default()).unwrap();
    records.iter().for_each(|record| writer.write(record).unwrap());
    check(&python, &writer.finish().unwrap(), &records);
}

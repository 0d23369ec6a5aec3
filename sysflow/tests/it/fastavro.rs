// SPDX-License-Identifier: Apache-2.0
//! Our files, read by Python's fastavro, on which the tools around the format are built.

use std::path::Path;
use std::process::Command;

use apache_avro::types::Value;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value as Json, json};
use sysflow::encode::Encode as _;
use sysflow::record::{Kind, Record};
use sysflow::schema::Version;
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

fn fastavro(python: &str, arguments: &[&Path]) -> Vec<Json> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fastavro_read.py");
    let output = Command::new(python).arg(script).args(arguments).output().unwrap();
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
    expected_value(record, &oracle::value(record))
}

fn expected_value(record: &Record, value: &Value) -> Json {
    let space = match record.kind() {
        Kind::Header | Kind::Container | Kind::Process | Kind::File | Kind::Pod => "entity",
        Kind::ProcessEvent | Kind::FileEvent | Kind::NetworkEvent | Kind::K8sEvent => "event",
        Kind::NetworkFlow | Kind::FileFlow | Kind::ProcessFlow => "flow",
    };
    let name = format!("sysflow.{space}.{}", record.kind().name());
    json!({"rec": [name, json(value)["rec"]]})
}

/// fastavro names what is in a union of named types, also an OID or FOID beside null.
fn strip(value: &mut Json) {
    for field in ["poid", "newFileOID", "sip6", "dip6", "loss"] {
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
    let ours: Vec<_> = records.iter().map(expected).collect();
    same(fastavro(python, &[&path]), &ours);
}

fn same(mut theirs: Vec<Json>, ours: &[Json]) {
    theirs.iter_mut().for_each(strip);
    assert_eq!(theirs.len(), ours.len());
    for (theirs, ours) in theirs.iter().zip(ours) {
        assert_eq!(theirs, ours);
    }
}

#[test]
fn fastavro_reads_any_record_of_ours() {
    let Some(python) = python() else { return };
    let records = some(strategy::record());
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

fn some<T: std::fmt::Debug>(strategy: impl Strategy<Value = T>) -> Vec<T> {
    let mut runner = TestRunner::deterministic();
    prop::collection::vec(strategy, 400).new_tree(&mut runner).unwrap().current()
}

#[test]
fn fastavro_reads_version_6_also_by_version_5() {
    let Some(python) = python() else { return };
    let records = some(strategy::record_6());
    let mut all = vec![Record::Header(header())];
    all.extend(records.clone());
    let as_6: Vec<_> = all.iter().map(|r| expected_value(r, &oracle::value_6(r))).collect();
    let as_5: Vec<_> = all.iter().map(expected).collect();

    let dir = TempDir::new().unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let options = Options { schema: Version::V6, block_bytes: 2000, ..Options::default() };
    let file = put("trace.sf", &file_of(&options, &records));
    let schema = put("SysFlow.avsc", Version::V5.text().as_bytes());
    same(fastavro(&python, &[&file]), &as_6);
    // Resolved to version 5, as a reader does that was generated from it.
    same(fastavro(&python, &[&file, &schema]), &as_5);
    // One record in each packet, and a receiver that knows version 5 only.
    let mut packets = String::new();
    for record in &all {
        let mut bytes = Vec::new();
        record.encode_as(Version::V6, &mut bytes);
        bytes.iter().for_each(|byte| packets += &format!("{byte:02x}"));
        packets.push('\n');
    }
    let packets = put("packets", packets.as_bytes());
    same(fastavro(&python, &[Path::new("--packets"), &packets, &schema]), &as_5);
}

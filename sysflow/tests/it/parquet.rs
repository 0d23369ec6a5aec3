// SPDX-License-Identifier: Apache-2.0
//! Parquet, read back by the Arrow project's own reader in Python, which is another implementation.

use std::path::Path;
use std::process::Command;

use serde_json::{Value as Json, json};
use sysflow::attribute::ALL;
use sysflow::print::{Column, Format, Options, Parquet, Printer, Times};
use sysflow::read::Reader;
use sysflow::record::{FileFlow, OpFlags};
use sysflow::resolve::{Events, Resolver};

use crate::support::{capture, golden, python_with};

fn all() -> Vec<Column> {
    [Column::Index].into_iter().chain(ALL.iter().map(Column::Attribute)).collect()
}

fn print(path: &Path, format: Format) -> Vec<u8> {
    let options = Options { columns: all(), times: Times::Epoch, ..Options::default() };
    let mut printer = Printer::new(format, options);
    let mut events = Events::new(Reader::open(path).unwrap());
    let mut out = Vec::new();
    while let Some(event) = events.next_event().unwrap() {
        printer.write_event(&mut out, &event).unwrap();
    }
    printer.finish(&mut out).unwrap();
    out
}

/// Columns, metadata, then rows.
fn read(python: &str, parquet: &[u8]) -> Vec<Json> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("events.parquet");
    std::fs::write(&file, parquet).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parquet_read.py");
    let output = Command::new(python).arg(script).arg(file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What a value of flat JSON is in Parquet.
fn expected(name: &str, event: &Json) -> Json {
    let value = &event[name];
    match value {
        // The operations are a list of names, the others one text.
        Json::String(_) if name == "opflags" => match event["opflags_bitmap"].as_i64() {
            Some(bits) => operations(bits, event["type"] == "NF"),
            None => Json::Null,
        },
        value => value.clone(),
    }
}

fn operations(bits: i64, network: bool) -> Json {
    let name = |&(name, flag): &(&'static str, OpFlags)| match flag {
        _ if bits & i64::from(flag.bits()) == 0 => None,
        OpFlags::READ_RECV => Some(if network { "RECV" } else { "READ" }),
        OpFlags::WRITE_SEND => Some(if network { "SEND" } else { "WRITE" }),
        _ => Some(name),
    };
    json!(OpFlags::NAMES.iter().filter_map(name).collect::<Vec<_>>())
}

/// Absent texts and lists are empty in JSON, environments one text, services JSON themselves.
fn is_same(found: &Json, expected: &Json) -> bool {
    if let (Json::Array(variables), Json::String(expected)) = (found, expected) {
        let variables: Vec<_> = variables.iter().map(|text| text.as_str().unwrap()).collect();
        return variables.join(";") == *expected;
    }
    if let (Json::String(services), Json::Array(_)) = (found, expected) {
        return serde_json::from_str::<Json>(services).unwrap() == *expected;
    }
    let nothing = [json!(""), json!([]), json!("[]"), Json::Null].contains(expected);
    found == expected || (found.is_null() && nothing)
}

#[test]
fn parquet_has_the_values_of_flat_json() {
    let Some(python) = python_with("parquet", "pyarrow") else { return };
    for trace in ["collector/tcp-client-server.sf", "traces/k8s_small.sf", "collector/files.sf"] {
        let Some(path) = capture("parquet", trace) else { return };
        let json = String::from_utf8(print(&path, Format::FlatJson)).unwrap();
        let found = read(&python, &print(&path, Format::Parquet));
        assert_eq!(found[1]["metadata"]["sysflow.columns"], "1");
        let rows = &found[2..];
        assert_eq!(rows.len(), json.lines().count());
        for (row, line) in rows.iter().zip(json.lines()) {
            let event: Json = serde_json::from_str(line).unwrap();
            for (name, found) in row.as_object().unwrap() {
                let expected = expected(name, &event);
                assert!(is_same(found, &expected), "{trace}: {name}: {found} for {expected}");
            }
        }
    }
}

/// The columns of a release are those of the next: this file changes only by additions.
#[test]
fn columns_are_those_documented() {
    let mut text = String::new();
    for field in Parquet::new(&all()).schema().fields() {
        let null = if field.is_nullable() { "" } else { " not null" };
        text += &format!("{} {}{null}\n", field.name(), field.data_type());
    }
    golden("parquet-columns.txt", &text);
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/parquet.md");
    let document = std::fs::read_to_string(document).unwrap();
    for column in all() {
        assert!(document.contains(&format!("`{}`", column.name())), "{}", column.name());
    }
}

/// Rows that are in memory are bounded: most of a file is out before its end.
#[test]
fn row_groups_are_written_when_they_are_full() {
    let mut resolver = Resolver::new();
    let mut parquet = Parquet::new(&Column::parse_list("ts,flow.rbytes,type").unwrap());
    let mut out = Vec::new();
    for ts in 0..300_000 {
        let event = resolver.accept(FileFlow { ts, ..FileFlow::default() }.into()).unwrap();
        parquet.write_event(&mut out, &event).unwrap();
    }
    assert!(out.len() > 100_000, "{}", out.len());
    parquet.finish(&mut out).unwrap();
    let Some(python) = python_with("parquet", "pyarrow") else { return };
    let found = read(&python, &out);
    assert_eq!((found[1]["groups"].as_u64(), found.len()), (Some(3), 300_002));
}

#[test]
fn a_file_without_events_is_valid() {
    let mut out = Vec::new();
    Parquet::new(&all()).finish(&mut out).unwrap();
    assert!(out.starts_with(b"PAR1") && out.ends_with(b"PAR1"));
    let Some(python) = python_with("parquet", "pyarrow") else { return };
    assert_eq!(read(&python, &out).len(), 2);
}

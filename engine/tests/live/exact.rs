// SPDX-License-Identifier: Apache-2.0
//! A file holds exactly what happened, no more and no less.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use sysflow::record::Record;

use crate::support::expected::Expected;
use crate::support::recorder::{Ended, Recorder};
use crate::support::{Lab, file, skipped, stats, workload};

/// Flows are told once, at their end, and a busy machine does not cost records.
const ONCE: [&str; 4] = ["--export-interval", "3600", "--ring-size", "16M"];

/// A capture of the exactness workload.
struct Exact {
    /// What the workload says that it did.
    report: Value,
    /// The workload's first process.
    director: i64,
    /// The recorder.
    itself: i64,
    ended: Ended,
}

fn record(lab: &Lab, threads: &str) -> Exact {
    let args = [&ONCE[..], &["--threads", threads]].concat();
    let recorder = Recorder::start(lab, &format!("exact-{threads}.sf"), &args);
    let itself = recorder.pid();
    let dir = lab.path(&format!("work-{threads}"));
    let (report, director) = workload::run(&["exact", dir.to_str().expect("text")]);
    let ended = recorder.interrupt().well();
    assert_eq!(stats::balanced(&ended.stats()).lost, 0, "{}", ended.told);
    Exact { report, director, itself, ended }
}

#[test]
fn the_file_holds_exactly_what_the_workload_did() {
    let Some(lab) = Lab::enter("exactness") else { return };
    for threads in ["1", "2"] {
        is_exact(&record(&lab, threads));
    }
}

fn is_exact(Exact { report, director, itself, ended }: &Exact) {
    let (director, itself) = (*director, *itself);
    let records = file::read(&ended.file);
    file::assert_self_contained(&records);
    Expected::new(report, director).compare(&records);
    within_the_capture(&records, &ended.stats());
    assert!(!records.iter().any(|record| acts(record, itself)), "the recorder recorded itself");
    let me = i64::from(std::process::id());
    assert!(records.iter().any(|record| acts(record, me)), "this test left no trace");
}

/// The same comparison by a program that shares nothing with ours.
#[test]
fn an_independent_reader_finds_the_same() {
    let Some(lab) = Lab::enter("exactness by fastavro") else { return };
    let (python, keep) = (python(), std::env::var_os("SYSFLOW_TEST_KEEP"));
    if python.is_none() && keep.is_none() {
        return skipped("exactness by fastavro", "no Python that has it; set SYSFLOW_PYTHON");
    }
    let Exact { report, ended, .. } = record(&lab, "1");
    let told = lab.path("report.json");
    std::fs::write(&told, report.to_string()).expect("report");
    if let Some(keep) = keep.as_deref().map(Path::new) {
        std::fs::copy(&told, keep.join("report.json")).expect("keep the report");
        std::fs::copy(&ended.file, keep.join("exact.sf")).expect("keep the capture");
    }
    let Some(python) = python else {
        return skipped("exactness by fastavro", "the capture was kept for another machine");
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live/exact.py");
    let mut command = Command::new(python);
    let output = command.arg(script).arg(&told).arg(&ended.file).output().expect("python");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "fastavro disagrees: {text}{errors}");
    assert!(text.starts_with("the same: "), "{text}");
}

/// Whether a record tells an operation of a process.
fn acts(record: &Record, pid: i64) -> bool {
    match record {
        Record::ProcessEvent(event) => event.proc_oid.hpid == pid,
        Record::FileFlow(flow) => flow.proc_oid.hpid == pid,
        Record::NetworkFlow(flow) => flow.proc_oid.hpid == pid,
        _ => false,
    }
}

/// Every operation happened between the capture's start and its end.
fn within_the_capture(records: &[Record], stats: &Value) {
    let time = |key: &str| stats[key].as_i64().unwrap_or_else(|| panic!("no {key}"));
    let during = time("started")..=time("ended");
    for record in records {
        let (from, to) = match record {
            Record::ProcessEvent(event) => (event.ts, event.ts),
            Record::FileFlow(flow) => (flow.ts, flow.end_ts),
            Record::NetworkFlow(flow) => (flow.ts, flow.end_ts),
            _ => continue,
        };
        assert!(during.contains(&from) && during.contains(&to), "{record:?} not in {during:?}");
    }
}

fn python() -> Option<String> {
    let python = std::env::var("SYSFLOW_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let found = Command::new(&python).args(["-c", "import fastavro"]).output();
    found.is_ok_and(|output| output.status.success()).then_some(python)
}

#[test]
fn flows_told_in_parts_add_up() {
    let Some(lab) = Lab::enter("export interval") else { return };
    let recorder = Recorder::start(&lab, "parts.sf", &["--export-interval", "1"]);
    let dir = lab.path("work");
    let (report, pid) = workload::run(&["drip", dir.to_str().expect("text"), "4"]);
    let ended = recorder.interrupt().well();

    let records = file::read(&ended.file);
    file::assert_self_contained(&records);
    let paths = file::paths(&records);
    let path = report["path"].as_str().expect("path");
    let parts: Vec<_> = records
        .iter()
        .filter_map(|record| match record {
            Record::FileFlow(f) if f.proc_oid.hpid == pid => Some(f),
            _ => None,
        })
        .filter(|f| paths.get(&f.file_oid).is_some_and(|(p, _)| p == path))
        .collect();
    assert!(parts.len() > 1, "one flow of 4 seconds was told in {} parts", parts.len());
    let ops: i64 = parts.iter().map(|f| f.num_w_send_ops).sum();
    let bytes: i64 = parts.iter().map(|f| f.num_w_send_bytes).sum();
    assert_eq!(Some(ops), report["numWSendOps"].as_i64());
    assert_eq!(Some(bytes), report["numWSendBytes"].as_i64());
    let opens = parts.iter().filter(|f| f.op_flags.0 & 128 != 0).count();
    let closes = parts.iter().filter(|f| f.op_flags.0 & 1024 != 0).count();
    assert_eq!((opens, closes), (1, 1));
    for (a, b) in parts.iter().zip(&parts[1..]) {
        assert!(a.end_ts <= b.ts, "parts overlap: {a:?} {b:?}");
    }
}

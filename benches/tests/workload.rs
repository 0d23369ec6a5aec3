// SPDX-License-Identifier: Apache-2.0
//! The workload does what it says, with no capture around.

use std::process::Command;

use serde_json::Value;

fn workload(args: &[&str]) -> String {
    let out = Command::new(env!("CARGO_BIN_EXE_workload")).args(args).output().expect("start");
    let stderr = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "workload {args:?} ended with {}: {stderr}", out.status);
    assert_eq!(stderr, "");
    String::from_utf8(out.stdout).expect("text")
}

fn sum(report: &Value, kind: &str, pids: &[i64], field: &str) -> i64 {
    let flows = report[kind].as_array().expect("flows").iter();
    flows
        .filter(|flow| pids.contains(&flow["pid"].as_i64().expect("pid")))
        .map(|flow| flow[field].as_i64().expect("number"))
        .sum()
}

fn pids(report: &Value, names: &str) -> Vec<i64> {
    let processes = report["processes"].as_array().expect("processes").iter();
    processes
        .filter(|process| process["name"].as_str().expect("name").starts_with(names))
        .map(|process| process["pid"].as_i64().expect("pid"))
        .collect()
}

#[test]
fn exact_moves_what_its_parts_promise() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let path = dir.path().to_str().expect("text");
    let report: Value = serde_json::from_str(&workload(&["exact", path])).expect("JSON");

    let files = pids(&report, "files");
    assert_eq!(files.len(), 2);
    assert_eq!(sum(&report, "FileFlow", &files, "numWSendOps"), 1000);
    assert_eq!(sum(&report, "FileFlow", &files, "numRRecvOps"), 500);
    let data = std::fs::read(dir.path().join("data")).expect("data");
    assert_eq!(data.len(), 100_000);
    assert_eq!(sum(&report, "FileFlow", &files, "numWSendBytes"), 100_000);
    assert_eq!(sum(&report, "FileFlow", &files, "numRRecvBytes"), 100_000);

    let client = &pids(&report, "tcp: client")[..2];
    assert_eq!(sum(&report, "NetworkFlow", client, "numWSendOps"), 64);
    assert_eq!(sum(&report, "NetworkFlow", client, "numWSendBytes"), 64 * 1024);
    assert_eq!(sum(&report, "NetworkFlow", client, "numRRecvBytes"), 64 * 1024);

    let started = pids(&report, "program ").len();
    assert_eq!(started, 10);
    // 10 datagrams with an echo each, and 10 at once.
    let client = pids(&report, "udp: client");
    assert_eq!(sum(&report, "NetworkFlow", &client, "numWSendOps"), 20);
    assert_eq!(sum(&report, "NetworkFlow", &client, "numRRecvOps"), 10);
}

#[test]
fn a_flood_of_rounds_has_a_known_size() {
    let report: Value = serde_json::from_str(&workload(&["flood", "rounds", "3"])).expect("JSON");
    assert_eq!(report["reader"]["reads"], 3 * 256);
    assert_eq!(report["opener"]["opens"], 3 * 32);
    assert_eq!(report["opener"]["forks"], 3);
}

#[test]
fn the_demo_tells_what_it_did() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let told = workload(&["demo", dir.path().to_str().expect("text")]);
    let last = told.lines().last().expect("lines");
    assert_eq!(last.split(' ').count(), 5, "{last}");
    let copy = std::fs::read(dir.path().join("copy.txt")).expect("copy");
    assert_eq!(copy, std::fs::read(dir.path().join("note-0.txt")).expect("note"));
}

#[test]
fn wrong_arguments_are_a_usage_error() {
    for args in [&[][..], &["exact"], &["flood", "seconds", "x"], &["other", "x"]] {
        let out = Command::new(env!("CARGO_BIN_EXE_workload")).args(args).output().expect("start");
        assert_eq!(out.status.code(), Some(2), "{args:?}");
        assert!(String::from_utf8_lossy(&out.stderr).starts_with("usage: workload"));
    }
}

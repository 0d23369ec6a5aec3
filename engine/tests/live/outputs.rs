// SPDX-License-Identifier: Apache-2.0
//! Real captures to several outputs at once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::recorder::{Recorder, sysflow};
use crate::support::{Lab, file, program, stats, workload};

/// The traces in a directory.
fn traces(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("directory").map(|entry| entry.expect("entry").path());
    let mut traces: Vec<_> = entries.filter(|path| path.extension().is_none()).collect();
    traces.sort();
    traces
}

#[test]
fn a_series_beside_a_file() {
    let Some(lab) = Lab::enter("a series") else { return };
    let folder = lab.path("series");
    fs::create_dir(&folder).expect("directory");
    let series = format!("{}/", folder.display());
    let one = lab.path("one.sf");
    let args = ["-G", "1", "--export-interval", "0.5", "-w", one.to_str().expect("text")];
    let recorder = Recorder::start_to(&lab, Path::new(&series), &args);
    drop(workload::run(&["flood", "seconds", "4"]));
    let ended = recorder.interrupt();
    assert!(ended.status.success(), "{}", ended.told);
    let traces = traces(&folder);
    // Four seconds; a busy machine begins some of its files late.
    assert!(traces.len() >= 2, "{traces:?}");
    let mut records = 0;
    let (mut seen, mut lost) = (0, 0);
    for trace in &traces {
        let found = file::read(trace);
        file::assert_self_contained(&found);
        records += found.len() - 1;
        let text = fs::read_to_string(format!("{}.stats.json", trace.display())).expect("stats");
        let stats: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let classes = ["process", "describe", "file", "net", "path", "io"];
        seen += classes.iter().map(|class| stats::seen(&stats, class)).sum::<u64>();
        lost += stats::lost(&stats, "ring full");
    }
    // -G made a series of the file, too.
    assert!(!one.exists());
    let name = |path: &PathBuf| path.file_name().expect("name").to_string_lossy().into_owned();
    let names =
        fs::read_dir(lab.dir()).expect("directory").map(|entry| entry.expect("entry").path());
    let mut ones: Vec<_> = names
        .filter(|path| name(path).starts_with("one.sf.") && !name(path).ends_with(".json"))
        .collect();
    ones.sort();
    let all: usize = ones.iter().map(|path| file::read(path).len() - 1).sum();
    assert_eq!(all, records);
    assert!(seen > 0 && lost <= seen);
}

#[test]
fn standard_output_is_a_trace_for_the_next_program() {
    let Some(lab) = Lab::enter("standard output") else { return };
    let mut recorder = Command::new(program("SYSFLOW_BIN", "sysflow"))
        .args(["record", "--for", "2", "--driver", lab.driver(), "-w", "-"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("start");
    let trace = recorder.stdout.take().expect("stdout");
    let print = sysflow().args(["print", "-F", "json", "-"]).stdin(trace).output().expect("print");
    let ended = recorder.wait_with_output().expect("wait");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    assert!(print.status.success(), "{}", String::from_utf8_lossy(&print.stderr));
    assert!(!print.stdout.is_empty());
}

#[test]
fn a_reader_of_standard_output_that_leaves_ends_the_capture() {
    let Some(lab) = Lab::enter("a reader that leaves") else { return };
    let mut recorder = sysflow()
        .args(["record", "--driver", lab.driver(), "--export-interval", "0.2", "-w", "-"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("start");
    drop(recorder.stdout.take());
    drop(workload::run(&["flood", "rounds", "2"]));
    let ended = recorder.wait_with_output().expect("wait");
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(1), "{told}");
    assert!(told.contains("standard output"), "{told}");
}

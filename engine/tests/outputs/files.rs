// SPDX-License-Identifier: Apache-2.0
//! Files and series of files that nothing goes wrong with.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::output::{Destination, Keep, Outputs, Spec};
use sysflow::record::Record;

use crate::known;
use crate::machine::{Machine, common, files, until};

/// The files in a directory whose names end so, sorted by their numbers.
pub(crate) fn named(dir: &Path, end: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("directory");
    let mut names: Vec<PathBuf> = entries.map(|entry| entry.expect("entry").path()).collect();
    names.retain(|path| path.to_string_lossy().ends_with(end));
    names.sort();
    names
}

/// The traces of a series, each of which explains itself. Returns the number
/// of records without headers.
pub(crate) fn check_series(dir: &Path) -> (usize, u64) {
    let mut traces = named(dir, "");
    traces.retain(|path| path.extension().is_none_or(|e| e.as_encoded_bytes()[0].is_ascii_digit()));
    let mut sum = 0;
    for path in &traces {
        let records = known::read(path);
        known::assert_self_contained(&records);
        let Record::Header(header) = &records[0] else { panic!("no header") };
        assert_eq!(Path::new(&header.filename), path);
        let stats = fs::read_to_string(format!("{}.stats.json", path.display())).expect("stats");
        let stats: serde_json::Value = serde_json::from_str(&stats).expect("JSON");
        assert_eq!(stats["records"], records.len());
        assert_eq!(stats["bytes"], path.metadata().expect("metadata").len());
        sum += records.len() as u64 - 1;
    }
    (traces.len(), sum)
}

#[test]
fn a_file_has_everything_under_its_own_name() {
    let dir = tempfile::tempdir().expect("directory");
    let path = dir.path().join("x.sf");
    let mut machine = Machine::new(&[files(&path, None, None)]);
    for _ in 0..100 {
        machine.rounds(30);
        machine.pass(1000.0);
    }
    let ended = machine.finish().remove(0);
    let records = known::read(&path);
    known::assert_self_contained(&records);
    assert_eq!(ended.numbers.written.total() + 1, records.len() as u64);
    assert_eq!(ended.numbers.bytes, path.metadata().expect("metadata").len());
    assert_eq!(named(dir.path(), "").len(), 2, "the file and its counters");
    assert_eq!((ended.numbers.files, ended.numbers.missing()), (1, 0));
}

#[test]
fn a_series_has_a_file_for_each_interval_and_each_explains_itself() {
    let dir = tempfile::tempdir().expect("directory");
    let mut machine = Machine::new(&[files(&dir.path().join("x.sf"), Some(60), None)]);
    for _ in 0..5 {
        machine.rounds(10);
        machine.pass(30.0);
        machine.rounds(10);
        machine.pass(31.0);
    }
    let ended = machine.finish().remove(0);
    assert_eq!(check_series(dir.path()), (6, ended.numbers.written.total()));
    assert_eq!((ended.numbers.files, ended.numbers.missing()), (6, 0));
    // The accounts of the files add up to that of the capture.
    let engine = |path: &PathBuf| {
        let text = fs::read_to_string(path).expect("stats");
        let stats: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        stats["engine"]["events"].as_u64().expect("events")
    };
    let events: Vec<u64> = named(dir.path(), ".stats.json").iter().map(engine).collect();
    assert_eq!(events, [180, 180, 180, 180, 180, 0]);
}

#[test]
fn a_quiet_series_begins_files_too() {
    let dir = tempfile::tempdir().expect("directory");
    let folder = dir.path().join("");
    let mut machine = Machine::new(&[files(&folder, Some(10), None)]);
    machine.pass(11.0);
    until("the first file is finished", || machine.numbers(0).files == 1);
    machine.finish();
    assert_eq!(check_series(dir.path()), (2, 0));
}

#[test]
fn a_series_begins_a_file_when_one_is_large_enough() {
    let dir = tempfile::tempdir().expect("directory");
    let size = 50_000;
    let mut machine = Machine::new(&[files(&dir.path().join("x"), None, Some(size))]);
    for _ in 0..40 {
        machine.rounds(200);
        machine.pass(0.2);
        machine.settle(0);
    }
    let ended = machine.finish().remove(0);
    let (number, records) = check_series(dir.path());
    assert!(number > 3, "{number} files");
    assert_eq!(records, ended.numbers.written.total());
    for path in &named(dir.path(), "")[..] {
        // One batch more than asked for: there is a turn after each.
        assert!(path.metadata().expect("metadata").len() < 2 * size, "{path:?}");
    }
}

#[test]
fn a_series_keeps_what_it_is_told_to_keep() {
    let dir = tempfile::tempdir().expect("directory");
    let mut spec = files(&dir.path().join("x"), Some(1), None);
    let Destination::Files(all) = &mut spec.to else { panic!("files") };
    all.keep = Keep { size: Some(30_000), age: Some(Duration::from_secs(3600)) };
    let mut machine = Machine::new(&[spec]);
    for _ in 0..20 {
        machine.rounds(200);
        machine.pass(1.1);
    }
    machine.settle(0);
    let ended = machine.finish().remove(0);
    let (number, _) = check_series(dir.path());
    assert_eq!(ended.numbers.files, 21);
    assert_eq!(ended.numbers.removed + number as u64, 21, "what is gone was counted");
    let size = |path: &PathBuf| path.metadata().expect("metadata").len();
    let traces =
        named(dir.path(), "").into_iter().filter(|p| !p.to_string_lossy().ends_with("json"));
    let sizes: Vec<u64> = traces.map(|path| size(&path)).collect();
    assert!(number > 1 && sizes.iter().sum::<u64>() <= 30_000, "{sizes:?}");
}

#[test]
fn several_outputs_get_the_same() {
    let dir = tempfile::tempdir().expect("directory");
    let (one, series) = (dir.path().join("one.sf"), dir.path().join("series"));
    fs::create_dir(&series).expect("directory");
    let specs = [files(&one, None, None), files(&series.join(""), Some(5), None)];
    let mut machine = Machine::new(&specs);
    for _ in 0..4 {
        machine.rounds(50);
        machine.pass(5.1);
    }
    let ended = machine.finish();
    let records = known::read(&one);
    known::assert_self_contained(&records);
    assert_eq!(check_series(&series), (5, records.len() as u64 - 1));
    assert_eq!(ended[0].numbers.written, ended[1].numbers.written);
    let joined = named(&series, "").into_iter().filter(|p| p.extension().is_none());
    let joined: Vec<Record> = joined.flat_map(|path| known::read(&path).split_off(1)).collect();
    assert!(joined == records[1..], "the series is the file in pieces");
}

#[test]
fn what_cannot_be_opened_leaves_nothing_behind() {
    let dir = tempfile::tempdir().expect("directory");
    let good = files(&dir.path().join("good.sf"), None, None);
    let open = |other: Spec| Outputs::open(&[good.clone(), other], &common()).err();
    let missing = open(files(&dir.path().join("missing/x.sf"), None, None)).expect("an error");
    assert!(missing.to_string().contains("create the directory first"), "{missing}");
    let missing = open(files(&dir.path().join("missing/"), Some(1), None)).expect("an error");
    assert!(missing.to_string().contains("missing/"), "{missing}");
    let twice = open(good.clone()).expect("an error");
    assert!(twice.to_string().contains("named twice"), "{twice}");
    assert_eq!(named(dir.path(), ""), [""; 0].map(PathBuf::from));
    Outputs::open(&[good], &common()).expect("opened").discard();
    assert_eq!(named(dir.path(), ""), [""; 0].map(PathBuf::from));
}

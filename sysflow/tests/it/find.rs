// SPDX-License-Identifier: Apache-2.0
//! The traces in a directory.

use std::fs;
use std::path::Path;

use sysflow::read::{Problem, Reader, find};
use sysflow::record::Record;
use sysflow::write::Options;
use tempfile::TempDir;

use crate::support::file_of;

/// The names of the traces found.
fn names(dir: &Path) -> Vec<String> {
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    find(dir).unwrap().iter().map(|path| name(path)).collect()
}

#[test]
fn traces_come_by_the_time_in_their_names() {
    let dir = TempDir::new().unwrap();
    let trace = file_of::<Record>(&Options::default(), &[]);
    let expected = [
        "mon.1531776682.sf",
        "series7-1531776712.sf",
        "1531776742",
        "1531776772000.sf",
        "1592328169.one.sf",
        "1592328169.two.sf",
    ];
    for name in expected.iter().rev() {
        fs::write(dir.path().join(name), &trace).unwrap();
    }
    assert_eq!(names(dir.path()), expected);
}

#[test]
fn what_is_no_trace_is_left_out_and_what_claims_to_be_one_is_not() {
    let dir = TempDir::new().unwrap();
    let trace = file_of::<Record>(&Options::default(), &[]);
    fs::write(dir.path().join("notes.txt"), "none").unwrap();
    fs::write(dir.path().join(".1531776682.sf.partial"), &trace).unwrap();
    fs::write(dir.path().join("1531776682.empty.sf"), "").unwrap();
    fs::write(dir.path().join("1631776682.sf.interrupted"), &trace).unwrap();
    fs::create_dir(dir.path().join("inner.sf")).unwrap();
    std::os::unix::fs::symlink("nowhere", dir.path().join("dangling.sf")).unwrap();
    assert_eq!(names(dir.path()), ["1531776682.empty.sf", "1631776682.sf.interrupted"]);
}

#[test]
fn files_without_time_in_their_names_come_by_modification() {
    use std::time::{Duration, SystemTime};
    let dir = TempDir::new().unwrap();
    for (name, age) in [("b.sf", 100), ("a.sf", 50), ("c.sf", 200)] {
        let file = fs::File::create(dir.path().join(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
    }
    assert_eq!(names(dir.path()), ["c.sf", "b.sf", "a.sf"]);
}

#[test]
fn a_file_stands_for_itself() {
    let missing = Path::new("/nowhere/trace.sf");
    assert_eq!(find(missing).unwrap(), [missing]);
    let error = Reader::open(missing).unwrap_err();
    assert!(matches!(error.problem, Problem::Open(_)), "{error}");
}

// SPDX-License-Identifier: Apache-2.0
//! What several tests need.

pub(crate) mod oracle;
pub(crate) mod strategy;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use sysflow::encode::Encode;
use sysflow::read::Reader;
use sysflow::record::{Header, Record};
use sysflow::write::{Options, Writer};

/// Tells on the real standard error, which the test harness does not hide, that a test is skipped.
pub(crate) fn skipped(test: &str, why: &str) {
    // One write, so that the lines of other tests cannot come in between.
    let _ = io::stderr().write_all(format!("skipped: {test}: {why}\n").as_bytes());
}

/// The interpreter that has this module: `SYSFLOW_PYTHON`, else python3; or none and a message.
pub(crate) fn python_with(test: &str, module: &str) -> Option<String> {
    let python = std::env::var("SYSFLOW_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    if has_module(&python, module) {
        return Some(python);
    }
    skipped(test, &format!("no python3 with {module}; set SYSFLOW_PYTHON"));
    None
}

pub(crate) fn has_module(python: &str, module: &str) -> bool {
    let import = format!("import {module}");
    Command::new(python).args(["-c", &import]).output().is_ok_and(|output| output.status.success())
}

/// Where the captures of the SysFlow project are, if they are, or none and a message.
fn captures(test: &str) -> Option<PathBuf> {
    let root = std::env::var_os("SYSFLOW_CAPTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/captures"),
        PathBuf::from,
    );
    if root.is_dir() {
        return Some(root);
    }
    static TOLD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    if TOLD.lock().unwrap().insert(test.to_owned()) {
        skipped(test, &format!("no captures at {}; set SYSFLOW_CAPTURES", root.display()));
    }
    None
}

/// The capture of that name, or none and a message.
pub(crate) fn capture(test: &str, name: &str) -> Option<PathBuf> {
    let path = captures(test)?.join(name);
    assert!(path.is_file(), "{} is missing among the captures", path.display());
    Some(path)
}

/// All records of a good file.
pub(crate) fn read(path: &Path) -> Vec<Record> {
    Reader::open(path).and_then(Iterator::collect).unwrap_or_else(|error| panic!("{error}"))
}

/// All records of a good file in memory.
pub(crate) fn read_bytes(bytes: &[u8]) -> Vec<Record> {
    Reader::new(bytes, "memory")
        .and_then(Iterator::collect)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// A container file of a header and these records.
pub(crate) fn file_of<R: Encode>(options: &Options, records: &[R]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), options).unwrap();
    writer.write(header()).unwrap();
    for record in records {
        writer.write(record).unwrap();
    }
    writer.finish().unwrap()
}

pub(crate) fn header() -> Header {
    Header { version: 5, exporter: "tests".to_owned(), ip: String::new(), filename: String::new() }
}

/// Compares with a file under `tests/golden`, or writes it if `SYSFLOW_GOLDEN` is set.
pub(crate) fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("SYSFLOW_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, expected, "{name}; SYSFLOW_GOLDEN=1 accepts the new text");
}

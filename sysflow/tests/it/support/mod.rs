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

/// File, schema version in its header, records by type, rows of the reference's printer.
pub(crate) const TRACES: &[(&str, i64, &str, usize)] = &[
    ("collector/alpine.sf", 5, "H 1 C 1 P 8 F 5 PE 8 FF 16", 24),
    ("collector/tcp-client-server.sf", 5, "H 1 P 10 F 2 PE 4 NF 2 FF 4", 10),
    ("collector/files.sf", 5, "H 1 P 7 F 12 PE 2 FF 6 FE 13", 21),
    ("collector/mpm-event-cold.sf", 5, "H 1 C 1 P 8 F 2 NF 75 FF 50", 125),
    ("collector/mpm-event-full.sf", 5, "H 1 C 1 P 15 F 99 PE 195 NF 75 FF 4410 FE 27", 4707),
    ("collector/ls.sf", 5, "H 1 C 1 P 5 F 11 NF 3 FF 11", 14),
    ("collector/rename.sf", 5, "H 1 P 4 F 27 PE 2 FF 25 FE 1", 28),
    ("traces/httpd.sf", 2, "H 1 C 1 P 5 F 4 NF 1 FF 4", 5),
    ("traces/bh-1634481738.sf", 3, "H 1 C 1 P 41 F 38 PE 53 NF 7 FF 165 FE 3", 228),
    ("traces/k8s_small.sf", 4, K8S_SMALL, 5247),
    ("traces/shellshock.sf", 4, "H 1 C 1 P 13 F 19 PE 9 FF 47", 56),
    ("traces/files-v1.sf", 1000, "H 1 P 7 F 12 PE 2 FF 6 FE 13", 21),
    ("traces/mon.1531776682.sf", 1000, "H 1 C 1 P 255 F 873 PE 537 NF 314 FF 17904", 18755),
    ("traces/nodejs-mon.1544763289.sf", 1000, NODEJS, 2216),
];

const K8S_SMALL: &str = "H 1 C 23 P 217 F 666 PE 341 NF 1511 FF 3383 FE 8 POD 19 KE 4";
const NODEJS: &str = "H 1 C 17 P 101 F 129 PE 180 NF 767 FF 1268 FE 1";

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

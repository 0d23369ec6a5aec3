// SPDX-License-Identifier: Apache-2.0
//! Output held against that of the reference's printer, version 0.6.1, byte for byte.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};
use sysflow::print::{Column, Reference, ReferenceFormat};
use sysflow::read::Reader;
use sysflow::resolve::Events;

use crate::support::capture;

/// The first 12 hexadecimal digits of the SHA-256 of what the reference prints of each capture, in
/// all its fields, as flat JSON and JSON on standard output, and as CSV in a file.
const DIGESTS: &[(&str, &str, &str, &str)] = &[
    ("collector/alpine.sf", "d9440b141c96", "c5cba24ac37e", "d288dc111b78"),
    ("collector/files.sf", "582a69656664", "913af4b6531f", "7fa866fb8e30"),
    ("collector/ls.sf", "8f9abd02c3a5", "3e197043bc6c", "f9e790a00c7a"),
    ("collector/mpm-event-cold.sf", "255c25e48640", "fda69fe18e16", "c3f96444e660"),
    ("collector/mpm-event-full.sf", "24904ad145d1", "59a4c7c8224b", "fc7485589e78"),
    ("collector/rename.sf", "ccc24370506d", "e08186d7fabe", "19941959f47f"),
    ("collector/tcp-client-server.sf", "509ea45483d7", "f4c72340d985", "378572ec57d8"),
    ("traces/bh-1634481738.sf", "3058faa123e0", "3d05191b59e5", "8183b147ad9e"),
    ("traces/httpd.sf", "607d8a528d2c", "b7d1c112cbf1", "dded17e214e1"),
    ("traces/k8s_small.sf", "60b995e620e3", "fe5b10f9acfc", "6bb4ef8b16cb"),
    ("traces/shellshock.sf", "13e152737d33", "069118873fee", "56126ff96a87"),
];

/// The same, flat JSON only, of captures from before schema version 2. They have no field for the
/// entry of a container and the host's address, some none for the descriptor of a network flow.
const OLD_DIGESTS: &[(&str, &str)] = &[
    ("traces/files-v1.sf", "ae68caa26a4e"),
    ("traces/mon.1531776682.sf", "3438f62f2f24"),
    ("traces/nodejs-mon.1544763289.sf", "796fec65a8e1"),
];

fn print(trace: &str, format: ReferenceFormat, columns: &[Column], array: bool) -> Option<Vec<u8>> {
    let path = capture("reference", trace)?;
    let mut printer = Reference::new(columns, format, array);
    let mut events = Events::new(Reader::open(path).unwrap());
    let mut out = Vec::new();
    while let Some(event) = events.next_event().unwrap() {
        printer.write_event(&mut out, &event).unwrap();
    }
    printer.finish(&mut out).unwrap();
    Some(out)
}

fn digest(text: &[u8]) -> String {
    Sha256::digest(text).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn output_of_all_captures_is_that_of_the_reference() {
    let mut wrong = BTreeMap::new();
    for &(trace, flat, nested, csv) in DIGESTS {
        for (format, expected) in [
            (ReferenceFormat::FlatJson, flat),
            (ReferenceFormat::Json, nested),
            (ReferenceFormat::Csv, csv),
        ] {
            let Some(text) = print(trace, format, &Column::exported(), false) else { return };
            let digest = digest(&text);
            if digest != expected {
                wrong.insert((trace, format!("{format:?}")), digest);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A field that the writer did not have is absent in the reference, and has its default here.
#[test]
fn output_of_old_captures_differs_in_defaults_only() {
    for &(trace, expected) in OLD_DIGESTS {
        let columns = Column::exported();
        let Some(text) = print(trace, ReferenceFormat::FlatJson, &columns, false) else { return };
        let without_fd = trace.contains("nodejs");
        let mut lines = String::new();
        for line in String::from_utf8(text).unwrap().lines() {
            let line = line
                .replace("proc.entry\": false", "proc.entry\": \"\"")
                .replace("\"node.ip\": \"NA\"", "\"node.ip\": \"\"");
            let flow = without_fd && line.contains("\"type\": \"NF\"");
            let fd = if flow { "\"file.fd\": 0" } else { "\u{0}" };
            lines += &line.replace(fd, "\"file.fd\": \"\"");
            lines.push('\n');
        }
        assert_eq!(digest(lines.as_bytes()), expected, "{trace}");
    }
}

const TCP: &str = "collector/tcp-client-server.sf";

fn text(format: ReferenceFormat, fields: &str, array: bool) -> Option<String> {
    let columns = Column::parse_list(fields).unwrap();
    print(TCP, format, &columns, array).map(|out| String::from_utf8(out).unwrap())
}

/// The examples of the reference's documentation.
#[test]
fn chosen_fields_are_written_as_by_the_reference() {
    let line = |format, fields| Some(text(format, fields, false)?.lines().nth(2)?.to_owned());
    let fields = "type,proc.exe,res,flow.rbytes";
    let Some(flat) = line(ReferenceFormat::FlatJson, fields) else { return };
    let expected =
        r#"{"type": "FF", "proc.exe": "./server", "res": "/lib64/libc.so.6", "flow.rbytes": 832}"#;
    assert_eq!(flat, expected);
    let fields = "type,proc.exe,res,flow.rbytes,proc.pid";
    let expected = r#"{"type": "FF", "proc": {"exe": "./server", "pid": 13823}, "res": "/lib64/libc.so.6", "flow": {"rbytes": 832}}"#;
    assert_eq!(line(ReferenceFormat::Json, fields).unwrap(), expected);
    assert_eq!(
        line(ReferenceFormat::Json, "proc.exe,type,res,proc.pid,flow.rops").unwrap(),
        r#"{"proc": {"exe": "./server", "pid": 13823}, "type": "FF", "res": "/lib64/libc.so.6", "flow": {"rops": 1}}"#
    );
    assert_eq!(
        text(ReferenceFormat::Csv, "endts,tags,proc.tty", false).unwrap().lines().nth(1).unwrap(),
        ",(),True"
    );
}

#[test]
fn files_of_objects_are_one_array() {
    let Some(array) = text(ReferenceFormat::FlatJson, "type,ret", true) else { return };
    assert!(array.starts_with(r#"[{"type": "PE", "ret": 0}, {"type": "FF", "ret": null}, "#));
    assert!(array.ends_with("}]"));
    let mut out = Vec::new();
    Reference::new(&Column::exported(), ReferenceFormat::Json, true).finish(&mut out).unwrap();
    assert_eq!(out, b"[]");
    Reference::new(&Column::exported(), ReferenceFormat::Csv, false).finish(&mut out).unwrap();
    assert_eq!(out, b"[]");
}

// SPDX-License-Identifier: Apache-2.0
//! The table.

use std::path::Path;

use sysflow::print::{Column, Options, Table};
use sysflow::read::Reader;
use sysflow::record::{File, FileFlow, Header, Oid, OpFlags, Process, Record};
use sysflow::resolve::{Events, Resolver};

use crate::support::{capture, golden};

fn table(path: &Path, options: Options) -> String {
    let mut table = Table::new(options);
    let mut events = Events::new(Reader::open(path).unwrap());
    let mut out = Vec::new();
    while let Some(event) = events.next_event().unwrap() {
        table.write_event(&mut out, &event).unwrap();
    }
    String::from_utf8(out).unwrap()
}

#[test]
fn traces_are_printed_as_before() {
    for name in ["collector/tcp-client-server.sf", "collector/alpine.sf", "traces/httpd.sf"] {
        let Some(path) = capture("print", name) else { continue };
        let short = path.file_stem().unwrap().to_str().unwrap();
        golden(&format!("{short}.txt"), &table(&path, Options::default()));
        let narrow = Options { width: Some(200), ..Options::default() };
        golden(&format!("{short}.200.txt"), &table(&path, narrow));
    }
}

#[test]
fn columns_line_up_and_fit() {
    let Some(path) = capture("print", "collector/mpm-event-full.sf") else { return };
    let width = 220;
    let text = table(&path, Options { width: Some(width), ..Options::default() });
    let start = text.lines().next().unwrap().find("Op Flags").unwrap();
    for line in text.lines() {
        assert!(line.len() <= width, "{line}");
        assert_eq!(line.as_bytes()[start - 1], b' ', "{line}");
    }
    assert_eq!(text.lines().count(), 4707 + 1);
}

/// A resolver that has one process and one file, and the cells of a flow that uses them.
fn cells(exe: &str, path: &str, columns: &str, width: Option<usize>) -> String {
    let oid = Oid { create_ts: 5, hpid: 7 };
    let mut resolver = Resolver::new();
    resolver.accept(Record::Header(Header::default()));
    let process = Process { oid, exe: exe.to_owned(), ..Process::default() };
    resolver.accept(Record::Process(process));
    resolver.accept(Record::File(File { path: path.to_owned(), ..File::default() }));
    let op_flags = OpFlags::OPEN | OpFlags::CLOSE;
    let flow = FileFlow { proc_oid: oid, op_flags, ..FileFlow::default() };
    let event = resolver.accept(flow.into()).unwrap();
    let columns = Column::parse_list(columns).unwrap();
    let mut out = Vec::new();
    let mut table = Table::new(Options { columns, width, titles: false, ..Options::default() });
    table.write_event(&mut out, &event).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn what_is_cut_is_marked() {
    let exe = "/usr/lib/jvm/java-17-openjdk/bin/java";
    assert_eq!(cells(exe, "", "proc.exe", Some(20)), "..7-openjdk/bin/java\n");
    assert_eq!(cells(exe, "", "proc.exe", None), format!("{exe}\n"));
    assert_eq!(cells("日本語日本語日本語", "", "proc.exe", Some(11)), "..語日本語\n");
    assert_eq!(cells("", "", "proc.createts,proc.pid", Some(3)).trim(), "5         7");
}

#[test]
fn names_cannot_steer_the_terminal() {
    let text = cells("", "/tmp/\x1b[2Ja\nb\t\u{202e}c", "res", None);
    assert_eq!(text, "/tmp/\\u{1b}[2Ja\\nb\\t\\u{202e}c\n");
}

#[test]
fn missing_entities_give_empty_cells() {
    let mut resolver = Resolver::new();
    let event = resolver.accept(FileFlow::default().into()).unwrap();
    let mut out = Vec::new();
    let columns = Column::parse_list("type,proc.exe,pproc.pid,container.privileged,res").unwrap();
    let options = Options { columns, titles: false, ..Options::default() };
    Table::new(options).write_event(&mut out, &event).unwrap();
    assert_eq!(out, b"FF\n");
}

#[test]
fn columns_that_do_not_exist_are_told() {
    assert_eq!(Options::default().columns.len(), Column::DEFAULT.len());
    let error = |names| Column::parse_list(names).unwrap_err().to_string();
    assert_eq!(error("ts,nonsense"), "unknown field \"nonsense\"");
    assert_eq!(
        error("proc.pid, proc.arg"),
        "unknown field \"proc.arg\"; did you mean \"proc.args\"?"
    );
}

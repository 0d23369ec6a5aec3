// SPDX-License-Identifier: Apache-2.0
//! JSON and CSV, held against the reference's examples.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};
use sysflow::attribute::ALL;
use sysflow::print::{Column, Format, Options, Printer, Statistics, Times};
use sysflow::read::Reader;
use sysflow::record::{File, FileFlow, Record};
use sysflow::resolve::{Events, Resolver};

use crate::support::{capture, golden};

fn options(fields: &str) -> Options {
    Options { columns: Column::parse_list(fields).unwrap(), ..Options::default() }
}

/// A trace in a format, none if it is not there.
fn print(trace: &str, format: Format, options: Options) -> Option<String> {
    let path = capture("export", trace)?;
    let mut printer = Printer::new(format, options);
    let mut events = Events::new(Reader::open(path).unwrap());
    let mut out = Vec::new();
    while let Some(event) = events.next_event().unwrap() {
        printer.write_event(&mut out, &event).unwrap();
    }
    printer.finish(&mut out).unwrap();
    Some(String::from_utf8(out).unwrap())
}

fn lines(text: &str) -> Vec<Json> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

const TCP: &str = "collector/tcp-client-server.sf";

#[test]
fn flat_json_is_that_of_the_reference() {
    let fields = options("type,proc.exe,res,flow.rbytes");
    let Some(text) = print(TCP, Format::FlatJson, fields) else { return };
    let expected =
        r#"{"type":"FF","proc.exe":"./server","res":"/lib64/libc.so.6","flow.rbytes":832}"#;
    assert_eq!(text.lines().nth(2).unwrap(), expected);

    let Some(text) = print(
        "traces/httpd.sf",
        Format::FlatJson,
        Options { columns: Column::exported(), ..Options::default() },
    ) else {
        return;
    };
    let flow = &lines(&text)[2];
    let expected = json!({
        "opflags": " A WR  SC  ", "opflags_bitmap": 5920, "ret": null, "file.fd": 8, "net.proto": 6,
        "net.sport": 47200, "net.dport": 80, "net.sip": "172.17.0.1",
        "res": "172.17.0.1:47200-172.17.0.2:80", "container.type": "CT_DOCKER",
        "container.privileged": false, "node.ip": "169.48.198.72", "schema": 2, "tags": [],
        "ts": "2020-10-30T15:20:35.203888327Z", "version": "4", "pod.id": "", "pod.hostip": [],
        "pf.nthreads": null, "proc.env": "", "k8s.action": "", "file.openflags": null,
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&flow[name], value, "{name}");
    }
    assert_eq!(flow.as_object().unwrap().len(), 75);
}

#[test]
fn nested_json_is_that_of_the_reference() {
    let fields = || options("type,proc.exe,proc.pid,res,flow.rbytes,proc.pid");
    let Some(text) = print(TCP, Format::JsonLines, fields()) else { return };
    let expected = r#"{"type":"FF","proc":{"exe":"./server","pid":13823},"res":"/lib64/libc.so.6","flow":{"rbytes":832}}"#;
    assert_eq!(text.lines().nth(2).unwrap(), expected);
    let array: Json = serde_json::from_str(&print(TCP, Format::Json, fields()).unwrap()).unwrap();
    assert_eq!(array, Json::Array(lines(&text)));
}

#[test]
fn pods_are_those_of_the_reference() {
    let fields =
        options("type,pod.name,pod.ns,pod.hostip,pod.internalip,pod.rstrtcnt,pod.services");
    let Some(text) = print("traces/k8s_small.sf", Format::FlatJson, fields) else { return };
    let events = lines(&text);
    let coredns = json!({
        "type": "NF", "pod.name": "coredns-64897985d-n4jjl", "pod.ns": "kube-system",
        "pod.hostip": ["192.168.59.100"], "pod.internalip": ["172.17.0.2"], "pod.rstrtcnt": 0,
    });
    let has = |event: &Json| {
        coredns.as_object().unwrap().iter().all(|(name, value)| &event[name] == value)
    };
    assert!(events.iter().any(has));
    let redis = events
        .iter()
        .flat_map(|event| event["pod.services"].as_array().unwrap())
        .find(|service| service["name"] == "redis")
        .unwrap();
    assert_eq!(redis["clusterIP"], json!(["10.111.214.104"]));
    let port = json!([{"port": 6379, "targetPort": 6379, "nodePort": 0, "proto": "TCP"}]);
    assert_eq!((&redis["portList"], &redis["namespace"]), (&port, &json!("robot-shop")));
}

#[test]
fn csv_has_the_fields_of_the_reference() {
    let fields =
        options("ts,type,proc.exe,opflags,res,flow.rbytes,flow.wbytes,container.name,tags");
    let Some(text) = print("traces/httpd.sf", Format::Csv, fields) else { return };
    let rows: Vec<_> = text.split("\r\n").collect();
    assert_eq!(rows[0], "ts,type,proc.exe,opflags,res,flow.rbytes,flow.wbytes,container.name,tags");
    assert_eq!(
        rows[3],
        "2020-10-30T15:20:35.203888327Z,NF,/usr/local/apache2/bin/httpd, A WR  SC  ,\
         172.17.0.1:47200-172.17.0.2:80,92,306,httpd_preforked,[]"
    );
    assert_eq!((rows.len(), rows[6]), (7, ""));
}

#[test]
fn all_fields_of_any_trace_are_json_and_csv() {
    for trace in ["traces/k8s_small.sf", TCP, "collector/files.sf"] {
        let all = || Options {
            columns: ALL.iter().map(Column::Attribute).chain([Column::Index]).collect(),
            ..Options::default()
        };
        let Some(text) = print(trace, Format::FlatJson, all()) else { return };
        let events = lines(&text);
        let names: BTreeSet<_> = ALL.iter().map(|a| a.name).chain(["idx"]).collect();
        for (at, event) in events.iter().enumerate() {
            let found: BTreeSet<_> =
                event.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(found, names);
            assert_eq!(event["idx"], at);
        }
        assert_eq!(lines(&print(trace, Format::JsonLines, all()).unwrap()).len(), events.len());
        let csv = print(trace, Format::Csv, all()).unwrap();
        assert_eq!(csv.matches("\r\n").count(), events.len() + 1);
    }
}

/// One event on a file of that name.
fn one(path: &str, format: Format, fields: &str) -> String {
    let mut resolver = Resolver::new();
    resolver.accept(Record::File(File { path: path.to_owned(), ..File::default() }));
    let event = resolver.accept(FileFlow::default().into()).unwrap();
    let mut out = Vec::new();
    let mut printer = Printer::new(format, options(fields));
    printer.write_event(&mut out, &event).unwrap();
    printer.finish(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn texts_of_all_kinds_survive() {
    let path = "/tmp/a,\"b\"\\c\r\n\t\0\u{1b}\u{7f}\u{2028}日";
    let json: Json = serde_json::from_str(&one(path, Format::FlatJson, "res")).unwrap();
    assert_eq!(json["res"], path);
    let csv = one(path, Format::Csv, "res,type");
    assert_eq!(csv, format!("res,type\r\n\"{}\",FF\r\n", path.replace('"', "\"\"")));
}

#[test]
fn no_events_are_valid_too() {
    let empty = |format| {
        let mut out = Vec::new();
        Printer::new(format, options("type,res")).finish(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    assert_eq!(empty(Format::Json), "[]\n");
    assert_eq!(empty(Format::JsonLines), "");
    assert_eq!(empty(Format::Csv), "type,res\r\n");
    assert_eq!(empty(Format::Table), "T   Resource\n");
}

#[test]
fn times_can_be_numbers() {
    let options = || Options { times: Times::Epoch, ..options("ts,type") };
    let Some(text) = print(TCP, Format::FlatJson, options()) else { return };
    assert_eq!(text.lines().next().unwrap(), r#"{"ts":1553543280704111050,"type":"PE"}"#);
    let table = print(TCP, Format::Table, options()).unwrap();
    assert_eq!(table.lines().nth(1).unwrap(), "1553543280704111050  PE");
}

#[test]
fn formats_have_names() {
    assert!(Format::ALL.iter().all(|format| format.to_string().parse() == Ok(*format)));
    assert!("feather".parse::<Format>().unwrap_err().to_string().contains("flatjson"));
}

#[test]
fn statistics_sum_up_a_trace() {
    for trace in ["traces/httpd.sf", "traces/k8s_small.sf", TCP] {
        let Some(path) = capture("export", trace) else { return };
        let name = format!("{}.stats.txt", path.file_stem().unwrap().to_str().unwrap());
        let mut statistics = Statistics::new();
        let mut events = Events::new(Reader::open(path).unwrap());
        while let Some(event) = events.next_event().unwrap() {
            statistics.add_event(&event);
        }
        statistics.add_records(events.counts());
        let mut out = Vec::new();
        statistics.write(&mut out, 5, &Times::Utc).unwrap();
        golden(&name, &String::from_utf8(out).unwrap());
    }
}

// SPDX-License-Identifier: Apache-2.0
//! What a capture of the exactness workload must hold, and whether it does.
//!
//! Both sides become lines of text, one per record, that hold every field
//! that can be known in advance; the lines are compared as multisets. Other
//! processes of the machine are left out.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;
use sysflow::record::{Process, Record};

use super::file::paths;

/// What the workload reported, with the pid of its director.
pub(crate) struct Expected<'a> {
    report: &'a Value,
    director: i64,
    /// Every process of the workload.
    all: HashSet<i64>,
    /// Those whose flows are all known.
    whole: HashSet<i64>,
}

fn array<'a>(value: &'a Value, key: &str) -> &'a Vec<Value> {
    value[key].as_array().unwrap_or_else(|| panic!("the report has no {key}"))
}

fn int(value: &Value, key: &str) -> i64 {
    value[key].as_i64().unwrap_or_else(|| panic!("{value} has no {key}"))
}

impl<'a> Expected<'a> {
    pub(crate) fn new(report: &'a Value, director: i64) -> Self {
        let pids = |whole: bool| {
            let all = array(report, "processes").iter();
            all.filter(|p| !whole || p["whole"] == true).map(|p| int(p, "pid")).collect()
        };
        Self { report, director, all: pids(false), whole: pids(true) }
    }

    /// Compares, and fails with what is missing and what is too much.
    pub(crate) fn compare(&self, records: &[Record]) {
        let mut wrong = String::new();
        for (kind, want, got) in [
            ("FileFlow", self.flows("FileFlow"), self.file_flows(records)),
            ("NetworkFlow", self.flows("NetworkFlow"), self.network_flows(records)),
            ("ProcessEvent", self.want_events(), self.events(records)),
            ("Process", self.want_processes(), self.processes(records)),
        ] {
            wrong.push_str(&difference(kind, want, got));
        }
        assert!(wrong.is_empty(), "the capture does not hold what the workload did\n{wrong}");
    }

    fn flows(&self, kind: &str) -> Vec<String> {
        let flows = array(self.report, kind).iter();
        flows.map(|flow| line(flow.as_object().expect("flow").clone())).collect()
    }

    fn file_flows(&self, records: &[Record]) -> Vec<String> {
        let paths = paths(records);
        let mut lines = Vec::new();
        for record in records {
            let Record::FileFlow(f) = record else { continue };
            if self.whole.contains(&f.proc_oid.hpid) {
                let (path, restype) = paths.get(&f.file_oid).expect("file of a flow");
                lines.push(json_line(serde_json::json!({
                    "pid": f.proc_oid.hpid, "tid": f.tid, "fd": f.fd, "opFlags": f.op_flags.0,
                    "openFlags": f.open_flags.0, "path": path, "restype": restype,
                    "numRRecvOps": f.num_r_recv_ops, "numRRecvBytes": f.num_r_recv_bytes,
                    "numWSendOps": f.num_w_send_ops, "numWSendBytes": f.num_w_send_bytes,
                })));
            }
        }
        lines
    }

    fn network_flows(&self, records: &[Record]) -> Vec<String> {
        let mut lines = Vec::new();
        for record in records {
            let Record::NetworkFlow(f) = record else { continue };
            if self.whole.contains(&f.proc_oid.hpid) {
                lines.push(json_line(serde_json::json!({
                    "pid": f.proc_oid.hpid, "tid": f.tid, "fd": f.fd, "opFlags": f.op_flags.0,
                    "proto": f.proto, "sip": f.sip.0, "sport": f.sport,
                    "dip": f.dip.0, "dport": f.dport,
                    "numRRecvOps": f.num_r_recv_ops, "numRRecvBytes": f.num_r_recv_bytes,
                    "numWSendOps": f.num_w_send_ops, "numWSendBytes": f.num_w_send_bytes,
                })));
            }
        }
        lines
    }

    fn want_events(&self) -> Vec<String> {
        let mut lines = self.flows("ProcessEvent");
        // The director's own return from its birth, which it does not see.
        let (pid, clone) = (self.director, 1);
        lines.push(json_line(
            serde_json::json!({"pid": pid, "tid": pid, "opFlags": clone, "ret": 0}),
        ));
        lines
    }

    fn events(&self, records: &[Record]) -> Vec<String> {
        let mut lines = Vec::new();
        for record in records {
            let Record::ProcessEvent(e) = record else { continue };
            if self.all.contains(&e.proc_oid.hpid) {
                assert!(e.args.is_empty(), "{e:?}");
                lines.push(json_line(serde_json::json!({
                    "pid": e.proc_oid.hpid, "tid": e.tid, "opFlags": e.op_flags.0, "ret": e.ret,
                })));
            }
        }
        lines
    }

    fn want_processes(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for process in array(self.report, "processes") {
            for record in array(process, "records") {
                let mut fields = record.as_object().expect("record").clone();
                fields.insert("pid".to_owned(), process["pid"].clone());
                fields.insert("ppid".to_owned(), process["ppid"].clone());
                lines.push(line(fields));
            }
        }
        lines
    }

    fn processes(&self, records: &[Record]) -> Vec<String> {
        let mut lines = Vec::new();
        for record in records {
            let Record::Process(p) = record else { continue };
            // The director's first record is of the program that started it.
            let born = p.oid.hpid == self.director && p.state.symbol() == "CREATED";
            if self.all.contains(&p.oid.hpid) && !born {
                assert!(p.oid.create_ts > 0, "{p:?}");
                lines.push(process(p));
            }
        }
        lines
    }
}

fn process(p: &Process) -> String {
    json_line(serde_json::json!({
        "pid": p.oid.hpid, "ppid": p.poid.map(|oid| oid.hpid), "state": p.state.symbol(),
        "exe": p.exe, "exeArgs": p.exe_args, "cwd": p.cwd, "env": p.env,
        "uid": p.uid, "gid": p.gid,
    }))
}

/// A line that does not depend on the order in which the fields were named.
fn line(fields: serde_json::Map<String, Value>) -> String {
    let sorted: BTreeMap<_, _> = fields.into_iter().collect();
    serde_json::to_string(&sorted).expect("text")
}

fn json_line(value: Value) -> String {
    match value {
        Value::Object(fields) => line(fields),
        other => panic!("{other} is no record"),
    }
}

/// What is in one list and not in the other, as often.
fn difference(kind: &str, want: Vec<String>, got: Vec<String>) -> String {
    let mut count: BTreeMap<String, i64> = BTreeMap::new();
    for line in want {
        *count.entry(line).or_default() += 1;
    }
    for line in got {
        *count.entry(line).or_default() -= 1;
    }
    let mut text = String::new();
    for (line, n) in count.into_iter().filter(|&(_, n)| n != 0) {
        let what = if n > 0 { "missing" } else { "too much" };
        text.push_str(&format!("{kind} {what} ({}x): {line}\n", n.abs()));
    }
    text
}

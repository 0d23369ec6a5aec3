// SPDX-License-Identifier: Apache-2.0
//! Records in the terms of an independent Avro implementation, field by field and by hand, so that
//! a mistake in our table of fields cannot hide.

use std::collections::{BTreeMap, HashMap};

use apache_avro::Schema;
use apache_avro::types::Value;
use sysflow::record::{
    FileEvent, FileFlow, Foid, Ip6, Loss, NetworkEvent, NetworkFlow, Oid, Pod, Process,
    ProcessEvent, Record, Service,
};
use sysflow::schema::Version;

pub(crate) fn schema() -> Schema {
    schema_of(Version::V5)
}

pub(crate) fn schema_of(version: Version) -> Schema {
    Schema::parse_str(version.text()).unwrap()
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn texts(list: &[String]) -> Value {
    Value::Array(list.iter().map(|item| text(item)).collect())
}

fn longs(list: &[i64]) -> Value {
    Value::Array(list.iter().map(|&item| Value::Long(item)).collect())
}

fn map(map: &BTreeMap<String, String>) -> Value {
    Value::Map(map.iter().map(|(k, v)| (k.clone(), text(v))).collect::<HashMap<_, _>>())
}

fn optional(value: Option<Value>) -> Value {
    match value {
        None => Value::Union(0, Box::new(Value::Null)),
        Some(value) => Value::Union(1, Box::new(value)),
    }
}

fn symbol(index: usize, name: &str) -> Value {
    Value::Enum(u32::try_from(index).unwrap(), name.to_owned())
}

fn oid(oid: Oid) -> Value {
    fields(vec![("createTS", Value::Long(oid.create_ts)), ("hpid", Value::Long(oid.hpid))])
}

fn foid(foid: Foid) -> Value {
    Value::Fixed(20, foid.0.to_vec())
}

fn fields(fields: Vec<(&str, Value)>) -> Value {
    Value::Record(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// The record as a value of the schema's top type.
pub(crate) fn value(record: &Record) -> Value {
    let (branch, body) = match record {
        Record::Header(r) => (
            0,
            fields(vec![
                ("version", Value::Long(r.version)),
                ("exporter", text(&r.exporter)),
                ("ip", text(&r.ip)),
                ("filename", text(&r.filename)),
            ]),
        ),
        Record::Container(r) => (
            1,
            fields(vec![
                ("id", text(&r.id)),
                ("name", text(&r.name)),
                ("image", text(&r.image)),
                ("imageid", text(&r.imageid)),
                ("type", symbol(r.container_type as usize, r.container_type.symbol())),
                ("privileged", Value::Boolean(r.privileged)),
                ("podId", optional(r.pod_id.as_deref().map(text))),
            ]),
        ),
        Record::Process(r) => (2, process(r)),
        Record::File(r) => (
            3,
            fields(vec![
                ("state", symbol(r.state as usize, r.state.symbol())),
                ("oid", foid(r.oid)),
                ("ts", Value::Long(r.ts)),
                ("restype", Value::Int(r.restype.0)),
                ("path", text(&r.path)),
                ("containerId", optional(r.container_id.as_deref().map(text))),
            ]),
        ),
        Record::ProcessEvent(r) => (4, process_event(r)),
        Record::NetworkFlow(r) => (5, network_flow(r)),
        Record::FileFlow(r) => (6, file_flow(r)),
        Record::FileEvent(r) => (7, file_event(r)),
        Record::NetworkEvent(r) => (8, network_event(r)),
        Record::ProcessFlow(r) => (
            9,
            fields(vec![
                ("procOID", oid(r.proc_oid)),
                ("ts", Value::Long(r.ts)),
                ("numThreadsCloned", Value::Long(r.num_threads_cloned)),
                ("opFlags", Value::Int(r.op_flags.bits())),
                ("endTs", Value::Long(r.end_ts)),
                ("numThreadsExited", Value::Long(r.num_threads_exited)),
                ("numCloneErrors", Value::Long(r.num_clone_errors)),
            ]),
        ),
        Record::Pod(r) => (10, pod(r)),
        Record::K8sEvent(r) => (
            11,
            fields(vec![
                ("kind", symbol(r.kind as usize, r.kind.symbol())),
                ("action", symbol(r.action as usize, r.action.symbol())),
                ("ts", Value::Long(r.ts)),
                ("message", text(&r.message)),
            ]),
        ),
    };
    fields(vec![("rec", Value::Union(branch, Box::new(body)))])
}

/// The record as a value of the top type of schema version 6.
pub(crate) fn value_6(record: &Record) -> Value {
    let mut value = value(record);
    let Value::Record(top) = &mut value else { panic!("no record") };
    let Value::Union(_, body) = &mut top[0].1 else { panic!("no union") };
    let Value::Record(body) = &mut **body else { panic!("no record") };
    let ip = |ip: Option<Ip6>| optional(ip.map(|ip| Value::Fixed(16, ip.0.to_vec())));
    let more = match record {
        Record::NetworkFlow(r) => vec![("sip6", ip(r.sip6)), ("dip6", ip(r.dip6))],
        Record::NetworkEvent(r) => vec![("sip6", ip(r.sip6)), ("dip6", ip(r.dip6))],
        Record::File(r) => vec![("dev", Value::Long(r.dev)), ("ino", Value::Long(r.ino))],
        Record::ProcessFlow(r) => vec![("loss", optional(r.loss.as_ref().map(loss)))],
        _ => vec![],
    };
    body.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
    value
}

fn loss(r: &Loss) -> Value {
    fields(vec![
        ("cpu", Value::Int(r.cpu)),
        ("class", symbol(r.class as usize, r.class.symbol())),
        ("seen", Value::Long(r.seen)),
        ("delivered", Value::Long(r.delivered)),
        ("aggregated", Value::Long(r.aggregated)),
        ("ringFull", Value::Long(r.ring_full)),
        ("tooLarge", Value::Long(r.too_large)),
        ("copyFault", Value::Long(r.copy_fault)),
        ("nested", Value::Long(r.nested)),
    ])
}

fn process(r: &Process) -> Value {
    fields(vec![
        ("state", symbol(r.state as usize, r.state.symbol())),
        ("oid", oid(r.oid)),
        ("poid", optional(r.poid.map(oid))),
        ("ts", Value::Long(r.ts)),
        ("exe", text(&r.exe)),
        ("exeArgs", text(&r.exe_args)),
        ("uid", Value::Int(r.uid)),
        ("userName", text(&r.user_name)),
        ("gid", Value::Int(r.gid)),
        ("groupName", text(&r.group_name)),
        ("tty", Value::Boolean(r.tty)),
        ("containerId", optional(r.container_id.as_deref().map(text))),
        ("entry", Value::Boolean(r.entry)),
        ("cwd", text(&r.cwd)),
        ("env", texts(&r.env)),
    ])
}

fn process_event(r: &ProcessEvent) -> Value {
    fields(vec![
        ("procOID", oid(r.proc_oid)),
        ("ts", Value::Long(r.ts)),
        ("tid", Value::Long(r.tid)),
        ("opFlags", Value::Int(r.op_flags.bits())),
        ("args", texts(&r.args)),
        ("ret", Value::Int(r.ret)),
    ])
}

fn network_flow(r: &NetworkFlow) -> Value {
    fields(vec![
        ("procOID", oid(r.proc_oid)),
        ("ts", Value::Long(r.ts)),
        ("tid", Value::Long(r.tid)),
        ("opFlags", Value::Int(r.op_flags.bits())),
        ("endTs", Value::Long(r.end_ts)),
        ("sip", Value::Int(r.sip.0)),
        ("sport", Value::Int(r.sport)),
        ("dip", Value::Int(r.dip.0)),
        ("dport", Value::Int(r.dport)),
        ("proto", Value::Int(r.proto)),
        ("fd", Value::Int(r.fd)),
        ("numRRecvOps", Value::Long(r.num_r_recv_ops)),
        ("numWSendOps", Value::Long(r.num_w_send_ops)),
        ("numRRecvBytes", Value::Long(r.num_r_recv_bytes)),
        ("numWSendBytes", Value::Long(r.num_w_send_bytes)),
    ])
}

fn file_flow(r: &FileFlow) -> Value {
    fields(vec![
        ("procOID", oid(r.proc_oid)),
        ("ts", Value::Long(r.ts)),
        ("tid", Value::Long(r.tid)),
        ("opFlags", Value::Int(r.op_flags.bits())),
        ("openFlags", Value::Int(r.open_flags.bits())),
        ("endTs", Value::Long(r.end_ts)),
        ("fileOID", foid(r.file_oid)),
        ("fd", Value::Int(r.fd)),
        ("numRRecvOps", Value::Long(r.num_r_recv_ops)),
        ("numWSendOps", Value::Long(r.num_w_send_ops)),
        ("numRRecvBytes", Value::Long(r.num_r_recv_bytes)),
        ("numWSendBytes", Value::Long(r.num_w_send_bytes)),
    ])
}

fn file_event(r: &FileEvent) -> Value {
    fields(vec![
        ("procOID", oid(r.proc_oid)),
        ("ts", Value::Long(r.ts)),
        ("tid", Value::Long(r.tid)),
        ("opFlags", Value::Int(r.op_flags.bits())),
        ("fileOID", foid(r.file_oid)),
        ("ret", Value::Int(r.ret)),
        ("newFileOID", optional(r.new_file_oid.map(foid))),
    ])
}

fn network_event(r: &NetworkEvent) -> Value {
    fields(vec![
        ("procOID", oid(r.proc_oid)),
        ("ts", Value::Long(r.ts)),
        ("tid", Value::Long(r.tid)),
        ("opFlags", Value::Int(r.op_flags.bits())),
        ("sip", Value::Int(r.sip.0)),
        ("sport", Value::Int(r.sport)),
        ("dip", Value::Int(r.dip.0)),
        ("dport", Value::Int(r.dport)),
        ("proto", Value::Int(r.proto)),
        ("ret", Value::Int(r.ret)),
    ])
}

fn pod(r: &Pod) -> Value {
    fields(vec![
        ("ts", Value::Long(r.ts)),
        ("id", text(&r.id)),
        ("name", text(&r.name)),
        ("nodeName", text(&r.node_name)),
        ("hostIP", longs(&r.host_ip)),
        ("internalIP", longs(&r.internal_ip)),
        ("namespace", text(&r.namespace)),
        ("restartCount", Value::Long(r.restart_count)),
        ("labels", map(&r.labels)),
        ("selectors", map(&r.selectors)),
        ("services", Value::Array(r.services.iter().map(service).collect())),
    ])
}

fn service(r: &Service) -> Value {
    let port = |p: &sysflow::record::Port| {
        fields(vec![
            ("port", Value::Int(p.port)),
            ("targetPort", Value::Int(p.target_port)),
            ("nodePort", Value::Int(p.node_port)),
            ("proto", text(&p.proto)),
        ])
    };
    fields(vec![
        ("name", text(&r.name)),
        ("id", text(&r.id)),
        ("namespace", text(&r.namespace)),
        ("portList", Value::Array(r.port_list.iter().map(port).collect())),
        ("clusterIP", longs(&r.cluster_ip)),
    ])
}

// SPDX-License-Identifier: Apache-2.0
//! The records as apache-avro is fastest with them: types of its own for serde, written and read by
//! the schema without a `Value` in between.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use sysflow::record::{self, Record};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename = "SysFlow")]
pub(crate) struct SysFlow {
    rec: Rec,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Rec {
    #[serde(rename = "SFHeader")]
    Header(Header),
    Container(Container),
    Process(Process),
    File(File),
    ProcessEvent(ProcessEvent),
    NetworkFlow(NetworkFlow),
    FileFlow(FileFlow),
    FileEvent(FileEvent),
    NetworkEvent(NetworkEvent),
    ProcessFlow(ProcessFlow),
    Pod(Pod),
    K8sEvent(K8sEvent),
}

macro_rules! mirror {
    ($(
        $(#[$meta:meta])*
        $name:ident { $($(#[$fmeta:meta])* $field:ident: $type:ty,)+ }
    )+) => {$(
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        $(#[$meta])*
        struct $name { $($(#[$fmeta])* $field: $type,)+ }

        impl From<&record::$name> for $name {
            fn from(from: &record::$name) -> Self {
                Self { $($field: Mirror::mirror(&from.$field),)+ }
            }
        }
    )+};
}

/// A field in the type that it has here.
trait Mirror<T> {
    fn mirror(&self) -> T;
}

impl<T: Clone> Mirror<T> for T {
    fn mirror(&self) -> T {
        self.clone()
    }
}

macro_rules! convert {
    ($($from:ty => $to:ty: $body:expr;)+) => {$(
        impl Mirror<$to> for $from {
            fn mirror(&self) -> $to {
                let convert: fn(&$from) -> $to = $body;
                convert(self)
            }
        }
    )+};
}

convert! {
    record::Oid => Oid: |oid| oid.into();
    Option<record::Oid> => Option<Oid>: |oid| oid.as_ref().map(Oid::from);
    record::Foid => [u8; 20]: |foid| foid.0;
    Option<record::Foid> => Option<[u8; 20]>: |foid| foid.map(|foid| foid.0);
    record::OpFlags => i32: |flags| flags.bits();
    record::OpenFlags => i32: |flags| flags.bits();
    record::Ip4 => i32: |ip| ip.0;
    record::RestType => i32: |kind| kind.0;
    record::ObjectState => ObjectState: |state| symbol(state.symbol());
    record::ContainerType => ContainerType: |kind| symbol(kind.symbol());
    record::K8sAction => K8sAction: |action| symbol(action.symbol());
    record::K8sComponent => K8sComponent: |kind| symbol(kind.symbol());
    std::collections::BTreeMap<String, String> => HashMap<String, String>:
        |map| map.clone().into_iter().collect();
    Vec<record::Service> => Vec<Service>: |list| list.iter().map(Service::from).collect();
    Vec<record::Port> => Vec<Port>: |list| list.iter().map(Port::from).collect();
}

/// The variant of that symbol.
fn symbol<T: for<'a> Deserialize<'a>>(symbol: &str) -> T {
    serde_json::from_value(symbol.into()).expect("a symbol of the schema")
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum ObjectState {
    Created,
    Modified,
    Reup,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[expect(non_camel_case_types, reason = "symbols of the schema")]
enum ContainerType {
    CT_DOCKER,
    CT_LXC,
    CT_LIBVIRT_LXC,
    CT_MESOS,
    CT_RKT,
    CT_CUSTOM,
    CT_CRI,
    CT_CONTAINERD,
    CT_CRIO,
    CT_BPM,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[expect(non_camel_case_types, reason = "symbols of the schema")]
enum K8sAction {
    K8S_COMPONENT_ADDED,
    K8S_COMPONENT_MODIFIED,
    K8S_COMPONENT_DELETED,
    K8S_COMPONENT_ERROR,
    K8S_COMPONENT_NONEXISTENT,
    K8S_COMPONENT_UNKNOWN,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[expect(non_camel_case_types, reason = "symbols of the schema")]
enum K8sComponent {
    K8S_NODES,
    K8S_NAMESPACES,
    K8S_PODS,
    K8S_REPLICATIONCONTROLLERS,
    K8S_SERVICES,
    K8S_EVENTS,
    K8S_REPLICASETS,
    K8S_DAEMONSETS,
    K8S_DEPLOYMENTS,
    K8S_UNKNOWN,
}

mirror! {
    #[serde(rename = "SFHeader")]
    Header { version: i64, exporter: String, ip: String, filename: String, }
    Container {
        id: String,
        name: String,
        image: String,
        imageid: String,
        #[serde(rename = "type")]
        container_type: ContainerType,
        privileged: bool,
        pod_id: Option<String>,
    }
    #[serde(rename = "OID")]
    Oid {
        #[serde(rename = "createTS")]
        create_ts: i64,
        hpid: i64,
    }
    Process {
        state: ObjectState,
        oid: Oid,
        poid: Option<Oid>,
        ts: i64,
        exe: String,
        exe_args: String,
        uid: i32,
        user_name: String,
        gid: i32,
        group_name: String,
        tty: bool,
        container_id: Option<String>,
        entry: bool,
        cwd: String,
        env: Vec<String>,
    }
    File {
        state: ObjectState,
        #[serde(with = "apache_avro::serde::fixed")]
        oid: [u8; 20],
        ts: i64,
        restype: i32,
        path: String,
        container_id: Option<String>,
    }
    ProcessEvent {
        #[serde(rename = "procOID")]
        proc_oid: Oid,
        ts: i64,
        tid: i64,
        op_flags: i32,
        args: Vec<String>,
        ret: i32,
    }
    NetworkFlow {
        #[serde(rename = "procOID")]
        proc_oid: Oid,
        ts: i64,
        tid: i64,
        op_flags: i32,
        end_ts: i64,
        sip: i32,
        sport: i32,
        dip: i32,
        dport: i32,
        proto: i32,
        fd: i32,
        num_r_recv_ops: i64,
        num_w_send_ops: i64,
        num_r_recv_bytes: i64,
        num_w_send_bytes: i64,
    }
    FileFlow {
        #[serde(rename = "procOID")]
        proc_oid: Oid,
        ts: i64,
        tid: i64,
        op_flags: i32,
        open_flags: i32,
        end_ts: i64,
        #[serde(rename = "fileOID", with = "apache_avro::serde::fixed")]
        file_oid: [u8; 20],
        fd: i32,
        num_r_recv_ops: i64,
        num_w_send_ops: i64,
        num_r_recv_bytes: i64,
        num_w_send_bytes: i64,
    }
    FileEvent {
        #[serde(rename = "procOID")]
        proc_oid: Oid,
        ts: i64,
        tid: i64,
        op_flags: i32,
        #[serde(rename = "fileOID", with = "apache_avro::serde::fixed")]
        file_oid: [u8; 20],
        ret: i32,
        #[serde(rename = "newFileOID", with = "apache_avro::serde::fixed_opt")]
        new_file_oid: Option<[u8; 20]>,
    }
    NetworkEvent {
        #[serde(rename = "procOID")]
        proc_oid: Oid,
        ts: i64,
        tid: i64,
        op_flags: i32,
        sip: i32,
        sport: i32,
        dip: i32,
        dport: i32,
        proto: i32,
        ret: i32,
    }
    ProcessFlow {
        #[serde(rename = "procOID")]
        proc_oid: Oid,
        ts: i64,
        num_threads_cloned: i64,
        op_flags: i32,
        end_ts: i64,
        num_threads_exited: i64,
        num_clone_errors: i64,
    }
    Pod {
        ts: i64,
        id: String,
        name: String,
        node_name: String,
        #[serde(rename = "hostIP")]
        host_ip: Vec<i64>,
        #[serde(rename = "internalIP")]
        internal_ip: Vec<i64>,
        namespace: String,
        restart_count: i64,
        labels: HashMap<String, String>,
        selectors: HashMap<String, String>,
        services: Vec<Service>,
    }
    Service {
        name: String,
        id: String,
        namespace: String,
        port_list: Vec<Port>,
        #[serde(rename = "clusterIP")]
        cluster_ip: Vec<i64>,
    }
    Port { port: i32, target_port: i32, node_port: i32, proto: String, }
    K8sEvent { kind: K8sComponent, action: K8sAction, ts: i64, message: String, }
}

impl From<&Record> for SysFlow {
    fn from(record: &Record) -> Self {
        let rec = match record {
            Record::Header(r) => Rec::Header(r.into()),
            Record::Container(r) => Rec::Container(r.into()),
            Record::Process(r) => Rec::Process(r.into()),
            Record::File(r) => Rec::File(r.into()),
            Record::ProcessEvent(r) => Rec::ProcessEvent(r.into()),
            Record::NetworkFlow(r) => Rec::NetworkFlow(r.into()),
            Record::FileFlow(r) => Rec::FileFlow(r.into()),
            Record::FileEvent(r) => Rec::FileEvent(r.into()),
            Record::NetworkEvent(r) => Rec::NetworkEvent(r.into()),
            Record::ProcessFlow(r) => Rec::ProcessFlow(r.into()),
            Record::Pod(r) => Rec::Pod(r.into()),
            Record::K8sEvent(r) => Rec::K8sEvent(r.into()),
        };
        Self { rec }
    }
}

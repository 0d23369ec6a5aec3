// SPDX-License-Identifier: Apache-2.0
//! Any record.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::{option, sample};
use sysflow::record::{
    Container, ContainerType, File, FileEvent, FileFlow, Foid, Header, Ip4, Ip6, K8sAction,
    K8sComponent, K8sEvent, Loss, NetworkEvent, NetworkFlow, ObjectState, Oid, OpFlags, OpenFlags,
    OperationClass, Pod, Port, Process, ProcessEvent, ProcessFlow, Record, RestType, Service,
};

/// Text of all kinds: empty, with NULs, long enough for a length of two bytes.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![4 => ".{0,20}", 1 => "[a-z/]{60,200}", 1 => Just("a\0b\0".to_owned())]
}

fn maybe_text() -> impl Strategy<Value = Option<String>> {
    option::of(text())
}

fn oid() -> impl Strategy<Value = Oid> {
    any::<(i64, i64)>().prop_map(|(create_ts, hpid)| Oid { create_ts, hpid })
}

fn foid() -> impl Strategy<Value = Foid> {
    any::<[u8; 20]>().prop_map(Foid)
}

fn state() -> impl Strategy<Value = ObjectState> {
    sample::select(vec![ObjectState::Created, ObjectState::Modified, ObjectState::Reup])
}

/// Maps have at most one entry: the order of more is up to the implementation.
fn labels() -> impl Strategy<Value = BTreeMap<String, String>> {
    btree_map(text(), text(), 0..2)
}

fn header() -> impl Strategy<Value = Header> {
    (any::<i64>(), text(), text(), text()).prop_map(|(version, exporter, ip, filename)| Header {
        version,
        exporter,
        ip,
        filename,
    })
}

fn container() -> impl Strategy<Value = Container> {
    let types = sample::select(vec![
        ContainerType::Docker,
        ContainerType::LibvirtLxc,
        ContainerType::Containerd,
        ContainerType::Bpm,
    ]);
    (text(), text(), text(), text(), types, any::<bool>(), maybe_text()).prop_map(
        |(id, name, image, imageid, container_type, privileged, pod_id)| Container {
            id,
            name,
            image,
            imageid,
            container_type,
            privileged,
            pod_id,
        },
    )
}

fn process() -> impl Strategy<Value = Process> {
    let ids = (state(), oid(), option::of(oid()), any::<i64>());
    let names = (text(), text(), text(), text(), maybe_text(), text());
    let rest = (any::<(i32, i32, bool, bool)>(), vec(text(), 0..5));
    (ids, names, rest).prop_map(
        |((state, oid, poid, ts), (exe, exe_args, user, group, container_id, cwd), (n, env))| {
            Process {
                state,
                oid,
                poid,
                ts,
                exe,
                exe_args,
                uid: n.0,
                user_name: user,
                gid: n.1,
                group_name: group,
                tty: n.2,
                container_id,
                entry: n.3,
                cwd,
                env,
            }
        },
    )
}

fn file() -> impl Strategy<Value = File> {
    (state(), foid(), any::<(i64, i32)>(), text(), maybe_text()).prop_map(
        |(state, oid, (ts, restype), path, container_id)| File {
            state,
            oid,
            ts,
            restype: RestType(restype),
            path,
            container_id,
            dev: 0,
            ino: 0,
        },
    )
}

fn process_event() -> impl Strategy<Value = ProcessEvent> {
    (oid(), any::<(i64, i64, i32, i32)>(), vec(text(), 0..4)).prop_map(|(proc_oid, n, args)| {
        ProcessEvent { proc_oid, ts: n.0, tid: n.1, op_flags: OpFlags(n.2), args, ret: n.3 }
    })
}

fn network_flow() -> impl Strategy<Value = NetworkFlow> {
    let times = any::<(i64, i64, i64)>();
    let numbers = any::<(i32, i32, i32, i32, i32, i32, i32)>();
    (oid(), times, numbers, any::<[i64; 4]>()).prop_map(|(proc_oid, t, n, sums)| NetworkFlow {
        proc_oid,
        ts: t.0,
        tid: t.1,
        op_flags: OpFlags(n.0),
        end_ts: t.2,
        sip: Ip4(n.1),
        sport: n.2,
        dip: Ip4(n.3),
        dport: n.4,
        proto: n.5,
        fd: n.6,
        num_r_recv_ops: sums[0],
        num_w_send_ops: sums[1],
        num_r_recv_bytes: sums[2],
        num_w_send_bytes: sums[3],
        ..NetworkFlow::default()
    })
}

fn file_flow() -> impl Strategy<Value = FileFlow> {
    let times = any::<(i64, i64, i64)>();
    (oid(), foid(), times, any::<[i32; 3]>(), any::<[i64; 4]>()).prop_map(
        |(proc_oid, file_oid, t, n, sums)| FileFlow {
            proc_oid,
            ts: t.0,
            tid: t.1,
            op_flags: OpFlags(n[0]),
            open_flags: OpenFlags(n[1]),
            end_ts: t.2,
            file_oid,
            fd: n[2],
            num_r_recv_ops: sums[0],
            num_w_send_ops: sums[1],
            num_r_recv_bytes: sums[2],
            num_w_send_bytes: sums[3],
        },
    )
}

fn file_event() -> impl Strategy<Value = FileEvent> {
    (oid(), foid(), option::of(foid()), any::<(i64, i64, i32, i32)>()).prop_map(
        |(proc_oid, file_oid, new_file_oid, n)| FileEvent {
            proc_oid,
            ts: n.0,
            tid: n.1,
            op_flags: OpFlags(n.2),
            file_oid,
            ret: n.3,
            new_file_oid,
        },
    )
}

fn network_event() -> impl Strategy<Value = NetworkEvent> {
    (oid(), any::<(i64, i64)>(), any::<[i32; 7]>()).prop_map(|(proc_oid, t, n)| NetworkEvent {
        proc_oid,
        ts: t.0,
        tid: t.1,
        op_flags: OpFlags(n[0]),
        sip: Ip4(n[1]),
        sport: n[2],
        dip: Ip4(n[3]),
        dport: n[4],
        proto: n[5],
        ret: n[6],
        ..NetworkEvent::default()
    })
}

fn process_flow() -> impl Strategy<Value = ProcessFlow> {
    (oid(), any::<[i64; 5]>(), any::<i32>()).prop_map(|(proc_oid, n, flags)| ProcessFlow {
        proc_oid,
        ts: n[0],
        num_threads_cloned: n[1],
        op_flags: OpFlags(flags),
        end_ts: n[2],
        num_threads_exited: n[3],
        num_clone_errors: n[4],
        loss: None,
    })
}

fn service() -> impl Strategy<Value = Service> {
    let port = (any::<[i32; 3]>(), text()).prop_map(|(n, proto)| Port {
        port: n[0],
        target_port: n[1],
        node_port: n[2],
        proto,
    });
    (text(), text(), text(), vec(port, 0..3), vec(any::<i64>(), 0..3)).prop_map(
        |(name, id, namespace, port_list, cluster_ip)| Service {
            name,
            id,
            namespace,
            port_list,
            cluster_ip,
        },
    )
}

fn pod() -> impl Strategy<Value = Pod> {
    let names = (text(), text(), text(), text());
    let addresses = (vec(any::<i64>(), 0..3), vec(any::<i64>(), 0..3));
    let maps = (labels(), labels(), vec(service(), 0..3));
    (any::<(i64, i64)>(), names, addresses, maps).prop_map(|(n, names, addresses, maps)| Pod {
        ts: n.0,
        id: names.0,
        name: names.1,
        node_name: names.2,
        host_ip: addresses.0,
        internal_ip: addresses.1,
        namespace: names.3,
        restart_count: n.1,
        labels: maps.0,
        selectors: maps.1,
        services: maps.2,
    })
}

fn k8s_event() -> impl Strategy<Value = K8sEvent> {
    let kinds = sample::select(vec![K8sComponent::Nodes, K8sComponent::Unknown]);
    let actions = sample::select(vec![K8sAction::Added, K8sAction::Unknown]);
    (kinds, actions, any::<i64>(), text()).prop_map(|(kind, action, ts, message)| K8sEvent {
        kind,
        action,
        ts,
        message,
    })
}

/// A record of any type.
pub(crate) fn record() -> impl Strategy<Value = Record> {
    prop_oneof![
        header().prop_map(Record::Header),
        container().prop_map(Record::Container),
        process().prop_map(Record::Process),
        file().prop_map(Record::File),
        process_event().prop_map(Record::ProcessEvent),
        network_flow().prop_map(Record::NetworkFlow),
        file_flow().prop_map(Record::FileFlow),
        file_event().prop_map(Record::FileEvent),
        network_event().prop_map(Record::NetworkEvent),
        process_flow().prop_map(Record::ProcessFlow),
        pod().prop_map(Record::Pod),
        k8s_event().prop_map(Record::K8sEvent),
    ]
}

fn loss() -> impl Strategy<Value = Loss> {
    let classes = sample::select(vec![OperationClass::Process, OperationClass::Io]);
    (any::<i32>(), classes, any::<[i64; 7]>()).prop_map(|(cpu, class, n)| Loss {
        cpu,
        class,
        seen: n[0],
        delivered: n[1],
        aggregated: n[2],
        ring_full: n[3],
        too_large: n[4],
        copy_fault: n[5],
        nested: n[6],
    })
}

/// A record of any type, with the fields of schema version 6 too.
pub(crate) fn record_6() -> impl Strategy<Value = Record> {
    let ip = || option::of(any::<[u8; 16]>().prop_map(Ip6));
    (record(), ip(), ip(), any::<(i64, i64)>(), option::of(loss())).prop_map(
        |(mut record, sip6, dip6, (dev, ino), loss)| {
            match &mut record {
                Record::NetworkFlow(flow) => (flow.sip6, flow.dip6) = (sip6, dip6),
                Record::NetworkEvent(event) => (event.sip6, event.dip6) = (sip6, dip6),
                Record::File(file) => (file.dev, file.ino) = (dev, ino),
                Record::ProcessFlow(flow) => flow.loss = loss,
                _ => {}
            }
            record
        },
    )
}

/// The record without the fields of schema version 6.
pub(crate) fn without_6(mut record: Record) -> Record {
    match &mut record {
        Record::NetworkFlow(flow) => (flow.sip6, flow.dip6) = (None, None),
        Record::NetworkEvent(event) => (event.sip6, event.dip6) = (None, None),
        Record::File(file) => (file.dev, file.ino) = (0, 0),
        Record::ProcessFlow(flow) => flow.loss = None,
        _ => {}
    }
    record
}

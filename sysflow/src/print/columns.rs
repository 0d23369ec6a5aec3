// SPDX-License-Identifier: Apache-2.0
//! The table of columns: name, title, width, fit, value. Names, titles and widths are the
//! reference's, except where a value would not fit its width.

use super::column::{Column, Fit, Row, Value};
use super::ops::op_text;
use super::time::utc;
use crate::record::{Container, File, Header, NetworkFlow, Pod, Process};
use crate::resolve::Event;

/// All columns, in the order in which they are listed.
pub const COLUMNS: &[Column] = &[
    column("idx", "Rec #", 6, Fit::Number, |row| row.index.cast_signed().into()),
    column("type", "T", 2, Fit::Whole, |row| row.event.event.short().into()),
    column("state", "State", 8, Fit::Whole, state),
    column("opflags", "Op Flags", 11, Fit::Whole, |row| {
        row.event.event.op_flags().map(op_text).into()
    }),
    column("opflags_bitmap", "Op Flags", 8, Fit::Number, |row| {
        row.event.event.op_flags().map(|flags| flags.bits()).into()
    }),
    column("ret", "Ret", 5, Fit::Number, |row| row.event.event.ret().into()),
    column("ts", "Start Time", 30, Fit::Whole, |row| utc(row.event.event.ts()).into()),
    column("ts_uts", "Start Time", 19, Fit::Number, |row| row.event.event.ts().into()),
    column("endts", "End Time", 30, Fit::Whole, |row| row.event.event.end_ts().map(utc).into()),
    column("endts_uts", "End Time", 19, Fit::Number, |row| row.event.event.end_ts().into()),
    column("proc.pid", "PID", 8, Fit::Number, |row| {
        row.event.event.proc_oid().map(|oid| oid.hpid).into()
    }),
    column("proc.tid", "TID", 8, Fit::Number, |row| row.event.event.tid().into()),
    column("proc.uid", "UID", 5, Fit::Number, |row| process(row, |p| p.uid.into())),
    column("proc.user", "User", 8, Fit::Whole, |row| process(row, |p| (&p.user_name).into())),
    column("proc.gid", "GID", 5, Fit::Number, |row| process(row, |p| p.gid.into())),
    column("proc.group", "Group", 8, Fit::Whole, |row| process(row, |p| (&p.group_name).into())),
    column("proc.cwd", "Cwd", 20, Fit::KeepEnd, |row| process(row, |p| (&p.cwd).into())),
    column("proc.exe", "Cmd", 20, Fit::KeepEnd, |row| process(row, |p| (&p.exe).into())),
    column("proc.args", "Args", 20, Fit::KeepStart, |row| process(row, |p| (&p.exe_args).into())),
    column("proc.tty", "TTY", 5, Fit::Whole, |row| process(row, |p| p.tty.into())),
    column("proc.entry", "Entry", 5, Fit::Whole, |row| process(row, |p| p.entry.into())),
    column("proc.env", "Env", 30, Fit::KeepStart, |row| process(row, env)),
    column("proc.createts", "Proc. Creation Time", 19, Fit::Number, |row| {
        row.event.event.proc_oid().map(|oid| oid.create_ts).into()
    }),
    column("pproc.pid", "PPID", 8, Fit::Number, |row| {
        process(row, |p| p.poid.map(|oid| oid.hpid).into())
    }),
    column("pproc.uid", "PUID", 5, Fit::Number, |row| parent(row, |p| p.uid.into())),
    column("pproc.user", "PUser", 8, Fit::Whole, |row| parent(row, |p| (&p.user_name).into())),
    column("pproc.gid", "PGID", 5, Fit::Number, |row| parent(row, |p| p.gid.into())),
    column("pproc.group", "PGroup", 8, Fit::Whole, |row| parent(row, |p| (&p.group_name).into())),
    column("pproc.cwd", "PCwd", 20, Fit::KeepEnd, |row| parent(row, |p| (&p.cwd).into())),
    column("pproc.exe", "PCmd", 20, Fit::KeepEnd, |row| parent(row, |p| (&p.exe).into())),
    column("pproc.args", "PArgs", 20, Fit::KeepStart, |row| parent(row, |p| (&p.exe_args).into())),
    column("pproc.tty", "PTTY", 5, Fit::Whole, |row| parent(row, |p| p.tty.into())),
    column("pproc.entry", "PEntry", 6, Fit::Whole, |row| parent(row, |p| p.entry.into())),
    column("pproc.env", "PEnv", 30, Fit::KeepStart, |row| parent(row, env)),
    column("pproc.createts", "PProc. Creation Time", 20, Fit::Number, |row| {
        process(row, |p| p.poid.map(|oid| oid.create_ts).into())
    }),
    column("file.fd", "FD", 5, Fit::Number, |row| row.event.event.fd().into()),
    column("file.path", "Path", 30, Fit::KeepEnd, |row| file(row, |f| (&f.path).into())),
    column("file.newpath", "New Path", 30, Fit::KeepEnd, |row| {
        row.event.new_file.map(|f| &f.path).into()
    }),
    column("file.type", "File Type", 9, Fit::Whole, |row| {
        file(row, |f| f.restype.to_string().into())
    }),
    column("file.openflags", "Open Flags", 10, Fit::Number, |row| match row.event.event {
        Event::FileFlow(flow) => flow.open_flags.bits().into(),
        _ => Value::Absent,
    }),
    column("net.proto", "Proto", 5, Fit::Number, |row| net(row, |n| n.proto.into())),
    column("net.sport", "SPort", 5, Fit::Number, |row| net(row, |n| n.sport.into())),
    column("net.dport", "DPort", 5, Fit::Number, |row| net(row, |n| n.dport.into())),
    column("net.sip", "SIP", 15, Fit::Whole, |row| net(row, |n| n.sip.to_string().into())),
    column("net.dip", "DIP", 15, Fit::Whole, |row| net(row, |n| n.dip.to_string().into())),
    column("res", "Resource", 45, Fit::KeepEnd, resource),
    column("flow.rbytes", "NoBRead", 8, Fit::Number, |row| row.event.event.read_bytes().into()),
    column("flow.rops", "NoOpsRead", 9, Fit::Number, |row| row.event.event.read_ops().into()),
    column("flow.wbytes", "NoBWrite", 8, Fit::Number, |row| row.event.event.write_bytes().into()),
    column("flow.wops", "NoOpsWrite", 10, Fit::Number, |row| row.event.event.write_ops().into()),
    column("container.id", "Cont ID", 12, Fit::Whole, |row| container(row, |c| (&c.id).into())),
    column("container.name", "Cont Name", 12, Fit::KeepEnd, |row| {
        container(row, |c| (&c.name).into())
    }),
    column("container.imageid", "Image ID", 12, Fit::KeepStart, |row| {
        container(row, |c| (&c.imageid).into())
    }),
    column("container.image", "Image Name", 12, Fit::KeepEnd, |row| {
        container(row, |c| (&c.image).into())
    }),
    column("container.type", "Cont Type", 9, Fit::Whole, |row| {
        container(row, |c| c.container_type.symbol().into())
    }),
    column("container.privileged", "Privileged", 10, Fit::Whole, |row| {
        container(row, |c| c.privileged.into())
    }),
    column("pf.nthreads", "NoThreads", 9, Fit::Number, |row| match row.event.event {
        Event::ProcessFlow(flow) => flow.num_threads_cloned.into(),
        _ => Value::Absent,
    }),
    column("pf.nexits", "NoThrExits", 10, Fit::Number, |row| match row.event.event {
        Event::ProcessFlow(flow) => flow.num_threads_exited.into(),
        _ => Value::Absent,
    }),
    column("pf.nerrors", "NoThrErrs", 9, Fit::Number, |row| match row.event.event {
        Event::ProcessFlow(flow) => flow.num_clone_errors.into(),
        _ => Value::Absent,
    }),
    column("pod.id", "Pod Id", 36, Fit::KeepStart, |row| pod(row, |p| (&p.id).into())),
    column("pod.name", "Pod Name", 30, Fit::KeepStart, |row| pod(row, |p| (&p.name).into())),
    column("pod.nname", "Pod Node Name", 13, Fit::KeepStart, |row| {
        pod(row, |p| (&p.node_name).into())
    }),
    column("pod.ns", "Pod Namespace", 13, Fit::KeepStart, |row| {
        pod(row, |p| (&p.namespace).into())
    }),
    column("pod.rstrtcnt", "Rstrt Cnt", 9, Fit::Number, |row| pod(row, |p| p.restart_count.into())),
    column("k8s.action", "K8s EV Action", 25, Fit::Whole, |row| match row.event.event {
        Event::K8s(event) => event.action.symbol().into(),
        _ => Value::Absent,
    }),
    column("k8s.kind", "K8s EV Comp Type", 26, Fit::Whole, |row| match row.event.event {
        Event::K8s(event) => event.kind.symbol().into(),
        _ => Value::Absent,
    }),
    column("k8s.msg", "K8s EV Msg", 100, Fit::KeepStart, |row| match row.event.event {
        // The reference leaves a line feed and a NUL at the end.
        Event::K8s(event) => event.message.trim_end_matches(['\0', '\n']).into(),
        _ => Value::Absent,
    }),
    column("node.id", "Node ID", 12, Fit::KeepStart, |row| header(row, |h| (&h.exporter).into())),
    column("node.ip", "Node IP", 15, Fit::Whole, |row| header(row, |h| (&h.ip).into())),
    column("filename", "File name", 15, Fit::KeepEnd, |row| header(row, |h| (&h.filename).into())),
    column("schema", "SF Schema", 9, Fit::Number, |row| header(row, |h| h.version.into())),
];

const fn column(
    name: &'static str,
    title: &'static str,
    width: usize,
    fit: Fit,
    value: for<'a> fn(Row<'a>) -> Value<'a>,
) -> Column {
    Column { name, title, width, fit, value }
}

macro_rules! part {
    ($($name:ident: $type:ty = $field:ident;)+) => {$(
        fn $name<'a>(row: Row<'a>, value: fn(&'a $type) -> Value<'a>) -> Value<'a> {
            row.event.$field.map_or(Value::Absent, value)
        }
    )+};
}

part! {
    header: Header = header;
    process: Process = process;
    parent: Process = parent;
    file: File = file;
    container: Container = container;
    pod: Pod = pod;
}

fn net<'a>(row: Row<'a>, value: fn(&'a NetworkFlow) -> Value<'a>) -> Value<'a> {
    match row.event.event {
        Event::NetworkFlow(flow) => value(flow),
        _ => Value::Absent,
    }
}

/// State of the process, else of the file.
fn state(row: Row<'_>) -> Value<'_> {
    let process = row.event.process.map(|process| process.state);
    process.or(row.event.file.map(|file| file.state)).map(|state| state.symbol()).into()
}

fn env(process: &Process) -> Value<'_> {
    process.env.join(";").into()
}

/// What the event was done to.
fn resource(row: Row<'_>) -> Value<'_> {
    match (row.event.event, row.event.file, row.event.new_file) {
        (Event::NetworkFlow(n), ..) => {
            format!("{}:{}-{}:{}", n.sip, n.sport, n.dip, n.dport).into()
        }
        (Event::Network(n), ..) => format!("{}:{}-{}:{}", n.sip, n.sport, n.dip, n.dport).into(),
        (_, Some(file), Some(new_file)) => format!("{}, {}", file.path, new_file.path).into(),
        (_, Some(file), None) => (&file.path).into(),
        _ => Value::Absent,
    }
}

// SPDX-License-Identifier: Apache-2.0
//! The table of attributes: name, kind, meaning, fields of the schema, value; then the column; then
//! what is special. Those that are exported come in the reference's order. Names, titles and widths
//! are the reference's, except where a value would not fit its width.

use super::made::Connection;
use super::paths::{directory, name, socket};
use super::{Attribute, Fit, Made, Many, Operations, Symbols, Type, Value};
use crate::record::{
    ContainerType, Foid, K8sAction, K8sComponent, K8sEvent, Loss, ObjectState, Oid, OpenFlags,
    OperationClass, ProcessFlow,
};
use crate::resolve::{Event, ResolvedEvent};

const KINDS: Symbols = Symbols { prefix: "", words: &["PE", "NF", "FF", "FE", "NE", "PF", "KE"] };
const STATES: Symbols = Symbols { prefix: "", words: ObjectState::SYMBOLS };
const CONTAINER_TYPES: Symbols = Symbols { prefix: "CT_", words: ContainerType::SYMBOLS };
const CLASSES: Symbols = Symbols { prefix: "", words: OperationClass::SYMBOLS };
const K8S_ACTIONS: Symbols = Symbols { prefix: "K8S_COMPONENT_", words: K8sAction::SYMBOLS };
const K8S_KINDS: Symbols = Symbols { prefix: "K8S_", words: K8sComponent::SYMBOLS };

/// All attributes.
pub const ALL: &[Attribute] = &[
    new("version", Type::Text, "version of this layout of fields, always 4", "none", |_| {
        "4".into()
    })
    .column("API version", 11, Fit::Whole),
    new("type", Type::Symbol(KINDS), "type of the record", "branch of the union", |e| {
        e.event.short().into()
    })
    .column("T", 2, Fit::Whole),
    new(
        "state",
        Type::Symbol(STATES),
        "why the process was recorded, else the file",
        "Process.state, File.state",
        state,
    )
    .column("State", 8, Fit::Whole),
    new("opflags", Type::Operations, "operations", "*.opFlags", |e| {
        operations(e).map_or(Value::Absent, Value::Operations)
    })
    .column("Op Flags", 11, Fit::Whole)
    .also(&["evt.type"])
    .many(),
    new("opflags_bitmap", Type::Integer, "operations as a number", "*.opFlags", |e| {
        e.event.op_flags().map(|flags| flags.bits()).into()
    })
    .column("Op Flags", 8, Fit::Number),
    new(
        "ret",
        Type::Integer,
        "return value, a negative errno on failure; events only",
        "*.ret",
        |e| e.event.ret().into(),
    )
    .column("Ret", 5, Fit::Number)
    .also(&["evt.rawres"]),
    new(
        "ts",
        Type::Time,
        "time of the event, or of the first operation of the flow",
        "*.ts",
        |e| Value::Time(e.event.ts()),
    )
    .column("Start Time", 30, Fit::Whole)
    .also(&["evt.rawtime"]),
    new("ts_uts", Type::Time, "the same as a number of nanoseconds", "*.ts", |e| {
        e.event.ts().into()
    })
    .column("Start Time", 19, Fit::Number),
    new("endts", Type::Time, "time of the last operation; flows only", "*.endTs", |e| {
        e.event.end_ts().map_or(Value::Absent, Value::Time)
    })
    .column("End Time", 30, Fit::Whole),
    new("endts_uts", Type::Time, "the same as a number of nanoseconds", "*.endTs", |e| {
        e.event.end_ts().into()
    })
    .column("End Time", 19, Fit::Number),
    new("proc.pid", Type::Integer, "process id on the host", "*.procOID.hpid", |e| {
        e.event.proc_oid().map(|oid| oid.hpid).into()
    })
    .column("PID", 8, Fit::Number),
    new("proc.tid", Type::Integer, "id of the thread", "*.tid", |e| e.event.tid().into()).column(
        "TID",
        8,
        Fit::Number,
    ),
    new("proc.uid", Type::Integer, "user id, -1 if unknown", "Process.uid", |e| {
        e.process.map(|p| p.uid).into()
    })
    .column("UID", 5, Fit::Number)
    .also(&["evt.arg.uid"]),
    new("proc.user", Type::Text, "user name", "Process.userName", |e| {
        e.process.map(|p| &p.user_name).into()
    })
    .column("User", 8, Fit::Whole)
    .also(&["user.name"]),
    new("proc.gid", Type::Integer, "group id, -1 if unknown", "Process.gid", |e| {
        e.process.map(|p| p.gid).into()
    })
    .column("GID", 5, Fit::Number),
    new("proc.group", Type::Text, "group name", "Process.groupName", |e| {
        e.process.map(|p| &p.group_name).into()
    })
    .column("Group", 8, Fit::Whole),
    new("proc.cwd", Type::Text, "working directory", "Process.cwd", |e| {
        e.process.map(|p| &p.cwd).into()
    })
    .column("Cwd", 20, Fit::KeepEnd),
    new("proc.exe", Type::Text, "executable", "Process.exe", |e| e.process.map(|p| &p.exe).into())
        .column("Cmd", 20, Fit::KeepEnd),
    new("proc.args", Type::Text, "arguments", "Process.exeArgs", |e| {
        e.process.map(|p| &p.exe_args).into()
    })
    .column("Args", 20, Fit::KeepStart),
    new("proc.name", Type::Text, "last element of the executable's path", "Process.exe", |e| {
        e.process.map(|p| name(&p.exe)).into()
    })
    .column("Proc. Name", 20, Fit::Whole)
    .derived(),
    new(
        "proc.cmdline",
        Type::Text,
        "executable and arguments",
        "Process.exe, Process.exeArgs",
        |e| e.process.map(Made::CommandLine).into(),
    )
    .column("Cmd Line", 20, Fit::KeepStart)
    .derived(),
    new("proc.tty", Type::Boolean, "whether it has a controlling terminal", "Process.tty", |e| {
        e.process.map(|p| p.tty).into()
    })
    .column("TTY", 5, Fit::Whole),
    new(
        "proc.entry",
        Type::Boolean,
        "whether it is the first of its container",
        "Process.entry",
        |e| e.process.map(|p| p.entry).into(),
    )
    .column("Entry", 5, Fit::Whole),
    new("proc.env", Type::Text, "environment", "Process.env", |e| {
        e.process.map(|p| Many::Environment(&p.env)).into()
    })
    .column("Env", 30, Fit::KeepStart)
    .many(),
    new(
        "proc.createts",
        Type::Time,
        "creation time, 0 if before the capture",
        "*.procOID.createTS",
        |e| e.event.proc_oid().map(|oid| oid.create_ts).into(),
    )
    .column("Proc. Creation Time", 19, Fit::Number)
    .also(&["proc.createtime"]),
    new("proc.oid", Type::Text, "identity of the process", "*.procOID", |e| {
        e.event.proc_oid().map(Made::ProcessId).into()
    })
    .column("Proc. Id", 16, Fit::Whole)
    .derived(),
    new("proc.aname", Type::Text, "names of the process and its ancestors", "Process.exe", |e| {
        Many::Ancestry(e.ancestry(), |p| name(&p.exe).into()).into()
    })
    .column("A. Proc. Names", 20, Fit::KeepStart)
    .many()
    .derived(),
    new(
        "proc.aexe",
        Type::Text,
        "executables of the process and its ancestors",
        "Process.exe",
        |e| Many::Ancestry(e.ancestry(), |p| (&p.exe).into()).into(),
    )
    .column("A. Cmds", 20, Fit::KeepStart)
    .many()
    .derived(),
    new(
        "proc.acmdline",
        Type::Text,
        "command lines of the process and its ancestors",
        "Process.exe, Process.exeArgs",
        |e| Many::Ancestry(e.ancestry(), |p| Made::CommandLine(p).into()).into(),
    )
    .column("A. Cmd Lines", 20, Fit::KeepStart)
    .many()
    .derived(),
    new(
        "proc.apid",
        Type::Integer,
        "ids of the process and its ancestors",
        "Process.oid.hpid",
        |e| Many::Ancestry(e.ancestry(), |p| p.oid.hpid.into()).into(),
    )
    .column("A. PIDs", 20, Fit::KeepStart)
    .many()
    .derived(),
    new("pproc.pid", Type::Integer, "process id of the parent", "Process.poid.hpid", |e| {
        parent_oid(e).map(|oid| oid.hpid).into()
    })
    .column("PPID", 8, Fit::Number)
    .also(&["proc.ppid"]),
    new("pproc.gid", Type::Integer, "group id of the parent", "Process.gid", |e| {
        e.parent.map(|p| p.gid).into()
    })
    .column("PGID", 5, Fit::Number),
    new("pproc.uid", Type::Integer, "user id of the parent", "Process.uid", |e| {
        e.parent.map(|p| p.uid).into()
    })
    .column("PUID", 5, Fit::Number)
    .also(&["proc.puid"]),
    new("pproc.group", Type::Text, "group name of the parent", "Process.groupName", |e| {
        e.parent.map(|p| &p.group_name).into()
    })
    .column("PGroup", 8, Fit::Whole)
    .also(&["proc.pgroup"]),
    new(
        "pproc.tty",
        Type::Boolean,
        "whether the parent has a controlling terminal",
        "Process.tty",
        |e| e.parent.map(|p| p.tty).into(),
    )
    .column("PTTY", 5, Fit::Whole)
    .also(&["proc.ptty"]),
    new(
        "pproc.entry",
        Type::Boolean,
        "whether the parent is the first of its container",
        "Process.entry",
        |e| e.parent.map(|p| p.entry).into(),
    )
    .column("PEntry", 6, Fit::Whole),
    new("pproc.env", Type::Text, "environment of the parent", "Process.env", |e| {
        e.parent.map(|p| Many::Environment(&p.env)).into()
    })
    .column("PEnv", 30, Fit::KeepStart)
    .many(),
    new("pproc.user", Type::Text, "user name of the parent", "Process.userName", |e| {
        e.parent.map(|p| &p.user_name).into()
    })
    .column("PUser", 8, Fit::Whole)
    .also(&["proc.puser"]),
    new("pproc.cwd", Type::Text, "working directory of the parent", "Process.cwd", |e| {
        e.parent.map(|p| &p.cwd).into()
    })
    .column("PCwd", 20, Fit::KeepEnd),
    new("pproc.exe", Type::Text, "executable of the parent", "Process.exe", |e| {
        e.parent.map(|p| &p.exe).into()
    })
    .column("PCmd", 20, Fit::KeepEnd)
    .also(&["proc.pexe"]),
    new("pproc.args", Type::Text, "arguments of the parent", "Process.exeArgs", |e| {
        e.parent.map(|p| &p.exe_args).into()
    })
    .column("PArgs", 20, Fit::KeepStart)
    .also(&["proc.pargs"]),
    new(
        "pproc.name",
        Type::Text,
        "last element of the path of the parent's executable",
        "Process.exe",
        |e| e.parent.map(|p| name(&p.exe)).into(),
    )
    .column("PProc. Name", 20, Fit::Whole)
    .also(&["proc.pname"])
    .derived(),
    new(
        "pproc.cmdline",
        Type::Text,
        "executable and arguments of the parent",
        "Process.exe, Process.exeArgs",
        |e| e.parent.map(Made::CommandLine).into(),
    )
    .column("PProc. Cmd Line", 20, Fit::KeepStart)
    .also(&["proc.pcmdline"])
    .derived(),
    new(
        "pproc.createts",
        Type::Time,
        "creation time of the parent",
        "Process.poid.createTS",
        |e| parent_oid(e).map(|oid| oid.create_ts).into(),
    )
    .column("PProc. Creation Time", 20, Fit::Number)
    .also(&["proc.pcreatetime"]),
    new("pproc.oid", Type::Text, "identity of the parent", "Process.poid", |e| {
        parent_oid(e).map(Made::ProcessId).into()
    })
    .column("PProc. Id", 16, Fit::Whole)
    .derived(),
    new("file.fd", Type::Integer, "number of the descriptor; flows only", "*.fd", |e| {
        e.event.fd().into()
    })
    .column("FD", 5, Fit::Number)
    .also(&["fd.num"]),
    new(
        "file.path",
        Type::Text,
        "path of the file, or name of the socket without its addresses",
        "File.path",
        |e| e.file.map(|f| socket(&f.path).1).into(),
    )
    .column("Path", 30, Fit::KeepEnd),
    new(
        "file.newpath",
        Type::Text,
        "path of the second file of a link, symlink or rename",
        "File.path",
        |e| e.new_file.map(|f| socket(&f.path).1).into(),
    )
    .column("New Path", 30, Fit::KeepEnd),
    new("file.name", Type::Text, "last element of the path", "File.path", |e| {
        e.file.map(|f| name(&f.path)).into()
    })
    .column("File Name", 30, Fit::KeepEnd)
    .also(&["fd.name", "fd.filename"])
    .derived(),
    new("file.directory", Type::Text, "path without its last element", "File.path", |e| {
        e.file.map(|f| directory(socket(&f.path).1)).into()
    })
    .column("Dir", 30, Fit::KeepEnd)
    .also(&["fd.directory"])
    .derived(),
    new(
        "file.symlink",
        Type::Text,
        "kernel addresses in the name of a unix socket",
        "File.path",
        |e| e.file.map(|f| socket(&f.path).0).into(),
    )
    .column("Socket", 34, Fit::Whole)
    .derived(),
    new("file.oid", Type::Text, "identity of the file", "File.oid", |e| {
        file_oid(e).map(Made::FileId).into()
    })
    .column("File Id", 40, Fit::Whole)
    .derived(),
    new("file.newname", Type::Text, "last element of the second path", "File.path", |e| {
        e.new_file.map(|f| name(&f.path)).into()
    })
    .column("New Name", 30, Fit::KeepEnd)
    .derived(),
    new(
        "file.newdirectory",
        Type::Text,
        "second path without its last element",
        "File.path",
        |e| e.new_file.map(|f| directory(socket(&f.path).1)).into(),
    )
    .column("New Dir", 30, Fit::KeepEnd)
    .derived(),
    new("file.newsymlink", Type::Text, "kernel addresses in the second name", "File.path", |e| {
        e.new_file.map(|f| socket(&f.path).0).into()
    })
    .column("New Socket", 34, Fit::Whole)
    .derived(),
    new("file.newoid", Type::Text, "identity of the second file", "FileEvent.newFileOID", |e| {
        new_file_oid(e).map(Made::FileId).into()
    })
    .column("New File Id", 40, Fit::Whole)
    .derived(),
    new(
        "file.type",
        Type::Text,
        "f file, d directory, u unix socket, p pipe, ? known by name only",
        "File.restype",
        |e| e.file.map(|f| Made::Letter(f.restype)).into(),
    )
    .column("File Type", 9, Fit::Whole)
    .also(&["fd.typechar"]),
    new("file.dev", Type::Integer, "device number of its file system; schema 6", "File.dev", |e| {
        inode(e).map(|(dev, _)| dev).into()
    })
    .column("Device", 8, Fit::Number)
    .derived(),
    new("file.ino", Type::Integer, "number of its inode there; schema 6", "File.ino", |e| {
        inode(e).map(|(_, ino)| ino).into()
    })
    .column("Inode", 10, Fit::Number)
    .derived(),
    new(
        "file.is_open_read",
        Type::Boolean,
        "whether it was opened for reading",
        "FileFlow.openFlags",
        |e| opened_for(e, OpenFlags::RDONLY).into(),
    )
    .column("R", 5, Fit::Whole)
    .also(&["evt.is_open_read", "is_open_read"])
    .derived(),
    new(
        "file.is_open_write",
        Type::Boolean,
        "whether it was opened for writing",
        "FileFlow.openFlags",
        |e| opened_for(e, OpenFlags::WRONLY).into(),
    )
    .column("W", 5, Fit::Whole)
    .also(&["evt.is_open_write", "is_open_write"])
    .derived(),
    new("file.openflags", Type::OpenFlags, "how it was opened", "FileFlow.openFlags", |e| {
        open_flags(e).map_or(Value::Absent, Value::OpenFlags)
    })
    .column("Open Flags", 10, Fit::Number)
    .many(),
    new("net.proto", Type::Protocol, "protocol", "Network*.proto", |e| {
        net(e).map(|net| net.proto).into()
    })
    .column("Proto", 5, Fit::Number)
    .also(&["fd.proto", "fd.l4proto", "fd.lproto", "fd.rproto", "fd.sproto", "fd.cproto"]),
    new("net.sport", Type::Integer, "port of the client", "Network*.sport", |e| {
        net(e).map(|net| net.sport).into()
    })
    .column("SPort", 5, Fit::Number)
    .also(&["fd.sport"]),
    new("net.dport", Type::Integer, "port of the server", "Network*.dport", |e| {
        net(e).map(|net| net.dport).into()
    })
    .column("DPort", 5, Fit::Number)
    .also(&["fd.dport"]),
    new("net.port", Type::Integer, "both ports", "Network*.sport, Network*.dport", |e| {
        net(e).map(|net| Many::Ints([net.sport.into(), net.dport.into()])).into()
    })
    .column("Port", 11, Fit::Whole)
    .also(&["fd.port"])
    .many()
    .derived(),
    new("net.sip", Type::Address, "address of the client", "Network*.sip, .sip6", |e| {
        net(e).map(|net| net.sip).into()
    })
    .column("SIP", 15, Fit::Whole)
    .also(&["fd.sip"]),
    new("net.dip", Type::Address, "address of the server", "Network*.dip, .dip6", |e| {
        net(e).map(|net| net.dip).into()
    })
    .column("DIP", 15, Fit::Whole)
    .also(&["fd.dip"]),
    new("net.ip", Type::Address, "both addresses", "Network*.sip, .dip, .sip6, .dip6", |e| {
        net(e).map(|net| Many::AddressPair([net.sip, net.dip])).into()
    })
    .column("IP", 31, Fit::Whole)
    .also(&["fd.ip"])
    .many()
    .derived(),
    new(
        "res",
        Type::Text,
        "what was used: path, paths, or addresses and ports",
        "File.path, Network*",
        resource,
    )
    .column("Resource", 45, Fit::KeepEnd),
    new("flow.rbytes", Type::Integer, "bytes read", "*.numRRecvBytes", |e| {
        e.event.read_bytes().into()
    })
    .column("NoBRead", 8, Fit::Number),
    new("flow.rops", Type::Integer, "number of reads", "*.numRRecvOps", |e| {
        e.event.read_ops().into()
    })
    .column("NoOpsRead", 9, Fit::Number),
    new("flow.wbytes", Type::Integer, "bytes written", "*.numWSendBytes", |e| {
        e.event.write_bytes().into()
    })
    .column("NoBWrite", 8, Fit::Number),
    new("flow.wops", Type::Integer, "number of writes", "*.numWSendOps", |e| {
        e.event.write_ops().into()
    })
    .column("NoOpsWrite", 10, Fit::Number),
    new(
        "pf.nthreads",
        Type::Integer,
        "threads started; process flows only",
        "ProcessFlow.numThreadsCloned",
        |e| process_flow(e).map(|flow| flow.num_threads_cloned).into(),
    )
    .column("NoThreads", 9, Fit::Number),
    new(
        "pf.nexits",
        Type::Integer,
        "threads ended; process flows only",
        "ProcessFlow.numThreadsExited",
        |e| process_flow(e).map(|flow| flow.num_threads_exited).into(),
    )
    .column("NoThrExits", 10, Fit::Number),
    new(
        "pf.nerrors",
        Type::Integer,
        "failed clones; process flows only",
        "ProcessFlow.numCloneErrors",
        |e| process_flow(e).map(|flow| flow.num_clone_errors).into(),
    )
    .column("NoThrErrs", 9, Fit::Number),
    new(
        "loss.cpu",
        Type::Integer,
        "CPU of which it is told what was lost; schema 6",
        "ProcessFlow.loss.cpu",
        |e| loss(e).map(|loss| loss.cpu).into(),
    )
    .column("CPU", 3, Fit::Number)
    .derived(),
    new(
        "loss.class",
        Type::Symbol(CLASSES),
        "class of operations of which it is told",
        "ProcessFlow.loss.class",
        |e| loss(e).map(|loss| loss.class.symbol()).into(),
    )
    .column("Class", 8, Fit::Whole)
    .derived(),
    new(
        "loss.seen",
        Type::Integer,
        "operations seen by the probes",
        "ProcessFlow.loss.seen",
        |e| loss(e).map(|loss| loss.seen).into(),
    )
    .column("Seen", 10, Fit::Number)
    .derived(),
    new(
        "loss.delivered",
        Type::Integer,
        "of those, told by an event of their own",
        "ProcessFlow.loss.delivered",
        |e| loss(e).map(|loss| loss.delivered).into(),
    )
    .column("Delivered", 10, Fit::Number)
    .derived(),
    new(
        "loss.aggregated",
        Type::Integer,
        "told by an event that tells others too",
        "ProcessFlow.loss.aggregated",
        |e| loss(e).map(|loss| loss.aggregated).into(),
    )
    .column("Aggregated", 10, Fit::Number)
    .derived(),
    new(
        "loss.lost",
        Type::Integer,
        "operations lost",
        "ProcessFlow.loss.ringFull, .tooLarge, .copyFault, .nested",
        |e| loss(e).map(|loss| loss.lost()).into(),
    )
    .column("Lost", 10, Fit::Number)
    .derived(),
    new(
        "loss.ringfull",
        Type::Integer,
        "lost because the ring was full",
        "ProcessFlow.loss.ringFull",
        |e| loss(e).map(|loss| loss.ring_full).into(),
    )
    .column("Ring Full", 10, Fit::Number)
    .derived(),
    new(
        "loss.toolarge",
        Type::Integer,
        "lost because they were too large",
        "ProcessFlow.loss.tooLarge",
        |e| loss(e).map(|loss| loss.too_large).into(),
    )
    .column("Too Large", 10, Fit::Number)
    .derived(),
    new(
        "loss.copyfault",
        Type::Integer,
        "lost because memory could not be read",
        "ProcessFlow.loss.copyFault",
        |e| loss(e).map(|loss| loss.copy_fault).into(),
    )
    .column("Copy Fault", 10, Fit::Number)
    .derived(),
    new(
        "loss.nested",
        Type::Integer,
        "lost because they came within another",
        "ProcessFlow.loss.nested",
        |e| loss(e).map(|loss| loss.nested).into(),
    )
    .column("Nested", 10, Fit::Number)
    .derived(),
    new("container.id", Type::Text, "id of the container", "Container.id", |e| {
        e.container.map(|c| &c.id).into()
    })
    .column("Cont ID", 12, Fit::Whole),
    new("container.name", Type::Text, "name of the container", "Container.name", |e| {
        e.container.map(|c| &c.name).into()
    })
    .column("Cont Name", 12, Fit::KeepEnd),
    new("container.imageid", Type::Text, "id of its image", "Container.imageid", |e| {
        e.container.map(|c| &c.imageid).into()
    })
    .column("Image ID", 12, Fit::KeepStart)
    .also(&["container.image.id"]),
    new("container.image", Type::Text, "name of its image", "Container.image", |e| {
        e.container.map(|c| &c.image).into()
    })
    .column("Image Name", 12, Fit::KeepEnd),
    new(
        "container.type",
        Type::Symbol(CONTAINER_TYPES),
        "container runtime",
        "Container.type",
        |e| e.container.map(|c| c.container_type.symbol()).into(),
    )
    .column("Cont Type", 9, Fit::Whole),
    new(
        "container.privileged",
        Type::Boolean,
        "whether the container is privileged",
        "Container.privileged",
        |e| e.container.map(|c| c.privileged).into(),
    )
    .column("Privileged", 10, Fit::Whole),
    new("pod.id", Type::Text, "id of the pod", "Pod.id", |e| e.pod.map(|p| &p.id).into()).column(
        "Pod Id",
        36,
        Fit::KeepStart,
    ),
    new("pod.name", Type::Text, "name of the pod", "Pod.name", |e| e.pod.map(|p| &p.name).into())
        .column("Pod Name", 30, Fit::KeepStart),
    new("pod.nname", Type::Text, "name of its node", "Pod.nodeName", |e| {
        e.pod.map(|p| &p.node_name).into()
    })
    .column("Pod Node Name", 13, Fit::KeepStart)
    .also(&["pod.nodename"]),
    new("pod.hostip", Type::Address, "addresses of its node", "Pod.hostIP", |e| {
        e.pod.map(|p| Many::Addresses(&p.host_ip)).into()
    })
    .column("Pod Host IP", 15, Fit::Whole)
    .many(),
    new("pod.internalip", Type::Address, "addresses of the pod", "Pod.internalIP", |e| {
        e.pod.map(|p| Many::Addresses(&p.internal_ip)).into()
    })
    .column("Pod Intern IP", 15, Fit::Whole)
    .many(),
    new("pod.ns", Type::Text, "namespace of the pod", "Pod.namespace", |e| {
        e.pod.map(|p| &p.namespace).into()
    })
    .column("Pod Namespace", 13, Fit::KeepStart)
    .also(&["pod.namespace"]),
    new("pod.rstrtcnt", Type::Integer, "number of its restarts", "Pod.restartCount", |e| {
        e.pod.map(|p| p.restart_count).into()
    })
    .column("Rstrt Cnt", 9, Fit::Number)
    .also(&["pod.restartcnt"]),
    new("pod.services", Type::Text, "services that lead to it, JSON", "Pod.services", |e| {
        e.pod.map(|p| Made::Services(&p.services)).into()
    })
    .column("Pod Services", 100, Fit::KeepStart),
    new("pod.ts", Type::Time, "time of the pod's last change", "Pod.ts", |e| {
        e.pod.map(|p| p.ts).into()
    })
    .column("Pod Time", 19, Fit::Number)
    .derived(),
    new("node.id", Type::Text, "who wrote the trace", "SFHeader.exporter", |e| {
        e.header.map(|h| &h.exporter).into()
    })
    .column("Node ID", 12, Fit::KeepStart),
    new("node.ip", Type::Text, "address of the host", "SFHeader.ip", |e| {
        e.header.map(|h| &h.ip).into()
    })
    .column("Node IP", 15, Fit::Whole),
    new(
        "filename",
        Type::Text,
        "name of the trace as its writer gave it",
        "SFHeader.filename",
        |e| e.header.map(|h| &h.filename).into(),
    )
    .column("File name", 15, Fit::KeepEnd),
    new("meta.tracename", Type::Text, "last element of that name", "SFHeader.filename", |e| {
        e.header.map(|h| name(&h.filename)).into()
    })
    .column("Trace", 15, Fit::KeepEnd)
    .derived(),
    new(
        "schema",
        Type::Integer,
        "version of the trace's schema; 1000 and 1001 before version 1",
        "SFHeader.version",
        |e| e.header.map(|h| h.version).into(),
    )
    .column("SF Schema", 9, Fit::Number)
    .also(&["meta.schema"]),
    new("tags", Type::Text, "tags of policies; none in a trace", "none", |_| {
        Many::Words(&[]).into()
    })
    .column("Tags", 10, Fit::KeepStart)
    .many(),
    new(
        "k8s.action",
        Type::Symbol(K8S_ACTIONS),
        "what happened to a Kubernetes object",
        "K8sEvent.action",
        |e| k8s(e).map(|event| event.action.symbol()).into(),
    )
    .column("K8s EV Action", 25, Fit::Whole)
    .also(&["ke.action"]),
    new("k8s.kind", Type::Symbol(K8S_KINDS), "what kind of object it is", "K8sEvent.kind", |e| {
        k8s(e).map(|event| event.kind.symbol()).into()
    })
    .column("K8s EV Comp Type", 26, Fit::Whole)
    .also(&["ke.kind"]),
    new("k8s.msg", Type::Text, "message of the API server, JSON", "K8sEvent.message", |e| {
        k8s(e).map(|event| event.message.trim_end_matches(['\0', '\n'])).into()
    })
    .column("K8s EV Msg", 100, Fit::KeepStart)
    .also(&["ke.message"]),
    new("evt.dir", Type::Text, "both > and <: a record stands for a whole call", "none", |_| {
        Many::Words(&[">", "<"]).into()
    })
    .column("Dir", 3, Fit::Whole)
    .many()
    .derived(),
];

const fn new(
    name: &'static str,
    kind: Type,
    meaning: &'static str,
    source: &'static str,
    get: for<'a> fn(&ResolvedEvent<'a>) -> Value<'a>,
) -> Attribute {
    Attribute {
        name,
        aliases: &[],
        kind,
        many: false,
        meaning,
        source,
        exported: true,
        title: name,
        width: 10,
        fit: Fit::Whole,
        get,
    }
}

impl Attribute {
    const fn column(self, title: &'static str, width: usize, fit: Fit) -> Self {
        Self { title, width, fit, ..self }
    }

    const fn also(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    const fn many(self) -> Self {
        Self { many: true, ..self }
    }

    const fn derived(self) -> Self {
        Self { exported: false, ..self }
    }
}

/// State of the process, else of the file.
fn state<'a>(e: &ResolvedEvent<'a>) -> Value<'a> {
    let process = e.process.map(|process| process.state);
    process.or(e.file.map(|file| file.state)).map(|state| state.symbol()).into()
}

fn operations(e: &ResolvedEvent<'_>) -> Option<Operations> {
    let network = matches!(e.event, Event::NetworkFlow(_) | Event::Network(_));
    e.event.op_flags().map(|flags| Operations { flags, network })
}

/// Identity of the parent, also if the parent itself was not described.
fn parent_oid(e: &ResolvedEvent<'_>) -> Option<Oid> {
    e.process?.poid
}

fn file_oid(e: &ResolvedEvent<'_>) -> Option<Foid> {
    match e.event {
        Event::FileFlow(flow) => Some(flow.file_oid),
        Event::File(event) => Some(event.file_oid),
        _ => None,
    }
}

fn new_file_oid(e: &ResolvedEvent<'_>) -> Option<Foid> {
    match e.event {
        Event::File(event) => event.new_file_oid,
        _ => None,
    }
}

fn open_flags(e: &ResolvedEvent<'_>) -> Option<OpenFlags> {
    match e.event {
        Event::FileFlow(flow) => Some(flow.open_flags),
        _ => None,
    }
}

fn opened_for(e: &ResolvedEvent<'_>, what: OpenFlags) -> Option<bool> {
    open_flags(e).map(|flags| flags.contains(what))
}

fn net(e: &ResolvedEvent<'_>) -> Option<Connection> {
    match e.event {
        Event::NetworkFlow(flow) => Some(flow.into()),
        Event::Network(event) => Some(event.into()),
        _ => None,
    }
}

fn process_flow<'a>(e: &ResolvedEvent<'a>) -> Option<&'a ProcessFlow> {
    match e.event {
        Event::ProcessFlow(flow) => Some(flow),
        _ => None,
    }
}

fn loss<'a>(e: &ResolvedEvent<'a>) -> Option<&'a Loss> {
    process_flow(e)?.loss.as_ref()
}

/// Device and inode of the file, if they are known.
fn inode(e: &ResolvedEvent<'_>) -> Option<(i64, i64)> {
    e.file.map(|file| (file.dev, file.ino)).filter(|id| *id != (0, 0))
}

fn k8s<'a>(e: &ResolvedEvent<'a>) -> Option<&'a K8sEvent> {
    match e.event {
        Event::K8s(event) => Some(event),
        _ => None,
    }
}

/// What the event was done to.
fn resource<'a>(e: &ResolvedEvent<'a>) -> Value<'a> {
    match (net(e), e.file, e.new_file) {
        (Some(net), ..) => Made::Connection(net).into(),
        (_, Some(file), Some(new_file)) => Made::Paths(&file.path, &new_file.path).into(),
        (_, Some(file), None) => (&file.path).into(),
        _ => Value::Absent,
    }
}

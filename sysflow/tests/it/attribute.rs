// SPDX-License-Identifier: Apache-2.0
//! The catalogue of attributes.

use std::collections::BTreeSet;

use sysflow::attribute::{ALL, Attribute, Type, Value};
use sysflow::read::Reader;
use sysflow::record::{FileEvent, FileFlow, Foid, Kind, Oid, Process, ProcessEvent, Record};
use sysflow::resolve::{Event, Events, Resolver};

use crate::support::capture;

/// The fields that the reference exports, in its order.
const EXPORTED: &str = "version type state opflags opflags_bitmap ret ts ts_uts endts endts_uts \
    proc.pid proc.tid proc.uid proc.user proc.gid proc.group proc.cwd proc.exe proc.args proc.tty \
    proc.entry proc.env proc.createts pproc.pid pproc.gid pproc.uid pproc.group pproc.tty \
    pproc.entry pproc.env pproc.user pproc.cwd pproc.exe pproc.args pproc.createts file.fd \
    file.path file.newpath file.type file.openflags net.proto net.sport net.dport net.sip net.dip \
    res flow.rbytes flow.rops flow.wbytes flow.wops pf.nthreads pf.nexits pf.nerrors container.id \
    container.name container.imageid container.image container.type container.privileged pod.id \
    pod.name pod.nname pod.hostip pod.internalip pod.ns pod.rstrtcnt pod.services node.id node.ip \
    filename schema tags k8s.action k8s.kind k8s.msg";

#[test]
fn the_fields_of_the_reference_are_exported() {
    let ours: BTreeSet<_> = ALL.iter().filter(|a| a.exported).map(|a| a.name).collect();
    let theirs: BTreeSet<_> = EXPORTED.split_whitespace().collect();
    assert_eq!(ours, theirs);
}

#[test]
fn names_and_aliases_are_unique_and_found() {
    let mut seen = BTreeSet::new();
    for attribute in ALL {
        for name in attribute.aliases.iter().chain([&attribute.name]) {
            assert!(seen.insert(*name), "{name} twice");
            assert_eq!(Attribute::by_name(name), Some(attribute));
            assert_eq!(Attribute::by_name(&format!("sf.{name}")), Some(attribute));
        }
        assert!(!attribute.meaning.is_empty() && !attribute.source.is_empty());
    }
    assert_eq!(Attribute::by_name("sf."), None);
    assert_eq!(Attribute::by_name("sf.sf.type"), None);
}

/// Names of attributes of the reference's policy language that must be understood.
#[test]
fn the_names_of_policies_are_known() {
    for name in [
        "sf.type",
        "sf.opflags",
        "sf.ret",
        "sf.ts",
        "sf.endts",
        "sf.proc.oid",
        "sf.proc.aexe",
        "sf.proc.acmdline",
        "sf.proc.apid",
        "sf.pproc.oid",
        "sf.file.symlink",
        "sf.file.oid",
        "sf.file.newname",
        "sf.file.newdirectory",
        "sf.file.newsymlink",
        "sf.file.newoid",
        "sf.net.port",
        "sf.net.ip",
        "sf.pod.restartcnt",
        "sf.pod.nodename",
        "sf.pod.namespace",
        "sf.ke.action",
        "sf.ke.kind",
        "sf.ke.message",
        "sf.meta.schema",
        "sf.meta.tracename",
        "evt.type",
        "evt.rawtime",
        "evt.dir",
        "evt.is_open_write",
        "fd.typechar",
        "fd.num",
        "fd.l4proto",
        "fd.cproto",
        "user.name",
        "proc.ppid",
        "proc.pcreatetime",
        "proc.pname",
        "proc.ptty",
        "container.image.id",
    ] {
        assert!(Attribute::by_name(name).is_some(), "{name}");
    }
}

/// What the kinds promise is what the values are.
#[test]
fn values_are_of_their_kinds() {
    for name in ["traces/k8s_small.sf", "traces/httpd.sf", "collector/files.sf"] {
        let Some(path) = capture("attribute", name) else { return };
        let mut events = Events::new(Reader::open(path).unwrap());
        while let Some(event) = events.next_event().unwrap() {
            for attribute in ALL {
                let value = attribute.value(&event);
                assert_eq!(matches!(value, Value::Many(_)), {
                    let flags = matches!(attribute.kind, Type::Operations | Type::OpenFlags);
                    attribute.many && !flags && !matches!(value, Value::Absent)
                });
                if matches!(value, Value::Operations(_) | Value::OpenFlags(_)) {
                    continue; // names of flags
                }
                value.any(&mut |value| {
                    let fits = match attribute.kind {
                        Type::Integer | Type::Protocol => matches!(value, Value::Int(_)),
                        Type::Time => matches!(value, Value::Int(_) | Value::Time(_)),
                        Type::Boolean => matches!(value, Value::Bool(_)),
                        Type::Text => matches!(value, Value::Text(_) | Value::Made(_)),
                        Type::Symbol(symbols) => {
                            matches!(value, Value::Text(word) if symbols.words.contains(&word))
                        }
                        Type::Address => matches!(value, Value::Address(_)),
                        Type::Operations | Type::OpenFlags => false,
                    };
                    assert!(fits, "{} is {value:?}", attribute.name);
                    false
                });
            }
        }
    }
}

/// A zero that looks like a value is worse than none: a missing parent is not root.
#[test]
fn what_is_not_known_is_absent() {
    let mut resolver = Resolver::new();
    let event = resolver.accept(FileFlow::default().into()).unwrap();
    for attribute in ALL {
        let own = ["version", "tags", "evt.dir", "type", "opflags", "opflags_bitmap", "ret"];
        let of_flow = [
            "ts",
            "ts_uts",
            "endts",
            "endts_uts",
            "proc.pid",
            "proc.tid",
            "proc.oid",
            "proc.createts",
            "file.fd",
            "file.oid",
            "file.openflags",
            "file.is_open_read",
            "file.is_open_write",
            "flow.rbytes",
            "flow.rops",
            "flow.wbytes",
            "flow.wops",
        ];
        let ancestors = ["proc.aname", "proc.aexe", "proc.acmdline", "proc.apid"];
        if [&own[..], &of_flow, &ancestors].concat().contains(&attribute.name) {
            continue;
        }
        assert!(matches!(attribute.value(&event), Value::Absent), "{}", attribute.name);
    }
}

fn text(name: &str, event: &sysflow::resolve::ResolvedEvent<'_>) -> String {
    Attribute::by_name(name).unwrap().value(event).to_string()
}

#[test]
fn identities_are_those_of_the_reference() {
    let mut resolver = Resolver::new();
    let oid = Oid { create_ts: 0, hpid: 13823 };
    let file_oid = Foid::of(Some("c010f5a08549"), b"/dev/pts/0");
    let event = FileEvent { proc_oid: oid, file_oid, ..FileEvent::default() };
    let event = resolver.accept(event.into()).unwrap();
    assert_eq!(text("proc.oid", &event), "c2f5f8c25e766cd4");
    assert_eq!(text("file.oid", &event), "4d7c93fc5836f0110049691a398897aeb3f54cee");
}

/// A process whose parents are given by pid.
fn family(resolver: &mut Resolver, pid: i64, parent: Option<i64>, exe: &str) {
    let oid = |hpid| Oid { create_ts: 0, hpid };
    let (exe, exe_args) = (exe.to_owned(), format!("-{pid}"));
    let poid = parent.map(oid);
    let process = Process { oid: oid(pid), poid, exe, exe_args, ..Process::default() };
    resolver.accept(Record::Process(process));
}

#[test]
fn ancestors_begin_with_the_process_itself() {
    let mut resolver = Resolver::new();
    family(&mut resolver, 3, Some(2), "/bin/ls");
    family(&mut resolver, 2, Some(1), "/bin/bash");
    family(&mut resolver, 1, None, "/sbin/init");
    let proc_oid = Oid { create_ts: 0, hpid: 3 };
    let event = ProcessEvent { proc_oid, ..ProcessEvent::default() };
    let event = resolver.accept(event.into()).unwrap();
    assert_eq!(text("proc.aname", &event), "ls,bash,init");
    assert_eq!(text("proc.apid", &event), "3,2,1");
    assert_eq!(text("proc.acmdline", &event), "/bin/ls -3,/bin/bash -2,/sbin/init -1");
}

#[test]
fn a_circle_of_ancestors_ends() {
    let mut resolver = Resolver::new();
    family(&mut resolver, 1, Some(2), "a");
    family(&mut resolver, 2, Some(1), "b");
    family(&mut resolver, 3, Some(3), "c");
    for pid in [1, 3] {
        let proc_oid = Oid { create_ts: 0, hpid: pid };
        let event = ProcessEvent { proc_oid, ..ProcessEvent::default() };
        let event = resolver.accept(event.into()).unwrap();
        assert!(event.ancestry().count() <= 1024);
    }
}

#[test]
fn types_of_events_are_the_words_of_the_attribute() {
    let Some(Type::Symbol(symbols)) = Attribute::by_name("type").map(|a| a.kind) else { panic!() };
    for &kind in Kind::ALL {
        let entity =
            matches!(kind, Kind::Header | Kind::Container | Kind::Process | Kind::File | Kind::Pod);
        assert_eq!(symbols.words.contains(&kind.short()), !entity, "{kind:?}");
    }
    let flow = FileFlow::default();
    assert_eq!(Event::FileFlow(&flow).short(), "FF");
}

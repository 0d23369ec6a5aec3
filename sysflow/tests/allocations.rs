// SPDX-License-Identifier: Apache-2.0
//! What is done for every event does not allocate: encoding, evaluation of filters, writing of rows.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io;

use counting_allocator::{Counting, asked};
use sysflow::encode::NulList;
use sysflow::expression::{Predicate, Scratch};
use sysflow::print::{Column, Format, Options, Printer};
use sysflow::read::Reader;
use sysflow::record::{
    Container, File, FileFlow, Foid, Header, NetworkFlow, Oid, OpFlags, Pod, Port, Process,
    ProcessEvent, Record, RecordRef, Service,
};
use sysflow::resolve::{ResolvedEvent, Resolver};
use sysflow::write::{Codec, Options as WriteOptions, Writer};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations while `run` runs.
fn allocations(run: impl FnOnce()) -> u64 {
    let before = asked();
    run();
    asked() - before
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(1)))), 1);
    assert_eq!(allocations(|| ()), 0);
}

#[test]
fn writing_a_record_allocates_nothing() {
    for &codec in Codec::ALL {
        let options = WriteOptions { codec, block_bytes: 4000, ..WriteOptions::default() };
        let mut writer = Writer::new(io::sink(), &options).unwrap();
        writer.write(Header::<&str>::default()).unwrap();
        let mut records = |count: i64| {
            for ts in 0..count {
                let env = NulList("HOME=/root\0PATH=/usr/bin:/bin\0");
                let process =
                    Process { exe: "/bin/ls", exe_args: "-l", cwd: "/", ts, env, ..absent() };
                writer.write(process).unwrap();
                writer
                    .write(NetworkFlow { ts, end_ts: ts << 20, ..NetworkFlow::default() })
                    .unwrap();
                writer.write(FileFlow { ts, ..FileFlow::default() }).unwrap();
                writer.write(ProcessEvent { ts, args: env, ..event() }).unwrap();
            }
        };
        records(500); // buffers reach their size
        let found = allocations(|| records(5000));
        // Many blocks were stored meanwhile; of the codecs, flate2's and zstd's keep their state.
        assert_eq!(found, 0, "{codec}");
    }
}

#[test]
fn reading_a_record_without_copies_allocates_nothing() {
    for &codec in Codec::ALL {
        let options = WriteOptions { codec, block_bytes: 4000, ..WriteOptions::default() };
        let mut writer = Writer::new(Vec::new(), &options).unwrap();
        writer.write(Header::<&str>::default()).unwrap();
        for ts in 0..5000 {
            let env = NulList("HOME=/root\0PATH=/usr/bin:/bin\0");
            let process = Process { exe: "/bin/ls", exe_args: "-l", ts, env, ..absent() };
            writer.write(process).unwrap();
            writer.write(NetworkFlow { ts, ..NetworkFlow::default() }).unwrap();
            writer.write(Pod { ts, name: "web".to_owned(), ..pod() }).unwrap();
            writer.write(ProcessEvent { ts, args: env, ..event() }).unwrap();
        }
        let bytes = writer.finish().unwrap();
        let mut reader = Reader::new(&bytes[..], "memory").unwrap();
        let mut read = |count| {
            let mut len = 0;
            for _ in 0..count {
                match reader.next_ref().unwrap().unwrap() {
                    RecordRef::Process(process) => len += process.env.iter().count(),
                    RecordRef::Pod(pod) => len += pod.labels.iter().count(),
                    _ => {}
                }
            }
            len
        };
        read(10_000); // buffers reach their size
        let mut len = 0;
        let found = allocations(|| len = read(10_000));
        assert_eq!((found, len), (0, 2500 * 3), "{codec}");
    }
}

fn pod() -> Pod {
    let service = Service { port_list: vec![Port::default()], ..Service::default() };
    let labels = [("app".to_owned(), "web".to_owned())].into();
    Pod { labels, services: vec![service], ..Pod::default() }
}

fn absent<'a>() -> Process<&'a str, NulList<'a>> {
    Process {
        state: Default::default(),
        oid: Oid { create_ts: 1, hpid: 2 },
        poid: None,
        ts: 0,
        exe: "",
        exe_args: "",
        uid: 0,
        user_name: "root",
        gid: 0,
        group_name: "root",
        tty: false,
        container_id: Some("c010f5a08549"),
        entry: false,
        cwd: "",
        env: NulList(""),
    }
}

fn event<'a>() -> ProcessEvent<NulList<'a>> {
    ProcessEvent {
        proc_oid: Oid { create_ts: 1, hpid: 2 },
        ts: 0,
        tid: 2,
        op_flags: OpFlags::EXEC,
        args: NulList(""),
        ret: 0,
    }
}

/// Entities for the events below.
fn resolver() -> Resolver {
    let oid = |hpid| Oid { create_ts: 5, hpid };
    let mut resolver = Resolver::new();
    resolver.accept(Record::Header(Header::default()));
    let container = Container { id: "c010f5a08549".to_owned(), ..Container::default() };
    resolver.accept(Record::Container(container));
    for (hpid, exe) in [(1, "/sbin/init"), (2, "/usr/bin/bash"), (3, "/usr/bin/curl")] {
        resolver.accept(Record::Process(Process {
            oid: oid(hpid),
            poid: (hpid > 1).then(|| oid(hpid - 1)),
            exe: exe.to_owned(),
            exe_args: "--silent --output /tmp/ÄÖÜ".to_owned(),
            env: vec!["LD_PRELOAD=/tmp/x.so".to_owned(), "TERM=xterm".to_owned()],
            container_id: Some("c010f5a08549".to_owned()),
            ..Process::default()
        }));
    }
    let path = "/var/lib/data,base/file".to_owned();
    resolver.accept(Record::File(File { oid: Foid([1; 20]), path, ..File::default() }));
    resolver
}

/// Calls `each` with events of several types.
fn with_events(resolver: &mut Resolver, mut each: impl FnMut(&ResolvedEvent<'_>)) {
    let proc_oid = Oid { create_ts: 5, hpid: 3 };
    let events: [Record; 3] = [
        FileFlow { proc_oid, file_oid: Foid([1; 20]), ..FileFlow::default() }.into(),
        NetworkFlow { proc_oid, dport: 443, proto: 6, ..NetworkFlow::default() }.into(),
        ProcessEvent { proc_oid, op_flags: OpFlags::EXEC, ..ProcessEvent::default() }.into(),
    ];
    for event in events {
        each(&resolver.accept(event).unwrap());
    }
}

#[test]
fn evaluating_a_filter_allocates_nothing() {
    let mut resolver = resolver();
    let mut scratch = Scratch::default();
    for text in [
        "type = FF and opflags in (READ, WRITE) or not proc.tid < 5",
        "proc.name in (bash, sh, curl) and proc.aname contains init",
        "proc.cmdline icontains äöü and proc.cmdline endswith Ü",
        "proc.env contains LD_PRELOAD or proc.acmdline startswith /sbin",
        "file.path pmatch (/etc, data) and file.oid startswith 0101 and res endswith file",
        "net.ip = 10.0.0.0/8 or net.sip startswith 0.0 or net.port in (80, 443)",
        "proc.oid = c2f5f8c25e766cd4 or proc.apid = 1 and proc.aname[1] = bash",
        "proc.cmdline contains pproc.name or proc.cmdline icontains pproc.name",
        "file.openflags in (RDWR, NONE) and file.is_open_read = false and container.id exists",
        "pod.services contains x or k8s.kind = K8S_PODS or container.type = docker",
    ] {
        let predicate = Predicate::new(text).unwrap_or_else(|error| panic!("{error}"));
        let mut run = |count| {
            for _ in 0..count {
                with_events(&mut resolver, |event| {
                    let found = allocations(|| {
                        std::hint::black_box(predicate.matches(event, &mut scratch));
                    });
                    assert!(found == 0 || count == 1, "{found} allocations for {text}");
                });
            }
        };
        run(1); // the scratch reaches its size
        run(20);
    }
}

#[test]
fn writing_a_row_allocates_nothing() {
    let mut resolver = resolver();
    // Parquet is no rows: it collects the values of many in columns of its own.
    for &format in Format::ALL.iter().filter(|format| format.is_text()) {
        for columns in [Column::defaults(), Column::exported()] {
            let options = Options { columns, width: Some(200), ..Options::default() };
            let mut printer = Printer::new(format, options);
            let mut run = |count| {
                for _ in 0..count {
                    with_events(&mut resolver, |event| {
                        let found = allocations(|| {
                            printer.write_event(&mut io::sink(), event).unwrap();
                        });
                        assert!(found == 0 || count == 1, "{found} allocations for {format}");
                    });
                }
            };
            run(1);
            run(20);
        }
    }
}

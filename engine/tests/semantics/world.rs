// SPDX-License-Identifier: Apache-2.0
//! A small world to test in: drivers' records made by hand, and the `SysFlow`
//! records that the engine makes of them.

use engine::clock::Clock;
use engine::engine::Corrected;
use engine::semantics::Semantics;
use engine::sink::Sink;
use engine::snapshot::{Found, Listening, Lookup, NoLookup, Span};
use engine::state::container::Details;
use engine::state::limits::Limits;
use engine::state::users::Users;
use engine::{Counts, Engine, Settings};
use probe_loader::Record;
use probe_loader::abi::*;
use probe_loader::record::ExecStrings;
use sysflow::encode::Encode;
use sysflow::read::Reader;
use sysflow::record::{
    self, Container, FileFlow, Foid, Header, Loss, NetworkFlow, Process, ProcessEvent,
};
use sysflow::schema::Version;
use sysflow::write::{Options, Writer};

/// Keeps records as a file in memory.
pub(crate) struct Memory(Writer<Vec<u8>>);

impl Sink for Memory {
    fn put(&mut self, record: impl Encode) {
        self.0.write(record).expect("memory takes every record");
    }
}

pub(crate) const SECOND: u64 = 1_000_000_000;

/// One process tree, driven by hand. Every event advances the time by 1.
pub(crate) struct World {
    engine: Engine<Memory>,
    pub(crate) now: u64,
}

/// What was written.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) all: Vec<record::Record>,
    pub(crate) counts: Counts,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_lookup(Box::new(NoLookup))
    }

    pub(crate) fn with_lookup(lookup: Box<dyn Lookup>) -> Self {
        Self::with(lookup, Settings::default())
    }

    /// A world whose output has that version of the schema.
    pub(crate) fn with_schema(schema: Version) -> Self {
        Self::with(Box::new(NoLookup), Settings { schema, ..Settings::default() })
    }

    pub(crate) fn with_semantics(semantics: Semantics) -> Self {
        Self::with(Box::new(NoLookup), Settings { semantics, ..Settings::default() })
    }

    /// A world whose tables hold no more than that.
    pub(crate) fn with_limits(limits: Limits) -> Self {
        Self::with(Box::new(NoLookup), Settings { limits, ..Settings::default() })
    }

    fn with(lookup: Box<dyn Lookup>, settings: Settings) -> Self {
        let schema = settings.schema;
        let options = Options { schema, ..Options::default() };
        let mut writer = Writer::new(Vec::new(), &options).expect("memory");
        let version = schema.number();
        writer.write(Header::<String> { version, ..Header::default() }).expect("memory");
        let sink = Memory(writer);
        let mut engine = Engine::new(settings, Clock::epoch(), Users::none(), lookup, sink);
        let init = Found { pid: 1, start: 1, exe: "/init".into(), ..Found::default() };
        engine.start_with(vec![init], Listening::default());
        Self { engine, now: 100 * SECOND }
    }

    pub(crate) fn finish(self) -> Written {
        let (sink, counts) = self.engine.finish();
        let mut writer = sink.0;
        writer.flush_block().expect("memory");
        let bytes = writer.get_ref().clone();
        let reader = Reader::new(&bytes[..], "memory").expect("a container file");
        let all = reader.map(|record| record.expect("a record")).collect();
        Written { all, counts }
    }

    pub(crate) fn tick(&mut self, seconds: u64) {
        self.now += seconds * SECOND;
        self.engine.tick(self.now);
    }

    /// All processes are compared with these, which are there a moment before.
    pub(crate) fn scan(&mut self, found: &[Found]) -> Corrected {
        self.scan_from(found, self.now)
    }

    /// The same, of what was read from `begun` on.
    pub(crate) fn scan_from(&mut self, found: &[Found], begun: u64) -> Corrected {
        self.engine.begin_scan(begun, false);
        self.now += 1;
        self.engine.scanned(found);
        let span =
            Span { begun, begun_boot: begun, ended: self.now, whole: true, ..Span::default() };
        self.engine.end_scan(&span, Listening::default())
    }

    /// Entries of a table, and what was evicted from it.
    pub(crate) fn table(&self, name: &str) -> (usize, u64) {
        let tables = self.engine.tables();
        let table = tables.iter().find(|table| table.name == name).expect("a table");
        assert!(table.bytes <= table.limit, "{table:?}");
        (table.entries, table.evicted)
    }

    pub(crate) fn living(&self) -> usize {
        self.engine.living()
    }

    pub(crate) fn put_loss(&mut self, pid: u32, loss: Loss) {
        self.engine.put_loss(pid, self.now - SECOND, self.now, loss);
    }

    /// The clock of the host is set to so many seconds more, or less, than at first.
    pub(crate) fn set_clock(&mut self, seconds: i64) -> bool {
        let distance = seconds * SECOND.cast_signed();
        self.engine.follow_clock(Clock::with_distances(distance, distance))
    }

    /// A process is found in this control group.
    pub(crate) fn find_in(&mut self, pid: u32, cgroup: &str) {
        let h = self.hdr(pid, pid, SF_OP_EXEC);
        let exec = sf_rec_exec { h, start: self.now, ppid: 1, ..sf_rec_exec::default() };
        let strings = ExecStrings {
            exe: b"/bin/server",
            cwd: b"/",
            cgroup: cgroup.as_bytes(),
            args: b"server\0",
            env: b"",
        };
        self.apply(&Record::Exec(&exec, strings));
    }

    /// The ids of containers that came since the last time.
    pub(crate) fn new_containers(&mut self) -> Vec<String> {
        self.engine.take_new_containers().map(|question| question.id.to_string()).collect()
    }

    pub(crate) fn container_told(&mut self, id: &str, name: &str) {
        let image = "nginx:1.27".into();
        let details = Details { name: name.into(), image, ..Details::default() };
        self.engine.container_told(id, details);
    }

    pub(crate) fn begin_file(&mut self) {
        self.engine.begin_file();
    }

    pub(crate) fn apply(&mut self, record: &Record<'_>) {
        self.engine.apply(record);
    }

    pub(crate) fn hdr(&mut self, pid: u32, tid: u32, op: u32) -> sf_hdr {
        self.now += 1;
        sf_hdr { ts: self.now, pid, tid, op: op as u8, ..sf_hdr::default() }
    }

    /// fork: `parent` makes `child`, and both see the call return.
    pub(crate) fn fork(&mut self, parent: u32, child: u32) {
        self.birth(parent, child, child, 0);
        self.clone_returns(parent, parent, i64::from(child));
        self.clone_returns(child, child, 0);
    }

    pub(crate) fn birth(&mut self, parent: u32, child: u32, tid: u32, shared: u32) {
        self.birth_with(parent, child, tid, |fork| fork.shared = shared);
    }

    /// A birth with other facts. Returns the start time.
    pub(crate) fn birth_with(
        &mut self,
        parent: u32,
        child: u32,
        tid: u32,
        change: impl FnOnce(&mut sf_rec_fork),
    ) -> u64 {
        let h = self.hdr(parent, parent, SF_OP_FORK);
        let mut fork = sf_rec_fork {
            h,
            start: self.now,
            child_pid: child,
            child_tid: tid,
            ppid: parent,
            vtid: tid,
            ..sf_rec_fork::default()
        };
        change(&mut fork);
        self.apply(&Record::Fork(&fork));
        fork.start
    }

    pub(crate) fn clone_returns(&mut self, pid: u32, tid: u32, ret: i64) {
        let h = self.hdr(pid, tid, SF_OP_CLONE);
        self.apply(&Record::Call(&sf_rec_call { h, ret, ..sf_rec_call::default() }));
    }

    /// exec of a process whose start time is `start`.
    pub(crate) fn exec(&mut self, pid: u32, start: u64, args: &str, ret: i32) {
        self.exec_with(pid, start, args, b"/", |exec| exec.ret = ret);
    }

    /// The same in a control group, with other facts.
    pub(crate) fn exec_with(
        &mut self,
        pid: u32,
        start: u64,
        args: &str,
        cgroup: &[u8],
        change: impl FnOnce(&mut sf_rec_exec),
    ) {
        let h = self.hdr(pid, pid, SF_OP_EXEC);
        let mut exec =
            sf_rec_exec { h, start, ppid: 1, vpid: pid, old_tid: pid, ..sf_rec_exec::default() };
        change(&mut exec);
        let exe = args.split('\0').next().unwrap_or_default();
        let strings = ExecStrings {
            exe: exe.as_bytes(),
            cwd: b"/home",
            cgroup,
            args: args.as_bytes(),
            env: b"A=1\0B=2\0",
        };
        self.apply(&Record::Exec(&exec, strings));
    }

    pub(crate) fn exit(&mut self, pid: u32, tid: u32, last: bool) {
        let h = self.hdr(pid, tid, SF_OP_EXIT);
        let flags = if last { SF_EXIT_LAST } else { 0 };
        self.apply(&Record::Exit(&sf_rec_exit { h, flags, ..sf_rec_exit::default() }));
    }

    fn file_record(&mut self, op: u32, at: At, file: u64, path: &str, mode: u32) {
        self.file_on(op, at, file, path, mode, (0, 0));
    }

    /// A file that has a device, as the kernel numbers it, and an inode.
    pub(crate) fn open_on(&mut self, at: At, file: u64, path: &str, inode: (u32, u64)) {
        self.file_on(SF_OP_OPEN, at, file, path, libc::S_IFREG, inode);
    }

    fn file_on(
        &mut self,
        op: u32,
        at: At,
        file: u64,
        path: &str,
        mode: u32,
        (dev, ino): (u32, u64),
    ) {
        let h = self.hdr(at.pid, at.tid, op);
        let ret = if op == SF_OP_OPEN { at.fd } else { 0 };
        let file = sf_rec_file {
            h,
            file,
            fd: at.fd,
            ret,
            mode,
            flags: libc::O_RDWR as u32,
            dev,
            ino,
            ..sf_rec_file::default()
        };
        self.apply(&Record::File(&file, path.as_bytes()));
    }

    pub(crate) fn open(&mut self, at: At, file: u64, path: &str) {
        self.file_record(SF_OP_OPEN, at, file, path, libc::S_IFREG);
    }

    pub(crate) fn describe(&mut self, at: At, file: u64, path: &str, mode: u32) {
        self.file_record(SF_OP_DESCRIBE_FILE, at, file, path, mode);
    }

    pub(crate) fn io(&mut self, op: u32, at: At, file: u64, bytes: u64) {
        let io = self.io_record(op, at, file, bytes);
        self.apply(&Record::Io(&io));
    }

    pub(crate) fn io_record(&mut self, op: u32, at: At, file: u64, bytes: u64) -> sf_rec_io {
        let h = self.hdr(at.pid, at.tid, op);
        sf_rec_io { h, file, fd: at.fd, ops: 1, bytes, first: self.now, failed: 0, error: 0 }
    }

    pub(crate) fn sock_io(&mut self, op: u32, at: At, file: u64, bytes: u64, tuple: sf_tuple) {
        let io = self.io_record(op, at, file, bytes);
        self.apply(&Record::SockIo(&sf_rec_sockio { io, tuple }));
    }

    pub(crate) fn sock(&mut self, op: u32, at: At, file: u64, tuple: sf_tuple) {
        let h = self.hdr(at.pid, at.tid, op);
        let sock = sf_rec_sock { h, file, fd: at.fd, tuple, ino: 77, ..sf_rec_sock::default() };
        self.apply(&Record::Sock(&sock, b""));
    }

    pub(crate) fn close(&mut self, at: At) {
        let h = self.hdr(at.pid, at.tid, SF_OP_CLOSE);
        self.apply(&Record::Fd(&sf_rec_fd { h, file: 0, fd: at.fd, ret: 0 }));
    }

    pub(crate) fn dup(&mut self, at: At, file: u64, to: i32) {
        let h = self.hdr(at.pid, at.tid, SF_OP_DUP);
        self.apply(&Record::Fd(&sf_rec_fd { h, file, fd: at.fd, ret: to }));
    }
}

/// Who, on which descriptor.
#[derive(Clone, Copy)]
pub(crate) struct At {
    pub(crate) pid: u32,
    pub(crate) tid: u32,
    pub(crate) fd: i32,
}

/// The only thread of a process.
pub(crate) fn at(pid: u32, fd: i32) -> At {
    At { pid, tid: pid, fd }
}

/// A tuple of IPv4 addresses 127.0.0.1.
pub(crate) fn v4(type_: i32, local: u16, remote: u16) -> sf_tuple {
    let mut address = [0; 16];
    address[..4].copy_from_slice(&[127, 0, 0, 1]);
    sf_tuple {
        family: libc::AF_INET as u16,
        lport: local,
        rport: remote,
        type_: type_ as u8,
        proto: if type_ == libc::SOCK_DGRAM { 17 } else { 6 },
        laddr: address,
        raddr: address,
    }
}

macro_rules! pick {
    ($name:ident, $kind:ident) => {
        pub(crate) fn $name(&self) -> Vec<$kind> {
            let all = self.all.iter();
            all.filter_map(|r| match r {
                record::Record::$kind(r) => Some(r.clone()),
                _ => None,
            })
            .collect()
        }
    };
}

impl Written {
    pick!(file_flows, FileFlow);
    pick!(network_flows, NetworkFlow);
    pick!(process_events, ProcessEvent);
    pick!(processes, Process);
    pick!(containers, Container);

    /// The path of a file record.
    pub(crate) fn path(&self, foid: Foid) -> &str {
        let found = self.all.iter().find_map(|r| match r {
            record::Record::File(file) if file.oid == foid => Some(file.path.as_str()),
            _ => None,
        });
        found.expect("the file is written before what refers to it")
    }

    /// Everything that refers to an entity comes after that entity, and each
    /// event ended in exactly one counter.
    pub(crate) fn check(&self) {
        let (mut processes, mut files) = (Vec::new(), Vec::new());
        for r in &self.all {
            match r {
                record::Record::Process(p) => {
                    assert!(p.poid.is_none_or(|poid| processes.contains(&poid)), "{p:?}");
                    processes.push(p.oid);
                }
                record::Record::File(f) => files.push(f.oid),
                record::Record::ProcessEvent(e) => assert!(processes.contains(&e.proc_oid)),
                record::Record::NetworkFlow(f) => assert!(processes.contains(&f.proc_oid)),
                record::Record::FileFlow(f) => {
                    assert!(processes.contains(&f.proc_oid) && files.contains(&f.file_oid));
                }
                _ => {}
            }
        }
        let c = &self.counts;
        let ends = c.applied
            + c.silent
            + c.untold
            + c.ipv6
            + c.failed
            + c.unused_close
            + c.undescribed
            + c.unknown
            + c.damaged;
        assert_eq!(c.events, ends, "every event is accounted for: {c:?}");
        assert_eq!(c.records + 1, self.all.len() as u64, "every record is counted");
    }
}

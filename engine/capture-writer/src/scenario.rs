// SPDX-License-Identifier: Apache-2.0
//! Stories of threads, told as events.

use std::collections::BTreeMap;

use crate::lists::{Descriptor, Process, User};
use crate::{EventBlock, Values, Writer};

/// What a thread does, call by call.
///
/// First come the threads and descriptors that were there before, then the calls; every call takes
/// a microsecond. Nothing is checked: a thread may close what it never opened.
#[derive(Debug)]
pub struct Scenario {
    writer: Writer<Vec<u8>>,
    now: u64,
    threads: Vec<Process>,
    descriptors: BTreeMap<u64, Vec<Descriptor>>,
    users: Vec<User>,
    begun: bool,
}

/// Source and destination of a connection, each an IPv4 address and a port.
pub type Connection = (([u8; 4], u16), ([u8; 4], u16));

/// How long a call takes, ns.
const CALL: u64 = 1_000;

/// Clone flags of a thread: `CLONE_FILES` and `CLONE_THREAD`, portable.
const THREAD: u32 = 1 | 1 << 13;

/// At most this much of what is read and written is kept.
const SNAPPED: u64 = 80;

/// Writing to memory does not fail.
const MEMORY: &str = "memory takes everything";

impl Scenario {
    /// Begins at `start`, ns since the epoch.
    #[must_use]
    pub fn new(start: u64) -> Self {
        let mut writer = Writer::new(Vec::new());
        writer.section().and_then(|()| writer.machine(2, "scenario")).expect(MEMORY);
        let (threads, users) = (Vec::new(), Vec::new());
        Self { writer, now: start, threads, descriptors: BTreeMap::new(), users, begun: false }
    }

    /// A thread that was there before.
    pub fn thread(&mut self, thread: Process) -> &mut Self {
        self.threads.push(thread);
        self
    }

    /// A descriptor that was open before.
    pub fn descriptor(&mut self, tid: u64, descriptor: Descriptor) -> &mut Self {
        self.descriptors.entry(tid).or_default().push(descriptor);
        self
    }

    /// A user or group of the host.
    pub fn user(&mut self, user: User) -> &mut Self {
        self.users.push(user);
        self
    }

    /// The time, ns since the epoch.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.now
    }

    /// Lets time pass, ns.
    pub fn wait(&mut self, ns: u64) -> &mut Self {
        self.now += ns;
        self
    }

    /// The capture so far.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.begin();
        self.writer.into_inner()
    }

    /// Takes the bytes written so far, so that long stories need no memory.
    pub fn take(&mut self) -> Vec<u8> {
        self.begin();
        std::mem::replace(&mut self.writer, Writer::new(Vec::new())).into_inner()
    }

    fn begin(&mut self) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        let Self { writer, threads, descriptors, users, .. } = self;
        writer.users(2, users).expect(MEMORY);
        writer.processes(9, threads).expect(MEMORY);
        for thread in threads {
            let list = descriptors.remove(&thread.tid).unwrap_or_default();
            writer.descriptors(2, thread.tid, &list).expect(MEMORY);
        }
    }

    /// One event, of any type.
    pub fn event(&mut self, tid: u64, kind: u16, params: &Values) -> &mut Self {
        self.begin();
        let large = matches!(kind, 322 | 324 | 402);
        let block = if large { EventBlock::V2Large } else { EventBlock::V2 };
        self.writer.event(block, (0, self.now, tid), kind, params).expect(MEMORY);
        self
    }

    /// Both halves of a call; `kind` is the even number of the first half.
    pub fn call(&mut self, tid: u64, kind: u16, enter: &Values, exit: &Values) -> &mut Self {
        self.event(tid, kind, enter);
        self.now += CALL;
        self.event(tid, kind + 1, exit)
    }

    /// open(2) with portable flags.
    pub fn open(&mut self, tid: u64, fd: i64, path: &str, flags: u32) -> &mut Self {
        let exit = Values::new().i64(fd).text(path).u32(flags).u32(0o644).u32(0x0801).u64(77);
        self.call(tid, 2, &Values::new(), &exit)
    }

    /// close(2).
    pub fn close(&mut self, tid: u64, fd: i64) -> &mut Self {
        self.call(tid, 4, &Values::new().i64(fd), &Values::new().i64(0))
    }

    /// read(2) of `len` bytes.
    pub fn read(&mut self, tid: u64, fd: i64, len: u64) -> &mut Self {
        self.transfer(tid, 6, fd, len)
    }

    /// write(2) of `len` bytes.
    pub fn write(&mut self, tid: u64, fd: i64, len: u64) -> &mut Self {
        self.transfer(tid, 8, fd, len)
    }

    fn transfer(&mut self, tid: u64, kind: u16, fd: i64, len: u64) -> &mut Self {
        let data = vec![b'x'; usize::try_from(len.min(SNAPPED)).expect("it is small")];
        let size = u32::try_from(len).expect("a transfer has less than 4 GiB");
        let exit = Values::new().i64(i64::from(size)).bytes(&data);
        self.call(tid, kind, &Values::new().i64(fd).u32(size), &exit)
    }

    /// dup(2).
    pub fn dup(&mut self, tid: u64, fd: i64, new: i64) -> &mut Self {
        self.call(tid, 366, &Values::new().i64(fd), &Values::new().i64(new).i64(fd))
    }

    /// socket(2) and connect(2) of a TCP socket.
    pub fn connect(&mut self, tid: u64, fd: i64, connection: Connection) -> &mut Self {
        let enter = Values::new().u32(2).u32(1).u32(0);
        self.call(tid, 18, &enter, &Values::new().i64(fd));
        let exit = Values::new().i64(0).bytes(&tuple(connection));
        self.call(tid, 22, &Values::new().i64(fd), &exit)
    }

    /// accept4(2); the source of the connection is the client.
    pub fn accept(&mut self, tid: u64, fd: i64, connection: Connection) -> &mut Self {
        let exit = Values::new().i64(fd).bytes(&tuple(connection)).u8(0).u32(0).u32(128);
        self.call(tid, 248, &Values::new().u32(0), &exit)
    }

    /// fork(2): events of both processes.
    pub fn fork(&mut self, parent: &Process, child: u64) -> Process {
        let new = Process { tid: child, pid: child, ptid: parent.tid, ..parent.clone() };
        let new = Process { vtid: signed(child), vpid: signed(child), ..new };
        self.clone_of(parent, &new, 0);
        new
    }

    /// A new thread of a process: events of both threads.
    pub fn spawn(&mut self, parent: &Process, tid: u64) -> Process {
        let new = Process { tid, vtid: signed(tid), flags: THREAD, ..parent.clone() };
        self.clone_of(parent, &new, THREAD);
        new
    }

    fn clone_of(&mut self, parent: &Process, new: &Process, flags: u32) {
        let half = |res: u64, own: &Process| {
            let program = Values::new().i64(signed(res)).text(&own.exe).bytes(&own.args);
            let ids = program.i64(signed(own.tid)).i64(signed(own.pid)).i64(signed(own.ptid));
            let sizes = ids.text("").i64(1024).u64(0).u64(0).u32(0).u32(0).u32(0);
            let rest = sizes.text(&own.comm).bytes(&own.cgroups).u32(flags);
            rest.u32(own.uid).u32(own.gid).i64(own.vtid).i64(own.vpid)
        };
        self.event(parent.tid, 222, &Values::new());
        self.now += CALL;
        self.event(parent.tid, 223, &half(new.tid, parent));
        self.now += CALL;
        self.event(new.tid, 223, &half(0, new));
    }

    /// execve(2).
    pub fn exec(&mut self, process: &mut Process, path: &str, args: &[&str]) -> &mut Self {
        let comm = path.rsplit('/').next().unwrap_or(path).to_owned();
        let args = args.iter().flat_map(|text| [text.as_bytes(), &[0]].concat()).collect();
        let (exe, exepath) = (path.to_owned(), path.to_owned());
        *process = Process { comm, exe, exepath, args, ..process.clone() };
        let p = &*process;
        let program = Values::new().i64(0).text(&p.exe).bytes(&p.args);
        let ids = program.i64(signed(p.tid)).i64(signed(p.pid)).i64(signed(p.ptid));
        let sizes = ids.text("").u64(1024).u64(0).u64(0).u32(0).u32(0).u32(0);
        let exit = sizes.text(&p.comm).bytes(&p.cgroups).bytes(&p.env).u32(p.tty);
        let exit = exit.i64(signed(p.pid)).u32(p.loginuid);
        self.call(process.tid, 292, &Values::new().text(path), &exit)
    }

    /// The end of a thread.
    pub fn exit(&mut self, tid: u64, status: i64) -> &mut Self {
        let params = Values::new().i64(status).i64(status).u8(0).u8(0);
        self.event(tid, 186, &params);
        self.now += CALL;
        self
    }
}

fn signed(id: u64) -> i64 {
    i64::try_from(id).expect("an id")
}

/// Both ends as socket calls tell them.
fn tuple((source, destination): Connection) -> Vec<u8> {
    let mut out = vec![2];
    for (address, port) in [source, destination] {
        out.extend(address);
        out.extend(port.to_le_bytes());
    }
    out
}

// SPDX-License-Identifier: Apache-2.0
//! A capture of what a forked child does, and what holds for every capture.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Display;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{FromRawFd, OwnedFd};

use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, pipe};
use probe_loader::abi::{
    SF_F_TUPLE, SF_OP_ACCEPT, SF_OP_ANON, SF_OP_BIND, SF_OP_CONNECT, SF_OP_DESCRIBE_FILE,
    SF_OP_DESCRIBE_SOCKET, SF_OP_LISTEN, SF_OP_MMAP, SF_OP_OPEN, SF_OP_SHUTDOWN, SF_OP_SOCKET,
    SF_OP_SOCKETPAIR, class_of, sf_hdr, sf_rec_call, sf_rec_exec, sf_rec_exit, sf_rec_fd,
    sf_rec_file, sf_rec_fork, sf_rec_io, sf_rec_mmap, sf_rec_path, sf_rec_sock, sf_tuple,
};
use probe_loader::driver::{Driver, Options};
use probe_loader::{Counters, Record};

use crate::{choice, differential};

/// What the child found out about its own operations, for the parent to
/// compare with.
pub(crate) struct Facts(File);

impl Facts {
    pub(crate) fn set(&mut self, key: &str, value: impl Display) {
        writeln!(self.0, "{key}={value}").expect("facts are told through a pipe");
    }
}

/// A record, kept.
pub(crate) struct Event {
    pub(crate) cpu: u32,
    words: Vec<u64>,
    len: usize,
}

impl Event {
    fn new(cpu: u32, bytes: &[u8]) -> Self {
        let words = bytes
            .chunks(8)
            .map(|c| u64::from_ne_bytes(c.try_into().expect("records are multiples of 8")))
            .collect();
        Self { cpu, words, len: bytes.len() }
    }

    pub(crate) fn record(&self) -> Record<'_> {
        // SAFETY: the words are initialised and hold `len` bytes.
        let bytes = unsafe { std::slice::from_raw_parts(self.words.as_ptr().cast(), self.len) };
        Record::decode(bytes).expect("a record that can be read")
    }

    pub(crate) fn words(&self) -> &[u64] {
        &self.words
    }

    pub(crate) fn hdr(&self) -> &sf_hdr {
        self.record().header()
    }

    pub(crate) fn op(&self) -> u32 {
        u32::from(self.hdr().op)
    }

    pub(crate) fn flags(&self) -> u32 {
        u32::from(self.hdr().flags)
    }

    /// The open file that the record names.
    pub(crate) fn file(&self) -> Option<u64> {
        match self.record() {
            Record::Io(r) => Some(r.file),
            Record::SockIo(r) => Some(r.io.file),
            Record::File(r, _) => Some(r.file),
            Record::Sock(r, _) => Some(r.file),
            Record::Fd(r) => Some(r.file),
            Record::Map(r) => Some(r.fd.file),
            _ => None,
        }
    }

    pub(crate) fn as_io(&self) -> &sf_rec_io {
        match self.record() {
            Record::Io(r) => r,
            Record::SockIo(r) => &r.io,
            other => panic!("no I/O: {other:?}"),
        }
    }

    pub(crate) fn tuple(&self) -> &sf_tuple {
        match self.record() {
            Record::SockIo(r) => &r.tuple,
            Record::Sock(r, _) => &r.tuple,
            other => panic!("no tuple: {other:?}"),
        }
    }

    pub(crate) fn as_file(&self) -> (&sf_rec_file, String) {
        match self.record() {
            Record::File(r, path) => (r, String::from_utf8_lossy(path).into_owned()),
            other => panic!("no file: {other:?}"),
        }
    }

    pub(crate) fn as_fd(&self) -> &sf_rec_fd {
        match self.record() {
            Record::Fd(r) => r,
            other => panic!("no descriptor: {other:?}"),
        }
    }

    pub(crate) fn as_map(&self) -> &sf_rec_mmap {
        match self.record() {
            Record::Map(r) => r,
            other => panic!("no mapping: {other:?}"),
        }
    }

    pub(crate) fn as_path(&self) -> (&sf_rec_path, [String; 2]) {
        match self.record() {
            Record::Path(r, paths) => {
                (r, paths.map(|path| String::from_utf8_lossy(path).into_owned()))
            }
            other => panic!("no path: {other:?}"),
        }
    }

    pub(crate) fn as_sock(&self) -> (&sf_rec_sock, Vec<u8>) {
        match self.record() {
            Record::Sock(r, path) => (r, path.to_vec()),
            other => panic!("no socket: {other:?}"),
        }
    }

    pub(crate) fn as_fork(&self) -> &sf_rec_fork {
        match self.record() {
            Record::Fork(r) => r,
            other => panic!("no fork: {other:?}"),
        }
    }

    pub(crate) fn as_call(&self) -> &sf_rec_call {
        match self.record() {
            Record::Call(r) => r,
            other => panic!("no call: {other:?}"),
        }
    }

    pub(crate) fn as_exit(&self) -> &sf_rec_exit {
        match self.record() {
            Record::Exit(r) => r,
            other => panic!("no exit: {other:?}"),
        }
    }

    pub(crate) fn as_exec(&self) -> (&sf_rec_exec, probe_loader::record::ExecStrings<'_>) {
        match self.record() {
            Record::Exec(r, strings) => (r, strings),
            other => panic!("no exec: {other:?}"),
        }
    }
}

/// All records of a capture, in the order of time.
pub(crate) struct Recording {
    pub(crate) pid: u32,
    pub(crate) events: Vec<Event>,
    pub(crate) counters: Vec<Counters>,
    pub(crate) gaps: Vec<u64>,
    facts: HashMap<String, String>,
}

/// Reads rings and follows their sequence numbers.
pub(crate) struct Collector {
    pub(crate) events: Vec<Event>,
    next_seq: BTreeMap<u32, u32>,
    gaps: BTreeMap<u32, u64>,
}

impl Collector {
    pub(crate) fn new() -> Self {
        Self { events: Vec::new(), next_seq: BTreeMap::new(), gaps: BTreeMap::new() }
    }

    pub(crate) fn drain(&mut self, driver: &mut Driver) {
        for ring in driver.rings() {
            let cpu = ring.cpu();
            ring.refresh();
            while let Some(bytes) = ring.peek() {
                let event = Event::new(cpu, bytes);
                let seq = event.hdr().seq;
                let next = self.next_seq.entry(cpu).or_insert(1);
                *self.gaps.entry(cpu).or_default() += u64::from(seq.wrapping_sub(*next));
                *next = seq.wrapping_add(1);
                self.events.push(event);
                ring.advance();
            }
            ring.release();
            assert_eq!(ring.damaged(), 0, "damaged records on cpu {cpu}");
        }
    }

    /// After the driver stopped: the gaps of each ring. Losses behind the last
    /// record leave no gap to see, so the writer's last number is needed:
    /// delivered plus lost.
    pub(crate) fn gaps(&self, counters: &[Counters]) -> Vec<u64> {
        counters
            .iter()
            .zip(0_u32..)
            .map(|(c, cpu)| {
                let tried = c.delivered.iter().sum::<u64>() + c.lost.iter().flatten().sum::<u64>();
                let next = u64::from(self.next_seq.get(&cpu).copied().unwrap_or(1));
                self.gaps.get(&cpu).copied().unwrap_or(0) + (tried + 1 - next)
            })
            .collect()
    }
}

pub(crate) fn open(ring_size: usize) -> Driver {
    Driver::open(choice(), &Options { ring_size }).expect("a driver")
}

/// Captures what `scene` does in a child.
pub(crate) fn record(scene: impl FnOnce(&mut Facts)) -> Recording {
    const SIZE: usize = 1 << 20;
    let mut driver = open(SIZE);
    let mut other = differential::other(driver.kind(), SIZE).map(|d| (d, Collector::new()));
    driver.start().expect("start");
    if let Some((other, _)) = &mut other {
        other.start().expect("start");
    }
    let (facts_end, child_end) = pipe().expect("pipe");
    let child = spawn(scene, child_end);
    let mut collector = Collector::new();
    wait_draining(child, || {
        collector.drain(&mut driver);
        if let Some((other, kept)) = &mut other {
            kept.drain(other);
        }
    });
    driver.stop().expect("stop");
    collector.drain(&mut driver);
    let mut text = String::new();
    File::from(facts_end).read_to_string(&mut text).expect("facts");
    let recording = finish(child, &driver, collector, &text);
    if let Some((mut other, mut kept)) = other {
        other.stop().expect("stop");
        kept.drain(&mut other);
        differential::compare(&recording, kept);
    }
    recording
}

fn finish(child: Pid, driver: &Driver, collector: Collector, text: &str) -> Recording {
    let counters = driver.counters();
    let gaps = collector.gaps(&counters);
    let facts = text
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let mut recording =
        Recording { pid: child.as_raw() as u32, events: collector.events, counters, gaps, facts };
    recording.check();
    recording.events.sort_by_key(|e| e.hdr().ts);
    recording
}

fn spawn(scene: impl FnOnce(&mut Facts), facts: OwnedFd) -> Pid {
    // SAFETY: this process has one thread, so the child may do anything.
    match unsafe { fork() }.expect("fork") {
        ForkResult::Parent { child } => child,
        ForkResult::Child => {
            let mut facts = Facts(File::from(facts));
            let scene = std::panic::AssertUnwindSafe(|| scene(&mut facts));
            let ok = std::panic::catch_unwind(scene).is_ok();
            crate::sys::exit(if ok { 0 } else { 99 })
        }
    }
}

fn wait_draining(child: Pid, mut drain: impl FnMut()) {
    loop {
        drain();
        match waitpid(child, Some(WaitPidFlag::WNOHANG)).expect("waitpid") {
            WaitStatus::StillAlive => std::thread::sleep(std::time::Duration::from_millis(2)),
            WaitStatus::Exited(_, 99) => panic!("the scene panicked"),
            _ => return,
        }
    }
}

impl Recording {
    /// Events of the child's thread group.
    pub(crate) fn own(&self) -> impl Iterator<Item = &Event> {
        self.of(self.pid)
    }

    pub(crate) fn of(&self, pid: u32) -> impl Iterator<Item = &Event> {
        self.events.iter().filter(move |e| e.hdr().pid == pid)
    }

    /// The child's only event that `which` accepts.
    pub(crate) fn one(&self, what: &str, which: impl Fn(&Event) -> bool) -> &Event {
        let found: Vec<_> = self.own().filter(|e| which(e)).collect();
        assert_eq!(found.len(), 1, "{what}: {} events, {:#?}", found.len(), self.dump());
        found[0]
    }

    /// The child's OPEN of a path, as the record gives it.
    pub(crate) fn open_of(&self, path: &str) -> &Event {
        self.one(path, |e| e.op() == SF_OP_OPEN && e.as_file().1 == path)
    }

    /// The child's transfers on an open file.
    pub(crate) fn io_on(&self, file: u64) -> Vec<&Event> {
        self.own().filter(|e| class_of(e.hdr().op) == 5 && e.file() == Some(file)).collect()
    }

    pub(crate) fn has_fact(&self, key: &str) -> bool {
        self.facts.contains_key(key)
    }

    pub(crate) fn fact(&self, key: &str) -> &str {
        self.facts.get(key).unwrap_or_else(|| panic!("no fact {key}: {:?}", self.facts))
    }

    pub(crate) fn num<T: std::str::FromStr>(&self, key: &str) -> T {
        let text = self.fact(key);
        text.parse().unwrap_or_else(|_| panic!("fact {key} is {text}"))
    }

    pub(crate) fn dump(&self) -> Vec<String> {
        self.own().map(|e| format!("cpu {} {:?}", e.cpu, e.record())).collect()
    }

    /// What holds for every capture.
    fn check(&self) {
        check_accounting(&self.counters, &self.gaps);
        let mut last_ts = HashMap::new();
        let mut described = HashSet::new();
        for e in &self.events {
            let last = last_ts.entry(e.cpu).or_insert(0);
            assert!(e.hdr().ts >= *last, "time goes back on cpu {}", e.cpu);
            *last = e.hdr().ts;
            match e.op() {
                SF_OP_OPEN
                | SF_OP_ANON
                | SF_OP_SOCKET
                | SF_OP_BIND
                | SF_OP_LISTEN
                | SF_OP_SHUTDOWN
                | SF_OP_SOCKETPAIR
                | SF_OP_CONNECT
                | SF_OP_ACCEPT
                | SF_OP_DESCRIBE_FILE
                | SF_OP_DESCRIBE_SOCKET => {
                    described.insert((e.cpu, e.file()));
                }
                _ if class_of(e.hdr().op) == 5 => {
                    let io = e.as_io();
                    assert!(
                        io.file == 0 || described.contains(&(e.cpu, e.file())),
                        "not described before use on cpu {}: {:?}",
                        e.cpu,
                        e.record()
                    );
                    assert!(io.first <= io.h.ts && io.ops >= 1 && io.failed <= io.ops);
                    assert_eq!(io.failed == 0, io.error == 0);
                    assert_eq!(e.flags() & SF_F_TUPLE != 0, e.len == 104);
                }
                SF_OP_MMAP => {
                    let file = e.file();
                    assert!(
                        file == Some(0) || described.contains(&(e.cpu, file)),
                        "{:?}",
                        e.record()
                    );
                }
                _ => {}
            }
        }
        let ops: u64 = self
            .events
            .iter()
            .filter(|e| class_of(e.hdr().op) == 5)
            .map(|e| u64::from(e.as_io().ops))
            .sum();
        let told: u64 = self.counters.iter().map(|c| c.delivered[5] + c.aggregated[5]).sum();
        assert_eq!(ops, told, "operations in records, and as counted");
    }
}

/// seen == delivered + aggregated + lost, per class and CPU, and each loss is
/// one missing sequence number.
pub(crate) fn check_accounting(counters: &[Counters], gaps: &[u64]) {
    for (cpu, (c, gap)) in counters.iter().zip(gaps).enumerate() {
        for class in 0..c.seen.len() {
            let lost: u64 = c.lost.iter().map(|cause| cause[class]).sum();
            assert_eq!(
                c.seen[class],
                c.delivered[class] + c.aggregated[class] + lost,
                "cpu {cpu} class {class}: {c:?}"
            );
        }
        let lost: u64 = c.lost.iter().flatten().sum();
        assert_eq!(lost, *gap, "cpu {cpu}: lost, and missing sequence numbers");
    }
}

/// A descriptor for what wants to own one.
pub(crate) fn owned(fd: i32) -> OwnedFd {
    // SAFETY: the caller has just opened it and hands it over.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

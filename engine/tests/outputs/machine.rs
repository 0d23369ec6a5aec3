// SPDX-License-Identifier: Apache-2.0
//! A machine with a busy shell, recorded to outputs, whose clock the tests
//! turn.

use std::path::Path;
use std::time::{Duration, Instant};

use engine::account::Account;
use engine::clock::Clock;
use engine::output::{BUFFER, Common, Destination, Ended, Files, Keep, Outputs, Socket, Spec};
use engine::snapshot::{Found, Listening, NoLookup};
use engine::state::users::Users;
use engine::{Engine, Settings};
use probe_loader::Record;
use probe_loader::abi::*;
use probe_loader::record::ExecStrings;
use sysflow::record::Header;
use sysflow::write::Options;

pub(crate) const SHELL: u32 = 100;

/// The recorder of the machine.
pub(crate) struct Machine {
    engine: Engine<Outputs>,
    now: u64,
    /// The clock of the outputs.
    pub(crate) clock: Instant,
    rounds: u32,
}

/// A file, or a series.
pub(crate) fn files(path: &Path, every: Option<u64>, size: Option<u64>) -> Spec {
    let every = every.map(Duration::from_secs);
    let files = Files { path: path.to_owned(), every, size, keep: Keep::default() };
    Spec { to: Destination::Files(files), buffer: BUFFER }
}

/// A socket.
pub(crate) fn socket(path: &Path, buffer: usize) -> Spec {
    let socket = Socket { path: path.to_owned(), max_packet: 16 * 1024 };
    Spec { to: Destination::Socket(socket), buffer }
}

pub(crate) fn common() -> Common {
    let header = Header { version: 5, exporter: "tests".to_owned(), ..Header::default() };
    let flush = Duration::from_millis(10);
    Common { options: Options::default(), header, flush, driver: "none".to_owned() }
}

/// Waits until `done`; a test that waits in vain fails.
pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(60), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

impl Machine {
    pub(crate) fn new(specs: &[Spec]) -> Self {
        Self::with(specs, &common())
    }

    pub(crate) fn with(specs: &[Spec], common: &Common) -> Self {
        Self::of(Outputs::open(specs, common).unwrap_or_else(|error| panic!("{error}")))
    }

    /// One whose records go to these.
    pub(crate) fn of(outputs: Outputs) -> Self {
        let lookup = Box::new(NoLookup);
        let mut engine =
            Engine::new(Settings::default(), Clock::epoch(), Users::none(), lookup, outputs);
        let process = |pid, ppid, exe: &str| Found {
            pid,
            ppid,
            start: u64::from(pid),
            exe: exe.into(),
            ..Found::default()
        };
        let found = vec![process(1, 0, "/init"), process(SHELL, 1, "/bin/sh")];
        engine.start_with(found, Listening::default());
        Self { engine, now: 1_000_000_000, clock: Instant::now(), rounds: 0 }
    }

    fn hdr(&mut self, pid: u32, op: u32) -> sf_hdr {
        self.now += 1000;
        sf_hdr { ts: self.now, pid, tid: pid, op: op as u8, ..sf_hdr::default() }
    }

    /// The shell reads a file and starts a program, which writes one.
    pub(crate) fn round(&mut self) {
        self.rounds += 1;
        let child = 1000 + self.rounds % 30_000;
        // New names come up all the time, and are used for a while.
        let name = format!("/etc/file{}", self.rounds / 40 + self.rounds % 7);
        self.use_file(SHELL, SF_OP_READ, &name);
        let h = self.hdr(SHELL, SF_OP_FORK);
        let start = self.now;
        self.engine.apply(&Record::Fork(&sf_rec_fork {
            h,
            start,
            child_pid: child,
            child_tid: child,
            ppid: SHELL,
            vtid: child,
            ..sf_rec_fork::default()
        }));
        let h = self.hdr(child, SF_OP_EXEC);
        let exec = sf_rec_exec { h, start, ppid: SHELL, ..sf_rec_exec::default() };
        let strings = ExecStrings {
            exe: b"/bin/tool",
            cwd: b"/home",
            cgroup: b"/",
            args: b"tool\0--flag\0",
            env: b"HOME=/home\0TERM=none\0",
        };
        self.engine.apply(&Record::Exec(&exec, strings));
        self.use_file(child, SF_OP_WRITE, "/tmp/out");
        let h = self.hdr(child, SF_OP_EXIT);
        let flags = SF_EXIT_LAST;
        self.engine.apply(&Record::Exit(&sf_rec_exit { h, flags, ..sf_rec_exit::default() }));
    }

    fn use_file(&mut self, pid: u32, op: u32, path: &str) {
        let (file, fd) = (self.now, 3);
        let h = self.hdr(pid, SF_OP_OPEN);
        let open =
            sf_rec_file { h, file, fd, ret: fd, mode: libc::S_IFREG, ..sf_rec_file::default() };
        self.engine.apply(&Record::File(&open, path.as_bytes()));
        let h = self.hdr(pid, op);
        let first = self.now;
        let io = sf_rec_io { h, file, fd, ops: 1, bytes: 10, first, failed: 0, error: 0 };
        self.engine.apply(&Record::Io(&io));
        let h = self.hdr(pid, SF_OP_CLOSE);
        self.engine.apply(&Record::Fd(&sf_rec_fd { h, file, fd, ret: 0 }));
    }

    pub(crate) fn rounds(&mut self, number: u32) {
        (0..number).for_each(|_| self.round());
    }

    /// Lets time pass: the outputs get their turn.
    pub(crate) fn pass(&mut self, seconds: f64) {
        self.clock += Duration::from_secs_f64(seconds);
        let counts = *self.engine.counts();
        let account = || Account { at: engine::clock::epoch_now(), counts, ..Account::default() };
        if self.engine.sink().turn(self.clock, account) {
            self.engine.begin_file();
        }
    }

    /// What an output has counted.
    pub(crate) fn numbers(&mut self, output: usize) -> engine::output::Numbers {
        self.engine.sink().watches()[output].numbers()
    }

    /// Bytes that wait for an output.
    pub(crate) fn queued(&mut self, output: usize) -> usize {
        self.engine.sink().watches()[output].queued().0
    }

    /// Waits until an output has taken all it got.
    pub(crate) fn settle(&mut self, output: usize) {
        until("the output takes what it got", || {
            let numbers = self.numbers(output);
            numbers.handed.total() == numbers.written.total() + numbers.shed_total()
        });
    }

    /// Ends the capture. Checks that for each output every record is accounted
    /// for.
    pub(crate) fn finish(self) -> Vec<Ended> {
        let ended = self.finish_unless(|| false);
        assert!(ended.iter().all(|output| !output.stuck), "{ended:?}");
        ended
    }

    /// The same, unless there is a hurry.
    pub(crate) fn finish_unless(self, hurry: impl FnMut() -> bool) -> Vec<Ended> {
        let (outputs, counts) = self.engine.finish();
        let ended = outputs.finish_unless(Account { counts, ..Account::default() }, hurry);
        for output in &ended {
            let numbers = &output.numbers;
            assert_eq!(numbers.handed.total(), counts.records, "{}", output.name);
            for (kind, handed) in numbers.handed.each() {
                let kind = kind as usize;
                let shed: u64 = numbers.shed.iter().map(|kinds| kinds.0[kind]).sum();
                assert_eq!(handed, numbers.written.0[kind] + shed, "{output:?}");
            }
        }
        ended
    }
}

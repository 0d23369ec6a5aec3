// SPDX-License-Identifier: Apache-2.0
//! Streams that no host would give in a short time, made while they are
//! applied: processes that come and go by the million, descriptors by the
//! million, processes that stay. What the engine's tables do with them is
//! measured by `bounded`, and a smaller size is tested.

use engine::clock::Clock;
use engine::sink::Sink;
use engine::snapshot::NoLookup;
use engine::state::limits::Limits;
use engine::state::users::Users;
use engine::{Engine, Settings};
use probe_loader::Record;
use probe_loader::abi::{
    SF_EXIT_LAST, SF_OP_CLOSE, SF_OP_EXEC, SF_OP_EXIT, SF_OP_FORK, SF_OP_OPEN, SF_OP_READ, sf_hdr,
    sf_rec_exec, sf_rec_exit, sf_rec_fd, sf_rec_file, sf_rec_fork, sf_rec_io,
};
use probe_loader::record::ExecStrings;

/// A host that goes on for ever, a microsecond for each event.
pub struct Host<S> {
    engine: Engine<S>,
    now: u64,
    ticked: u64,
    path: String,
}

/// Environment of programs: as long as that of a service.
const ENV: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\0LANG=C.UTF-8\0\
                   HOME=/root\0SHELL=/bin/sh\0INVOCATION_ID=0123456789abcdef0123456789abcdef\0";

const SECOND: u64 = 1_000_000_000;

impl<S: Sink> Host<S> {
    /// A host with process 1, whose engine has that ceiling.
    #[must_use]
    pub fn new(limits: Limits, sink: S) -> Self {
        let settings = Settings { limits, ..Settings::default() };
        let lookup = Box::new(NoLookup);
        let engine = Engine::new(settings, Clock::epoch(), Users::none(), lookup, sink);
        let mut host =
            Self { engine, now: 100 * SECOND, ticked: 100 * SECOND, path: String::new() };
        host.exec(1, "/sbin/init", "", 0);
        host
    }

    /// Ends the capture, and gives back the sink.
    pub fn finish(self) -> S {
        self.engine.finish().0
    }

    /// The engine.
    pub fn engine(&mut self) -> &mut Engine<S> {
        &mut self.engine
    }

    fn hdr(&mut self, pid: u32, op: u32) -> sf_hdr {
        self.now += 1000;
        if self.now - self.ticked >= SECOND {
            self.ticked = self.now;
            self.engine.tick(self.now);
        }
        sf_hdr { ts: self.now, pid, tid: pid, op: op as u8, ..sf_hdr::default() }
    }

    /// Lets time pass in which nothing happens.
    pub fn wait(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.now += SECOND;
            self.ticked = self.now;
            self.engine.tick(self.now);
        }
    }

    /// A process makes another.
    pub fn fork(&mut self, parent: u32, child: u32) {
        let h = self.hdr(parent, SF_OP_FORK);
        let fork = sf_rec_fork {
            h,
            start: self.now,
            child_pid: child,
            child_tid: child,
            ppid: parent,
            vtid: child,
            ..sf_rec_fork::default()
        };
        self.engine.apply(&Record::Fork(&fork));
    }

    /// A process starts a program. `start`: that of its fork, or 0 if that was
    /// just before.
    pub fn exec(&mut self, pid: u32, exe: &str, args: &str, start: u64) {
        let start = if start == 0 { self.now } else { start };
        let h = self.hdr(pid, SF_OP_EXEC);
        let exec = sf_rec_exec { h, start, ppid: 1, vpid: pid, ..sf_rec_exec::default() };
        let strings = ExecStrings {
            exe: exe.as_bytes(),
            cwd: b"/var/lib/service",
            cgroup: b"/system.slice/some.service",
            args: args.as_bytes(),
            env: ENV.as_bytes(),
        };
        self.engine.apply(&Record::Exec(&exec, strings));
    }

    /// A process opens a file of its own: `/var/lib/service/data/NUMBER.log`.
    pub fn open(&mut self, pid: u32, fd: i32, file: u64, number: u64) {
        use std::fmt::Write as _;
        self.path.clear();
        let _ = write!(self.path, "/var/lib/service/data/{number:09}.log");
        let h = self.hdr(pid, SF_OP_OPEN);
        let open = sf_rec_file {
            h,
            file,
            fd,
            ret: fd,
            mode: libc::S_IFREG,
            ino: number,
            ..sf_rec_file::default()
        };
        let path = std::mem::take(&mut self.path);
        self.engine.apply(&Record::File(&open, path.as_bytes()));
        self.path = path;
    }

    /// A process reads 100 bytes.
    pub fn read(&mut self, pid: u32, fd: i32, file: u64) {
        let h = self.hdr(pid, SF_OP_READ);
        let io =
            sf_rec_io { h, file, fd, ops: 1, bytes: 100, first: self.now, ..sf_rec_io::default() };
        self.engine.apply(&Record::Io(&io));
    }

    /// A process closes a descriptor.
    pub fn close(&mut self, pid: u32, fd: i32) {
        let h = self.hdr(pid, SF_OP_CLOSE);
        self.engine.apply(&Record::Fd(&sf_rec_fd { h, file: 0, fd, ret: 0 }));
    }

    /// A process ends.
    pub fn exit(&mut self, pid: u32) {
        let h = self.hdr(pid, SF_OP_EXIT);
        let exit = sf_rec_exit { h, flags: SF_EXIT_LAST, ..sf_rec_exit::default() };
        self.engine.apply(&Record::Exit(&exit));
    }

    /// The life of a short process, the `number`th: fork, exec, open, read,
    /// close, exit.
    pub fn short_process(&mut self, number: u64) {
        let pid = 100 + (number % 4_000_000) as u32;
        // The kernel gives the memory of a closed file to the next one.
        let file = 0xffff_8880_0000_0000 + (number % 64) * 256;
        self.fork(1, pid);
        self.exec(pid, "/usr/bin/tool", &format!("tool\0--number\0{number}\0"), 0);
        self.open(pid, 3, file, number);
        self.read(pid, 3, file);
        self.close(pid, 3);
        self.exit(pid);
    }

    /// A descriptor that stays open, the `number`th of ten processes.
    pub fn open_descriptor(&mut self, number: u64) {
        let (pid, fd) = (10 + (number % 10) as u32, (3 + number / 10) as i32);
        if number < 10 {
            self.fork(1, pid);
        }
        let file = 0xffff_8880_0000_0000 + number * 256;
        self.open(pid, fd, file, number);
        self.read(pid, fd, file);
    }

    /// A process that stays, the `number`th, with three files open.
    pub fn living_process(&mut self, number: u64) {
        let pid = 100 + number as u32;
        self.fork(1, pid);
        self.exec(pid, "/usr/bin/service", &format!("service\0--number\0{number}\0"), 0);
        for fd in 3..6 {
            let file = 0xffff_8880_0000_0000 + (number * 4 + fd as u64) * 256;
            self.open(pid, fd, file, number % 5000 + fd as u64);
        }
    }
}

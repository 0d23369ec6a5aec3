// SPDX-License-Identifier: Apache-2.0
//! The exactness workload: operations whose every record is known.
//!
//! One director forks the processes of each part, one part after the other,
//! and tells at the end, as JSON on stdout, what a capture must hold of them.
//! Parts, a module each: files (1,000 writes of 100 bytes and 500 reads of
//! 200), programs (10 programs with known arguments), tcp (64 messages of 1,024
//! bytes and their echo), udp (10 datagrams and their echo), each from two
//! threads and from a forked child that inherits the descriptor; calls: every
//! other call that a capture covers, once.

mod calls;
mod files;
mod programs;
mod tcp;
mod udp;

use std::ffi::CString;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::report::{Image, Report, op};
use super::{child, sys};

/// What all parts need.
struct Workload {
    dir: PathBuf,
    pid: i32,
    image: Image,
    report: Report,
}

/// Runs all parts in `dir`, which is made if it does not exist.
///
/// # Errors
/// The first that a part meets, and when a byte is not what was written.
pub fn run(dir: &Path) -> io::Result<()> {
    std::fs::create_dir_all(dir)?;
    let pid = std::process::id() as i32;
    let args: Vec<String> = std::env::args().skip(1).collect();
    let mut cwd = std::env::current_dir()?.display().to_string();
    if !cwd.ends_with('/') {
        cwd.push('/');
    }
    let image = Image {
        exe: std::env::current_exe()?.display().to_string(),
        args: args.join(" "),
        env: std::env::vars().map(|(name, value)| format!("{name}={value}")).collect(),
        cwd,
    };
    let mut w = Workload { dir: dir.canonicalize()?, pid, image, report: Report::default() };
    let (report, image) = (&mut w.report, &w.image);
    report.process("director", pid, sys::getppid(), false, &[("MODIFIED", image)]);
    report.event(pid, pid, op::EXEC, 0);

    files::run(&mut w)?;
    programs::run(&mut w)?;
    calls::run(&mut w)?;
    tcp::run(&mut w, tcp::Kind::V4)?;
    udp::run(&mut w)?;
    let ipv6 = tcp::ipv6_is_there();
    if ipv6 {
        tcp::run(&mut w, tcp::Kind::Mapped)?;
        tcp::run(&mut w, tcp::Kind::V6)?;
    }

    w.report.event(pid, pid, op::EXIT, 0);
    let text = w.report.finish(ipv6).to_string();
    io::stdout().write_all(text.as_bytes())
}

impl Workload {
    /// Forks a measured process of the director.
    fn fork(&mut self, name: &str, body: impl FnOnce() -> io::Result<i32>) -> io::Result<i32> {
        let pid = child::fork(body)?;
        self.forked(name, pid, self.pid);
        Ok(pid)
    }

    /// Notes that `parent` forked `pid`, which does nothing but its part.
    fn forked(&mut self, name: &str, pid: i32, parent: i32) {
        self.report.process(name, pid, parent, true, &[("CREATED", &self.image)]);
        self.cloned(pid, parent);
    }

    /// Notes both returns of the fork of `pid` by the main thread of `parent`.
    fn cloned(&mut self, pid: i32, parent: i32) {
        self.report.event(parent, parent, op::CLONE, pid);
        self.report.event(pid, pid, op::CLONE, 0);
    }

    /// Notes that the main thread of `pid` made a thread, which has ended.
    fn thread(&mut self, pid: i32, tid: i32) {
        self.report.event(pid, pid, op::CLONE, tid);
        self.report.event(pid, tid, op::CLONE, 0);
        self.report.event(pid, tid, op::EXIT, 0);
    }

    /// Waits for a process that must exit with `code`, and notes its end.
    fn join(&mut self, pid: i32, code: i32) -> io::Result<()> {
        child::expect(pid, code)?;
        self.exited(pid, code);
        Ok(())
    }

    /// Notes that `pid` exited with `code`.
    fn exited(&mut self, pid: i32, code: i32) {
        self.report.event(pid, pid, op::EXIT, code << 8);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

/// A path as the system wants it.
pub(super) fn c_path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(io::Error::other)
}

/// Fails when a call moved another number of bytes than it was told.
fn whole(got: usize, want: usize) -> io::Result<()> {
    if got == want {
        return Ok(());
    }
    Err(io::Error::other(format!("a call moved {got} of {want} bytes")))
}

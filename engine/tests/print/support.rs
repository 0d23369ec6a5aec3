// SPDX-License-Identifier: Apache-2.0
//! Traces and programs.

use std::io::{BufRead as _, BufReader, Lines};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use sysflow::record::{FileFlow, Header};
use sysflow::write::{Options, Writer};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_sysflow");

/// A trace of flows with these descriptors, each in a block of its own.
pub(crate) fn bytes(fds: Range<i32>) -> Vec<u8> {
    let options = Options { block_bytes: 1, ..Options::default() };
    let mut writer = Writer::new(Vec::new(), &options).unwrap();
    writer.write(Header::<&str>::default()).unwrap();
    fds.for_each(|fd| writer.write(FileFlow { fd, ..FileFlow::default() }).unwrap());
    writer.finish().unwrap()
}

/// Where the blocks end: first the head of the file, then the header's, then one for each flow.
pub(crate) fn ends(trace: &[u8]) -> Vec<usize> {
    let marker = &trace[trace.len() - 16..];
    (16..=trace.len()).filter(|&end| &trace[end - 16..end] == marker).collect()
}

pub(crate) fn trace(dir: &Path, name: &str, fds: Range<i32>) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, bytes(fds)).unwrap();
    path
}

/// Runs `sysflow print`.
pub(crate) fn print(args: &[&str]) -> Output {
    Command::new(PROGRAM).arg("print").args(args).output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// `sysflow print --follow`, whose output is read line by line.
pub(crate) struct Follower {
    pub(crate) child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Follower {
    /// Follows a path and prints descriptors.
    pub(crate) fn new(path: &Path) -> Self {
        let mut child = Command::new(PROGRAM)
            .args(["print", "--follow", "--format", "flatjson", "-c", "file.fd"])
            .arg(path)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next descriptor; none at the end. Waits for it.
    pub(crate) fn next(&mut self) -> Option<i32> {
        let line = self.lines.next()?.unwrap();
        let digits = line.trim_start_matches("{\"file.fd\":").trim_end_matches('}');
        Some(digits.parse().unwrap())
    }

    pub(crate) fn expect(&mut self, fds: Range<i32>) {
        for fd in fds {
            assert_eq!(self.next(), Some(fd));
        }
    }

    /// Whether it ended well, and what it said.
    pub(crate) fn end(mut self) -> (bool, String) {
        let mut rest = Vec::new();
        while let Some(fd) = self.next() {
            rest.push(fd);
        }
        assert!(rest.is_empty(), "{rest:?}: more than was expected");
        let output = self.child.wait_with_output().unwrap();
        (output.status.success(), text(&output.stderr))
    }

    /// Stops reading. Whether it ended well, and what it said.
    pub(crate) fn leave(self) -> (bool, String) {
        let Self { child, lines } = self;
        drop(lines);
        let output = child.wait_with_output().unwrap();
        (output.status.success(), text(&output.stderr))
    }

    pub(crate) fn interrupt(&self) {
        let pid = nix::unistd::Pid::from_raw(self.child.id().cast_signed());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    }
}

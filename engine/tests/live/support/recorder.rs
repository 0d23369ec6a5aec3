// SPDX-License-Identifier: Apache-2.0
//! A running `sysflow record`.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::{Lab, PATIENCE, program, until};

/// A `sysflow` command.
pub(crate) fn sysflow() -> Command {
    let mut command = Command::new(program("SYSFLOW_BIN", "sysflow"));
    command.stdin(Stdio::null());
    command
}

/// A recorder whose probes are attached. Killed on drop.
pub(crate) struct Recorder {
    child: Child,
    file: PathBuf,
    lines: Receiver<String>,
    reader: Option<JoinHandle<()>>,
    told: String,
}

/// How a recorder ended.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// All that it wrote to stderr.
    pub(crate) told: String,
    /// What it wrote to stdout.
    pub(crate) stdout: String,
    /// The file it was to write.
    pub(crate) file: PathBuf,
}

impl Recorder {
    /// Starts a capture to `name` in the lab's directory, and waits until it
    /// says that it records.
    pub(crate) fn start(lab: &Lab, name: &str, args: &[&str]) -> Self {
        Self::start_to(lab, &lab.path(name), args)
    }

    /// As [`Recorder::start`], to any path.
    pub(crate) fn start_to(lab: &Lab, file: &Path, args: &[&str]) -> Self {
        let mut recorder = Self::spawn(lab, file, args);
        recorder.tells("recording to ");
        recorder
    }

    /// Waits until it has said this on stderr.
    pub(crate) fn tells(&mut self, what: &str) {
        while !self.told.contains(what) {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => self.told.push_str(&line),
                Err(RecvTimeoutError::Timeout) => panic!("never said {what}: {}", self.told),
                Err(RecvTimeoutError::Disconnected) => {
                    let status = self.child.wait().expect("wait");
                    panic!("ended before it said {what}, {status}: {}", self.told);
                }
            }
        }
    }

    fn spawn(lab: &Lab, file: &Path, args: &[&str]) -> Self {
        let mut child = sysflow()
            .args(["record", "--driver", lab.driver(), "-e", "live-test", "-w"])
            .arg(file)
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("start sysflow");
        let stderr = child.stderr.take().expect("stderr");
        let (send, lines) = channel();
        let reader = std::thread::spawn(move || {
            let mut stderr = BufReader::new(stderr);
            let mut line = Vec::new();
            while stderr.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
                let _ = send.send(String::from_utf8_lossy(&line).into_owned());
                line.clear();
            }
        });
        let file = file.to_owned();
        Self { child, file, lines, reader: Some(reader), told: String::new() }
    }

    /// Process id.
    pub(crate) fn pid(&self) -> i64 {
        i64::from(self.child.id())
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("pid"));
        kill(pid, signal).expect("signal");
    }

    /// Whether it has ended by itself.
    pub(crate) fn ended(&mut self) -> bool {
        self.child.try_wait().expect("wait").is_some()
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Ended {
        until("the recorder ends", || self.ended());
        let status = self.child.wait().expect("wait");
        self.drain();
        let mut stdout = String::new();
        let mut pipe = self.child.stdout.take().expect("stdout");
        pipe.read_to_string(&mut stdout).expect("stdout");
        Ended { status, told: std::mem::take(&mut self.told), stdout, file: self.file.clone() }
    }

    /// As Ctrl-C on a terminal.
    pub(crate) fn interrupt(self) -> Ended {
        self.signal(Signal::SIGINT);
        self.wait()
    }

    fn drain(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("reader of stderr");
        }
        self.told.extend(self.lines.try_iter());
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// Itself, if it ended well and left what it must leave.
    pub(crate) fn well(self) -> Self {
        assert!(self.status.success(), "{}: {}", self.status, self.told);
        assert!(self.file.is_file(), "no {}: {}", self.file.display(), self.told);
        let partial = partial(&self.file);
        assert!(!partial.exists(), "{} was left", partial.display());
        self
    }

    /// The counters beside the file.
    pub(crate) fn stats(&self) -> Value {
        let path = format!("{}.stats.json", self.file.display());
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}: {text}"))
    }
}

/// Where a file grows until it is complete.
pub(crate) fn partial(file: &Path) -> PathBuf {
    let name = file.file_name().expect("name").to_string_lossy();
    file.with_file_name(format!(".{name}.partial"))
}

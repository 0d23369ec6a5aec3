// SPDX-License-Identifier: Apache-2.0
//! A recorder that has nothing to do sleeps, and one that has does not miss it.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sysflow::record::Record;

use crate::support::recorder::Recorder;
use crate::support::{Lab, file};

/// How often the threads of a process have gone to sleep.
fn sleeps(pid: i64) -> u64 {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).expect("tasks");
    let of = |task: std::fs::DirEntry| {
        let text = std::fs::read_to_string(task.path().join("status")).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        line.and_then(|number| number.trim().parse::<u64>().ok()).unwrap_or(0)
    };
    tasks.filter_map(|task| Some(of(task.ok()?))).sum()
}

/// How often they do in a while.
fn woken(pid: i64, time: Duration) -> u64 {
    let before = sleeps(pid);
    std::thread::sleep(time);
    sleeps(pid).saturating_sub(before)
}

/// A process that sleeps, ended on drop.
struct Sleeper(Child);

impl Sleeper {
    fn new() -> Self {
        Self(Command::new("sleep").arg("600").spawn().expect("sleep"))
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A recorder of a process that does nothing, which is all that it is told of.
#[test]
fn nothing_to_record_wakes_nobody() {
    let Some(lab) = Lab::enter("idle recorder") else { return };
    for threads in ["1", "2"] {
        let sleeper = Sleeper::new();
        let args = ["--pid", &sleeper.0.id().to_string(), "--threads", threads];
        let recorder = Recorder::start(&lab, &format!("idle-{threads}.sf"), &args);
        let quiet = (0..8).any(|_| woken(recorder.pid(), Duration::from_secs(2)) < 60);
        recorder.interrupt().well();
        // Usual are 8 and 22; a beat of 10 ms would be 200 at any time. What
        // was on its way when it began takes a while where the machine is busy.
        assert!(quiet, "{threads} threads: woken again and again");
    }
}

/// What comes after a long silence is in the file, and that it ends as well.
#[test]
fn what_comes_after_a_silence_is_recorded() {
    let Some(lab) = Lab::enter("silence") else { return };
    for threads in ["1", "2"] {
        let mut shell = Command::new("sh");
        let shell = shell.args(["-c", "read line; exec true"]).stdin(Stdio::piped());
        let mut shell = shell.spawn().expect("a shell");
        let pid = shell.id();
        let args = ["--pid", &pid.to_string(), "--threads", threads];
        let recorder = Recorder::start(&lab, &format!("silence-{threads}.sf"), &args);
        std::thread::sleep(Duration::from_secs(2));
        // It reads the end of its input.
        drop(shell.stdin.take());
        shell.wait().expect("it ends");
        let ended = recorder.interrupt().well();
        let records = file::read(&ended.file);
        let ends = |record: &Record| {
            matches!(record, Record::ProcessEvent(e)
                if e.proc_oid.hpid == i64::from(pid) && e.op_flags.0 & 4 != 0)
        };
        assert!(records.iter().any(ends), "{threads} threads: the end of {pid} is not there");
    }
}

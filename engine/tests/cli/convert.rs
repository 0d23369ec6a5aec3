// SPDX-License-Identifier: Apache-2.0
//! `sysflow record -r`: files in, files out, and what it says.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use capture_writer::Scenario;
use capture_writer::lists::Process;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sysflow::read::Reader;
use sysflow::record::{Header, Record};

use super::folder::Folder;
use super::{sysflow, told};

const SECOND: u64 = 1_000_000_000;

/// A shell reads `files` files, one a second.
fn capture(start: u64, files: u64) -> Vec<u8> {
    let mut scenario = Scenario::new(start * SECOND);
    scenario.thread(Process::new(1, 0, "/sbin/init")).thread(Process::new(100, 1, "/bin/sh"));
    for number in 0..files {
        scenario.open(100, 3, &format!("/usr/lib/{number}"), 1).read(100, 3, 10).close(100, 3);
        scenario.wait(SECOND - 3_000);
    }
    scenario.finish()
}

fn read(path: &Path) -> Vec<Record> {
    Reader::open(path).and_then(Iterator::collect).unwrap_or_else(|error| panic!("{error}"))
}

fn flows(records: &[Record]) -> usize {
    records.iter().filter(|record| matches!(record, Record::FileFlow(_))).count()
}

fn header(records: &[Record]) -> &Header {
    let Record::Header(header) = &records[0] else { panic!("{:?}", records[0]) };
    header
}

#[test]
fn a_capture_becomes_a_trace() {
    let folder = Folder::new();
    let input = folder.with("in.scap", &capture(1000, 5));
    let output = folder.text("out.sf");
    let (code, out, error) = told(&sysflow(["record", "-r", &input, "-w", &output]));
    assert_eq!((code, out), (0, String::new()), "{error}");
    assert!(error.starts_with("converted 30 events in "), "{error}");
    assert!(error.contains("\n30 events = "), "{error}");
    let records = read(output.as_ref());
    assert_eq!(flows(&records), 5);
    // The host that was captured is the exporter, unless another one is named.
    assert_eq!((&*header(&records).exporter, &*header(&records).filename), ("scenario", &*output));
    let stats = std::fs::read_to_string(folder.path("out.sf.stats.json")).unwrap();
    assert!(stats.contains("\"whole\": true") && stats.contains("\"events\": 30"), "{stats}");

    let args = ["record", "-r", &input, "-w", &output, "-e", "me", "--quiet"];
    assert_eq!(told(&sysflow(args)), (0, String::new(), String::new()));
    assert_eq!(header(&read(output.as_ref())).exporter, "me");
}

#[test]
fn damage_costs_what_is_behind_it() {
    let folder = Folder::new();
    let whole = capture(1000, 5);
    let cut = folder.with("cut.scap", &whole[..whole.len() - 300]);
    let output = folder.text("out.sf");
    let (code, _, error) = told(&sysflow(["record", "-r", &cut, "-w", &output]));
    assert!(code == 1 && error.contains("the file ends inside a block"), "{error}");
    assert!(error.contains("cut.scap") && error.contains("(at byte "), "{error}");
    assert_eq!(flows(&read(output.as_ref())), 4);
    let stats = std::fs::read_to_string(folder.path("out.sf.stats.json")).unwrap();
    assert!(stats.contains("\"whole\": false"), "{stats}");
    // The next capture is converted all the same.
    let good = folder.with("good.scap", &whole);
    let (code, _, _) = told(&sysflow(["record", "-r", &cut, "-r", &good, "-w", &output]));
    assert_eq!((code, flows(&read(output.as_ref()))), (1, 9));
}

#[test]
fn a_trace_goes_through_a_pipe() {
    let folder = Folder::new();
    let input = folder.with("in.scap", &capture(1000, 5));
    let output = sysflow(["record", "-r", &input, "-w", "/dev/stdout", "--quiet"]);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let records: Vec<Record> =
        Reader::new(&output.stdout[..], "pipe").and_then(Iterator::collect).unwrap();
    assert_eq!(flows(&records), 5);
}

#[test]
fn what_is_no_capture_leaves_no_output() {
    let folder = Folder::new();
    let text = folder.with("notes.txt", b"these are notes");
    let output = folder.text("out.sf");
    let (code, _, error) = told(&sysflow(["record", "-r", &text, "-w", &output]));
    assert!(code == 1 && error.contains("not a capture of sysdig or Falco"), "{error}");
    let (code, _, error) = told(&sysflow(["record", "-r", "/no/such", "-w", &output]));
    assert!(code == 1 && error.contains("cannot open \"/no/such\""), "{error}");
    assert_eq!(std::fs::read_dir(folder.path("")).unwrap().count(), 1);
}

#[test]
fn files_rotate_by_the_time_of_the_capture() {
    let folder = Folder::new();
    let input = folder.with("in.scap", &capture(1000, 25));
    let output = folder.text("out");
    let args = ["record", "-r", &input, "-w", &output, "-G", "10"];
    assert_eq!(told(&sysflow(args)).0, 0);
    let counted = ["out.1000", "out.1010", "out.1020"].map(|name| {
        let records = read(&folder.path(name));
        // Each file describes the process that it tells of.
        let shells = records.iter().filter(
            |record| matches!(record, Record::Process(process) if process.exe == "/bin/sh"),
        );
        assert_eq!(shells.count(), 1, "{name}");
        flows(&records)
    });
    assert_eq!(counted, [10, 10, 5]);
    // The reference does not rotate when it reads.
    let args = ["record", "-r", &input, "-w", &output, "-G", "10", "--compat"];
    assert_eq!(told(&sysflow(args)).0, 0);
    assert_eq!(flows(&read(output.as_ref())), 25);
    // A folder takes files by their time.
    let into = folder.text("into/");
    std::fs::create_dir(&into).unwrap();
    assert_eq!(told(&sysflow(["record", "-r", &input, "-w", &into])).0, 0);
    assert_eq!(flows(&read(&folder.path("into/1000"))), 25);
}

#[test]
fn options_win_over_the_environment() {
    let folder = Folder::new();
    let input = folder.with("in.scap", &capture(1000, 5));
    let output = folder.text("out.sf");
    let run = |mode: Option<&str>, args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sysflow"));
        command.args(["record", "-r", &input, "-w", &output]).args(args);
        command.env("NODE_IP", "10.1.2.3");
        if let Some(mode) = mode {
            command.env("FILE_READ_MODE", mode);
        }
        assert!(command.output().unwrap().status.success());
        let records = read(output.as_ref());
        assert_eq!(header(&records).ip, "10.1.2.3");
        flows(&records)
    };
    assert_eq!(run(None, &[]), 5);
    assert_eq!(run(Some("2"), &[]), 0);
    assert_eq!(run(Some("2"), &["--file-read-mode", "0"]), 5);
    assert_eq!(run(Some("0"), &["--file-read-mode", "2"]), 0);
    assert_eq!(run(None, &["-m", "nofiles"]), 0);
}

#[test]
fn standard_input_ends_with_a_signal() {
    let folder = Folder::new();
    let output = folder.text("out.sf");
    let mut child = Command::new(env!("CARGO_BIN_EXE_sysflow"))
        .args(["record", "-r", "-", "-w", &output])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(&capture(1000, 5)).unwrap();
    // It has read everything when the pipe is empty, and waits for more.
    while pending(&pipe) > 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGINT).unwrap();
    let (code, _, error) = told(&child.wait_with_output().unwrap());
    drop(pipe);
    assert!(code == 1 && error.contains("ended before the end of \"-\""), "{error}");
    assert_eq!(flows(&read(output.as_ref())), 5);

    // And without one, at its end.
    let mut child = Command::new(env!("CARGO_BIN_EXE_sysflow"))
        .args(["record", "-r", "-", "-w", &output])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&capture(1000, 7)).unwrap();
    assert_eq!(told(&child.wait_with_output().unwrap()).0, 0);
    assert_eq!(flows(&read(output.as_ref())), 7);
}

/// Bytes in a pipe that are not read yet.
fn pending(pipe: &std::process::ChildStdin) -> i32 {
    use std::os::fd::AsRawFd as _;
    let mut pending = 0;
    // SAFETY: FIONREAD writes one int to where the pointer goes, which is an int.
    let done = unsafe { libc::ioctl(pipe.as_raw_fd(), libc::FIONREAD, &raw mut pending) };
    assert_eq!(done, 0);
    pending
}

#[test]
fn options_of_recording_and_of_converting_do_not_mix() {
    for args in [
        &["record", "-r", "a", "-w", "b", "--for", "3"][..],
        &["record", "-r", "a", "-w", "b", "--driver", "ebpf"],
        &["record", "-w", "b", "--compat"],
        &["record", "-r", "a", "-w", "b", "--keep-age", "1d"],
        &["record", "-r", "a", "-w", "b", "--file-read-mode", "3"],
        &["record", "-r", "a", "-w", "b", "--proc-flow=maybe"],
    ] {
        assert_eq!(told(&sysflow(args)).0, 2, "{args:?}");
    }
}

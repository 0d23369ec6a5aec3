// SPDX-License-Identifier: Apache-2.0
//! How a capture begins, shows itself and ends.

use std::fs::File;
use std::io::Read;
use std::process::Stdio;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use nix::pty::openpty;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::recorder::{Recorder, sysflow};
use crate::support::{Lab, PATIENCE, file, names, stats, workload};

#[test]
fn control_c_and_sigterm_end_a_capture_well() {
    let Some(lab) = Lab::enter("signals") else { return };
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let name = format!("{signal}.sf");
        let recorder = Recorder::start(&lab, &name, &[]);
        drop(workload::run(&["flood", "rounds", "2"]));
        recorder.signal(signal);
        let ended = recorder.wait().well();
        // The summary has the words of the equation.
        for word in ["seen", "delivered", "lost"] {
            assert!(ended.told.contains(word), "no \"{word}\" in {}", ended.told);
        }
        assert_eq!(stats::balanced(&ended.stats()).lost, 0);
        let records = file::read(&ended.file);
        file::assert_self_contained(&records);
        assert!(records.len() > 10);
        assert_eq!(ended.stdout, "");
    }
    let want = ["SIGINT.sf", "SIGINT.sf.stats.json", "SIGTERM.sf", "SIGTERM.sf.stats.json"];
    assert_eq!(names(lab.dir()), want);
}

#[test]
fn a_capture_for_a_time_ends_by_itself() {
    let Some(lab) = Lab::enter("--for") else { return };
    let ended = Recorder::start(&lab, "for.sf", &["--for", "1"]).wait().well();
    let stats = ended.stats();
    let length =
        stats["ended"].as_i64().expect("ended") - stats["started"].as_i64().expect("start");
    assert!(length >= 1_000_000_000, "it took {length} ns");
}

#[test]
fn the_header_names_the_exporter_and_the_file() {
    let Some(lab) = Lab::enter("header") else { return };
    let ended = Recorder::start(&lab, "header.sf", &[]).interrupt().well();
    let records = file::read(&ended.file);
    let Some(sysflow::record::Record::Header(header)) = records.first() else {
        panic!("no header: {:?}", records.first());
    };
    assert_eq!((header.version, header.exporter.as_str()), (5, "live-test"));
    assert_eq!(header.filename, ended.file.display().to_string());
}

#[test]
fn a_new_capture_replaces_an_old_file_only_when_it_is_complete() {
    let Some(lab) = Lab::enter("replace") else { return };
    let first = Recorder::start(&lab, "same.sf", &[]).interrupt().well();
    let old = std::fs::read(&first.file).expect("file");
    let recorder = Recorder::start(&lab, "same.sf", &[]);
    assert_eq!(std::fs::read(&first.file).expect("file"), old);
    let ended = recorder.interrupt().well();
    assert_ne!(std::fs::read(&ended.file).expect("file"), old);
}

#[test]
fn status_names_both_drivers() {
    let Some(_lab) = Lab::enter("probe status") else { return };
    let output = sysflow().args(["probe", "status"]).output().expect("sysflow");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("kernel module") && told.contains("eBPF"), "{told}");
}

#[test]
fn print_shows_a_row_for_each_flow() {
    let Some(lab) = Lab::enter("print") else { return };
    let recorder = Recorder::start(&lab, "print.sf", &[]);
    let dir = lab.path("work");
    let (report, _) = workload::run(&["exact", dir.to_str().expect("text")]);
    let ended = recorder.interrupt().well();
    let output = sysflow().arg("print").arg(&ended.file).output().expect("sysflow");
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for flow in report["FileFlow"].as_array().expect("flows") {
        let wanted = [flow["path"].as_str().expect("path").to_owned(), flow["pid"].to_string()];
        let found = table.lines().any(|row| wanted.iter().all(|word| row.contains(word)));
        assert!(found, "no row with {wanted:?}");
    }
    for flow in report["NetworkFlow"].as_array().expect("flows") {
        let ends = format!("127.0.0.1:{}-127.0.0.1:{}", flow["sport"], flow["dport"]);
        assert!(table.lines().any(|row| row.contains(&ends)), "no row with {ends}");
    }
    let damaged = lab.path("damaged.sf");
    let bytes = std::fs::read(&ended.file).expect("file");
    std::fs::write(&damaged, &bytes[..bytes.len() - 40]).expect("write");
    let output = sysflow().arg("print").arg(&damaged).output().expect("sysflow");
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("damaged.sf") && told.lines().count() == 1, "{told}");
}

#[test]
fn a_terminal_sees_a_status_line() {
    let Some(lab) = Lab::enter("status line") else { return };
    let pty = openpty(None, None).expect("pseudo terminal");
    let path = lab.path("status.sf");
    let end = |fd: &std::os::fd::OwnedFd| Stdio::from(fd.try_clone().expect("descriptor"));
    let mut child = sysflow()
        .args(["record", "--driver", lab.driver(), "-w"])
        .arg(&path)
        .stdout(end(&pty.slave))
        .stderr(end(&pty.slave))
        .spawn()
        .expect("start sysflow");
    drop(pty.slave);
    let (send, screen) = channel();
    let mut master = File::from(pty.master);
    std::thread::spawn(move || {
        let mut buf = [0; 4096];
        while let Ok(n @ 1..) = master.read(&mut buf) {
            let _ = send.send(String::from_utf8_lossy(&buf[..n]).into_owned());
        }
    });
    let (mut seen, start) = (String::new(), Instant::now());
    while !["events/s", "flows", "lost"].iter().all(|word| seen.contains(word)) {
        assert!(start.elapsed() < PATIENCE, "no status line: {seen:?}");
        if let Ok(text) = screen.recv_timeout(Duration::from_secs(1)) {
            seen.push_str(&text);
        }
    }
    kill(Pid::from_raw(i32::try_from(child.id()).expect("pid")), Signal::SIGINT).expect("kill");
    assert!(child.wait().expect("wait").success());
    assert!(file::read(&path).len() > 1);
}

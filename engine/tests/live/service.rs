// SPDX-License-Identifier: Apache-2.0
//! The recorder as a service: systemd's protocol, reload, metrics.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::recorder::sysflow;
use crate::support::{Lab, PATIENCE, file, until, workload};

/// What systemd would get next that begins so.
fn heard(systemd: &UnixDatagram, begins: &str) -> String {
    let mut buffer = [0; 4096];
    loop {
        let size = systemd.recv(&mut buffer).unwrap_or_else(|e| panic!("no {begins}: {e}"));
        let text = String::from_utf8_lossy(&buffer[..size]).into_owned();
        if text.starts_with(begins) {
            return text;
        }
    }
}

#[test]
fn systemd_is_told_and_a_reload_begins_a_file() {
    let Some(lab) = Lab::enter("a service") else { return };
    let systemd = UnixDatagram::bind(lab.path("notify")).expect("socket");
    systemd.set_read_timeout(Some(PATIENCE)).expect("timeout");
    let folder = lab.path("traces");
    fs::create_dir(&folder).expect("directory");
    let settings = lab.path("sysflow.toml");
    let write = |ring: &str, level: &str| {
        let text = format!(
            "[capture]\ndriver = \"{}\"\nring-size = \"{ring}\"\n[log]\nlevel = \"{level}\"\n\
             format = \"logfmt\"\n[[output]]\nto = \"{}/\"\n",
            lab.driver(),
            folder.display()
        );
        fs::write(&settings, text).expect("written");
    };
    write("64K", "info");
    let mut recorder = sysflow()
        .args(["record", "--config"])
        .arg(&settings)
        .env("NOTIFY_SOCKET", lab.path("notify"))
        .env("WATCHDOG_USEC", "2000000")
        .stderr(Stdio::piped())
        .spawn()
        .expect("start");
    let mut lines = BufReader::new(recorder.stderr.take().expect("stderr")).lines();
    let mut line = |has: &str| {
        lines.find_map(|line| line.ok().filter(|line| line.contains(has))).expect("a line")
    };
    heard(&systemd, "READY=1");
    assert!(line("recording to").starts_with("ts="));
    let status = heard(&systemd, "WATCHDOG=1");
    assert!(status.contains("STATUS=") && status.contains("events/s"), "{status}");

    let pid = Pid::from_raw(i32::try_from(recorder.id()).expect("pid"));
    drop(workload::run(&["flood", "rounds", "1"]));
    write("128K", "warn");
    kill(pid, Signal::SIGHUP).expect("signal");
    assert!(heard(&systemd, "RELOADING=1").contains("MONOTONIC_USEC="));
    heard(&systemd, "READY=1");
    let told = line("ring-size");
    assert!(told.contains("level=warn") && told.contains("[capture] ring-size"), "{told}");
    let traces = || {
        let entries = fs::read_dir(&folder).expect("directory");
        let mut traces: Vec<_> = entries.map(|entry| entry.expect("entry").path()).collect();
        traces.retain(|path| path.extension().is_none());
        traces
    };
    until("the first file is finished", || traces().iter().any(|p| !is_partial(p)));

    fs::write(&settings, "[log]\nlevel = 3\n").expect("written");
    kill(pid, Signal::SIGHUP).expect("signal");
    let told = line("the settings stay as they are");
    assert!(told.contains("sysflow.toml:2: level"), "{told}");
    kill(pid, Signal::SIGTERM).expect("signal");
    heard(&systemd, "STOPPING=1");
    assert!(recorder.wait().expect("wait").success());
    let traces = traces();
    assert!(traces.len() >= 2, "{traces:?}");
    for trace in &traces {
        file::assert_self_contained(&file::read(trace));
    }
}

fn is_partial(path: &std::path::Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(".partial"))
}

#[test]
fn metrics_tell_what_goes_on() {
    let Some(lab) = Lab::enter("metrics") else { return };
    let socket = lab.path("metrics.sock");
    let mut recorder = sysflow()
        .args(["record", "--driver", lab.driver(), "--export-interval", "0.5", "-w"])
        .arg(lab.path("x.sf"))
        .arg("--metrics")
        .arg(format!("unix:{}", socket.display()))
        .stderr(Stdio::null())
        .spawn()
        .expect("start");
    let ask = || -> Option<String> {
        let mut stream = UnixStream::connect(&socket).ok()?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    };
    let sum = |answer: &str, metric: &str| -> f64 {
        let lines = answer.lines().filter(|line| line.starts_with(metric));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    };
    until("metrics answer", || ask().is_some_and(|a| sum(&a, "sysflow_events_total") > 0.0));
    let before = ask().expect("an answer");
    let (did, _) = workload::run(&["flood", "rounds", "20"]);
    let reads = did["reader"]["reads"].as_f64().expect("reads");
    let grown = |answer: &str, metric| sum(answer, metric) - sum(&before, metric);
    until("the flood shows", || {
        ask().is_some_and(|answer| {
            grown(&answer, "sysflow_operations_seen_total{") >= reads
                && grown(&answer, "sysflow_output_records_total{") > 0.0
                && sum(&answer, "sysflow_ring_size_bytes") > 0.0
        })
    });
    let pid = Pid::from_raw(i32::try_from(recorder.id()).expect("pid"));
    kill(pid, Signal::SIGTERM).expect("signal");
    assert!(recorder.wait().expect("wait").success());
    assert!(!socket.exists(), "the socket is removed");
    // Others on the network cannot be let in.
    let output =
        sysflow().args(["record", "-w", "x", "--metrics", "0.0.0.0:9400"]).output().expect("start");
    assert_eq!(output.status.code(), Some(2));
}

// SPDX-License-Identifier: Apache-2.0
//! What goes wrong while a capture runs: outputs that are limited, removed or slow, a recorder that
//! does not get to run. Each is told, and what is lost is counted.

use std::os::fd::AsRawFd as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::sys::socket::{
    AddressFamily, Backlog, MsgFlags, SockFlag, SockType, UnixAddr, accept, bind, listen, recv,
    socket,
};

use crate::support::recorder::{Recorder, partial};
use crate::support::{Lab, file, program, stats, until, workload};

/// Records that an output shed, as the summary tells them.
fn shed(told: &str) -> u64 {
    let lines = told.lines().filter_map(|line| line.trim().split_once(" records shed"));
    let numbers = lines.map(|(number, _)| number.replace(',', "").parse::<u64>());
    numbers.map(|number| number.expect("a number")).sum()
}

#[test]
fn a_second_signal_ends_at_once_and_tells_what_is_not_written() {
    let Some(lab) = Lab::enter("a second signal") else { return };
    let path = lab.path("sock");
    let fd = socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None);
    let fd = fd.expect("socket");
    bind(fd.as_raw_fd(), &UnixAddr::new(&path).expect("address")).expect("bind");
    listen(&fd, Backlog::new(1).expect("backlog")).expect("listen");
    let to = format!("unix:{}", path.display());
    let recorder = Recorder::start(&lab, "x.sf", &["--export-interval", "0.2", "-w", &to]);
    let reader = accept(fd.as_raw_fd()).expect("accept");
    drop(workload::run(&["flood", "seconds", "3"]));
    // A reader that takes something now and then is waited for, for hours if need be.
    let slow = std::thread::spawn(move || {
        let mut packet = [0; 16 * 1024];
        while recv(reader, &mut packet, MsgFlags::empty()).is_ok_and(|size| size > 0) {
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    let mut recorder = recorder;
    recorder.signal(Signal::SIGINT);
    until("its file is complete", || lab.path("x.sf").exists());
    std::thread::sleep(Duration::from_secs(1));
    assert!(!recorder.ended(), "the socket has taken all: the test is none");
    recorder.signal(Signal::SIGINT);
    recorder.tells("given up for a second signal");
    let ended = recorder.wait();
    assert_eq!(ended.status.code(), Some(1), "{}", ended.told);
    assert!(shed(&ended.told) > 0, "{}", ended.told);
    let records = file::read(&ended.file);
    file::assert_self_contained(&records);
    slow.join().expect("reader");
}

#[test]
fn a_limit_of_file_size_is_a_full_disk() {
    let Some(lab) = Lab::enter("a limit of file size") else { return };
    let path = lab.path("x.sf");
    // 128 blocks of 1 KiB, or of half of that in some shells.
    let script = r#"ulimit -f 128; exec "$@""#;
    let recorder = Command::new("sh")
        .args(["-c", script, "sh"])
        .arg(program("SYSFLOW_BIN", "sysflow"))
        .args(["record", "--driver", lab.driver(), "--export-interval", "0.2", "--for", "6", "-w"])
        .arg(&path)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("start");
    // Programs whose environments cannot be compressed.
    let churn = r#"while [ -d /proc/$1 ]; do
        export JUNK=$(head -c 3000 /dev/urandom | od -An -v -tx1 | tr -d ' \n'); /bin/true
    done"#;
    let mut churn = Command::new("sh")
        .args(["-c", churn, "sh", &recorder.id().to_string()])
        .spawn()
        .expect("start");
    let ended = recorder.wait_with_output().expect("wait");
    assert!(churn.wait().expect("wait").success());
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(1), "{}: {told}", ended.status);
    assert!(told.contains("File too large") && told.contains("x.sf"), "{told}");
    assert!(shed(&told) > 0, "{told}");
    let stored = if path.exists() { path.clone() } else { partial(&path) };
    let (records, _) = file::read_what_there_is(&stored);
    assert!(records.len() > 1, "nothing was stored");
    file::assert_self_contained(&records);
}

#[test]
fn a_directory_that_is_removed_is_told_and_counted() {
    let Some(lab) = Lab::enter("a removed directory") else { return };
    let folder = lab.path("traces");
    std::fs::create_dir(&folder).expect("directory");
    let series = format!("{}/", folder.display());
    let args = ["-G", "1", "--export-interval", "0.2"];
    let mut recorder = Recorder::start_to(&lab, std::path::Path::new(&series), &args);
    drop(workload::run(&["flood", "seconds", "2"]));
    std::fs::remove_dir_all(&folder).expect("removed");
    recorder.tells("traces");
    drop(workload::run(&["flood", "rounds", "2"]));
    let ended = recorder.interrupt();
    assert_eq!(ended.status.code(), Some(1), "{}", ended.told);
    let words = ["was removed while it grew", "No such file"];
    assert!(words.iter().any(|word| ended.told.contains(word)), "{}", ended.told);
    assert!(ended.told.contains("lost with their file"), "{}", ended.told);
}

/// Loss while it was stopped is in the counters; after that it goes on as if nothing were.
#[test]
fn a_recorder_that_was_stopped_goes_on_and_has_counted() {
    let Some(lab) = Lab::enter("SIGSTOP") else { return };
    let args = ["--ring-size", "64K", "--export-interval", "0.2", "--schema", "6"];
    let recorder = Recorder::start(&lab, "x.sf", &args);
    recorder.signal(Signal::SIGSTOP);
    drop(workload::run(&["flood", "seconds", "2"]));
    recorder.signal(Signal::SIGCONT);
    // What happens from now on is recorded again.
    let after = lab.path("after");
    let script = r#"sleep 1; echo x > "$1""#;
    let done = Command::new("sh").args(["-c", script, "sh"]).arg(&after).status().expect("sh");
    assert!(done.success());
    let ended = recorder.interrupt().well();
    let stats = ended.stats();
    let sums = stats::balanced(&stats);
    assert!(sums.lost > 0 && stats::lost(&stats, "ring full") > 0, "{sums:?}");
    assert!(ended.told.contains("ring full"), "{}", ended.told);
    let records = file::read(&ended.file);
    file::assert_self_contained(&records);
    let name = after.to_str().expect("text");
    let seen = records
        .iter()
        .any(|record| matches!(record, sysflow::record::Record::File(file) if file.path == name));
    assert!(seen, "what came after that is not there");
    // The trace itself tells the loss, too.
    let told: i64 = records
        .iter()
        .filter_map(|record| match record {
            sysflow::record::Record::ProcessFlow(flow) => flow.loss.as_ref(),
            _ => None,
        })
        .map(|loss| loss.lost())
        .sum();
    assert_eq!(told.cast_unsigned(), sums.lost);
}

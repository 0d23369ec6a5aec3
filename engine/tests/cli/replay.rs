// SPDX-License-Identifier: Apache-2.0
//! `sysflow record -r` with recordings.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use engine::clock::Clock;
use engine::raw::{End, Meta, Records, Second, Writer};
use engine::snapshot::Found;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use probe_loader::abi::*;
use probe_loader::{Counters, counters};
use sysflow::read::Reader;
use sysflow::record::{Header, Record};

use super::folder::Folder;
use super::{sysflow, told};

const SECOND: u64 = 1_000_000_000;

/// The events' clock is so much behind the calendar.
const OFFSET: i64 = 1_000_000_000_000;

fn record<T: Plain>(fixed: &T, text: &[u8]) -> Vec<u8> {
    let mut bytes = [fixed.bytes(), text].concat();
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    let len = (bytes.len() as u16).to_ne_bytes();
    bytes[20..22].copy_from_slice(&len);
    bytes
}

/// Process 2 reads a file: opens, reads, closes.
fn reads(ts: u64, path: &str) -> Vec<u8> {
    let h = |ts, op: u32| sf_hdr { ts, pid: 2, tid: 2, op: op as u8, ..sf_hdr::default() };
    let (mode, path_len) = (libc::S_IFREG, path.len() as u16);
    let (file, fd) = (9, 3);
    let h1 = h(ts, SF_OP_OPEN);
    let open = sf_rec_file { h: h1, file, fd, ret: fd, mode, path_len, ..sf_rec_file::default() };
    let h2 = h(ts + 10, SF_OP_READ);
    let read =
        sf_rec_io { h: h2, file, fd, ops: 1, bytes: 5, first: ts + 10, ..sf_rec_io::default() };
    let close = sf_rec_fd { h: h(ts + 20, SF_OP_CLOSE), fd, ..sf_rec_fd::default() };
    [record(&open, path.as_bytes()), record(&read, b""), record(&close, b"")].concat()
}

/// A recording of as many seconds; in each, one file is read on each of two
/// CPUs.
fn recording(seconds: u64) -> Vec<u8> {
    let clock = Clock::with_offsets(OFFSET, OFFSET);
    let meta = Meta {
        host: "far-away".to_owned(),
        driver: "kmod".to_owned(),
        rings: 2,
        ring_size: 65536,
        pid: 77,
        begun: SECOND,
        clock,
        ..Meta::default()
    };
    // This process has the number of one of the replaying host's.
    let found =
        Found { pid: 2, start: 1, exe: "/far/program".to_owned(), uid: 4321, ..Found::default() };
    let versions = (SF_API_VERSION, SF_SCHEMA_VERSION);
    let mut writer = Writer::new(Vec::new(), versions, 1, &meta, &[found]).unwrap();
    let (mut ends, mut cpus) = ([0, 0], vec![Counters::default(); 2]);
    for second in 1..=seconds {
        for ring in [1, 0] {
            let ts = second * SECOND + u64::from(ring) * 1000;
            let bytes = reads(ts, &format!("/data/{second}.{ring}"));
            let end = &mut ends[ring as usize];
            writer.records(&Records { ring, position: *end, bytes: &bytes }).unwrap();
            *end += bytes.len() as u64;
            let cpu = &mut cpus[ring as usize];
            for (class, number) in [(SF_CLASS_FILE, 2), (SF_CLASS_IO, 1)] {
                cpu.seen[class as usize] += number + 1;
                cpu.delivered[class as usize] += number;
                cpu.lost[0][class as usize] += 1;
            }
        }
        let now = second * SECOND + SECOND / 2;
        writer.round(now, &[(0, ends[0]), (1, ends[1])]).unwrap();
        let kept = Counters::default();
        writer.second(&Second { now, clock, cpus: cpus.clone(), kept }).unwrap();
        writer.flush().unwrap();
    }
    let now = (seconds + 1) * SECOND;
    writer.finish(&End { now, at: clock.event(now), cpus, ..End::default() }).unwrap()
}

fn read(path: &Path) -> Vec<Record> {
    Reader::open(path).and_then(Iterator::collect).unwrap_or_else(|error| panic!("{error}"))
}

fn header(records: &[Record]) -> &Header {
    let Record::Header(header) = &records[0] else { panic!("{:?}", records[0]) };
    header
}

/// Paths of the files of a trace, in their order.
fn paths(records: &[Record]) -> Vec<&str> {
    let mut paths = Vec::new();
    for record in records {
        if let Record::File(file) = record {
            paths.push(&*file.path);
        }
    }
    paths
}

#[test]
fn a_recording_becomes_the_trace_of_its_host() {
    let folder = Folder::new();
    let input = folder.with("in", &recording(3));
    let output = folder.text("out.sf");
    let (code, out, error) = told(&sysflow(["record", "-r", &input, "-w", &output]));
    assert_eq!((code, out), (0, String::new()), "{error}");
    assert!(
        error.starts_with("replayed 3.0 s of far-away (recorded with kmod), 18 events"),
        "{error}"
    );
    // What the recording host counted, not what this one has.
    let told_lost =
        format!("lost 6 of class {}: {}", counters::CLASS_NAMES[2], counters::CAUSE_NAMES[0]);
    assert!(error.contains(&told_lost), "{error}");
    let all = error.lines().find(|line| line.trim_start().starts_with("all")).unwrap();
    let numbers: Vec<&str> = all.split_ascii_whitespace().collect();
    assert_eq!(numbers, ["all", "30", "=", "18", "+", "0", "+", "12"]);

    let records = read(output.as_ref());
    assert_eq!(header(&records).exporter, "far-away");
    let expected = ["/data/1.0", "/data/1.1", "/data/2.0", "/data/2.1", "/data/3.0", "/data/3.1"];
    assert_eq!(paths(&records), expected, "in the order of time, of both rings");
    let process = records.iter().find_map(|record| match record {
        Record::Process(process) => Some(process),
        _ => None,
    });
    let process = process.unwrap();
    assert_eq!((&*process.exe, &*process.user_name, process.uid), ("/far/program", "<NA>", 4321));
    let stats = std::fs::read_to_string(folder.path("out.sf.stats.json")).unwrap();
    assert!(stats.contains("\"driver\": \"kmod\""), "{stats}");
}

#[test]
fn a_replay_does_not_depend_on_when_and_how() {
    let folder = Folder::new();
    let input = folder.with("in", &recording(3));
    let made = |name: &str, more: &[&str]| {
        let output = folder.text(name);
        let args = ["record", "-r", &input, "-w", &output, "--quiet"];
        assert_eq!(told(&sysflow(args.iter().chain(more))), (0, String::new(), String::new()));
        read(output.as_ref()).split_off(1)
    };
    let first = made("a.sf", &[]);
    assert_eq!(first, made("b.sf", &[]));
    let begun = Instant::now();
    assert_eq!(first, made("c.sf", &["--real-time"]));
    // It takes at least as long as it took; how much longer is the host's matter.
    assert!(begun.elapsed() >= Duration::from_secs(2));
    // From standard input, to standard output, beside a file.
    let mut child = Command::new(env!("CARGO_BIN_EXE_sysflow"));
    let output = folder.text("d.sf");
    child.args(["record", "-r", "-", "-w", "-", "-w", &output, "--quiet"]);
    child.stdin(std::fs::File::open(&input).unwrap());
    let done = child.output().unwrap();
    assert!(done.status.success(), "{done:?}");
    let piped =
        Reader::new(&done.stdout[..], "pipe").and_then(Iterator::collect::<Result<Vec<Record>, _>>);
    assert_eq!(first, piped.unwrap().split_off(1));
    assert_eq!(first, read(output.as_ref()).split_off(1));
}

#[test]
fn files_rotate_by_the_time_of_the_recording() {
    let folder = Folder::new();
    let input = folder.with("in", &recording(9));
    for name in ["a", "b"] {
        std::fs::create_dir(folder.path(name)).unwrap();
        let output = folder.text(&format!("{name}/t.sf"));
        let (code, _, error) = told(&sysflow(["record", "-r", &input, "-w", &output, "-G", "3"]));
        assert_eq!(code, 0, "{error}");
    }
    let files = |dir: &str| {
        let entries = std::fs::read_dir(folder.path(dir)).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| !name.ends_with(".json"));
        names.sort();
        let records = |name: &String| {
            let records = read(&folder.path(dir).join(name));
            // Each file stands alone.
            assert!(records.iter().any(|record| matches!(record, Record::Process(_))));
            records.into_iter().skip(1).collect::<Vec<_>>()
        };
        let records: Vec<_> = names.iter().map(records).collect();
        (names, records)
    };
    let (names, records) = files("a");
    // Began at second 1001 of the calendar.
    assert_eq!(names, ["t.sf.1001", "t.sf.1004", "t.sf.1007"]);
    assert_eq!(records.iter().map(|records| paths(records).len()).sum::<usize>(), 18);
    assert_eq!((names, records), files("b"));
}

#[test]
fn damage_costs_what_is_behind_it() {
    let folder = Folder::new();
    let whole = recording(3);
    let cut = folder.with("cut", &whole[..whole.len() - 10]);
    let output = folder.text("out.sf");
    let (code, _, error) = told(&sysflow(["record", "-r", &cut, "-w", &output]));
    assert!(code == 1 && error.contains("the file ends inside a block"), "{error}");
    assert!(error.contains("/cut\"") && error.contains("(at byte "), "{error}");
    assert_eq!(paths(&read(output.as_ref())).len(), 6);

    let mut bad = whole.clone();
    let middle = whole.len() / 2;
    bad[middle] ^= 1;
    let bad = folder.with("bad", &bad);
    let (code, _, error) = told(&sysflow(["record", "-r", &bad, "-w", &output, "--quiet"]));
    assert!(code == 1 && error.contains("damaged block") && error.lines().count() == 1, "{error}");
    assert!(paths(&read(output.as_ref())).len() < 6);

    let mut newer = whole.clone();
    newer[14] += 1;
    let newer = folder.with("newer", &newer);
    let none = folder.text("none.sf");
    let (code, _, error) = told(&sysflow(["record", "-r", &newer, "-w", &none]));
    assert!(code == 1 && error.contains("its driver spoke schema"), "{error}");
    assert!(!folder.path("none.sf").exists());
}

#[test]
fn what_makes_no_sense_is_refused() {
    let folder = Folder::new();
    let input = folder.with("in", &recording(1));
    let output = folder.text("out.sf");
    for (args, why) in [
        (vec!["-r", &input, "-r", &input], "a recording is replayed alone"),
        (vec!["-r", &input, "--compat"], "--compat is for captures"),
        (vec!["-r", &input, "--raw", "x"], "cannot be used with"),
        (vec!["--real-time"], "--read"),
        (vec!["-r", "/dev/null", "--real-time"], "--real-time is for recordings"),
    ] {
        let args = ["record", "-w", &output].into_iter().chain(args);
        let (code, _, error) = told(&sysflow(args));
        assert!(code == 2 && error.contains(why), "{error}");
    }
    assert!(!folder.path("out.sf").exists());
}

#[test]
fn ctrl_c_leaves_a_good_file() {
    let folder = Folder::new();
    let input = folder.with("in", &recording(600));
    let output = folder.text("out.sf");
    let mut child = Command::new(env!("CARGO_BIN_EXE_sysflow"));
    child.args(["record", "-r", &input, "-w", &output, "--real-time"]);
    let mut child = child.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let partial = folder.path(".out.sf.partial");
    let begun = Instant::now();
    while !partial.exists() {
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(1500));
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).unwrap();
    let status = child.wait().unwrap();
    let mut error = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut error).unwrap();
    assert_eq!(status.code(), Some(1), "{error}");
    assert!(error.contains("ended before the end of") && error.contains("replayed"), "{error}");
    let found = read(output.as_ref());
    assert!(paths(&found).len() < 1200, "{}", found.len());
}

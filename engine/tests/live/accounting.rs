// SPDX-License-Identifier: Apache-2.0
//! Every operation is accounted for, also those that were lost.

use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::recorder::Recorder;
use crate::support::{Lab, file, stats, workload};

/// Two busy producers, the smallest ring, and a reader that pauses.
#[test]
fn under_a_flood_seen_is_delivered_plus_lost() {
    let Some(lab) = Lab::enter("accounting") else { return };
    let recorder = Recorder::start(&lab, "flood.sf", &["--ring-size", "64K"]);
    let flood = workload::start(&["flood", "seconds", "4"]);
    for _ in 0..6 {
        recorder.signal(Signal::SIGSTOP);
        sleep(Duration::from_millis(300));
        recorder.signal(Signal::SIGCONT);
        sleep(Duration::from_millis(200));
    }
    let (did, _) = flood.finish();
    let ended = recorder.interrupt().well();

    let stats = ended.stats();
    let sums = stats::balanced(&stats);
    assert!(sums.lost > 0 && stats::lost(&stats, "ring full") > 0, "nothing was lost: {sums:?}");
    let count = |of: &str, what: &str| did[of][what].as_u64().expect("count");
    let missed = stats["missed"].as_u64().expect("missed");
    let io = count("reader", "reads") + count("opener", "writes");
    assert!(stats::seen(&stats, "io") + missed >= io, "{io} reads and writes: {stats}");
    let opens = count("opener", "opens");
    assert!(stats::seen(&stats, "file") + missed >= 2 * opens, "{opens} opens: {stats}");
    assert!(
        ended.told.contains("lost") && ended.told.lines().any(|line| names(line, sums.lost)),
        "the user was not told of {} lost operations: {}",
        sums.lost,
        ended.told
    );
    file::assert_self_contained(&file::read(&ended.file));
}

/// Whether a line has the number, with or without separators.
fn names(line: &str, number: u64) -> bool {
    let plain: String = line.chars().filter(|c| !matches!(c, ',' | '_' | '\'')).collect();
    plain.split(|c: char| !c.is_ascii_digit()).any(|word| word == number.to_string())
}

#[test]
fn without_pressure_nothing_is_lost() {
    let Some(lab) = Lab::enter("no loss") else { return };
    let recorder = Recorder::start(&lab, "calm.sf", &[]);
    let (did, _) = workload::run(&["flood", "rounds", "20"]);
    let ended = recorder.interrupt().well();
    let stats = ended.stats();
    let sums = stats::balanced(&stats);
    assert_eq!((sums.lost, stats["missed"].as_u64()), (0, Some(0)), "{}", ended.told);
    assert!(stats::seen(&stats, "io") >= did["reader"]["reads"].as_u64().expect("reads"));
    assert_eq!(stats["driver"], lab.driver());
}

// SPDX-License-Identifier: Apache-2.0
//! What a driver delivers, kept beside a trace, gives the same trace again.

use std::path::Path;
use std::time::Duration;

use sysflow::record::Record;

use crate::support::recorder::{Recorder, partial, sysflow};
use crate::support::{Lab, file, stats, workload};

/// The records of a trace but for its header, which names the file.
fn records(path: &Path) -> Vec<Record> {
    let mut records = file::read(path);
    assert!(matches!(records.remove(0), Record::Header(_)));
    records
}

/// Replays a recording. What it said, and whether it ended well.
fn replay(input: &Path, output: &Path, more: &[&str]) -> (String, bool) {
    let mut command = sysflow();
    command.args(["record", "-r"]).arg(input).arg("-w").arg(output).args(more);
    let done = command.output().expect("sysflow");
    (String::from_utf8_lossy(&done.stderr).into_owned(), done.status.success())
}

#[test]
fn a_replay_gives_the_records_of_the_capture() {
    let Some(lab) = Lab::enter("recording") else { return };
    // Short intervals: flows are exported while they go on. Small rings: some
    // of it is lost. Version 6: what was lost is told.
    for (name, more) in [
        ("plain", ["--schema", "5", "--ring-size", "1M"]),
        ("lossy", ["--schema", "6", "--ring-size", "64K"]),
    ] {
        let raw = lab.path(&format!("{name}.sfr"));
        // All that comes can wait, however slow the disk is.
        let config = lab.path(&format!("{name}.toml"));
        std::fs::write(&config, "[capture]\nraw-buffer = \"2G\"\n").expect("written");
        let same = ["--export-interval", "1", more[0], more[1]];
        let mut args = vec!["--raw", raw.to_str().expect("text"), more[2], more[3]];
        args.extend(["--config", config.to_str().expect("text")]);
        args.extend_from_slice(&same);
        let recorder = Recorder::start(&lab, &format!("{name}.sf"), &args);
        drop(workload::run(&["flood", "seconds", "2"]));
        drop(workload::run(&["exact", lab.dir().to_str().expect("text")]));
        let ended = recorder.interrupt().well();
        assert!(!partial(&raw).exists(), "{}", ended.told);
        let sums = stats::balanced(&ended.stats());

        let again = lab.path(&format!("{name}.again.sf"));
        let (told, well) = replay(&raw, &again, &same);
        assert!(well, "{told}");
        let (live, replayed) = (records(&ended.file), records(&again));
        assert!(live.len() > 100, "{}", ended.told);
        assert_eq!(live.len(), replayed.len(), "{told}");
        let differs = live.iter().zip(&replayed).position(|(live, again)| live != again);
        let at = differs.map(|at| (&live[at], &replayed[at]));
        assert_eq!(at, None, "{name}: record {differs:?} of {}", live.len());
        // The counters are those of the capture.
        let text = std::fs::read_to_string(lab.path(&format!("{name}.again.sf.stats.json")));
        let counted = serde_json::from_str(&text.expect("stats")).expect("JSON");
        assert_eq!(stats::balanced(&counted), sums);
    }
}

#[test]
fn a_recording_stands_alone_and_survives_its_recorder() {
    let Some(lab) = Lab::enter("a recording alone") else { return };
    let raw = lab.path("alone.sfr");
    let mut child = sysflow()
        .args(["record", "--driver", lab.driver(), "--raw"])
        .arg(&raw)
        .spawn()
        .expect("start sysflow");
    let flood = workload::start(&["flood", "seconds", "600"]);
    let begun = partial(&raw);
    crate::support::until("blocks are written", || {
        begun.metadata().is_ok_and(|meta| meta.len() > 100_000)
    });
    std::thread::sleep(Duration::from_millis(300));
    child.kill().expect("kill -9");
    child.wait().expect("wait");
    drop(flood);
    assert!(!raw.exists());
    let output = lab.path("alone.sf");
    let (told, well) = replay(&begun, &output, &[]);
    assert!(!well, "it was interrupted: {told}");
    assert!(told.contains("was interrupted") || told.contains("ends inside a block"), "{told}");
    let records = file::read(&output);
    file::assert_self_contained(&records);
    assert!(records.len() > 10, "{told}");
}

// SPDX-License-Identifier: Apache-2.0
//! The recorder dies without a chance to tidy up.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::sys::signal::Signal;

use crate::support::kernel_log::KernelLog;
use crate::support::recorder::{Recorder, partial};
use crate::support::{Lab, file, until, workload};

/// A sequence of numbers below 1,000 that a seed gives again (xorshift).
struct Moments(u64);

impl Moments {
    fn next(&mut self) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        Duration::from_millis(self.0 % 1000)
    }
}

#[test]
fn a_killed_recorder_leaves_a_readable_file_and_a_free_driver() {
    let Some(lab) = Lab::enter("kill -9") else { return };
    let kills = std::env::var("SYSFLOW_TEST_KILLS").map_or(50, |n| n.parse().expect("a number"));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("clock").as_nanos();
    let seed = u64::try_from(now & u128::from(u64::MAX)).expect("64 bits") | 1;
    println!("seed {seed}");
    let mut moments = Moments(seed);
    let mut log = KernelLog::from_now();
    let before = programs();
    let mut told = 0;
    for n in 0..kills {
        let flood = workload::start(&["flood", "seconds", "600"]);
        let name = format!("{n}.sf");
        let recorder = Recorder::start(&lab, &name, &["--ring-size", "64K"]);
        std::thread::sleep(moments.next());
        recorder.signal(Signal::SIGKILL);
        drop(recorder);
        drop(flood);

        let file = lab.path(&name);
        assert!(!file.exists(), "an interrupted capture has the name of a complete one");
        let (records, end) = file::read_what_there_is(&partial(&file));
        if !records.is_empty() {
            file::assert_self_contained(&records);
            told += 1;
        }
        if let Some(end) = end {
            println!("{n}: {} records, then {end}", records.len());
        }
        std::fs::remove_file(partial(&file)).expect("remove");
        until("the driver is released", || released() && programs() == before);
    }
    println!("{told} of {kills} files had records");
    assert!(told > 0, "no capture lived long enough to write a block");

    let recorder = Recorder::start(&lab, "after.sf", &[]);
    drop(workload::run(&["flood", "rounds", "1"]));
    let ended = recorder.interrupt().well();
    assert!(file::read(&ended.file).len() > 1);
    module_unloads(&lab);
    log.assert_clean();
}

/// Whether nobody uses the module, or there is none.
fn released() -> bool {
    std::fs::read_to_string("/sys/module/sysflow/refcnt").is_ok_and(|n| n.trim() == "0")
        || !Path::new("/sys/module/sysflow").exists()
}

/// Ours of the BPF programs in the kernel, if there is a bpftool to ask.
fn programs() -> Option<usize> {
    let output = Command::new("bpftool").args(["prog", "show"]).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then(|| text.lines().filter(|line| line.contains("name sf_")).count())
}

/// The module leaves when it is asked to. A later capture loads it again.
fn module_unloads(lab: &Lab) {
    if lab.driver() != "kmod" {
        return;
    }
    let unloaded = Command::new("rmmod").arg("sysflow").status().expect("rmmod");
    assert!(unloaded.success(), "rmmod sysflow: {unloaded}");
    assert!(!Path::new("/sys/module/sysflow").exists(), "the module is still there");
}

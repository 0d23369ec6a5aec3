// SPDX-License-Identifier: Apache-2.0
//! The recorder dies without a chance to tidy up.

use std::collections::HashSet;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::sys::signal::Signal;

use crate::support::kernel_log::KernelLog;
use crate::support::recorder::{Recorder, partial, sysflow};
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
    let mut told = 0;
    for n in 0..kills {
        let flood = workload::start(&["flood", "seconds", "600"]);
        let name = format!("{n}.sf");
        let recorder = Recorder::start(&lab, &name, &["--ring-size", "64K"]);
        let programs = programs_of(recorder.pid());
        assert!(lab.driver() != "ebpf" || !programs.is_empty(), "the recorder holds no program");
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
        until("the driver is released", || released() && gone(&programs));
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

/// Numbers of the BPF programs that a process holds, as the kernel tells them
/// beside its descriptors.
fn programs_of(pid: i64) -> HashSet<u64> {
    let Ok(fds) = std::fs::read_dir(format!("/proc/{pid}/fdinfo")) else { return HashSet::new() };
    let infos = fds.flatten().filter_map(|fd| std::fs::read_to_string(fd.path()).ok());
    let number = |info: String| {
        let line = info.lines().find_map(|line| line.strip_prefix("prog_id:"))?;
        line.trim().parse().ok()
    };
    infos.filter_map(number).collect()
}

/// Whether none of these programs is in the kernel, as far as there is a
/// bpftool to ask.
fn gone(programs: &HashSet<u64>) -> bool {
    let Ok(output) = Command::new("bpftool").args(["prog", "show"]).output() else { return true };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "bpftool prog show: {}", output.status);
    let ids = text.lines().filter_map(|line| line.split_once(": ")?.0.parse().ok());
    !ids.into_iter().any(|id| programs.contains(&id))
}

/// The module leaves when it is asked to. A later capture loads it again.
fn module_unloads(lab: &Lab) {
    if lab.driver() != "kmod" {
        return;
    }
    let unloaded = sysflow().args(["probe", "unload"]).output().expect("sysflow");
    let told = String::from_utf8_lossy(&unloaded.stderr).into_owned();
    assert!(unloaded.status.success(), "sysflow probe unload: {told}");
    assert!(!Path::new("/sys/module/sysflow").exists(), "the module is still there");
}

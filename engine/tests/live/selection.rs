// SPDX-License-Identifier: Apache-2.0
//! What a recorder leaves out in the kernel, and how it is switched off from
//! outside.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::Signal;
use serde_json::Value;
use sysflow::record::Record;

use crate::support::group::Group;
use crate::support::recorder::{Ended, Recorder, sysflow};
use crate::support::{Lab, file, skipped, stats};

/// A shell that waits for commands.
struct Shell(Child);

impl Shell {
    fn start() -> Self {
        let mut command = Command::new("sh");
        Self(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("sh"))
    }

    fn pid(&self) -> i64 {
        i64::from(self.0.id())
    }

    fn write(&mut self, command: &str) {
        writeln!(self.0.stdin.as_mut().expect("stdin"), "{command}").expect("a command");
    }

    /// Returns when it has done this.
    fn does(&mut self, command: &str) {
        self.write(&format!("{command}; echo done"));
        let mut line = String::new();
        let stdout = self.0.stdout.as_mut().expect("stdout");
        BufReader::with_capacity(1, stdout).read_line(&mut line).expect("a line");
        assert_eq!(line, "done\n");
    }

    /// Returns when it has done all.
    fn finish(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().expect("wait").success());
    }
}

/// What a process of the tree reads, and one outside of it.
struct Files {
    inside: PathBuf,
    outside: PathBuf,
}

impl Files {
    fn new(lab: &Lab) -> Self {
        let files = Self { inside: lab.path("inside"), outside: lab.path("outside") };
        for file in [&files.inside, &files.outside] {
            std::fs::write(file, "content").expect("a file");
        }
        files
    }
}

/// Records while a selected shell and another one read a file each, by a child.
fn record(lab: &Lab, files: &Files, options: &[&str], tree: bool) -> (Vec<Record>, Ended, i64) {
    let (mut inside, mut outside) = (Shell::start(), Shell::start());
    let pid = inside.pid();
    let number = pid.to_string();
    let mut options = options.to_vec();
    if tree {
        options.extend(["--pid", &number]);
    }
    let recorder = Recorder::start(lab, "selected.sf", &options);
    let read = |path: &Path| format!("cat {} >/dev/null", path.display());
    inside.write(&read(&files.inside));
    outside.write(&read(&files.outside));
    inside.finish();
    outside.finish();
    let ended = recorder.interrupt().well();
    let records = file::read(&ended.file);
    file::assert_self_contained(&records);
    assert_eq!(stats::balanced(&ended.stats()).lost, 0, "{}", ended.told);
    assert_eq!(ended.stats()["switched_off"], false);
    (records, ended, pid)
}

fn unselected(stats: &Value) -> u64 {
    let cpus = stats["cpus"].as_array().expect("cpus");
    let classes = cpus.iter().flat_map(|cpu| cpu["unselected"].as_object().expect("classes"));
    classes.map(|(_, n)| n.as_u64().expect("a count")).sum()
}

fn has(records: &[Record], path: &Path) -> bool {
    let path = path.to_str().expect("text");
    file::paths(records).values().any(|(known, _)| known == path)
}

#[test]
fn a_tree_is_recorded_whole_and_alone() {
    let Some(lab) = Lab::enter("a tree") else { return };
    let files = Files::new(&lab);
    let (records, ended, shell) = record(&lab, &files, &[], true);
    assert!(has(&records, &files.inside) && !has(&records, &files.outside));
    // The shell and its child alone have events, and the child its parent.
    let mut family = vec![shell];
    for record in &records {
        if let Record::Process(process) = record
            && process.poid.is_some_and(|parent| parent.hpid == shell)
        {
            family.push(process.oid.hpid);
        }
    }
    let mut events = 0;
    for record in &records {
        if let Record::ProcessEvent(event) = record {
            assert!(family.contains(&event.proc_oid.hpid), "{event:?} of another");
            events += 1;
        }
    }
    assert!(family.len() > 1 && events > 2, "{family:?}, {events} events");
    let left_out = unselected(&ended.stats());
    assert!(left_out > 0 && ended.told.contains("left out by the selection"), "{}", ended.told);
}

#[test]
fn operations_that_are_not_selected_leave_no_record() {
    let Some(lab) = Lab::enter("operations") else { return };
    let files = Files::new(&lab);
    for options in [["--ops", "net,process"], ["--mode", "nofiles"]] {
        let (records, ended, _) = record(&lab, &files, &options, false);
        assert!(!has(&records, &files.inside) && !has(&records, &files.outside), "{options:?}");
        let told = records.iter().any(|record| matches!(record, Record::ProcessEvent(_)));
        assert!(told && unselected(&ended.stats()) > 0, "{}", ended.told);
    }
}

#[test]
fn a_process_that_is_not_there_cannot_be_selected() {
    let Some(lab) = Lab::enter("no process") else { return };
    let gone = {
        let shell = Shell::start();
        let pid = shell.pid();
        shell.finish();
        pid.to_string()
    };
    let output = sysflow()
        .args(["record", "--driver", lab.driver(), "--pid", &gone, "-w"])
        .arg(lab.path("none.sf"))
        .output()
        .expect("sysflow");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && told.contains("is not there"), "{told}");
    assert!(!lab.path("none.sf").exists());
}

/// By SIGHUP, from one tree to another; what cannot be selected changes nothing.
#[test]
fn a_reload_changes_the_selection() {
    let Some(lab) = Lab::enter("a new selection") else { return };
    let settings = lab.path("sysflow.toml");
    let select = |text: &str| {
        std::fs::write(&settings, format!("[select]\n{text}\n")).expect("written");
    };
    let read = |name: &str| {
        let path = lab.path(name);
        std::fs::write(&path, "content").expect("a file");
        (format!("cat {} >/dev/null", path.display()), path)
    };
    let (mut first, mut second) = (Shell::start(), Shell::start());
    let other = second.pid();
    select(&format!("ops = ['process', 'file', 'io']\npid = [{}]", first.pid()));
    let options = ["--config", settings.to_str().expect("text")];
    let mut recorder = Recorder::start(&lab, "reloaded.sf", &options);
    let mut both = |name: &str| {
        let (of_first, of_second) = (read(&format!("{name}.1")), read(&format!("{name}.2")));
        first.does(&of_first.0);
        second.does(&of_second.0);
        (of_first.1, of_second.1)
    };
    let before = both("before");
    let pid = {
        let gone = Shell::start();
        let pid = gone.pid();
        gone.finish();
        pid
    };
    select(&format!("pid = {pid}"));
    recorder.signal(Signal::SIGHUP);
    recorder.tells("the settings stay as they are: [select]");
    let refused = both("refused");
    select(&format!("ops = '!net'\npid = '{other}'"));
    recorder.signal(Signal::SIGHUP);
    recorder.tells("another selection is recorded");
    let after = both("after");
    first.finish();
    second.finish();
    let ended = recorder.interrupt().well();
    let records = file::read(&ended.file);
    file::assert_self_contained(&records);
    for (selected, left_out) in [(before.0, before.1), (refused.0, refused.1), (after.1, after.0)] {
        assert!(has(&records, &selected), "{}", selected.display());
        assert!(!has(&records, &left_out), "{}", left_out.display());
    }
}

/// As when a service is started again: the settings say the same.
#[test]
fn a_reload_finds_a_control_group_that_was_made_anew() {
    let Some(lab) = Lab::enter("a new control group") else { return };
    let Some(group) = Group::new(&format!("sysflow-test-{}", std::process::id())) else {
        return skipped("a new control group", "the unified hierarchy cannot be written to");
    };
    let files = Files::new(&lab);
    let settings = lab.path("sysflow.toml");
    let text = format!("[select]\ncgroup = [\"{}\"]\n", group.path().display());
    std::fs::write(&settings, text).expect("written");
    let options = ["--config", settings.to_str().expect("text")];
    let mut recorder = Recorder::start(&lab, "renewed.sf", &options);
    group.renew();
    let read = |path: &Path| {
        let mut shell = Shell::start();
        group.add(shell.pid());
        shell.does(&format!("cat {} >/dev/null", path.display()));
        shell.finish();
    };
    read(&files.outside);
    recorder.signal(Signal::SIGHUP);
    recorder.tells("another selection is recorded");
    read(&files.inside);
    let records = file::read(&recorder.interrupt().well().file);
    file::assert_self_contained(&records);
    assert!(has(&records, &files.inside) && !has(&records, &files.outside));
}

/// Without the recorder's help, by another process.
#[test]
fn switched_off_from_outside() {
    const SWITCH: &str = "/sys/module/sysflow/parameters/capture";
    let Some(lab) = Lab::enter("the switch") else { return };
    let files = Files::new(&lab);
    let recorder = Recorder::start(&lab, "cut.sf", &[]);
    let mut shell = Shell::start();
    shell.write(&format!("cat {} >/dev/null", files.inside.display()));
    shell.finish();
    if lab.driver() == "ebpf" {
        let output = sysflow().args(["probe", "unload"]).output().expect("sysflow");
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && told.contains("switched off a capture"), "{output:?}");
    } else {
        std::fs::write(SWITCH, "0").expect("the switch");
    }
    let ended = recorder.wait();
    if lab.driver() != "ebpf" {
        std::fs::write(SWITCH, "1").expect("the switch");
    }
    assert!(!ended.status.success() && ended.told.contains("switched off"), "{}", ended.told);
    assert_eq!(ended.stats()["switched_off"], true);
    stats::balanced(&ended.stats());
    let records = file::read(&ended.file);
    file::assert_self_contained(&records);
    assert!(has(&records, &files.inside), "what was recorded before is there");
}

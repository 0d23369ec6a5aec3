// SPDX-License-Identifier: Apache-2.0
//! What cannot work says why, once, and leaves nothing behind.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::mount::Tmpfs;
use crate::support::recorder::{Recorder, partial, sysflow};
use crate::support::{Lab, file, names, program, skipped, workload};

/// User and group nobody.
const NOBODY: u32 = 65534;

fn record(lab: &Lab, file: &Path) -> Command {
    let mut command = sysflow();
    command.args(["record", "--for", "1", "--driver", lab.driver(), "-w"]).arg(file);
    command
}

/// Checks that a command failed with one message, which has one of the words.
fn failed(output: &Output, code: i32, words: &[&str]) {
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{told}");
    let errors: Vec<&str> = told.lines().filter(|line| line.starts_with("sysflow: ")).collect();
    assert_eq!(errors.len(), 1, "not one message: {told}");
    let mut parts: Vec<&str> = errors[0].split(": ").filter(|part| part.len() > 20).collect();
    parts.sort_unstable();
    assert!(parts.windows(2).all(|pair| pair[0] != pair[1]), "said twice: {told}");
    assert!(words.iter().any(|word| told.contains(word)), "none of {words:?} in: {told}");
    assert!(!told.contains("panicked"), "{told}");
}

#[test]
fn without_privileges() {
    let Some(lab) = Lab::enter("without privileges") else { return };
    // Everything that nobody needs but the privilege itself: the program and
    // a directory to write to.
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(lab.dir(), open).expect("permissions");
    let copy = lab.path("sysflow");
    std::fs::copy(program("SYSFLOW_BIN", "sysflow"), &copy).expect("copy");
    let out = lab.path("out");
    std::fs::create_dir(&out).expect("directory");
    std::os::unix::fs::chown(&out, Some(NOBODY), Some(NOBODY)).expect("chown");
    let output = Command::new(copy)
        .args(["record", "--for", "1", "--driver", lab.driver(), "-w"])
        .arg(out.join("x.sf"))
        .uid(NOBODY)
        .gid(NOBODY)
        .output()
        .expect("start");
    failed(&output, 1, &["root", "privilege", "CAP_", "permission"]);
    assert_eq!(names(&out), [""; 0]);
}

#[test]
fn without_btf() {
    let Some(lab) = Lab::enter("without BTF") else { return };
    if lab.driver() != "ebpf" {
        return skipped("without BTF", "the module needs none");
    }
    let empty = lab.path("empty");
    std::fs::create_dir(&empty).expect("directory");
    let hidden = r#"mount --bind "$1" /sys/kernel/btf && shift && exec "$@""#;
    let output = Command::new("unshare")
        .args(["-m", "sh", "-c", hidden, "sh"])
        .arg(&empty)
        .arg(program("SYSFLOW_BIN", "sysflow"))
        .args(["record", "--for", "1", "--driver", "ebpf", "-w"])
        .arg(lab.path("x.sf"))
        .output()
        .expect("unshare");
    failed(&output, 1, &["BTF"]);
    assert_eq!(names(lab.dir()), ["empty"]);
}

#[test]
fn without_a_module() {
    let Some(lab) = Lab::enter("without a module") else { return };
    if Path::new("/sys/module/sysflow").exists() {
        return skipped("without a module", "it is loaded");
    }
    let mut command = sysflow();
    command.args(["record", "--for", "1", "--driver", "kmod", "-w"]).arg(lab.path("x.sf"));
    command.env_remove("SYSFLOW_MODULE");
    failed(&command.output().expect("start"), 1, &["module"]);
    assert_eq!(names(lab.dir()), [""; 0]);
}

#[test]
fn where_nothing_can_be_written() {
    let Some(lab) = Lab::enter("unwritable output") else { return };
    let missing = lab.path("no such directory/x.sf");
    failed(&record(&lab, &missing).output().expect("start"), 1, &["no such directory"]);

    let directory = lab.path("directory");
    std::fs::create_dir(&directory).expect("directory");
    failed(&record(&lab, &directory).output().expect("start"), 1, &["directory"]);

    let fixed = Tmpfs::mount(&lab.path("read-only"), "ro,size=1m");
    let inside = fixed.path().join("x.sf");
    failed(&record(&lab, &inside).output().expect("start"), 1, &["read-only", "Read-only"]);
    assert_eq!(names(fixed.path()), [""; 0]);
    drop(fixed);
    assert_eq!(names(lab.dir()), ["directory", "read-only"]);
    assert_eq!(names(&directory), [""; 0]);
}

#[test]
fn on_a_full_disk_what_was_stored_stays_readable() {
    let Some(lab) = Lab::enter("full disk") else { return };
    let full = Tmpfs::mount(&lab.path("full"), "size=32k");
    let path = full.path().join("x.sf");
    let recorder = Recorder::start_to(&lab, &path, &["--export-interval", "1"]);
    drop(workload::run(&["flood", "seconds", "6"]));
    let ended = recorder.interrupt();
    assert_eq!(ended.status.code(), Some(1), "{}", ended.told);
    assert!(ended.told.contains("x.sf"), "the file is not named: {}", ended.told);
    let full_disk = ["No space left", "no space left", "full"];
    assert!(full_disk.iter().any(|word| ended.told.contains(word)), "{}", ended.told);
    let stored = if path.exists() { path.clone() } else { partial(&path) };
    let (records, end) = file::read_what_there_is(&stored);
    assert!(end.is_none(), "{}: {}", stored.display(), end.expect("error"));
    assert!(records.len() > 1, "nothing was stored");
    file::assert_self_contained(&records);
}

#[test]
fn two_captures_to_one_file() {
    let Some(lab) = Lab::enter("two captures") else { return };
    let path = lab.path("x.sf");
    let first = Recorder::start(&lab, "x.sf", &[]);
    failed(&record(&lab, &path).output().expect("start"), 1, &["use", "busy", "another"]);
    drop(workload::run(&["flood", "rounds", "1"]));
    let ended = first.interrupt().well();
    assert!(file::read(&ended.file).len() > 1);
    assert_eq!(names(lab.dir()), ["x.sf", "x.sf.stats.json"]);
}

#[test]
fn wrong_command_lines() {
    let Some(lab) = Lab::enter("command line") else { return };
    let path = lab.path("x.sf");
    let file = path.to_str().expect("text");
    for args in [
        &["record"][..],
        &["record", "-w", file, "--driver", "magic"],
        &["record", "-w", file, "--ring-size", "63K"],
        &["record", "-w", file, "--for", "soon"],
        &["print"],
        &["paint"],
    ] {
        let output = sysflow().args(args).output().expect("start");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {told}");
        assert!(told.starts_with("error: ") || told.contains("Usage"), "{args:?}: {told}");
    }
    assert_eq!(names(lab.dir()), [""; 0]);
    let output = sysflow().args(["print", "no such file.sf"]).output().expect("start");
    failed(&output, 1, &["no such file.sf"]);
}

// SPDX-License-Identifier: Apache-2.0
//! Disks that are full, directories that go away.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use engine::output::Cause;

use crate::disk::Disk;
use crate::files::{check_series, named};
use crate::known;
use crate::machine::{Machine, files, until};
use crate::mount::Tmpfs;

/// Whether file systems can be mounted here; tells that a test is skipped if
/// not.
fn can_mount(test: &str) -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        let _ = writeln!(std::io::stderr(), "skipped: {test}: mounting needs root");
    }
    root
}

/// Fills a file system but for a few pages.
fn fill(dir: &Path) {
    let mut filler = fs::File::create(dir.join("filler")).expect("filler");
    while filler.write_all(&[0; 4096]).is_ok() {}
}

#[test]
fn a_disk_that_was_full_for_a_while_costs_nothing() {
    if !can_mount("a full disk") {
        return;
    }
    let dir = tempfile::tempdir().expect("directory");
    let disk = Tmpfs::mount(&dir.path().join("disk"), "size=256k");
    let path = disk.path().join("x.sf");
    let mut machine = Machine::new(&[files(&path, None, None)]);
    fill(disk.path());
    machine.rounds(500);
    machine.pass(1.0);
    until("the disk is full", || machine.numbers(0).failing);
    machine.rounds(500);
    machine.pass(1.0);
    assert!(machine.queued(0) > 0, "what comes meanwhile waits");
    fs::remove_file(disk.path().join("filler")).expect("removed");
    until("the output works again", || !machine.numbers(0).failing);
    let ended = machine.finish().remove(0);
    let records = known::read(&path);
    known::assert_self_contained(&records);
    assert_eq!(records.len() as u64, ended.numbers.handed.total() + 1);
    assert_eq!((ended.numbers.missing(), ended.numbers.failing), (0, false));
}

#[test]
fn a_disk_that_stays_full_keeps_what_it_has() {
    if !can_mount("a disk that stays full") {
        return;
    }
    let dir = tempfile::tempdir().expect("directory");
    let disk = Tmpfs::mount(&dir.path().join("disk"), "size=64k");
    let path = disk.path().join("x.sf");
    let mut spec = files(&path, None, None);
    spec.buffer = 100_000;
    let mut machine = Machine::new(&[spec]);
    machine.rounds(50);
    machine.pass(1.0);
    machine.settle(0);
    while !machine.numbers(0).failing {
        machine.rounds(100);
        machine.pass(0.1);
    }
    // From here on the queue fills, and what finds it full is shed.
    let before = machine.numbers(0).shed_total();
    while machine.numbers(0).shed_total() == before {
        machine.rounds(100);
        machine.pass(0.1);
    }
    let ended = machine.finish().remove(0);
    let records = known::read(&path);
    known::assert_self_contained(&records);
    assert!(records.len() > 1);
    let numbers = ended.numbers;
    assert!(numbers.failing);
    assert_eq!(records.len() as u64 - 1, numbers.written.total() - numbers.gone.total());
    assert!(numbers.shed[Cause::NoRoom as usize].total() > 0, "{numbers:?}");
    assert!(numbers.shed[Cause::Failed as usize].total() > 0, "{numbers:?}");
}

#[test]
fn a_directory_that_is_removed_takes_its_file_with_it_and_no_more() {
    let dir = tempfile::tempdir().expect("directory");
    let folder = dir.path().join("traces");
    fs::create_dir(&folder).expect("directory");
    let mut machine = Machine::new(&[files(&folder.join("x"), Some(3600), None)]);
    machine.rounds(100);
    machine.pass(1.0);
    machine.settle(0);
    fs::remove_dir_all(&folder).expect("removed");
    machine.rounds(100);
    machine.pass(1.0);
    until("the output sees that", || machine.numbers(0).gone.total() > 0);
    // The next file cannot be made either; what comes waits.
    machine.pass(1.0);
    machine.rounds(100);
    machine.pass(1.0);
    fs::create_dir(&folder).expect("directory");
    until("the output works again", || !machine.numbers(0).failing);
    let ended = machine.finish().remove(0);
    let numbers = ended.numbers;
    let (number, records) = check_series(&folder);
    assert_eq!((number, records), (1, numbers.written.total() - numbers.gone.total()));
    assert!(records >= 500, "{records}");
    assert_eq!(numbers.handed.total(), records + numbers.missing());
}

#[test]
fn a_directory_that_cannot_be_written_is_waited_for() {
    if !can_mount("a read-only directory") {
        return;
    }
    let dir = tempfile::tempdir().expect("directory");
    let folder = dir.path().join("traces");
    fs::create_dir(&folder).expect("directory");
    let mut machine = Machine::new(&[files(&folder.join("x"), Some(10), None)]);
    machine.rounds(10);
    machine.pass(1.0);
    machine.settle(0);
    // From here on another, read-only file system is in its place.
    let fixed = Tmpfs::mount(&folder, "ro,size=64k");
    machine.pass(11.0);
    machine.rounds(100);
    machine.pass(1.0);
    until("the output fails", || machine.numbers(0).failing);
    drop(fixed);
    until("the output works again", || !machine.numbers(0).failing);
    machine.rounds(10);
    let numbers = machine.finish().remove(0).numbers;
    let (number, records) = check_series(&folder);
    assert_eq!(records, numbers.handed.total() - numbers.missing());
    assert_eq!(number, 1);
    assert_eq!(named(&folder, ".partial").len(), 1, "the first file could not get its name");
}

#[test]
fn a_disk_that_breaks_keeps_what_it_has() {
    if !can_mount("a disk that breaks") {
        return;
    }
    let dir = tempfile::tempdir().expect("directory");
    let Some(disk) = Disk::mount(dir.path()) else {
        let _ = writeln!(std::io::stderr(), "skipped: a disk that breaks: no loop device, or mkfs");
        return;
    };
    let mut machine = Machine::new(&[files(&disk.path().join("x.sf"), None, None)]);
    let path = named(disk.path(), ".partial").remove(0);
    let size = || fs::metadata(&path).expect("the file grows").len();
    let head = size();
    machine.rounds(50);
    machine.pass(1.0);
    machine.settle(0);
    until("a part is on the disk", || size() > head);
    disk.fail();
    machine.rounds(100);
    machine.pass(1.0);
    until("the output fails", || machine.numbers(0).failing);
    machine.rounds(100);
    let numbers = machine.finish().remove(0).numbers;
    let records = known::read(&path);
    known::assert_self_contained(&records);
    assert!(records.len() > 1, "what was on it before");
    assert!(numbers.failing && numbers.shed[Cause::Failed as usize].total() > 0, "{numbers:?}");
    // The file cannot get its name, so nothing of it counts as there.
    assert_eq!((numbers.missing(), numbers.gone), (numbers.handed.total(), numbers.written));
}

// SPDX-License-Identifier: Apache-2.0
//! The kernel's iterator of tasks against /proc: the same processes, field by
//! field, whatever they do to be different.
//!
//! Needs root and a kernel that has the iterator, and skips itself elsewhere.
//! The processes are this program itself, which the variable `SNAPSHOT_ROLE`
//! tells what to be; so it has a runner of its own.

mod compare;
mod roles;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Duration;

use engine::scan::Source;

use compare::{compared, scanned};
use roles::{Actor, Role};

/// A test and its name.
type Test = (&'static str, fn());

const TESTS: [Test; 5] = [
    ("every_field_is_as_in_proc", every_field_is_as_in_proc),
    ("who_lives_throughout_is_never_missing", who_lives_throughout_is_never_missing),
    ("a_reader_without_rights_reads_on", a_reader_without_rights_reads_on),
    ("numbers_are_those_of_the_readers_namespace", numbers_are_those_of_the_readers_namespace),
    ("the_variable_chooses_proc", the_variable_chooses_proc),
];

fn main() -> ExitCode {
    if let Some(role) = Role::of_environment() {
        return roles::play(role);
    }
    let filters: Vec<_> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    if !Source::host().has_tasks() {
        eprintln!("skipped: this kernel, or this user, has no iterator of tasks");
        return ExitCode::SUCCESS;
    }
    let wanted = |name: &str| filters.is_empty() || filters.iter().any(|f| name.contains(&**f));
    let (mut passed, mut failed) = (0, 0);
    for (name, test) in TESTS.into_iter().filter(|(name, _)| wanted(name)) {
        let good = catch_unwind(AssertUnwindSafe(test)).is_ok();
        println!("test {name} ... {}", if good { "ok" } else { "FAILED" });
        *if good { &mut passed } else { &mut failed } += 1;
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn every_field_is_as_in_proc() {
    let dir = tempfile::tempdir().expect("a folder");
    let actors = roles::cast(dir.path());
    let told = compared(&Source::host(), &actors);
    drop(actors);
    roles::remove_groups();
    assert!(told.by_kernel > told.from_proc, "most are told by the kernel: {told:?}");
}

/// Thousands of processes begin and end beside.
fn who_lives_throughout_is_never_missing() {
    let source = Source::host();
    let living: Vec<Actor> = (0..200).map(|_| Actor::begin(Role::Sleep)).collect();
    let born = std::sync::atomic::AtomicU32::new(0);
    let end = std::sync::atomic::AtomicBool::new(false);
    use std::sync::atomic::Ordering::Relaxed;
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !end.load(Relaxed) {
                    roles::begin_and_end();
                    born.fetch_add(1, Relaxed);
                }
            });
        }
        let (mut scans, mut before) = (0, 0);
        while scans < 200 || born.load(Relaxed) < 2000 {
            let (found, span) = scanned(&source);
            scans += 1;
            let missing = living
                .iter()
                .map(Actor::pid)
                .chain([1, std::process::id()])
                .find(|pid| !found.iter().any(|process| process.pid == *pid));
            if missing.is_some() || span.told == 0 {
                end.store(true, Relaxed);
            }
            assert_eq!(missing, None, "not found by scan {scans}");
            assert!(span.told > before / 2, "the kernel tells most: {span:?}");
            before = span.told;
        }
        end.store(true, Relaxed);
    });
}

/// As a service does, which is not root's: everything is given up once the
/// iterator is open.
fn a_reader_without_rights_reads_on() {
    let source = Source::host();
    let actor = Actor::begin(Role::Sleep);
    let thread = std::thread::spawn(move || {
        // SAFETY: no memory is passed; of the system call alone, beside the C
        // library, the user of this thread alone is changed.
        let done = unsafe { libc::syscall(libc::SYS_setresuid, 65534, 65534, 65534) };
        assert_eq!(done, 0);
        let status = std::fs::read_to_string("/proc/thread-self/status").expect("a status");
        assert!(status.contains("CapEff:\t0000000000000000"), "{status}");
        scanned(&source)
    });
    let (found, span) = thread.join().expect("no panic");
    assert!(span.told > 0, "{span:?}");
    let process = found.iter().find(|process| process.pid == actor.pid()).expect("the actor");
    assert!(process.binary && !process.env.is_empty() && !process.cwd.is_empty(), "{process:?}");
}

fn numbers_are_those_of_the_readers_namespace() {
    let mut reader = Actor::begin(Role::Reader);
    assert!(reader.ends_well(Duration::from_secs(60)), "what it says stands above");
}

fn the_variable_chooses_proc() {
    let mut reader = Actor::begin(Role::Refuser);
    assert!(reader.ends_well(Duration::from_secs(60)), "what it says stands above");
}

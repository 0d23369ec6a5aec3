// SPDX-License-Identifier: Apache-2.0
//! What the tests need: a machine of their own, programs, files.

pub(crate) mod expected;
pub(crate) mod file;
pub(crate) mod group;
pub(crate) mod kernel_log;
pub(crate) mod mount;
pub(crate) mod recorder;
pub(crate) mod stats;
pub(crate) mod workload;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Nothing that a test waits for takes longer than this, also in an emulated
/// machine. A test that gives up fails, one that succeeds does not wait.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Tells on the real standard error, which the test harness does not hide,
/// that a test is skipped.
pub(crate) fn skipped(test: &str, why: &str) {
    let _ = writeln!(io::stderr(), "skipped: {test}: {why}");
}

/// The machine, for one test at a time, and a directory.
pub(crate) struct Lab {
    driver: String,
    dir: TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl Lab {
    /// The machine, if a capture can be made on it; else tells that `test` is
    /// skipped.
    pub(crate) fn enter(test: &str) -> Option<Self> {
        static ALONE: Mutex<()> = Mutex::new(());
        let driver = std::env::var("SYSFLOW_TEST_DRIVER").unwrap_or_else(|_| "ebpf".to_owned());
        if !nix::unistd::geteuid().is_root() {
            skipped(test, "a capture needs root");
            return None;
        }
        if driver == "ebpf" && !Path::new("/sys/kernel/btf/vmlinux").exists() {
            skipped(test, "this kernel has no BTF, which the eBPF driver needs");
            return None;
        }
        // A test that failed has left nothing that the next one could trip
        // over: recorders and mounts are undone on drop.
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Self { driver, dir: tempfile::tempdir().expect("temporary directory"), _alone: alone })
    }

    /// The driver under test.
    pub(crate) fn driver(&self) -> &str {
        &self.driver
    }

    /// The test's directory.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A path in the test's directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

/// A program under test: named by `variable`, else where cargo puts it.
pub(crate) fn program(variable: &str, name: &str) -> PathBuf {
    if let Some(path) = std::env::var_os(variable) {
        return path.into();
    }
    // This program is target/PROFILE/deps/live-*.
    let me = std::env::current_exe().expect("own path");
    let path = me.ancestors().nth(2).expect("target directory").join(name);
    assert!(
        path.exists(),
        "no {}: build it with `cargo build --workspace --bins` or set {variable}",
        path.display()
    );
    path
}

/// Waits until `done`.
pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Names of the files in a directory, sorted.
pub(crate) fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).expect("directory");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

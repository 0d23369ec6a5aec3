// SPDX-License-Identifier: Apache-2.0
//! Children of the tests that do something and end, or are ended.

use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

use crate::sys;

/// A child that does `work` and ends.
pub(crate) fn worker(work: impl FnOnce()) -> Pid {
    match sys::fork() {
        // It must not go on with the tests of its parent.
        0 => {
            let done = catch_unwind(AssertUnwindSafe(work)).is_ok();
            sys::exit(if done { 0 } else { 99 })
        }
        pid => Pid::from_raw(pid as i32),
    }
}

/// Ends one that would go on for ever.
pub(crate) fn end(pid: Pid) {
    kill(pid, Signal::SIGKILL).expect("kill");
    waitpid(pid, None).expect("wait");
}

/// Ends what a test that failed has left: else it would be busy beside all that
/// follow.
pub(crate) fn end_all() {
    let left = std::fs::read_to_string("/proc/thread-self/children").unwrap_or_default();
    for pid in left.split_whitespace().filter_map(|pid| pid.parse().ok()) {
        end(Pid::from_raw(pid));
    }
}

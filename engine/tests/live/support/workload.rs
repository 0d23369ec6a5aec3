// SPDX-License-Identifier: Apache-2.0
//! The `workload` program.

use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::program;

/// A workload command, in an environment that is the same everywhere.
fn workload(args: &[&str]) -> Command {
    let mut command = Command::new(program("WORKLOAD_BIN", "workload"));
    command.args(args).env_clear().env("PATH", "/usr/bin:/bin").env("SYSFLOW_LIVE", "exact test");
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

/// Runs a workload to its end: the JSON that it told, and its pid.
pub(crate) fn run(args: &[&str]) -> (Value, i64) {
    start(args).finish()
}

/// Starts a workload.
pub(crate) fn start(args: &[&str]) -> Running {
    Running(workload(args).spawn().expect("start workload"))
}

/// A running workload. Killed on drop, and its processes die with it.
pub(crate) struct Running(Child);

impl Running {
    /// Waits for its end.
    pub(crate) fn finish(mut self) -> (Value, i64) {
        let pid = i64::from(self.0.id());
        let mut told = String::new();
        let mut pipe = self.0.stdout.take().expect("stdout");
        std::io::Read::read_to_string(&mut pipe, &mut told).expect("stdout");
        let status = self.0.wait().expect("wait");
        assert!(status.success(), "workload: {status}");
        (serde_json::from_str(&told).unwrap_or_else(|e| panic!("workload: {e}: {told}")), pid)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

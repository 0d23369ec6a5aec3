// SPDX-License-Identifier: Apache-2.0
//! The program from outside, where it needs no driver.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod config;
mod convert;
mod diff;
mod folder;
mod replay;

use std::ffi::OsStr;
use std::process::{Command, Output};

/// Runs the program to its end.
fn sysflow<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sysflow")).args(args).output().unwrap()
}

/// Exit code, standard output, standard error.
fn told(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

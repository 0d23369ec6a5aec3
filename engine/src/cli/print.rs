// SPDX-License-Identifier: Apache-2.0
//! `sysflow print`.

use std::path::PathBuf;
use std::process::ExitCode;

/// Print recorded flows and events as a table.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Files to print
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not there yet: {:?}", args.files)
}

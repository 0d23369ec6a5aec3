// SPDX-License-Identifier: Apache-2.0
//! `sysflow probe`.

use std::process::ExitCode;

/// Look at, load and unload the driver.
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: &Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not there yet")
}

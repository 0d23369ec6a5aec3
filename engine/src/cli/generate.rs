// SPDX-License-Identifier: Apache-2.0
//! `sysflow generate`: what packages install beside the program, made of the
//! same table as its options.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Command, CommandFactory as _};
use clap_complete::Shell;

use super::print::sysprint;

/// Write the manual pages and the completions of shells.
#[derive(clap::Args)]
#[command(hide = true)]
pub(crate) struct Args {
    /// Folder in which man/ and completions/ are made
    dir: PathBuf,
}

pub(crate) fn run(args: &Args, sysflow: Command) -> anyhow::Result<ExitCode> {
    let (pages, completions) = (args.dir.join("man"), args.dir.join("completions"));
    for folder in [&pages, &completions] {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    for program in [sysflow, sysprint::Args::command()] {
        let name = program.get_name().to_owned();
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut program = program.clone();
            clap_complete::generate_to(shell, &mut program, &name, &completions)
                .with_context(|| completions.display().to_string())?;
        }
        // The subcommand "help" has a page of its own otherwise.
        let program = program.disable_help_subcommand(true);
        clap_mangen::generate_to(program, &pages).with_context(|| pages.display().to_string())?;
    }
    Ok(ExitCode::SUCCESS)
}

// SPDX-License-Identifier: Apache-2.0
//! The `sysflow` program.

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

mod cli;

/// Records what happens on this host as `SysFlow`: processes, files,
/// connections, and the flows between them.
#[derive(Parser)]
#[command(name = "sysflow", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Record(Box<cli::args::Args>),
    Print(cli::print::Args),
    Top(cli::top::Args),
    Diff(cli::diff::Args),
    Config(cli::config::Args),
    Probe(cli::probe::Args),
    Doctor(cli::doctor::Args),
    Selftest(cli::selftest::Args),
    Generate(cli::generate::Args),
}

fn main() -> ExitCode {
    let program = std::env::args_os().next();
    if cli::print::sysprint::is_called(program) {
        return end(cli::print::sysprint::run(&cli::print::sysprint::Args::parse()));
    }
    end(match Cli::parse().command {
        Command::Record(args) => cli::record::run(&args),
        Command::Print(args) => cli::print::run(&args),
        Command::Top(args) => cli::top::run(&args),
        Command::Diff(args) => cli::diff::run(&args),
        Command::Config(args) => cli::config::run(&args),
        Command::Probe(args) => cli::probe::run(&args),
        Command::Doctor(args) => cli::doctor::run(&args),
        Command::Selftest(args) => cli::selftest::run(&args),
        Command::Generate(args) => cli::generate::run(&args, Cli::command()),
    })
}

fn end(result: anyhow::Result<ExitCode>) -> ExitCode {
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("sysflow: {}", told(&error));
            ExitCode::FAILURE
        }
    }
}

/// The error and its causes, each once: many errors name their cause themselves.
fn told(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !text.contains(&cause) {
            let colon = if text.is_empty() { "" } else { ": " };
            text = text + colon + &cause;
        }
    }
    text
}

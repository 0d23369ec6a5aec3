// SPDX-License-Identifier: Apache-2.0
//! `sysflow print`.

use std::io::{self, BufRead, BufWriter, IsTerminal as _, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use sysflow::print::{Options, Table};
use sysflow::read::{Error, Reader};
use sysflow::resolve::Events;

/// Print recorded events and flows as a table.
///
/// Times are UTC. On a terminal long texts are cut to its width.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Files to print; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let stdout = io::stdout();
    let width = stdout.is_terminal().then(terminal_width).flatten();
    let mut table = Table::new(Options { width, ..Options::default() });
    let mut out = BufWriter::new(stdout.lock());
    match print(args, &mut table, &mut out) {
        // A pager that was left, or head that has enough.
        Err(error) if is_broken_pipe(&error) => Ok(ExitCode::SUCCESS),
        other => other.map(|whole| if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
    }
}

/// Prints all files. Returns whether all could be read to their end; those
/// that could not are named on standard error, after what was read of them.
fn print(args: &Args, table: &mut Table, out: &mut impl Write) -> anyhow::Result<bool> {
    let mut whole = true;
    table.write_titles(out)?;
    for file in &args.files {
        let read = if file.as_os_str() == "-" {
            print_reader(Reader::new(io::stdin().lock(), "standard input"), table, out)?
        } else {
            print_reader(Reader::open(file), table, out)?
        };
        if let Err(error) = read {
            out.flush()?;
            eprintln!("sysflow: {error}");
            whole = false;
        }
    }
    out.flush()?;
    Ok(whole)
}

/// Prints what a reader gives. The outer error is that of the output.
fn print_reader<R: BufRead>(
    reader: Result<Reader<R>, Error>,
    table: &mut Table,
    out: &mut impl Write,
) -> io::Result<Result<(), Error>> {
    let mut events = match reader {
        Ok(reader) => Events::new(reader),
        Err(error) => return Ok(Err(error)),
    };
    loop {
        match events.next_event() {
            Ok(Some(event)) => table.write_event(out, &event)?,
            Ok(None) => return Ok(Ok(())),
            Err(error) => return Ok(Err(error)),
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}

fn terminal_width() -> Option<usize> {
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))
}

// SPDX-License-Identifier: Apache-2.0
//! `sysflow diff`.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use sysflow::diff::{self, Comparison, Difference, Ignore, Options};
use sysflow::record::Record;

use super::size::grouped;

/// Show what differs between two traces.
///
/// Records are compared field by field, whatever the schema version and the
/// compression of the files. The exit code is 0 if nothing differs, 1 if
/// something does, 2 if that could not be found out.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A trace
    left: PathBuf,
    /// The trace to compare it with
    right: PathBuf,
    /// The order of the records does not matter
    #[arg(long, short)]
    unordered: bool,
    /// Fields that do not matter, separated by commas: endTs, or FF.endTs for one type of record
    #[arg(long, short, value_name = "FIELDS")]
    ignore: Vec<String>,
    /// The file's name in the header matters
    #[arg(long)]
    file_name: bool,
    /// How many differences to show; all are counted
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20)]
    limit: usize,
    /// Show nothing: the exit code tells
    #[arg(long, short)]
    quiet: bool,
}

/// Something went wrong: neither equal nor different.
const TROUBLE: u8 = 2;

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let comparison = match compare(args) {
        Ok(comparison) => comparison,
        Err(error) => {
            eprintln!("sysflow: {error}");
            return Ok(ExitCode::from(TROUBLE));
        }
    };
    let equal = comparison.equal();
    if !args.quiet && !equal {
        let mut out = BufWriter::new(io::stdout().lock());
        let shown = show(&mut out, args, &comparison).and_then(|()| out.flush());
        match shown {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            Err(error) => {
                eprintln!("sysflow: cannot write the output: {error}");
                return Ok(ExitCode::from(TROUBLE));
            }
        }
    }
    Ok(if equal { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn compare(args: &Args) -> Result<Comparison, Box<dyn std::error::Error>> {
    let mut ignore = if args.file_name { Ignore::nothing() } else { Ignore::default() };
    for list in &args.ignore {
        ignore.add(list)?;
    }
    let options = Options { unordered: args.unordered, ignore };
    Ok(diff::compare(&args.left, &args.right, &options)?)
}

fn show(out: &mut impl Write, args: &Args, comparison: &Comparison) -> io::Result<()> {
    for difference in comparison.differences.iter().take(args.limit) {
        one(out, difference)?;
    }
    let total = different(comparison);
    let hidden = total - comparison.differences.len().min(args.limit) as u64;
    if hidden > 0 {
        writeln!(out, "... and {} more", grouped(hidden))?;
    }
    if args.limit > 0 {
        writeln!(out)?;
    }
    table(out, args, comparison)
}

/// How many records differ.
fn different(comparison: &Comparison) -> u64 {
    let counts = comparison.counts.values();
    counts.map(|count| count.moved + count.changed + count.only_left + count.only_right).sum()
}

/// One difference. Numbers of records count from 1 for people.
fn one(out: &mut impl Write, difference: &Difference) -> io::Result<()> {
    match difference {
        Difference::Changed { at: (left, right), kind, fields } => {
            writeln!(out, "! {} {} -> {}", kind.name(), left + 1, right + 1)?;
            for (name, left, right) in fields {
                writeln!(out, "    {name}: {left} -> {right}")?;
            }
            Ok(())
        }
        Difference::Left(at, record) => whole(out, '<', *at, record),
        Difference::Right(at, record) => whole(out, '>', *at, record),
        Difference::Moved((left, right), kind) => {
            writeln!(out, "~ {} {} -> {}, moved", kind.name(), left + 1, right + 1)
        }
    }
}

/// A record that is in one trace only.
fn whole(out: &mut impl Write, side: char, at: u64, record: &Record) -> io::Result<()> {
    let mut line = format!("{side} {} {}:", record.kind().name(), at + 1);
    record.each_field(&mut |name, value| {
        line.push(' ');
        line.push_str(name);
        line.push('=');
        // Writing to a text does not fail.
        let _ = value.show(&mut line);
    });
    writeln!(out, "{line}")
}

/// The counts, and the fields that differ.
fn table(out: &mut impl Write, args: &Args, comparison: &Comparison) -> io::Result<()> {
    let (left, right) = (name(&args.left), name(&args.right));
    writeln!(out, "<  {left}")?;
    writeln!(out, ">  {right}")?;
    let titles = ["<", ">", "same", "moved", "changed", "only <", "only >"];
    write!(out, "{:<14}", "record")?;
    for title in titles {
        write!(out, "{title:>11}")?;
    }
    writeln!(out)?;
    for (kind, count) in &comparison.counts {
        write!(out, "{:<14}", kind.name())?;
        for number in [
            count.left,
            count.right,
            count.same,
            count.moved,
            count.changed,
            count.only_left,
            count.only_right,
        ] {
            write!(out, "{:>11}", grouped(number))?;
        }
        writeln!(out)?;
    }
    for ((kind, field), times) in &comparison.fields {
        writeln!(out, "{}.{field} differs {} times", kind.name(), grouped(*times))?;
    }
    Ok(())
}

fn name(path: &Path) -> impl std::fmt::Display + '_ {
    path.display()
}

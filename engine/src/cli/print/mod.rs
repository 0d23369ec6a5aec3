// SPDX-License-Identifier: Apache-2.0
//! `sysflow print`.

mod fields;
mod follow;
mod output;
mod progress;
mod screen;
mod sink;
pub(crate) mod sysprint;
#[cfg(test)]
mod tests;
mod trace;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use sysflow::expression::{Predicate, Scratch};
use sysflow::print::{Column, Format, Options, Printer, Statistics, Times};

use output::Output;
use progress::Progress;
use screen::Colour;
use sink::{Sink, Target};

/// Print recorded events and flows.
///
/// On a terminal, long texts in tables are cut to its width.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Files or directories of traces to print; - is standard input
    #[arg(required_unless_present = "list_fields", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Only events for which this is true, such as: type = FF and proc.name in (sh, bash)
    #[arg(long, short, value_name = "EXPRESSION")]
    filter: Option<String>,
    #[arg(long, short = 'F', default_value_t, value_name = "FORMAT", conflicts_with = "stats",
        help = format_help())]
    format: Format,
    /// File to write to; it gets its name when it is complete
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Fields in the order wanted, separated by commas; default and all stand for several
    #[arg(long, short = 'c', value_name = "LIST", conflicts_with = "stats")]
    fields: Option<String>,
    /// List the fields that can be printed and asked for, and exit
    #[arg(long, short)]
    list_fields: bool,
    /// Go on with what is written later, until Ctrl-C
    #[arg(long)]
    follow: bool,
    /// Times in UTC (the default)
    #[arg(long, group = "times")]
    utc: bool,
    /// Times in the time zone of this system
    #[arg(long, group = "times")]
    local: bool,
    /// Times as nanoseconds since 1970
    #[arg(long, group = "times")]
    epoch: bool,
    /// Sum up what is in the traces instead of printing events
    #[arg(long)]
    stats: bool,
    /// How many connections, processes and files to show with --stats
    #[arg(long, value_name = "N", default_value_t = 10, requires = "stats")]
    top: usize,
    /// Go on after damaged data, and tell what is skipped
    #[arg(long)]
    skip_damaged: bool,
    /// Leave out the titles of a table and the names of CSV
    #[arg(long)]
    no_titles: bool,
    /// Colours in a table; auto: on a terminal, unless `NO_COLOR` is set
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    color: Colour,
}

fn format_help() -> String {
    let names: Vec<_> = Format::ALL.iter().map(|format| format.name()).collect();
    names.join(", ")
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.list_fields {
        return told(fields::list(args.output.as_deref()));
    }
    match Request::new(args) {
        Ok(request) => request.run(),
        Err(wrong) => Ok(wrong_usage(&wrong)),
    }
}

fn wrong_usage(wrong: &str) -> ExitCode {
    eprintln!("sysflow: {wrong}");
    ExitCode::from(2)
}

/// The exit code of what was done, if the output took it.
fn told(done: io::Result<bool>) -> anyhow::Result<ExitCode> {
    match done {
        Ok(true) => Ok(ExitCode::SUCCESS),
        Ok(false) => Ok(ExitCode::FAILURE),
        // A pager that was left, or head that has enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => Err(anyhow::Error::new(error).context("cannot write the output")),
    }
}

/// What is to be done, however it was asked for.
struct Request {
    paths: Vec<PathBuf>,
    target: Target,
    filter: Option<Predicate>,
    skip_damaged: bool,
    follow: bool,
    output: Option<PathBuf>,
}

impl Request {
    /// What the arguments ask for, or what is wrong with them.
    fn new(args: &Args) -> Result<Self, String> {
        let times = match args {
            Args { local: true, .. } => Times::local(),
            Args { epoch: true, .. } => Times::Epoch,
            _ => Times::Utc,
        };
        let terminal = screen::is_terminal(args.output.as_deref());
        if terminal && !args.format.is_text() {
            let format = args.format;
            return Err(format!("{format} is not for terminals; name a file with --output"));
        }
        if args.follow && args.paths.iter().any(|path| path.as_os_str() == "-") {
            let why = "standard input is read until it ends anyway";
            return Err(format!("--follow is for files and directories; {why}"));
        }
        let target = if args.stats {
            Target::Statistics(Box::new(Statistics::new()), times, args.top)
        } else {
            let table = Options {
                columns: columns(args.fields.as_deref(), args.format)?,
                times,
                width: if terminal { screen::width() } else { None },
                titles: !args.no_titles,
                colours: args.color.wanted(terminal),
                may_leave_out: args.fields.is_none(),
                ..Options::default()
            };
            let printer = Printer::new(args.format, table);
            screen::tell_left_out(&printer);
            Target::Printer(printer)
        };
        Ok(Self {
            paths: args.paths.clone(),
            target,
            filter: filter(args.filter.as_deref())?,
            skip_damaged: args.skip_damaged,
            follow: args.follow,
            output: args.output.clone(),
        })
    }

    /// Does it. What goes wrong with the output is an error; traces that cannot be read are told on
    /// standard error and make the exit code 1.
    fn run(self) -> anyhow::Result<ExitCode> {
        let Self { paths, target, filter, skip_damaged, follow, output } = self;
        let rows_on_terminal =
            matches!(target, Target::Printer(_)) && screen::is_terminal(output.as_deref());
        let mut sink = Sink {
            target,
            filter,
            scratch: Scratch::default(),
            out: Output::open(output.as_deref())?,
            progress: Progress::new(rows_on_terminal || follow),
            whole: true,
            opened: false,
        };
        if follow {
            let watched = follow::Watched::new(&paths).context("cannot follow")?;
            let (sink, result) = watched.run(skip_damaged, sink, output.is_none());
            return told(result.and_then(|()| sink.finish()));
        }
        told(trace::all(&paths, skip_damaged, &mut sink).and_then(|()| sink.finish()))
    }
}

/// Traces that are followed for others.
pub(crate) struct Following {
    watched: follow::Watched,
    sink: Sink,
}

impl Following {
    /// Watches files and directories; `each` gets their events, from one thread at a time.
    ///
    /// # Errors
    /// When they cannot be watched.
    pub(crate) fn new(paths: &[PathBuf], each: sink::Each) -> anyhow::Result<Self> {
        let watched = follow::Watched::new(paths).context("cannot follow")?;
        let sink = Sink {
            target: Target::Each(each),
            filter: None,
            scratch: Scratch::default(),
            out: Output::open(None)?,
            progress: Progress::new(true),
            whole: true,
            opened: false,
        };
        Ok(Self { watched, sink })
    }

    /// Follows until SIGINT or SIGTERM. Returns whether all could be read.
    pub(crate) fn run(self) -> anyhow::Result<bool> {
        let (sink, result) = self.watched.run(true, self.sink, false);
        result.and_then(|()| sink.finish()).context("cannot follow")
    }
}

/// Whether standard output is a terminal that wants colours.
pub(crate) fn wants_colours() -> bool {
    Colour::Auto.wanted(screen::is_terminal(None))
}

fn filter(expression: Option<&str>) -> Result<Option<Predicate>, String> {
    let predicate = expression.map(Predicate::new).transpose();
    predicate.map_err(|error| format!("the filter is wrong: {error}"))
}

/// The columns asked for, or those of the format.
fn columns(fields: Option<&str>, format: Format) -> Result<Vec<Column>, String> {
    let Some(list) = fields else {
        return Ok(if format == Format::Table { Column::defaults() } else { Column::exported() });
    };
    let mut columns = Vec::new();
    for name in list.split(',').map(str::trim) {
        match name {
            "all" => columns.extend(Column::exported()),
            "default" => columns.extend(Column::defaults()),
            name => columns.push(Column::by_name(name).map_err(|error| {
                format!("{error} (--list-fields lists the fields that there are)")
            })?),
        }
    }
    Ok(columns)
}

// SPDX-License-Identifier: Apache-2.0
//! `sysflow print`.

use std::io::{self, BufRead, BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use sysflow::attribute::ALL;
use sysflow::expression::{Predicate, Scratch};
use sysflow::print::{Column, Format, Options, Printer, Statistics, Times};
use sysflow::read::{Error, Reader, find};
use sysflow::resolve::{Events, ResolvedEvent};

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
    /// table, json, jsonl, flatjson or csv
    #[arg(long, short = 'o', default_value_t, value_name = "FORMAT", conflicts_with = "stats")]
    format: Format,
    /// Fields in the order wanted, separated by commas; all for all that are exported
    #[arg(long, short = 'c', value_name = "LIST", conflicts_with = "stats")]
    fields: Option<String>,
    /// List the fields that can be printed and asked for, and exit
    #[arg(long, short)]
    list_fields: bool,
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
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut out = BufWriter::new(io::stdout().lock());
    let done = if args.list_fields {
        list_fields(&mut out).and_then(|()| out.flush()).map(|()| true)
    } else {
        let mut job = match Job::new(args) {
            Ok(job) => job,
            Err(wrong) => {
                eprintln!("sysflow: {wrong}");
                return Ok(ExitCode::from(2));
            }
        };
        job.run(&args.paths, &mut out)
    };
    match done {
        Ok(true) => Ok(ExitCode::SUCCESS),
        Ok(false) => Ok(ExitCode::FAILURE),
        // A pager that was left, or head that has enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => Err(anyhow::Error::new(error).context("cannot write the output")),
    }
}

/// Where events go.
enum Target {
    Printer(Printer),
    Statistics(Statistics),
}

/// What is done with every trace.
struct Job {
    target: Target,
    filter: Option<Predicate>,
    scratch: Scratch,
    times: Times,
    top: usize,
    skip_damaged: bool,
    /// Whether everything could be read so far.
    whole: bool,
}

impl Job {
    /// What the arguments ask for, or what is wrong with them.
    fn new(args: &Args) -> Result<Self, String> {
        let filter = args.filter.as_deref().map(Predicate::new).transpose();
        let filter = filter.map_err(|error| format!("the filter is wrong: {error}"))?;
        let times = match args {
            Args { local: true, .. } => Times::local(),
            Args { epoch: true, .. } => Times::Epoch,
            _ => Times::Utc,
        };
        let target = if args.stats {
            Target::Statistics(Statistics::new())
        } else {
            let terminal = io::stdout().is_terminal();
            let options = Options {
                columns: columns(args.fields.as_deref(), args.format)?,
                times: times.clone(),
                width: terminal.then(terminal_width).flatten(),
                titles: !args.no_titles,
            };
            Target::Printer(Printer::new(args.format, options))
        };
        let (top, skip_damaged) = (args.top, args.skip_damaged);
        let scratch = Scratch::default();
        Ok(Self { target, filter, scratch, times, top, skip_damaged, whole: true })
    }

    /// Prints all traces. Returns whether all could be read to their end; those that could not are
    /// named on standard error, after what was read of them.
    fn run(&mut self, paths: &[PathBuf], out: &mut impl Write) -> io::Result<bool> {
        for path in paths {
            if path.as_os_str() == "-" {
                self.trace(Reader::new(io::stdin().lock(), "standard input"), out)?;
                continue;
            }
            match find(path) {
                Ok(traces) if traces.is_empty() => {
                    self.complain(out, &format!("no traces in {path:?}"))?;
                }
                Ok(traces) => {
                    for trace in traces {
                        self.trace(Reader::open(trace), out)?;
                    }
                }
                Err(error) => self.complain(out, &error.to_string())?,
            }
        }
        match &mut self.target {
            Target::Printer(printer) => printer.finish(out)?,
            Target::Statistics(statistics) => statistics.write(out, self.top, &self.times)?,
        }
        out.flush()?;
        Ok(self.whole)
    }

    /// Prints one trace. The error is that of the output.
    fn trace<R: BufRead>(
        &mut self,
        reader: Result<Reader<R>, Error>,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let mut events = match reader {
            Ok(reader) => Events::new(reader),
            Err(error) => return self.complain(out, &error.to_string()),
        };
        loop {
            match events.next_event() {
                Ok(Some(event)) => self.event(&event, out)?,
                Ok(None) => break,
                Err(error) => {
                    self.complain(out, &error.to_string())?;
                    if !self.skip_damaged || !self.skip(&mut events, out)? {
                        break;
                    }
                }
            }
        }
        if let Target::Statistics(statistics) = &mut self.target {
            statistics.add_records(events.counts());
        }
        match events.resolver().dropped() {
            0 => Ok(()),
            dropped => {
                let path = events.reader().path();
                let what =
                    "processes and files were too many to keep; what refers to them lacks them";
                let message = format!("{path:?}: {dropped} {what}");
                self.complain(out, &message)
            }
        }
    }

    /// Goes on behind damage. Returns whether that is possible.
    fn skip<R: BufRead>(
        &mut self,
        events: &mut Events<R>,
        out: &mut impl Write,
    ) -> io::Result<bool> {
        match events.resume() {
            Ok(Some(gap)) => {
                let path: &Path = events.reader().path();
                self.complain(out, &format!("{path:?}: {gap}"))?;
                Ok(true)
            }
            Ok(None) => Ok(false),
            Err(error) => self.complain(out, &error.to_string()).map(|()| false),
        }
    }

    fn event(&mut self, event: &ResolvedEvent<'_>, out: &mut impl Write) -> io::Result<()> {
        if let Some(filter) = &self.filter
            && !filter.matches(event, &mut self.scratch)
        {
            return Ok(());
        }
        match &mut self.target {
            Target::Printer(printer) => printer.write_event(out, event),
            Target::Statistics(statistics) => {
                statistics.add_event(event);
                Ok(())
            }
        }
    }

    /// Tells what went wrong, after what was printed before.
    fn complain(&mut self, out: &mut impl Write, message: &str) -> io::Result<()> {
        self.whole = false;
        out.flush()?;
        eprintln!("sysflow: {message}");
        Ok(())
    }
}

/// The columns asked for, or those of the format.
fn columns(fields: Option<&str>, format: Format) -> Result<Vec<Column>, String> {
    match fields {
        Some("all") => Ok(Column::exported()),
        Some(list) => Column::parse_list(list)
            .map_err(|error| format!("{error} (--list-fields lists the fields that there are)")),
        None if format == Format::Table => Ok(Column::defaults()),
        None => Ok(Column::exported()),
    }
}

/// The catalogue, one attribute a line. What is derived from others is marked with a dash.
fn list_fields(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "  {:<20} {:<11} MEANING [SOURCE] (OTHER NAMES)", "NAME", "TYPE")?;
    for attribute in ALL {
        let mark = if attribute.exported { ' ' } else { '-' };
        let kind = attribute.kind.to_string();
        let many = if attribute.many { "*" } else { "" };
        write!(out, "{mark} {:<20} {:<11} ", attribute.name, kind + many)?;
        write!(out, "{} [{}]", attribute.meaning, attribute.source)?;
        match attribute.aliases {
            [] => writeln!(out)?,
            aliases => writeln!(out, " ({})", aliases.join(", "))?,
        }
    }
    writeln!(out, "\n-  not among the fields that json, jsonl, flatjson and csv have by default")?;
    writeln!(out, "*  any number of values")
}

fn terminal_width() -> Option<usize> {
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use sysflow::record::{FileFlow, Header};
    use sysflow::write::{Options as WriteOptions, Writer};

    use super::*;

    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    fn job(args: &[&str]) -> Result<(Job, Vec<PathBuf>), String> {
        let cli = Cli::try_parse_from([&["print"], args].concat());
        let args = cli.map_err(|error| error.to_string())?.args;
        Job::new(&args).map(|job| (job, args.paths))
    }

    /// What is printed, and whether everything could be read.
    fn print(args: &[&str]) -> (String, bool) {
        let (mut job, paths) = job(args).unwrap();
        let mut out = Vec::new();
        let whole = job.run(&paths, &mut out).unwrap();
        (String::from_utf8(out).unwrap(), whole)
    }

    /// A trace of flows with these descriptors, in blocks of about ten.
    fn trace(dir: &Path, name: &str, fds: std::ops::Range<i32>) -> PathBuf {
        let options = WriteOptions { block_bytes: 500, ..WriteOptions::default() };
        let mut writer = Writer::new(Vec::new(), &options).unwrap();
        writer.write(Header::<&str>::default()).unwrap();
        fds.for_each(|fd| writer.write(FileFlow { fd, ..FileFlow::default() }).unwrap());
        let path = dir.join(name);
        std::fs::write(&path, writer.finish().unwrap()).unwrap();
        path
    }

    #[test]
    fn directories_are_printed_in_the_order_of_time_as_one_table() {
        let dir = tempfile::tempdir().unwrap();
        trace(dir.path(), "1700000002.sf", 10..12);
        trace(dir.path(), "old-1600000002.sf", 0..2);
        let path = dir.path().to_str().unwrap();
        let (text, whole) = print(&[path, "-c", "idx,file.fd", "--filter", "file.fd != 1"]);
        let cells: Vec<_> = text.split_whitespace().collect();
        assert_eq!(cells, ["Rec", "#", "FD", "0", "0", "1", "10", "2", "11"]);
        assert!(whole);
    }

    #[test]
    fn damage_ends_a_trace_unless_it_is_to_be_skipped() {
        let dir = tempfile::tempdir().unwrap();
        let path = trace(dir.path(), "a.sf", 0..100);
        let mut bytes = std::fs::read(&path).unwrap();
        let half = bytes.len() - 200;
        bytes[half] ^= 0xff;
        std::fs::write(&path, bytes).unwrap();
        let last = |args: &[&str]| {
            let (text, whole) =
                print(&[&[path.to_str().unwrap(), "-o", "csv", "-c", "file.fd"], args].concat());
            assert!(!whole);
            text.lines().last().unwrap().to_owned()
        };
        assert_ne!(last(&[]), "99");
        assert_eq!(last(&["--skip-damaged"]), "99");
    }

    #[test]
    fn what_cannot_be_read_does_not_stop_the_rest() {
        let dir = tempfile::tempdir().unwrap();
        let good = trace(dir.path(), "a.sf", 0..1);
        let empty = dir.path().join("empty");
        std::fs::create_dir(&empty).unwrap();
        let args = ["/nowhere/x.sf", empty.to_str().unwrap(), good.to_str().unwrap()];
        let (text, whole) = print(&[&args[..], &["-o", "jsonl", "-c", "file.fd"]].concat());
        assert_eq!((text.as_str(), whole), ("{\"file\":{\"fd\":0}}\n", false));
    }

    #[test]
    fn wrong_usage_is_told() {
        let wrong = |args: &[&str]| job(args).err().unwrap();
        assert!(wrong(&["x", "-f", "proc.nme = 1"]).ends_with("\n  ^^^^^^^^"));
        assert!(wrong(&["x", "-c", "ts,nope"]).starts_with("unknown field \"nope\""));
        assert!(wrong(&["x", "--utc", "--local"]).contains("cannot be used with"));
        assert!(wrong(&["x", "--stats", "-o", "csv"]).contains("cannot be used with"));
        assert!(wrong(&[]).contains("required"));
        assert!(job(&["--list-fields"]).is_ok());
    }

    #[test]
    fn every_attribute_is_listed() {
        let mut out = Vec::new();
        list_fields(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(ALL.iter().all(|attribute| text.contains(attribute.name)));
    }
}

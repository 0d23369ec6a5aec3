// SPDX-License-Identifier: Apache-2.0
//! `sysflow record`.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::ValueEnum;
use engine::Settings;
use engine::capture::{Capture, Outcome, Pace, Progress};
use engine::clock;
use engine::semantics::Semantics;
use engine::sink::FileSink;
use probe_loader::driver::{Choice, Driver, Options};
use probe_loader::sizing::Host;
use sysflow::record::Header;
use sysflow::schema::Version;
use sysflow::write::{self, OutputFile};

use super::select::SelectArgs;
use super::semantics::{self, SemanticsArgs};
use super::size::{self, grouped};
use super::{convert, summary};

/// Record the system calls of this host, or convert captures of them.
///
/// Ends on Ctrl-C, SIGTERM or after --for, writes the open flows, and says
/// what was seen, delivered and lost. What it counted stands beside the output
/// in FILE.stats.json.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// File to write; with --read, a folder if it ends with a slash
    #[arg(short = 'w', long = "write", value_name = "FILE")]
    pub(super) output: PathBuf,

    /// Convert this capture of sysdig or Falco instead of recording; - is standard input. Several
    /// are converted one after the other
    #[arg(short = 'r', long, value_name = "FILE", conflicts_with_all = ["limit", "driver", "ring_size", "ring_total"])]
    pub(super) read: Vec<PathBuf>,

    /// Name of this exporter in the file's header [default: the name of the host, with --read of the captured one]
    #[arg(short, long, value_name = "ID")]
    pub(super) exporter: Option<String>,

    /// End after this many seconds
    #[arg(long = "for", value_name = "SECONDS", value_parser = seconds)]
    limit: Option<Duration>,

    /// Driver to record with
    #[arg(long, value_enum, default_value_t = DriverChoice::Auto)]
    driver: DriverChoice,

    /// Ring of each CPU: a power of two from 64K to 1G [default: 1M, less where the rings would
    /// take more than --ring-total or a 32nd of the memory]
    #[arg(long, value_name = "SIZE", value_parser = ring_size)]
    ring_size: Option<usize>,

    /// What the rings of all CPUs take together at most, unless --ring-size is given
    #[arg(long, value_name = "SIZE", default_value = "256M", value_parser = size::parse, conflicts_with = "ring_size")]
    ring_total: usize,

    /// Write a flow that goes on each time this many seconds have passed
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(super) export_interval: Duration,

    /// Begin a new file each time this many seconds of a capture have passed; names end with the
    /// time, in seconds since 1970
    #[arg(short = 'G', long, value_name = "SECONDS", requires = "read", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) rotate: Option<u32>,

    /// Do as the reference collector does also where that is a defect
    #[arg(long, requires = "read")]
    pub(super) compat: bool,

    /// Schema version of the file: 5, which every reader knows, or 6, which has
    /// IPv6 addresses, inodes and what was lost
    #[arg(long, value_name = "VERSION", default_value_t)]
    pub(super) schema: Version,

    /// Say nothing but errors
    #[arg(short, long)]
    pub(super) quiet: bool,

    #[command(flatten)]
    pub(super) semantics: SemanticsArgs,

    #[command(flatten)]
    select: SelectArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum DriverChoice {
    /// The kernel module where one can be loaded, else eBPF
    Auto,
    /// The kernel module
    Kmod,
    /// The eBPF programs
    Ebpf,
}

impl From<DriverChoice> for Choice {
    fn from(choice: DriverChoice) -> Self {
        match choice {
            DriverChoice::Auto => Choice::Auto,
            DriverChoice::Kmod => Choice::Kmod,
            DriverChoice::Ebpf => Choice::Ebpf,
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(time) if !time.is_zero() => Ok(time),
        _ => Err("must be more than 0 seconds".to_owned()),
    }
}

pub(super) fn ring_size(text: &str) -> Result<usize, String> {
    let size = size::parse(text)?;
    if probe_loader::ring::valid_size(size) {
        Ok(size)
    } else {
        Err("must be a power of two from 64K to 1G".to_owned())
    }
}

/// What a crash can lose is stored this often.
const FLUSH: Duration = Duration::from_secs(5);

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if !args.read.is_empty() {
        return convert::run(args);
    }
    let header = header(args)?;
    let semantics = args.semantics.apply(Semantics::default(), semantics::environment);
    let selection = args.select.selection(semantics.collect)?;
    let ring_size = args.ring_size.unwrap_or_else(|| Host::look().ring_size(args.ring_total));
    let options = Options { ring_size };
    let mut driver = Driver::open(args.driver.into(), &options).context("cannot record")?;
    driver.select(&selection).context("cannot record")?;
    let kind = driver.kind();
    if let Some(why) = driver.passed_over() {
        say(args, &format!("the kernel module is not used: {why}"));
    }
    let file = OutputFile::create(
        &args.output,
        write::Options { schema: args.schema, ..write::Options::default() },
    )?;
    if let Some(old) = file.interrupted() {
        say(args, &format!("an interrupted capture was kept as {}", old.display()));
    }
    let sink = FileSink::new(file, &header)?;
    let settings = Settings {
        export_interval: u64::try_from(args.export_interval.as_nanos())?,
        schema: args.schema,
        semantics,
    };
    let started = clock::epoch_now();
    let outcome = record(args, driver, settings, sink)?;
    let ended = clock::epoch_now();
    let (broken, outcome) = finish(args, outcome);
    let Some(outcome) = outcome else { return Ok(ExitCode::FAILURE) };
    let report = summary::Report { kind, started, ended, outcome: &outcome };
    report.write_json(&stats_path(args))?;
    if !args.quiet {
        report.print(&mut std::io::stderr().lock())?;
    }
    Ok(if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn header(args: &Args) -> anyhow::Result<Header> {
    let exporter = match &args.exporter {
        Some(exporter) => exporter.clone(),
        None => nix::unistd::gethostname()?.to_string_lossy().into_owned(),
    };
    Ok(Header {
        version: args.schema.number(),
        exporter,
        ip: std::env::var("NODE_IP").unwrap_or_default(),
        filename: args.output.to_string_lossy().into_owned(),
    })
}

fn record(
    args: &Args,
    driver: Driver,
    settings: Settings,
    sink: FileSink,
) -> anyhow::Result<Outcome> {
    let kind = driver.kind();
    let mut capture = Capture::new(driver, settings, sink)?;
    if let Err(error) = capture.start() {
        let _ = capture.abandon();
        return Err(error.into());
    }
    say(args, &format!("recording to {} with {kind}, Ctrl-C ends", args.output.display()));
    let live = !args.quiet && std::io::stderr().is_terminal();
    let pace = Pace { limit: args.limit, flush: FLUSH };
    let outcome = capture.run(&pace, |progress| {
        if live {
            show(progress);
        }
    })?;
    if live {
        eprint!("\r\x1b[K");
    }
    Ok(outcome)
}

/// The live status line.
fn show(progress: &Progress) {
    let Progress { rate, flows, processes, records, lost } = progress;
    eprint!(
        "\r\x1b[K{} events/s  {} flows  {} processes  {} records  {} lost",
        grouped(*rate as u64),
        grouped(*flows as u64),
        grouped(*processes as u64),
        grouped(*records),
        grouped(*lost)
    );
    let _ = std::io::stderr().flush();
}

fn say(args: &Args, text: &str) {
    if !args.quiet {
        eprintln!("{text}");
    }
}

/// Gives the output its name. Returns whether something of it is missing, and
/// the rest of the outcome with the file's summary.
fn finish(args: &Args, outcome: Outcome) -> (bool, Option<summary::Finished>) {
    let Outcome { mut sink, counts, cpus, kept, damaged, elapsed, switched_off } = outcome;
    let mut broken = switched_off;
    if switched_off {
        eprintln!("sysflow: the driver was switched off from outside; the capture ends there");
    }
    let trouble = sink.take_trouble();
    let (records, bytes) = match sink.into_file().finish() {
        Ok(summary) => {
            if let Some(error) = trouble {
                // It could be stored later: nothing is missing but what was
                // refused in between.
                eprintln!("sysflow: {error}");
                broken = summary.refused > 0;
            }
            if summary.refused > 0 {
                eprintln!("sysflow: {} records could not be kept meanwhile", summary.refused);
            }
            (summary.records, summary.bytes)
        }
        Err(error) => {
            eprintln!("sysflow: {error}");
            broken = true;
            if !matches!(error, write::Error::Incomplete { .. }) {
                return (true, None);
            }
            (0, 0)
        }
    };
    let finished = summary::Finished {
        output: args.output.clone(),
        records,
        bytes,
        counts,
        cpus,
        kept,
        damaged,
        elapsed,
    };
    (broken, Some(finished))
}

fn stats_path(args: &Args) -> PathBuf {
    let mut name = args.output.clone().into_os_string();
    name.push(".stats.json");
    PathBuf::from(name)
}

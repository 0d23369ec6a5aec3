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
use engine::output::{Cause, Common, Ended, Keep, MAX_PACKET, Outputs, Spec};
use engine::semantics::Semantics;
use log::LevelFilter;
use probe_loader::driver::{Choice, Driver, Kind, Options};
use sysflow::record::Header;
use sysflow::schema::Version;
use sysflow::write;

use super::outputs::{self, Shared};
use super::semantics::{self, SemanticsArgs};
use super::size::{self, grouped};
use super::{convert, logger, summary};

/// Record the system calls of this host, or convert captures of them.
///
/// Ends on Ctrl-C, SIGTERM or after --for, writes the open flows, and says
/// what was seen, delivered and lost. What it counted stands beside each file
/// in FILE.stats.json.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where to write to; may be repeated: a file, a folder of files if it ends
    /// with a slash, unix:PATH for who listens at a socket, - for standard output
    #[arg(
        short = 'w',
        long = "write",
        visible_alias = "output",
        value_name = "OUTPUT",
        required = true
    )]
    pub(super) outputs: Vec<String>,

    /// Convert this capture of sysdig or Falco instead of recording; - is standard input. Several
    /// are converted one after the other
    #[arg(short = 'r', long, value_name = "FILE", conflicts_with_all = ["limit", "driver", "ring_size"])]
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

    /// Ring of each CPU: a power of two from 64K to 1G
    #[arg(long, value_name = "SIZE", default_value = "1M", value_parser = ring_size)]
    ring_size: usize,

    /// Write a flow that goes on each time this many seconds have passed
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(super) export_interval: Duration,

    /// Begin a new file each time this many seconds have passed, with --read of the capture's time;
    /// names end with the time, in seconds since 1970
    #[arg(short = 'G', long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) rotate: Option<u32>,

    /// Begin a new file when one has this size
    #[arg(long, value_name = "SIZE", conflicts_with = "read", value_parser = outputs::bytes)]
    rotate_size: Option<u64>,

    /// Remove files of a series that are older: 3600, 12h, 7d
    #[arg(long, value_name = "TIME", conflicts_with = "read", value_parser = outputs::duration)]
    keep_age: Option<Duration>,

    /// Remove the oldest files of a series until the others have this size
    #[arg(long, value_name = "SIZE", conflicts_with = "read", value_parser = outputs::bytes)]
    keep_size: Option<u64>,

    /// What may wait for an output that does not keep up; what is more is shed, and counted
    #[arg(long, value_name = "SIZE", default_value = "16M", conflicts_with = "read", value_parser = outputs::bytes)]
    buffer: u64,

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

fn ring_size(text: &str) -> Result<usize, String> {
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
    logger::begin(if args.quiet { LevelFilter::Warn } else { LevelFilter::Info }, None);
    let specs = args.specs()?;
    let options = Options { ring_size: args.ring_size };
    let driver = Driver::open(args.driver.into(), &options).context("cannot record")?;
    let kind = driver.kind();
    if let Some(why) = driver.passed_over() {
        log::info!("the kernel module is not used: {why}");
    }
    let outputs = Outputs::open(&specs, &args.common(kind)?)?;
    let settings = Settings {
        export_interval: u64::try_from(args.export_interval.as_nanos())?,
        schema: args.schema,
        semantics: args.semantics.apply(Semantics::default(), semantics::environment),
    };
    let outcome = record(args, driver, settings, outputs)?;
    if !args.quiet {
        let report = summary::Report { kind, outcome: &outcome };
        report.print(&mut std::io::stderr().lock())?;
    }
    let whole = outcome.outputs.iter().all(is_whole);
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Args {
    /// The outputs.
    fn specs(&self) -> anyhow::Result<Vec<Spec>> {
        let shared = Shared {
            every: self.rotate.map(|seconds| Duration::from_secs(seconds.into())),
            size: self.rotate_size,
            keep: Keep { age: self.keep_age, size: self.keep_size },
            buffer: usize::try_from(self.buffer)?,
            max_packet: MAX_PACKET,
        };
        let spec = |name: &String| shared.output(name).map_err(anyhow::Error::msg);
        self.outputs.iter().map(spec).collect()
    }

    fn common(&self, kind: Kind) -> anyhow::Result<Common> {
        let exporter = match &self.exporter {
            Some(exporter) => exporter.clone(),
            None => nix::unistd::gethostname()?.to_string_lossy().into_owned(),
        };
        let header = Header {
            version: self.schema.number(),
            exporter,
            ip: std::env::var("NODE_IP").unwrap_or_default(),
            filename: String::new(),
        };
        let options = write::Options { schema: self.schema, ..write::Options::default() };
        Ok(Common { options, header, flush: FLUSH, driver: kind.to_string() })
    }

    /// The one file that a conversion writes.
    pub(super) fn file(&self) -> anyhow::Result<PathBuf> {
        match &self.outputs[..] {
            [path] if path != "-" && !path.starts_with("unix:") => Ok(path.into()),
            _ => anyhow::bail!("with --read, one file or folder is written: name it with -w"),
        }
    }
}

/// Whether everything that could be written was. What an output shed because
/// it did not keep up, or nobody read it, is told and no failure.
fn is_whole(output: &Ended) -> bool {
    let Ended { numbers, stuck, .. } = output;
    let failed = numbers.shed[Cause::Failed as usize].total();
    !stuck && !numbers.failing && numbers.gone.total() + failed == 0
}

fn record(
    args: &Args,
    driver: Driver,
    settings: Settings,
    outputs: Outputs,
) -> anyhow::Result<Outcome> {
    let kind = driver.kind();
    let mut capture = Capture::new(driver, settings, outputs)?;
    if let Err(error) = capture.start() {
        capture.abandon();
        return Err(error.into());
    }
    log::info!("recording to {} with {kind}, Ctrl-C ends", args.outputs.join(", "));
    let live = !args.quiet && std::io::stderr().is_terminal();
    let pace = Pace { limit: args.limit };
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

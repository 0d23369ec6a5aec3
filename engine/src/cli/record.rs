// SPDX-License-Identifier: Apache-2.0
//! `sysflow record`.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use engine::Settings;
use engine::capture::{Capture, Moment, Outcome, Pace, Progress, Selector};
use engine::metrics::{Board, Server};
use engine::output::{Cause, Common, Ended, Outputs};
use engine::privileges;
use engine::raw::Tap;
use engine::runtimes::Runtimes;
use engine::semantics::{Collect, Semantics};
use engine::state::limits::Limits;
use log::LevelFilter;
use probe_loader::driver::{Driver, Kind, Options};
use probe_loader::selection::Selection;
use probe_loader::sizing::Host;
use sysflow::record::Header;
use sysflow::write;

use super::input::Input;
use super::service::Service;
use super::settings::{Config, SettingArgs, Values, units};
use super::signals::Signals;
use super::size::grouped;
use super::{convert, logger, replay, summary};

/// Record the system calls of this host, convert captures of them, or replay a
/// recording.
///
/// Ends on Ctrl-C, SIGTERM or after --for, writes the open flows, and says
/// what was seen, delivered and lost. What it counted stands beside each file
/// in FILE.stats.json. On SIGHUP it reads its settings again and begins new
/// files.
#[derive(clap::Args)]
#[command(
    override_usage = "sysflow record [OPTIONS] [-w <OUTPUT>]...\n       \
                      sysflow record [OPTIONS] -r <FILE>... -w <OUTPUT>...",
    after_help = "TIME: seconds, or with a unit: 90s, 5m, 12h, 7d. SIZE: bytes, or with a unit: 64K, \
                  16M, 10G.\nWhat is not under \"Options\" can stand in the configuration file too; \
                  \"sysflow config show\" tells which settings hold."
)]
pub(crate) struct Args {
    /// Instead of recording, convert this capture of sysdig or Falco, or replay this recording of
    /// --raw; - is standard input. Several captures are converted one after the other
    #[arg(short = 'r', long, value_name = "FILE", conflicts_with = "limit")]
    pub(super) read: Vec<PathBuf>,

    /// End after this long
    #[arg(long = "for", value_name = "TIME", value_parser = units::duration)]
    limit: Option<Duration>,

    /// Do as the reference collector does also where that is a defect
    #[arg(long, requires = "read")]
    pub(super) compat: bool,

    /// Replay a recording as fast as it was made, rather than as fast as it can be
    #[arg(long, requires = "read")]
    pub(super) real_time: bool,

    /// Say nothing but errors
    #[arg(short, long)]
    pub(super) quiet: bool,

    #[command(flatten)]
    pub(super) settings: SettingArgs,
}

/// Ends the program as for any wrong usage.
pub(super) fn usage(why: &str) -> ! {
    eprintln!("error: {why}\n\nFor more information, try 'sysflow record --help'.");
    std::process::exit(2)
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let converts = !args.read.is_empty();
    let values = Values::find(&args.settings, !converts)?;
    let config = Config::new(&values)?;
    if config.outputs.is_empty() && config.raw.is_none() {
        usage("nowhere to write to: name an output with -w, or in the configuration file");
    }
    if let Some(path) = args.read.first() {
        return read(args, &config, path);
    }
    logger::begin(level(args, &config), config.format);
    let semantics = config.semantics(Semantics::default());
    let selection = config.select.selection(semantics.collect).context("cannot record")?;
    let ring_size = config.ring_size.unwrap_or_else(|| Host::look().ring_size(config.ring_total));
    let options = Options { ring_size };
    let mut driver = Driver::open(config.driver, &options).context("cannot record")?;
    let versions = driver.rings().first().map_or((0, 0), |ring| ring.versions());
    driver.select(&selection).context("cannot record")?;
    let kind = driver.kind();
    if let Some(why) = driver.passed_over() {
        log::info!("the kernel module is not used: {why}");
    }
    // Before there are other threads, and after the driver, which may be built.
    if let Some(cpus) = &config.cpus {
        engine::threads::run_on(cpus)
            .with_context(|| format!("cannot run on CPUs {cpus:?}, none of them is there"))?;
    }
    let exporter = match &config.exporter {
        Some(exporter) => exporter.clone(),
        None => nix::unistd::gethostname()?.to_string_lossy().into_owned(),
    };
    let common = common(&config, exporter, kind.to_string());
    let outputs = Outputs::open(&config.outputs, &common)?;
    let board = Arc::new(Board::new(kind.to_string(), outputs.watches()));
    let server = config.metrics.as_ref().map(|at| Server::begin(at, Arc::clone(&board)));
    let server = match server.transpose() {
        Ok(server) => server,
        Err(error) => {
            outputs.discard();
            return Err(error.into());
        }
    };
    if let Some(server) = &server {
        log::info!("metrics are at {}", server.address());
    }
    let tap = config.raw.as_ref().map(|path| Tap::open(path, versions, config.raw_buffer));
    let tap = match tap.transpose() {
        Ok(tap) => tap,
        Err(error) => {
            outputs.discard();
            return Err(error.into());
        }
    };
    log::info!(
        "memory: up to {} MiB for what is known of the host, {} KiB for the ring of each CPU, {} KiB for \
         each output that waits",
        config.memory_limit >> 20,
        ring_size >> 10,
        config.outputs.iter().map(|output| output.buffer).max().unwrap_or(0) >> 10
    );
    let mut capture = Capture::new(driver, settings(&config, semantics)?, outputs)?;
    if let Some(tap) = tap {
        capture.keep(tap);
    }
    if server.is_some() {
        capture.publish(board);
    }
    if let Some(root) = &config.runtimes {
        capture.ask(Runtimes::begin(root.clone()).context("cannot start a thread")?);
    }
    let running = Running { values, collect: semantics.collect, selection };
    let outcome = record(args, running, &config, kind, capture)?;
    if !args.quiet {
        let elapsed = outcome.elapsed.as_secs_f64();
        let title = format!("recorded {elapsed:.1} s with {kind}");
        let report = summary::Report { title, outcome: &outcome };
        report.print(&mut std::io::stderr().lock())?;
    }
    let switched_off = outcome.account.switched_off;
    if switched_off {
        log::error!("the driver was switched off from outside; the capture ends there");
    }
    let kept = outcome.recording.as_ref().and_then(|kept| kept.error.as_ref());
    if let Some(error) = kept {
        log::error!("{error}");
    }
    let whole = !switched_off && kept.is_none() && outcome.outputs.iter().all(is_whole);
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Reads a file instead of recording: what it is tells what becomes of it.
fn read(args: &Args, config: &Config, path: &Path) -> anyhow::Result<ExitCode> {
    let signals = Signals::new()?;
    match Input::open(path, &signals) {
        Ok(input) if input.is_recording => replay::run(args, config, input, &signals),
        _ if args.real_time => usage("--real-time is for recordings of --raw"),
        first => {
            let (path, every) = config.file().unwrap_or_else(|why| usage(why));
            convert::run(args, config, path, every, first, &signals)
        }
    }
}

pub(super) fn settings(config: &Config, semantics: Semantics) -> anyhow::Result<Settings> {
    Ok(Settings {
        export_interval: u64::try_from(config.export_interval.as_nanos())?,
        schema: config.schema,
        semantics,
        limits: Limits::of(config.memory_limit),
    })
}

pub(super) fn level(args: &Args, config: &Config) -> LevelFilter {
    if args.quiet { LevelFilter::Error } else { config.level }
}

pub(super) fn common(config: &Config, exporter: String, driver: String) -> Common {
    let header = Header {
        version: config.schema.number(),
        exporter,
        ip: config.node_ip.clone(),
        filename: String::new(),
    };
    let options = write::Options { schema: config.schema, ..write::Options::default() };
    Common { options, header, flush: config.flush_interval, driver }
}

/// Whether everything that could be written was. What an output shed because
/// it did not keep up, or nobody read it, is told and no failure.
pub(super) fn is_whole(output: &Ended) -> bool {
    let Ended { numbers, stuck, .. } = output;
    let failed = numbers.shed[Cause::Failed as usize].total();
    !stuck && !numbers.failing && numbers.gone.total() + failed == 0
}

fn record(
    args: &Args,
    mut running: Running,
    config: &Config,
    kind: Kind,
    mut capture: Capture,
) -> anyhow::Result<Outcome> {
    if let Err(error) = capture.start() {
        capture.abandon();
        return Err(error.into());
    }
    privileges::keep(needed(kind)).context("cannot give up capabilities")?;
    let outputs = config.outputs.iter().map(|spec| spec.to.to_string());
    let raw = config.raw.iter().map(|path| path.display().to_string());
    let names: Vec<String> = outputs.chain(raw).collect();
    log::info!("recording to {} with {kind}, Ctrl-C ends", names.join(", "));
    let mut service = Service::ready();
    let live = !args.quiet && std::io::stderr().is_terminal();
    let threads = config.threads.unwrap_or_else(engine::threads::usual);
    let pace = Pace { limit: args.limit, threads };
    let outcome = capture.run(&pace, |moment| match moment {
        Moment::Second(progress) => {
            service.lives(&progress);
            if live {
                show(&progress);
            }
        }
        Moment::Reload(mut selector) => {
            service.reloads();
            running.reload(args, &mut selector);
            service.reloaded();
        }
    })?;
    service.ends();
    if live {
        eprint!("\r\x1b[K");
    }
    Ok(outcome)
}

/// The capabilities that a running capture uses, where it is not root's: to
/// look up a process whose birth was lost; and for eBPF to read its maps and to
/// change the selection.
fn needed(kind: Kind) -> &'static [u32] {
    match kind {
        Kind::Kmod => &[privileges::SYS_PTRACE],
        Kind::Ebpf => &[privileges::SYS_PTRACE, privileges::PERFMON, privileges::BPF],
    }
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

/// What a capture was told.
struct Running {
    values: Values,
    /// The mode that it began with.
    collect: Collect,
    selection: Selection,
}

impl Running {
    /// Reads the settings again, and takes over what can change: all of it or
    /// nothing.
    fn reload(&mut self, args: &Args, selector: &mut Selector<'_>) {
        match self.take_over(args, selector) {
            Ok(()) => log::info!("the settings were read again, and new files begin"),
            Err(error) => log::error!("the settings stay as they are: {error:#}"),
        }
    }

    fn take_over(&mut self, args: &Args, selector: &mut Selector<'_>) -> anyhow::Result<()> {
        let values = Values::find(&args.settings, true)?;
        let config = Config::new(&values)?;
        // A control group that was made anew has another number: the lists say
        // the same and select something else.
        let selection = config.select.selection(self.collect).context("[select]")?;
        if selection != self.selection {
            selector.select(&selection).context("[select]")?;
            self.selection = selection;
            log::info!("from now on another selection is recorded");
        }
        log::set_max_level(level(args, &config));
        for name in values.fixed_since(&self.values) {
            log::warn!("{name} has changed; a new start takes that over");
        }
        self.values = values;
        Ok(())
    }
}

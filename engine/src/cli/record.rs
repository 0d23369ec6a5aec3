// SPDX-License-Identifier: Apache-2.0
//! `sysflow record`.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use engine::Settings;
use engine::capture::{Capture, Moment, Outcome, Pace, Progress, Selector};
use engine::metrics::{Board, Server};
use engine::output::{Cause, Common, Ended, Outputs};
use engine::privileges;
use engine::semantics::{Collect, Semantics};
use log::LevelFilter;
use probe_loader::driver::{Driver, Kind, Options};
use probe_loader::selection::Selection;
use probe_loader::sizing::Host;
use sysflow::record::Header;
use sysflow::write;

use super::service::Service;
use super::settings::{Config, SettingArgs, Values, units};
use super::size::grouped;
use super::{convert, logger, summary};

/// Record the system calls of this host, or convert captures of them.
///
/// Ends on Ctrl-C, SIGTERM or after --for, writes the open flows, and says
/// what was seen, delivered and lost. What it counted stands beside each file
/// in FILE.stats.json. On SIGHUP it reads its settings again and begins new
/// files.
#[derive(clap::Args)]
#[command(
    override_usage = "sysflow record [OPTIONS] [-w <OUTPUT>]...\n       \
                      sysflow record [OPTIONS] -r <FILE>... -w <OUTPUT>",
    after_help = "TIME: seconds, or with a unit: 90s, 5m, 12h, 7d. SIZE: bytes, or with a unit: 64K, \
                  16M, 10G.\nWhat is not under \"Options\" can stand in the configuration file too; \
                  \"sysflow config show\" tells which settings hold."
)]
pub(crate) struct Args {
    /// Convert this capture of sysdig or Falco instead of recording; - is standard input. Several
    /// are converted one after the other
    #[arg(short = 'r', long, value_name = "FILE", conflicts_with = "limit")]
    pub(super) read: Vec<PathBuf>,

    /// End after this long
    #[arg(long = "for", value_name = "TIME", value_parser = units::duration)]
    limit: Option<Duration>,

    /// Do as the reference collector does also where that is a defect
    #[arg(long, requires = "read")]
    pub(super) compat: bool,

    /// Say nothing but errors
    #[arg(short, long)]
    pub(super) quiet: bool,

    #[command(flatten)]
    pub(super) settings: SettingArgs,
}

/// Ends the program as for any wrong usage.
fn usage(why: &str) -> ! {
    eprintln!("error: {why}\n\nFor more information, try 'sysflow record --help'.");
    std::process::exit(2)
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let converts = !args.read.is_empty();
    let values = Values::find(&args.settings, !converts)?;
    let config = Config::new(&values)?;
    if config.outputs.is_empty() {
        usage("nowhere to write to: name an output with -w, or in the configuration file");
    }
    if converts {
        let (path, every) = config.file().unwrap_or_else(|why| usage(why));
        return convert::run(args, &config, path, every);
    }
    logger::begin(level(args, &config), config.format);
    let semantics = config.semantics(Semantics::default());
    let selection = config.select.selection(semantics.collect).context("cannot record")?;
    let ring_size = config.ring_size.unwrap_or_else(|| Host::look().ring_size(config.ring_total));
    let options = Options { ring_size };
    let mut driver = Driver::open(config.driver, &options).context("cannot record")?;
    driver.select(&selection).context("cannot record")?;
    let kind = driver.kind();
    if let Some(why) = driver.passed_over() {
        log::info!("the kernel module is not used: {why}");
    }
    let outputs = Outputs::open(&config.outputs, &common(&config, kind)?)?;
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
    let settings = Settings {
        export_interval: u64::try_from(config.export_interval.as_nanos())?,
        schema: config.schema,
        semantics,
    };
    let mut capture = Capture::new(driver, settings, outputs)?;
    if server.is_some() {
        capture.publish(board);
    }
    let running = Running { values, collect: semantics.collect, selection };
    let outcome = record(args, running, &config, kind, capture)?;
    if !args.quiet {
        let report = summary::Report { kind, outcome: &outcome };
        report.print(&mut std::io::stderr().lock())?;
    }
    let switched_off = outcome.account.switched_off;
    if switched_off {
        log::error!("the driver was switched off from outside; the capture ends there");
    }
    let whole = !switched_off && outcome.outputs.iter().all(is_whole);
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn level(args: &Args, config: &Config) -> LevelFilter {
    if args.quiet { LevelFilter::Error } else { config.level }
}

fn common(config: &Config, kind: Kind) -> anyhow::Result<Common> {
    let exporter = match &config.exporter {
        Some(exporter) => exporter.clone(),
        None => nix::unistd::gethostname()?.to_string_lossy().into_owned(),
    };
    let header = Header {
        version: config.schema.number(),
        exporter,
        ip: config.node_ip.clone(),
        filename: String::new(),
    };
    let options = write::Options { schema: config.schema, ..write::Options::default() };
    Ok(Common { options, header, flush: config.flush_interval, driver: kind.to_string() })
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
    let names: Vec<String> = config.outputs.iter().map(|spec| spec.to.to_string()).collect();
    log::info!("recording to {} with {kind}, Ctrl-C ends", names.join(", "));
    let mut service = Service::ready();
    let live = !args.quiet && std::io::stderr().is_terminal();
    let pace = Pace { limit: args.limit };
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

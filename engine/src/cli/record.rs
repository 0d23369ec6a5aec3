// SPDX-License-Identifier: Apache-2.0
//! `sysflow record`.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use engine::capture::{Capture, Moment, Outcome, Pace, Progress, Selector};
use engine::metrics::{Board, Server};
use engine::output::{Ended, Outputs};
use engine::privileges;
use engine::raw::Tap;
use engine::runtimes::Runtimes;
use engine::semantics::{Collect, Semantics};
use probe_loader::driver::{Driver, Kind, Options};
use probe_loader::selection::Selection;
use probe_loader::sizing::Host;

use super::args::{Args, usage};
use super::input::Input;
use super::service::Service;
use super::settings::{Config, Values};
use super::signals::Signals;
use super::size::grouped;
use super::{convert, logger, replay, summary};

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
    logger::begin(args.level(&config), config.format);
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
    let common = config.common(exporter, kind.to_string());
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
    let mut capture = Capture::new(driver, config.engine(semantics)?, outputs)?;
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
    let whole = !switched_off && kept.is_none() && outcome.outputs.iter().all(Ended::is_whole);
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
        log::set_max_level(args.level(&config));
        for name in values.fixed_since(&self.values) {
            log::warn!("{name} has changed; a new start takes that over");
        }
        self.values = values;
        Ok(())
    }
}

// SPDX-License-Identifier: Apache-2.0
//! A capture of its own, which writes nothing.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use engine::Settings;
use engine::capture::{Capture, Moment, Pace};
use engine::metrics::Board;
use engine::output::{BUFFER, Outputs};
use engine::runtimes::Runtimes;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use probe_loader::driver::{Choice, Driver, Error, Options};
use probe_loader::kmod;
use sysflow::schema::Version;
use sysflow::write;

use super::tally::{Records, Shared};
use super::{Args, Show};

/// What helps where another capture has the driver.
const ATTACH: &str = "show that capture instead: sysflow top --from the files that it writes, or \
                      unix:PATH where it writes to a socket";

fn open(args: &Args) -> anyhow::Result<Driver> {
    let choice = match &*args.driver {
        "kmod" => Choice::Kmod,
        "ebpf" => Choice::Ebpf,
        _ => Choice::Auto,
    };
    Driver::open(choice, &Options::default()).map_err(|error| {
        if matches!(error, Error::Kmod(kmod::Error::Busy)) {
            return anyhow::anyhow!("cannot capture: {error}; {ATTACH}");
        }
        anyhow::Error::new(error).context("cannot capture")
    })
}

pub(super) fn run(args: &Args, tally: &Shared) -> anyhow::Result<ExitCode> {
    let driver = open(args)?;
    let kind = driver.kind();
    // Nobody reads these records but this program: all that there is to tell.
    let options = write::Options { schema: Version::V6, ..write::Options::default() };
    let settings = Settings {
        export_interval: u64::try_from(args.interval.as_nanos())?,
        schema: Version::V6,
        ..Settings::default()
    };
    let records = Box::new(Records::new(Arc::clone(tally)));
    let outputs = Outputs::to_reader(records, BUFFER, options)?;
    let board = Arc::new(Board::new(kind.to_string(), outputs.watches()));
    let mut capture = Capture::new(driver, settings, outputs)?;
    capture.publish(Arc::clone(&board));
    capture.ask(Runtimes::begin("/".into()).context("cannot start a thread")?);
    if let Err(error) = capture.start() {
        capture.abandon();
        return Err(error.into());
    }
    let show = Show::begin(args, tally, kind.to_string(), Some(board))?;
    let outcome = capture.run(&Pace { limit: None, threads: 1 }, |moment| {
        // The terminal is gone.
        if matches!(moment, Moment::Reload(_)) {
            let _ = kill(Pid::this(), Signal::SIGTERM);
        }
    });
    show.end()?;
    if outcome.context("the capture has ended")?.account.switched_off {
        log::error!("the driver was switched off from outside; the capture ends there");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

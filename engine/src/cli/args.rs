// SPDX-License-Identifier: Apache-2.0
//! What `sysflow record` is told, whether it records, converts or replays.

use std::path::PathBuf;
use std::time::Duration;

use log::LevelFilter;

use super::settings::{Config, SettingArgs, units};

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
    pub(super) limit: Option<Duration>,

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

impl Args {
    /// What is logged.
    pub(super) fn level(&self, config: &Config) -> LevelFilter {
        if self.quiet { LevelFilter::Error } else { config.level }
    }
}

/// Ends the program as for any wrong usage.
pub(super) fn usage(why: &str) -> ! {
    eprintln!("error: {why}\n\nFor more information, try 'sysflow record --help'.");
    std::process::exit(2)
}

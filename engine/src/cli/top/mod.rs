// SPDX-License-Identifier: Apache-2.0
//! `sysflow top`.

mod column;
mod frame;
mod head;
mod live;
mod peer;
mod screen;
mod stream;
mod sums;
mod table;
mod tally;
mod terminal;
mod view;

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use engine::metrics::Board;
use engine::{clock, threads};
use log::LevelFilter;
use nix::sys::signal::{SigSet, Signal};
use sysflow::expression::Predicate;

use super::settings::units;
use super::{logger, print};
use column::{Sort, Topic};
use head::Meter;
use peer::Ways;
use screen::Plan;
use tally::{Shared, Tally};

/// Show what happens on this host: the busiest processes, files and peers.
///
/// Captures by itself, as "sysflow record" does, and writes nothing; or, with --from, shows what a
/// recorder writes. On a terminal h tells what keys do, and q ends.
#[derive(clap::Args)]
#[command(after_help = "TIME: seconds, or with a unit: 5s, 1m.")]
pub(crate) struct Args {
    /// Show what a recorder writes instead of capturing: files or folders that it writes to, or
    /// unix:PATH, the socket that it was told to write to
    #[arg(long, value_name = "PATH")]
    from: Vec<PathBuf>,
    /// Driver to capture with
    #[arg(long, value_name = "NAME", value_parser = ["auto", "kmod", "ebpf"], default_value = "auto",
        conflicts_with = "from")]
    driver: String,
    /// Time between two looks, at least a second
    #[arg(long, short = 'd', value_name = "TIME", value_parser = interval, default_value = "2")]
    interval: Duration,
    /// Write tables as text, also to a terminal
    #[arg(long, short)]
    batch: bool,
    /// End after so many looks
    #[arg(long = "count", short = 'n', value_name = "COUNT",
        value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// The table to begin with; of text the only one
    #[arg(long, short, value_enum, value_name = "TABLE")]
    table: Option<Topic>,
    /// What rows are sorted by; a table that has no such column is sorted by bytes
    #[arg(long, short, value_enum, value_name = "BY", default_value_t)]
    sort: Sort,
    /// Rows of a table at most; of text 10 if not given
    #[arg(long, short, value_name = "N", value_parser = rows)]
    rows: Option<usize>,
    /// Only events for which this is true, such as: proc.name = nginx
    #[arg(long, short, value_name = "EXPRESSION")]
    filter: Option<String>,
}

fn interval(text: &str) -> Result<Duration, String> {
    match units::duration(text)? {
        short if short < Duration::from_secs(1) => Err("must be at least a second".to_owned()),
        long if long > Duration::from_secs(24 * 3600) => Err("must be at most a day".to_owned()),
        interval => Ok(interval),
    }
}

fn rows(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(rows) if rows > 0 => Ok(rows),
        _ => Err("must be a number, at least 1".to_owned()),
    }
}

fn usage(why: &str) -> ExitCode {
    eprintln!("sysflow: {why}");
    ExitCode::from(2)
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let filter = match args.filter.as_deref().map(Predicate::new).transpose() {
        Ok(filter) => filter,
        Err(error) => return Ok(usage(&format!("the filter is wrong: {error}"))),
    };
    let socket = match &args.from[..] {
        [one] => one.to_str().and_then(|path| path.strip_prefix("unix:")).map(PathBuf::from),
        many if many.iter().any(|path| path.to_string_lossy().starts_with("unix:")) => {
            return Ok(usage("a socket is shown alone"));
        }
        _ => None,
    };
    // From here on they wait to be read, by whoever reads what is shown.
    let signals: SigSet = [Signal::SIGINT, Signal::SIGTERM].into_iter().collect();
    signals.thread_block()?;
    logger::begin(LevelFilter::Info, None);
    // What a recorder wrote before is not what happens now.
    let from = if args.from.is_empty() { i64::MIN } else { clock::epoch_now() };
    let mut tally = Tally::new(Ways::of_host(), from);
    tally.filter(filter);
    let tally = Arc::new(Mutex::new(tally));
    match socket {
        Some(path) => stream::run(args, &path, &tally),
        None if args.from.is_empty() => live::run(args, &tally),
        None => follow(args, &tally),
    }
}

/// Shows what is written to files.
fn follow(args: &Args, tally: &Shared) -> anyhow::Result<ExitCode> {
    let names: Vec<_> = args.from.iter().map(|path| path.display().to_string()).collect();
    let seen = Arc::clone(tally);
    let each = Box::new(move |event: &sysflow::resolve::ResolvedEvent<'_>| {
        let mut tally = tally::lock(&seen);
        tally.count_record();
        tally.event(event);
    });
    let following = print::Following::new(&args.from, each)?;
    let show = Show::begin(args, tally, names.join(" "), None)?;
    let whole = following.run();
    show.end()?;
    Ok(if whole? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The view is waited for no longer than this at the end.
const PATIENCE: Duration = Duration::from_secs(2);

/// The thread that shows.
struct Show {
    ended: Arc<AtomicBool>,
    thread: JoinHandle<()>,
    result: Arc<Mutex<io::Result<()>>>,
}

impl Show {
    fn begin(
        args: &Args,
        tally: &Shared,
        source: String,
        board: Option<Arc<Board>>,
    ) -> anyhow::Result<Self> {
        let ended = Arc::new(AtomicBool::new(false));
        let plan = Plan {
            tally: Arc::clone(tally),
            meter: Meter::new(source, board),
            interval: args.interval,
            count: args.count,
            rows: args.rows,
            topic: args.table,
            sort: args.sort,
            filter: args.filter.clone(),
            colours: print::wants_colours(),
            ended: Arc::clone(&ended),
        };
        let live = !args.batch && io::stdout().is_terminal();
        // What goes wrong is shown there, and told at the end.
        logger::hold(live);
        let result = Arc::new(Mutex::new(Ok(())));
        let place = Arc::clone(&result);
        let work = move || {
            let shown = if live { plan.live() } else { plan.batch() };
            *place.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = shown;
        };
        let thread = threads::spawn("screen", work).context("cannot start a thread")?;
        Ok(Self { ended, thread, result })
    }

    /// Nothing comes any more.
    fn end(self) -> anyhow::Result<()> {
        self.ended.store(true, Ordering::Release);
        self.thread.thread().unpark();
        // A terminal that is gone may never give an answer.
        let since = Instant::now();
        while !self.thread.is_finished() && since.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(5));
        }
        let panicked = self.thread.is_finished() && self.thread.join().is_err();
        terminal::restore();
        logger::hold(false);
        anyhow::ensure!(!panicked, "the view has ended for an error of the program");
        let result = std::mem::replace(
            &mut *self.result.lock().unwrap_or_else(std::sync::PoisonError::into_inner),
            Ok(()),
        );
        result.context("cannot show anything")
    }
}

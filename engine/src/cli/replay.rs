// SPDX-License-Identifier: Apache-2.0
//! `sysflow record -r`: a recording of `--raw`, played again.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use engine::capture::Outcome;
use engine::output::{Ended, Outputs};
use engine::raw::{Error, Played, Player, Reader, Recording};
use engine::semantics::Semantics;

use super::args::{Args, usage};
use super::input::Input;
use super::meter::Meter;
use super::settings::Config;
use super::signals::Signals;
use super::size::grouped;
use super::{logger, summary};

pub(crate) fn run(
    args: &Args,
    config: &Config,
    input: Input,
    signals: &Signals,
) -> anyhow::Result<ExitCode> {
    if args.read.len() > 1 {
        usage("a recording is replayed alone: name one file with --read");
    }
    if args.compat {
        usage("--compat is for captures of sysdig and Falco");
    }
    logger::begin(args.level(config), config.format);
    let recording = Recording::open(Reader::new(input.bytes, &input.path)?)?;
    let meta = recording.meta.clone();
    let exporter = config.exporter.clone().unwrap_or_else(|| meta.host.clone());
    let common = config.common(exporter, meta.driver.clone());
    let mut outputs = Outputs::open_at(&config.outputs, &common, meta.clock.event(meta.begun))?;
    let base = outputs.wait();
    let settings = config.engine(config.semantics(Semantics::default()))?;
    let mut replay = Replay {
        player: recording.play(settings, outputs),
        base,
        begun: meta.begun,
        pace: args.real_time.then(|| Pace { started: Instant::now(), first: meta.begun }),
        meter: Meter::new(args),
        rounds: 0,
    };
    replay.meter.begin(input.size);
    let trouble = replay.play(signals);
    replay.meter.clear();
    let interrupted = signals.came();
    match &trouble {
        _ if interrupted => eprintln!("sysflow: ended before the end of {:?}", input.path),
        Some(error) => eprintln!("sysflow: {error}"),
        None => {}
    }
    let elapsed = replay.meter.elapsed();
    let span = Duration::from_nanos(replay.player.now().saturating_sub(meta.begun));
    let (outputs, account, played) = replay.player.finish();
    let outputs = outputs.finish(account.clone());
    if trouble.is_none() && !interrupted && played.end.is_none() {
        eprintln!("sysflow: {:?} has no end: it was interrupted", input.path);
    }
    let whole = played.end.is_some() && outputs.iter().all(Ended::is_whole);
    if !args.quiet {
        let rate = played.events as f64 / elapsed.as_secs_f64().max(1e-6);
        let title = format!(
            "replayed {:.1} s of {} (recorded with {}), {} events in {:.1} s, {} events/s",
            span.as_secs_f64(),
            meta.host,
            meta.driver,
            grouped(played.events),
            elapsed.as_secs_f64(),
            grouped(rate as u64),
        );
        print(title, outputs, account, &played, elapsed)?;
    }
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(
    title: String,
    outputs: Vec<Ended>,
    account: engine::account::Account,
    played: &Played,
    elapsed: Duration,
) -> anyhow::Result<()> {
    let of_rings = played.end.as_ref().map_or(0, |end| end.damaged);
    let damaged = of_rings + played.damaged;
    let outcome = Outcome { outputs, recording: None, account, damaged, elapsed };
    summary::Report { title, outcome: &outcome }.print(&mut std::io::stderr().lock())?;
    if played.holes > 0 {
        let (bytes, holes) = (grouped(played.missing), grouped(played.holes));
        let events = played
            .end
            .as_ref()
            .map_or(String::new(), |end| format!("{} events, ", grouped(end.missed)));
        eprintln!(
            "{events}{bytes} bytes are missing in {holes} places: the recorder did not keep up"
        );
    }
    if played.unknown > 0 {
        let unknown = grouped(played.unknown);
        eprintln!("{unknown} entries are newer than this program and were passed over");
    }
    Ok(())
}

/// Plays as fast as it was recorded.
struct Pace {
    started: Instant,
    /// When recording began, ns of the events' clock.
    first: u64,
}

/// Between two looks whether a signal came.
const NAP: Duration = Duration::from_millis(200);

impl Pace {
    /// Waits until it is as late as it was when this was recorded, or a signal
    /// comes.
    fn wait(&self, now: u64, signals: &Signals) {
        let due = self.started + Duration::from_nanos(now.saturating_sub(self.first));
        loop {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() || signals.wait(left.min(NAP)) {
                return;
            }
        }
    }
}

/// Rounds between two looks at the clock.
const ROUNDS: u32 = 256;

struct Replay {
    player: Player<Outputs>,
    /// What stands for the time of the outputs when the recording began.
    base: Instant,
    begun: u64,
    pace: Option<Pace>,
    meter: Meter,
    rounds: u32,
}

impl Replay {
    /// Plays to the end, to damage, or until a signal comes.
    fn play(&mut self, signals: &Signals) -> Option<Error> {
        loop {
            let pace = self.pace.as_ref();
            let before = |now| {
                if let Some(pace) = pace {
                    pace.wait(now, signals);
                }
            };
            match self.player.step(before) {
                Ok(Some(_)) => self.turn(),
                Ok(None) => return None,
                Err(error) => return Some(error),
            }
            if signals.came() {
                return None;
            }
        }
    }

    /// Lets the outputs have their turn, at the recorded time: the same at
    /// each replay, however fast it is.
    fn turn(&mut self) {
        let since = self.player.now().saturating_sub(self.begun);
        let now = self.base + Duration::from_nanos(since);
        let account = self.player.account();
        if self.player.engine().sink().turn(now, || account) {
            self.player.engine().begin_file();
        }
        self.rounds += 1;
        if self.rounds.is_multiple_of(ROUNDS) || self.pace.is_some() {
            self.meter.show(self.player.events(), self.player.consumed());
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
//! `sysflow selftest`: known system calls, each looked for in what a driver
//! tells, and what the driver adds to a call.

mod child;
mod seen;

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::ValueEnum;
use engine::privileges;
use probe_loader::Record;
use probe_loader::driver::{Choice, Driver, Kind, Options};
use probe_loader::selection::Selection;

use child::{Child, ROUNDS};
use seen::Seen;

/// Prove that recording works here: make known system calls, look for each in
/// what the driver tells, and measure what it adds to a call.
///
/// Takes about a second and keeps nothing. Exit code 1: a call was not seen,
/// operations were lost, or no driver can be used.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Driver to test: the kernel module where one can be loaded, else eBPF; or this one
    #[arg(long, value_enum, default_value_t)]
    driver: Which,

    /// Be the process that makes the calls
    #[arg(long, hide = true, value_name = "FILE")]
    calls: Option<std::path::PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Which {
    #[default]
    Auto,
    Kmod,
    Ebpf,
}

impl From<Which> for Choice {
    fn from(which: Which) -> Self {
        match which {
            Which::Auto => Self::Auto,
            Which::Kmod => Self::Kmod,
            Which::Ebpf => Self::Ebpf,
        }
    }
}

/// Measurements, of which the smallest counts: others ran, or were moved.
const MEASUREMENTS: usize = 9;

/// What was found.
struct Outcome {
    kind: Kind,
    seen: Seen,
    lost: u64,
    /// Nanoseconds of a call, without and with the driver.
    cost: (f64, f64),
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if let Some(file) = &args.calls {
        child::work(file)?;
        return Ok(ExitCode::SUCCESS);
    }
    let outcome = test(args.driver.into())?;
    outcome.print(&mut io::stdout().lock())?;
    Ok(if outcome.good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn test(choice: Choice) -> anyhow::Result<Outcome> {
    let mut driver = Driver::open(choice, &Options::default()).context("cannot record")?;
    let kind = driver.kind();
    let mut child = Child::begin().context("cannot start the process that makes the calls")?;
    // What others do meanwhile is none of the test, and could crowd it out. A
    // driver that cannot select tells more, and that is all.
    if let Ok(only) = Selection::builder().tree(child.id()).build() {
        let _ = driver.select(&only);
    }
    let mut without = child.measure(MEASUREMENTS)?;
    driver.start().context("cannot record")?;
    privileges::keep(&[privileges::PERFMON, privileges::BPF])?;
    let mut seen = Seen::new(child.file());
    let mut with = f64::MAX;
    for _ in 0..MEASUREMENTS {
        with = with.min(child.measure(1)?);
        drain(&mut driver, &mut seen);
    }
    child.make_calls()?;
    driver.stop().context("cannot end the recording")?;
    drain(&mut driver, &mut seen);
    let lost = driver.total().total_lost();
    drop(driver);
    without = without.min(child.measure(MEASUREMENTS)?);
    child.end()?;
    Ok(Outcome { kind, seen, lost, cost: (without, with) })
}

fn drain(driver: &mut Driver, seen: &mut Seen) {
    // A record is published before its call returns to the process.
    for ring in driver.rings() {
        ring.refresh();
        ring.drain_until(u64::MAX, |bytes| {
            if let Ok(record) = Record::decode(bytes) {
                seen.look(&record);
            }
        });
        ring.release();
    }
}

impl Outcome {
    fn good(&self) -> bool {
        self.seen.missing().is_empty() && self.lost == 0
    }

    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "driver  {}", self.kind)?;
        let missing = self.seen.missing();
        let calls = 4 * ROUNDS;
        if missing.is_empty() {
            writeln!(out, "calls   {calls} known calls, every one seen")?;
        } else {
            writeln!(out, "calls   of {calls} known calls not all were seen: {missing}")?;
        }
        writeln!(out, "lost    {}", self.lost)?;
        let (without, with) = self.cost;
        let added = (with - without).max(0.0);
        writeln!(out, "cost    {added:.0} ns per call ({without:.0} without, {with:.0} with)")?;
        if self.good() {
            writeln!(out, "good")
        } else {
            writeln!(out, "FAILED: sysflow doctor may tell why")
        }
    }
}

/// Nanoseconds of one of `calls`.
fn each(time: Duration, calls: u32) -> f64 {
    time.as_nanos() as f64 / f64::from(calls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_seen_or_lost_fails() {
        let text = |outcome: &Outcome| {
            let mut out = Vec::new();
            outcome.print(&mut out).expect("written");
            String::from_utf8(out).expect("text")
        };
        let all = Outcome { kind: Kind::Ebpf, seen: Seen::all(), lost: 0, cost: (100.0, 250.0) };
        assert!(all.good());
        assert_eq!(
            text(&all),
            "driver  ebpf\ncalls   200 known calls, every one seen\nlost    0\n\
             cost    150 ns per call (100 without, 250 with)\ngood\n"
        );
        let lossy = Outcome { lost: 1, ..all };
        assert!(!lossy.good());
        let blind = Outcome { seen: Seen::new("/x".as_ref()), lost: 0, ..lossy };
        assert!(!blind.good());
        assert!(
            text(&blind).contains("open 0, write 0, read 0, close 0 of 50"),
            "{}",
            text(&blind)
        );
    }
}

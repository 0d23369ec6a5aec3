// SPDX-License-Identifier: Apache-2.0
//! `call-cost`: what a driver adds to a system call, beside an empty program.

use std::io;
use std::process::ExitCode;

use benches::cost::figures::{Added, Figure, State};
use benches::cost::subject::Subject;
use benches::cost::{self, Report};
use probe_loader::driver::{Choice, Driver, Options};
use probe_loader::selection::{Builder, Selection};

const USAGE: &str = "\
usage: call-cost [--driver auto|kmod|ebpf] [--rounds N] [--ops LIST] [--uid N]
  Times of system calls bare, with an empty eBPF program on sys_exit, and with
  the driver and its reader, in turns. As root. 25 rounds unless told.
  --ops  operations and classes that the driver selects: what the others cost
  --uid  the user that it selects: what the calls of all others cost";

/// What is measured.
struct Args {
    choice: Choice,
    rounds: usize,
    selection: Builder,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some(args) = parse(&args) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("call-cost: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(args: &[String]) -> Option<Args> {
    let mut parsed = Args { choice: Choice::Auto, rounds: 25, selection: Selection::builder() };
    let mut args = args.iter().map(String::as_str);
    while let Some(flag) = args.next() {
        match (flag, args.next()?) {
            ("--driver", "auto") => parsed.choice = Choice::Auto,
            ("--driver", "kmod") => parsed.choice = Choice::Kmod,
            ("--driver", "ebpf") => parsed.choice = Choice::Ebpf,
            ("--rounds", n) => parsed.rounds = n.parse().ok().filter(|n| *n > 0)?,
            ("--ops", list) => parsed.selection = parsed.selection.ops(list.parse().ok()?),
            ("--uid", n) => {
                let user = n.parse().ok()?;
                parsed.selection = parsed.selection.users(user..=user);
            }
            _ => return None,
        }
    }
    Some(parsed)
}

fn run(args: &Args) -> io::Result<()> {
    // The measured process first: it is forked while there is one thread.
    let mut subject = Subject::start(0)?;
    let mut driver = Driver::open(args.choice, &Options::default()).map_err(io::Error::other)?;
    let selection = args.selection.build().map_err(io::Error::other)?;
    if !selection.is_everything() {
        driver.select(&selection).map_err(io::Error::other)?;
    }
    let kind = driver.kind();
    let report = cost::measure(&mut subject, driver, args.rounds, |done| {
        eprint!("\rround {done} of {}", args.rounds);
    });
    eprintln!();
    show(&mut io::stdout().lock(), &kind.to_string(), args.rounds, &report?)
}

fn show(out: &mut impl io::Write, driver: &str, rounds: usize, report: &Report) -> io::Result<()> {
    writeln!(out, "driver {driver}, {rounds} rounds, ns per call, minimum / median")?;
    writeln!(
        out,
        "{:<22}{:>16}{:>18}{:>18}{:>18}",
        "", "bare", "empty adds", "driver adds", "driver / empty"
    )?;
    for (call, added) in &report.added {
        writeln!(out, "{:<22}{}", call.name(), row(added))?;
    }
    let read = &report.read;
    let each = read.cpu as f64 / read.records.max(1) as f64;
    writeln!(
        out,
        "reader: {} records, {} lost, {each:.1} ns of CPU time each",
        read.records, read.lost
    )
}

fn row(added: &Added) -> String {
    let (null, driver) = (added.by(State::Null), added.by(State::Driver));
    let pair = |f: Figure| format!("{:.0} / {:.0}", f.min, f.median);
    let ratio = format!("{:.2} / {:.2}", driver.min / null.min, driver.median / null.median);
    format!("{:>16}{:>18}{:>18}{ratio:>18}", pair(added.bare()), pair(null), pair(driver))
}

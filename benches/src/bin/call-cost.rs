// SPDX-License-Identifier: Apache-2.0
//! `call-cost`: what a driver adds to a system call, beside an empty program.

use std::io;
use std::process::ExitCode;

use benches::cost::figures::{Added, Figure, State};
use benches::cost::subject::Subject;
use benches::cost::{self, Report};
use probe_loader::driver::{Choice, Driver, Options};

const USAGE: &str = "\
usage: call-cost [--driver auto|kmod|ebpf] [--rounds N]
  Times of system calls bare, with an empty eBPF program on sys_exit, and with
  the driver and its reader, in turns. As root. 25 rounds unless told.";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some((choice, rounds)) = parse(&args) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(choice, rounds) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("call-cost: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(args: &[String]) -> Option<(Choice, usize)> {
    let (mut choice, mut rounds) = (Choice::Auto, 25);
    let mut args = args.iter().map(String::as_str);
    while let Some(flag) = args.next() {
        match (flag, args.next()?) {
            ("--driver", "auto") => choice = Choice::Auto,
            ("--driver", "kmod") => choice = Choice::Kmod,
            ("--driver", "ebpf") => choice = Choice::Ebpf,
            ("--rounds", n) => rounds = n.parse().ok().filter(|n| *n > 0)?,
            _ => return None,
        }
    }
    Some((choice, rounds))
}

fn run(choice: Choice, rounds: usize) -> io::Result<()> {
    // The measured process first: it is forked while there is one thread.
    let mut subject = Subject::start(0)?;
    let driver = Driver::open(choice, &Options::default()).map_err(io::Error::other)?;
    let kind = driver.kind();
    let report = cost::measure(&mut subject, driver, rounds, |done| {
        eprint!("\rround {done} of {rounds}");
    });
    eprintln!();
    show(&mut io::stdout().lock(), &kind.to_string(), rounds, &report?)
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

// SPDX-License-Identifier: Apache-2.0
//! `throughput`: operations in a second that a driver and its reader stand.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use benches::cost::throughput::{Producers, Round};
use probe_loader::driver::{Choice, Driver, Options};

const USAGE: &str = "\
usage: throughput [--driver auto|kmod|ebpf] [--rings BYTES] [--seconds N] [--rounds N]
  Two processes that read single bytes as fast as they can, each on a CPU of
  its own, and the reader beside them. BYTES is the memory of all rings
  together, 4 MiB unless told. As root. 9 rounds of 1 second unless told.";

/// Processes that flood.
const PRODUCERS: usize = 2;

struct Args {
    choice: Choice,
    rings: usize,
    seconds: u64,
    rounds: usize,
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
            eprintln!("throughput: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(args: &[String]) -> Option<Args> {
    let mut parsed = Args { choice: Choice::Auto, rings: 4 << 20, seconds: 1, rounds: 9 };
    let mut args = args.iter().map(String::as_str);
    while let Some(flag) = args.next() {
        match (flag, args.next()?) {
            ("--driver", "auto") => parsed.choice = Choice::Auto,
            ("--driver", "kmod") => parsed.choice = Choice::Kmod,
            ("--driver", "ebpf") => parsed.choice = Choice::Ebpf,
            ("--rings", n) => parsed.rings = n.parse().ok()?,
            ("--seconds", n) => parsed.seconds = n.parse().ok().filter(|n| *n > 0)?,
            ("--rounds", n) => parsed.rounds = n.parse().ok().filter(|n| *n > 0)?,
            _ => return None,
        }
    }
    Some(parsed)
}

/// Each ring's share, a power of two.
fn ring_size(rings: usize, cpus: usize) -> usize {
    let share = (rings / cpus.max(1)).max(1);
    1 << share.ilog2()
}

fn run(args: &Args) -> io::Result<()> {
    let cpus = std::thread::available_parallelism()?.get();
    let ring_size = ring_size(args.rings, cpus);
    let out = &mut io::stdout().lock();
    let mut rounds = Vec::new();
    for n in 0..args.rounds {
        // The producers first: they are forked while there is one thread.
        let producers = Producers::fork(PRODUCERS.min(cpus))?;
        let mut driver =
            Driver::open(args.choice, &Options { ring_size }).map_err(io::Error::other)?;
        if n == 0 {
            writeln!(
                out,
                "driver {}, {} producers, {} rings of {} KiB, rounds of {} s",
                driver.kind(),
                PRODUCERS.min(cpus),
                driver.counters().len(),
                ring_size >> 10,
                args.seconds
            )?;
            writeln!(
                out,
                "{:>8}{:>14}{:>12}{:>20}",
                "", "operations/s", "lost", "reader, ns each"
            )?;
        }
        let round = producers.round(&mut driver, Duration::from_secs(args.seconds))?;
        show(out, &(n + 1).to_string(), round.rate(), round.lost, round.each())?;
        rounds.push(round);
    }
    let lost: Vec<u64> = sorted(rounds.iter().map(|round| round.lost));
    let rates = sorted(rounds.iter().map(Round::rate));
    let each = sorted(rounds.iter().map(Round::each));
    let last = rounds.len() - 1;
    show(out, "fewest", rates[0], lost[0], each[0])?;
    show(out, "median", rates[last / 2], lost[last / 2], each[last / 2])?;
    show(out, "most", rates[last], lost[last], each[last])
}

fn show(out: &mut impl io::Write, name: &str, rate: f64, lost: u64, each: f64) -> io::Result<()> {
    writeln!(out, "{name:>8}{rate:>14.0}{lost:>12}{each:>20.1}")
}

fn sorted<T: PartialOrd>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut values: Vec<T> = values.collect();
    values.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rings_share_the_memory() {
        assert_eq!(ring_size(4 << 20, 2), 2 << 20);
        assert_eq!(ring_size(4 << 20, 3), 1 << 20);
        assert_eq!(ring_size(4 << 20, 4), 1 << 20);
    }
}

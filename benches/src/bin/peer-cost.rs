// SPDX-License-Identifier: Apache-2.0
//! `peer-cost`: what a driver adds to a system call, beside another program
//! that captures the same calls.

use std::io;
use std::process::ExitCode;

use benches::cost::calls::Call;
use benches::cost::figures::{Added, State};
use benches::cost::peer::Peer;
use benches::cost::reader::{Reader, Totals};
use benches::cost::subject::Subject;
use probe_loader::driver::{Choice, Driver, Options};

const USAGE: &str = "\
usage: peer-cost kmod|ebpf ROUNDS COMMAND [ARGUMENT...]
  Times of system calls bare, with the peer that COMMAND starts, and with the
  driver and its reader, in turns. As root. The peer prints a line for each
  mkdir(2), ends by SIGINT, and then tells its drops, as in
    peer-cost kmod 11 sysdig -v --unbuffered evt.type=mkdir";

const CALLS: [Call; 3] = [Call::Read, Call::Write, Call::OpenClose];

/// Calls of a kind in one state of one round: what comes of them fits into the
/// rings of both.
const COUNT: u64 = 4000;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some((choice, rounds, command)) = parse(&args) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(choice, rounds, command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peer-cost: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(args: &[String]) -> Option<(Choice, usize, Vec<String>)> {
    let [driver, rounds, command @ ..] = args else { return None };
    let choice = match driver.as_str() {
        "kmod" => Choice::Kmod,
        "ebpf" => Choice::Ebpf,
        _ => return None,
    };
    let rounds = rounds.parse().ok().filter(|n| *n > 0)?;
    (!command.is_empty()).then(|| (choice, rounds, command.to_vec()))
}

fn run(choice: Choice, rounds: usize, command: Vec<String>) -> io::Result<()> {
    // The measured process first: it is forked while there is one thread.
    let mut subject = Subject::start(0)?;
    let driver = Driver::open(choice, &Options { ring_size: 4 << 20 }).map_err(io::Error::other)?;
    let (kind, mut reader, mut peer) = (driver.kind(), Reader::start(driver), Peer::new(command));
    let mut added = CALLS.map(|call| (call, Added::default()));
    for round in 0..rounds {
        // Another one goes first each time.
        for turn in 0..State::ALL.len() {
            let state = State::ALL[(round + turn) % State::ALL.len()];
            match state {
                State::Bare => {}
                State::Null => peer.attach()?,
                State::Driver => reader.attach()?,
            }
            for (call, added) in &mut added {
                let _ = subject.time(*call, 100)?;
                let time = subject.time(*call, COUNT)?;
                added.note(state, time as f64 / COUNT as f64);
            }
            match state {
                State::Bare => {}
                State::Null => peer.detach()?,
                State::Driver => reader.detach()?,
            }
        }
        eprintln!("round {} of {rounds}", round + 1);
    }
    show(&mut io::stdout().lock(), &kind.to_string(), rounds, &added, &reader.end(), peer.drops)
}

fn show(
    out: &mut impl io::Write,
    driver: &str,
    rounds: usize,
    added: &[(Call, Added)],
    read: &Totals,
    drops: u64,
) -> io::Result<()> {
    writeln!(out, "driver {driver}, {rounds} rounds of {COUNT} calls, ns each, minimum / median")?;
    writeln!(
        out,
        "{:<22}{:>16}{:>18}{:>18}{:>18}",
        "", "bare", "peer adds", "driver adds", "driver / peer"
    )?;
    for (call, added) in added {
        let (peer, driver, bare) = (added.by(State::Null), added.by(State::Driver), added.bare());
        let pair = |a: f64, b: f64| format!("{a:.0} / {b:.0}");
        let ratio = format!("{:.2} / {:.2}", driver.min / peer.min, driver.median / peer.median);
        writeln!(
            out,
            "{:<22}{:>16}{:>18}{:>18}{ratio:>18}",
            call.name(),
            pair(bare.min, bare.median),
            pair(peer.min, peer.median),
            pair(driver.min, driver.median),
        )?;
    }
    writeln!(out, "lost: {} of the driver's records, {drops} of the peer's events", read.lost)
}

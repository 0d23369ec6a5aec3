// SPDX-License-Identifier: Apache-2.0
//! Memory of the engine under synthetic streams, in a process of its own:
//!
//! `bounded [--limit SIZE_MIB] [churn|descriptors|processes]...`
//!
//! Prints resident memory as the stream goes on, the tables at its end, and
//! ends with a failure if it was ever above the ceiling.

use std::process::ExitCode;

use benches::synthetic::Host;
use engine::sink::Sink;
use engine::state::limits::Limits;
use sysflow::encode::Encode;

/// Takes records and encodes them.
struct Encoder(Vec<u8>, u64);

impl Sink for Encoder {
    fn put(&mut self, record: impl Encode) {
        if self.0.len() > 64 * 1024 {
            self.0.clear();
        }
        self.1 += 1;
        record.encode(&mut self.0);
    }
}

const MIB: u64 = 1 << 20;

/// A number of /proc/self/status, bytes.
fn status(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) * 1024
}

fn resident() -> u64 {
    status("VmRSS")
}

type Step = fn(&mut Host<Encoder>, u64);

/// Lets a stream run and tells memory ten times. Whether it stayed below the ceiling.
fn run(name: &str, count: u64, limit: usize, step: Step) -> bool {
    let mut host = Host::new(Limits::of(limit), Encoder(Vec::with_capacity(128 * 1024), 0));
    println!("{name}: {count} times, ceiling {} MiB", limit as u64 / MIB);
    let mut highest = 0;
    let begun = std::time::Instant::now();
    for tenth in 0..10 {
        for number in count * tenth / 10..count * (tenth + 1) / 10 {
            step(&mut host, number);
            if number % 65536 == 0 {
                highest = highest.max(resident());
            }
        }
        highest = highest.max(resident());
        println!("  {:>3} %  {:>7.1} MiB", 10 * (tenth + 1), resident() as f64 / MIB as f64);
    }
    let took = begun.elapsed().as_secs_f64();
    host.wait(300);
    let at_rest = resident();
    println!("  quiet  {:>7.1} MiB", at_rest as f64 / MIB as f64);
    let events = host.engine().counts().events;
    println!("  {events} events, {:.0} ns each", took * 1e9 / events as f64);
    for table in host.engine().tables() {
        println!(
            "  {:<12} {:>9} entries {:>7.1} of {:>5.1} MiB, {} evicted",
            table.name,
            table.entries,
            table.bytes as f64 / MIB as f64,
            table.limit as f64 / MIB as f64,
            table.evicted
        );
    }
    let undescribed = host.engine().counts().undescribed;
    println!("  {} records, {undescribed} undescribed", host.engine().sink().1);
    highest = highest.max(status("VmHWM"));
    println!("  highest {:.1} MiB", highest as f64 / MIB as f64);
    highest <= limit as u64
}

fn main() -> ExitCode {
    let mut limit = Limits::DEFAULT;
    let mut names: Vec<String> = Vec::new();
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--limit" => match args.next().and_then(|mib| mib.parse::<usize>().ok()) {
                Some(mib) => limit = mib << 20,
                None => {
                    eprintln!("error: --limit needs a number of MiB");
                    return ExitCode::from(2);
                }
            },
            _ => names.push(arg),
        }
    }
    // One stream in one process: the highest memory is that of the stream.
    let [name] = &names[..] else {
        eprintln!("usage: bounded [--limit MIB] churn|descriptors|processes");
        return ExitCode::from(2);
    };
    let good = match name.as_str() {
        "churn" => run(name, 10_000_000, limit, Host::short_process),
        "descriptors" => run(name, 1_000_000, limit, Host::open_descriptor),
        "processes" => run(name, 100_000, limit, Host::living_process),
        other => {
            eprintln!("error: there is no stream {other}");
            return ExitCode::from(2);
        }
    };
    if !good {
        eprintln!("error: memory was above the ceiling");
    }
    ExitCode::from(u8::from(!good))
}

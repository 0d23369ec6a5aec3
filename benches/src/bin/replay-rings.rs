// SPDX-License-Identifier: Apache-2.0
//! `replay-rings FILE...`: how many events of a recording one core takes from
//! rings in memory to a finished trace. See [`benches::rings`] for what is
//! measured.

use std::path::Path;
use std::process::ExitCode;

use benches::rings::{Cost, Stage, repetitions, run};
use benches::stream::Stream;

const USAGE: &str = "\
usage: replay-rings [OPTION]... FILE...
  FILE            a recording of sysflow record --raw
  --rounds N      measure so often, stages interleaved (7)
  --events N      repeat the recording until it has so many events (5000000)
  --ring-size N   bytes of each ring, a power of two (1048576)
  --dir DIR       where traces are written, and removed (a temporary folder)
  --once STAGE    only this stage, once, and no figures: drain, state, encode
                  or file; for profilers";

struct Options {
    files: Vec<String>,
    rounds: usize,
    events: u64,
    ring_size: usize,
    dir: Option<String>,
    once: Option<Stage>,
}

fn options() -> Option<Options> {
    let mut found = Options {
        files: Vec::new(),
        rounds: 7,
        events: 5_000_000,
        ring_size: 1 << 20,
        dir: None,
        once: None,
    };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match &*arg {
            "--rounds" => found.rounds = args.next()?.parse().ok().filter(|n| *n > 0)?,
            "--events" => found.events = args.next()?.parse().ok()?,
            "--ring-size" => found.ring_size = args.next()?.parse().ok()?,
            "--dir" => found.dir = Some(args.next()?),
            "--once" => {
                let name = args.next()?;
                found.once = Some(Stage::ALL.into_iter().find(|stage| stage.name() == name)?);
            }
            option if option.starts_with('-') => return None,
            _ => found.files.push(arg),
        }
    }
    (!found.files.is_empty() && probe_loader::ring::valid_size(found.ring_size)).then_some(found)
}

fn main() -> ExitCode {
    let Some(options) = options() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    for file in &options.files {
        if let Err(error) = measure(file, &options) {
            eprintln!("replay-rings: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn measure(file: &str, options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    // It is used to the end of the program, and by threads.
    let stream: &'static Stream = Box::leak(Box::new(Stream::open(Path::new(file))?));
    if stream.is_empty() {
        return Err(format!("{file}: there are no events in it").into());
    }
    let times = repetitions(stream, options.events);
    let scratch = tempfile::tempdir()?;
    let dir = options.dir.as_ref().map_or(scratch.path(), Path::new);
    let go = |stage| run(stream, stage, times, options.ring_size, dir);
    if let Some(stage) = options.once {
        let cost = go(stage);
        println!("{} events, {} records", cost.events, cost.records);
        return Ok(());
    }
    let mut costs: [Vec<Cost>; Stage::ALL.len()] = Default::default();
    for _ in 0..options.rounds {
        for (stage, costs) in Stage::ALL.into_iter().zip(&mut costs) {
            costs.push(go(stage));
        }
    }
    report(file, stream, times, &costs);
    Ok(())
}

/// Fastest and median of ns for each event.
fn each(costs: &[Cost], of: impl Fn(&Cost) -> f64) -> (f64, f64) {
    let mut all: Vec<f64> = costs.iter().map(|cost| of(cost) / cost.events as f64).collect();
    all.sort_by(f64::total_cmp);
    (all[0], all[all.len() / 2])
}

fn drain(cost: &Cost) -> f64 {
    cost.drain.as_secs_f64() * 1e9
}

fn whole(cost: &Cost) -> f64 {
    (cost.drain + cost.output).as_secs_f64() * 1e9
}

fn report(file: &str, stream: &Stream, times: u64, costs: &[Vec<Cost>; 4]) {
    let [drained, stated, encoded, written] = costs;
    let cost = &written[0];
    let mean = stream.size() / stream.len();
    println!(
        "{file}: {} events of {mean} bytes on {} rings, {times} times: {} events to {} records",
        stream.len(),
        stream.lanes.len(),
        cost.events,
        cost.records
    );
    let rows = [
        ("drain", each(drained, drain), (0.0, 0.0)),
        ("state and flows", each(stated, drain), each(drained, drain)),
        ("encode", each(encoded, drain), each(stated, drain)),
        ("hand over", each(written, drain), each(encoded, drain)),
        ("compress, write", each(written, whole), each(written, drain)),
    ];
    println!("{:<16} {:>9} {:>9}   ns for each event: fastest, median", "stage", "", "");
    for (name, sum, before) in rows {
        println!("{name:<16} {:>9.1} {:>9.1}", sum.0 - before.0, sum.1 - before.1);
    }
    let all = each(written, whole);
    println!("{:<16} {:>9.1} {:>9.1}", "all", all.0, all.1);
    println!(
        "{:.2} M events/s for each core at best, {:.2} M in the median",
        1e3 / all.0,
        1e3 / all.1
    );
}

// SPDX-License-Identifier: Apache-2.0
//! `replay-capture CAPTURE OUTPUT ROUNDS`: makes a long capture of a short one,
//! to measure sustained conversion.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use benches::replay::{Failure, Written, replay};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [input, output, rounds] = args.as_slice() else {
        eprintln!("usage: replay-capture CAPTURE OUTPUT ROUNDS");
        eprintln!("OUTPUT - is standard output");
        return ExitCode::from(2);
    };
    let Some(rounds) = rounds.parse().ok().filter(|rounds| *rounds > 0) else {
        eprintln!("replay-capture: \"{rounds}\" is no number of rounds");
        return ExitCode::from(2);
    };
    match run(input, output, rounds) {
        Ok(Written { events, bytes }) => {
            eprintln!("{events} events, {bytes} bytes");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("replay-capture: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(input: &str, output: &str, rounds: u64) -> Result<Written, Failure> {
    let out: Box<dyn Write> = match output {
        "-" => Box::new(std::io::stdout().lock()),
        path => Box::new(File::create(path)?),
    };
    replay(Path::new(input), rounds, &mut BufWriter::with_capacity(1 << 20, out))
}

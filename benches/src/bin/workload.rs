// SPDX-License-Identifier: Apache-2.0
//! `workload`: makes system calls that are known in advance, for tests of a capture.

use std::path::Path;
use std::process::ExitCode;

use benches::workload::{self, flood};

const USAGE: &str = "\
usage: workload exact DIR            known operations; tells on stdout, as JSON, what a capture holds
       workload demo DIR             a few files, processes and connections, told in words
       workload flood seconds N      two busy processes for N seconds
       workload flood rounds N       the same for N rounds each
       workload drip DIR SECONDS     one write of 10 bytes every 100 ms, to one open file";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match *words.as_slice() {
        ["exact", dir] => workload::exact::run(Path::new(dir)),
        ["demo", dir] => workload::demo::run(Path::new(dir)),
        ["flood", unit, count] => match (unit, count.parse()) {
            ("seconds", Ok(seconds)) => flood::run(flood::Until::Seconds(seconds)),
            ("rounds", Ok(rounds)) => flood::run(flood::Until::Rounds(rounds)),
            _ => return usage(),
        },
        ["drip", dir, seconds] => match seconds.parse() {
            Ok(seconds) => workload::drip::run(Path::new(dir), seconds),
            Err(_) => return usage(),
        },
        _ => return usage(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("workload: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}

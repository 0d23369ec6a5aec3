// SPDX-License-Identifier: Apache-2.0
//! `sysflow doctor`.

use std::io::{self, Write};
use std::process::ExitCode;

use probe_loader::doctor::{Diagnosis, Facts, State, examine};

use super::probe;
use super::settings::units;

/// Check everything that a recording needs on this host, and say what to do
/// where it is missing.
///
/// Looks without changing anything. Exit code 1: nothing can be recorded.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Check for rings of this size [default: what fits this host]
    #[arg(long, value_name = "SIZE", value_parser = units::ring_size)]
    ring_size: Option<usize>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let facts = Facts::gather(probe::default_sources().ok(), args.ring_size);
    let diagnosis = examine(&facts);
    print(&mut io::stdout().lock(), &facts.release, &diagnosis)?;
    Ok(if diagnosis.can_capture() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(out: &mut impl Write, release: &str, diagnosis: &Diagnosis) -> io::Result<()> {
    writeln!(out, "kernel {release}")?;
    for finding in &diagnosis.findings {
        let state = match finding.state {
            State::Good => "ok",
            State::Hinders => "no",
            State::Fails => "FAILS",
        };
        writeln!(out, "{state:<6}{:<15}{}", finding.subject, finding.text)?;
        if let Some(remedy) = &finding.remedy {
            writeln!(out, "{:<21}-> {remedy}", "")?;
        }
    }
    match diagnosis.driver {
        Some(driver) if diagnosis.can_capture() => writeln!(out, "a recording uses {driver}"),
        _ => writeln!(out, "nothing can be recorded"),
    }
}

#[cfg(test)]
mod tests {
    use probe_loader::doctor::Finding;
    use probe_loader::driver::Kind;

    use super::*;

    #[test]
    fn each_problem_stands_above_its_remedy() {
        let finding = |state, remedy: Option<&str>| Finding {
            subject: "kernel module",
            state,
            text: "what was found".to_owned(),
            remedy: remedy.map(str::to_owned),
        };
        let mut diagnosis = Diagnosis {
            findings: vec![
                finding(State::Good, None),
                finding(State::Hinders, Some("sysflow probe load")),
            ],
            driver: Some(Kind::Ebpf),
        };
        let text = |diagnosis: &Diagnosis| {
            let mut out = Vec::new();
            print(&mut out, "6.1", diagnosis).expect("written");
            String::from_utf8(out).expect("text")
        };
        assert_eq!(
            text(&diagnosis),
            "kernel 6.1\n\
             ok    kernel module  what was found\n\
             no    kernel module  what was found\n\
             \x20                    -> sysflow probe load\n\
             a recording uses ebpf\n"
        );
        diagnosis.findings.push(finding(State::Fails, None));
        assert!(text(&diagnosis).ends_with("nothing can be recorded\n"));
    }
}

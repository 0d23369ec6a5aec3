// SPDX-License-Identifier: Apache-2.0
//! A driver against real system calls: every field that can be known.
//!
//! ```text
//! SYSFLOW_TEST_DRIVER=kmod|ebpf driver [FILTER]
//! ```
//!
//! Needs root. Without the variable, the driver that `Driver::open` chooses is
//! tested. Tests run one after the other in this one thread, since a driver
//! records one capture at a time and the operations are done by forked
//! children. With `driver exit N` the program ends with status N: what the tests
//! execute.

mod accounting;
mod child;
#[cfg(target_arch = "x86_64")]
mod compat;
mod coverage;
mod descriptors;
mod differential;
mod files;
mod lifecycle;
mod names;
mod network;
mod paths;
mod processes;
mod puppet;
mod recording;
mod security;
mod selection;
mod sockets;
mod storms;
mod sys;
mod transfers;
mod uring;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use probe_loader::driver::{Choice, Driver, Options};

/// A test and its name.
type Test = (&'static str, fn());

fn choice() -> Choice {
    match std::env::var("SYSFLOW_TEST_DRIVER").as_deref() {
        Ok("kmod") => Choice::Kmod,
        Ok("ebpf") => Choice::Ebpf,
        Ok(other) => panic!("SYSFLOW_TEST_DRIVER is {other}, neither kmod nor ebpf"),
        Err(_) => Choice::Auto,
    }
}

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args().collect();
    if args.get(1).is_some_and(|arg| arg == "exit") {
        let code = args.get(2).and_then(|n| n.parse().ok()).unwrap_or(0);
        return ExitCode::from(code);
    }
    let filters: Vec<_> = args.iter().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    match Driver::open(choice(), &Options::default()) {
        Ok(driver) => println!("driver {}", driver.kind()),
        Err(error) if std::env::var_os("SYSFLOW_TEST_DRIVER").is_none() => {
            eprintln!("skipped: {error}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("cannot test: {error}");
            return ExitCode::FAILURE;
        }
    }
    let tests = [
        files::TESTS,
        paths::TESTS,
        descriptors::TESTS,
        transfers::TESTS,
        names::TESTS,
        sockets::TESTS,
        network::TESTS,
        processes::TESTS,
        security::TESTS,
        uring::TESTS,
        #[cfg(target_arch = "x86_64")]
        compat::TESTS,
        selection::TESTS,
        accounting::TESTS,
        lifecycle::TESTS,
        storms::TESTS,
        coverage::TESTS,
    ];
    let chosen = tests
        .iter()
        .flat_map(|tests| tests.iter())
        .filter(|(name, _)| filters.is_empty() || filters.iter().any(|f| name.contains(*f)));
    let (mut passed, mut failed) = (0, Vec::new());
    for (name, test) in chosen {
        if catch_unwind(AssertUnwindSafe(test)).is_ok() {
            println!("test {name} ... ok");
            passed += 1;
        } else {
            println!("test {name} ... FAILED");
            failed.push(*name);
            child::end_all();
        }
    }
    println!("{passed} passed, {} failed {failed:?}", failed.len());
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

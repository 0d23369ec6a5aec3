// SPDX-License-Identifier: Apache-2.0
//! `record-stream FILE COMMAND [ARGUMENT...]`: runs a command and keeps the
//! driver's records of it and of what it starts, for benchmarks. Records of
//! other processes are left out. Needs root.

use std::collections::HashSet;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

use benches::stream::Recorder;
use engine::clock;
use engine::merge::Merge;
use probe_loader::Record;
use probe_loader::driver::{Choice, Driver, Options};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [file, program, arguments @ ..] = args.as_slice() else {
        eprintln!("usage: record-stream FILE COMMAND [ARGUMENT...]");
        return ExitCode::from(2);
    };
    match record(Path::new(file), Command::new(program).args(arguments)) {
        Ok((kept, lost)) => {
            println!("{kept} records, {lost} lost");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("record-stream: {error}");
            ExitCode::FAILURE
        }
    }
}

fn record(file: &Path, command: &mut Command) -> Result<(u64, u64), Box<dyn std::error::Error>> {
    let mut recorder = Recorder::create(file)?;
    let mut driver = Driver::open(Choice::Auto, &Options { ring_size: 64 << 20 })?;
    driver.start()?;
    let mut child = command.spawn()?;
    let mut family = HashSet::from([child.id()]);
    let (mut merge, mut kept) = (Merge::default(), 0);
    let mut failed = None;
    let mut keep = |bytes: &[u8]| {
        let Ok(record) = Record::decode(bytes) else { return };
        let pid = record.header().pid;
        if let Record::Fork(fork) = record
            && family.contains(&pid)
        {
            family.insert(fork.child_pid);
        }
        if family.contains(&pid) {
            kept += 1;
            failed = recorder.add(bytes).err().or(failed.take());
        }
    };
    while child.try_wait()?.is_none() {
        merge.drain(driver.rings(), clock::monotonic(), &mut keep);
        std::thread::sleep(Duration::from_millis(1));
    }
    driver.stop()?;
    merge.drain(driver.rings(), u64::MAX, &mut keep);
    if let Some(error) = failed {
        return Err(error.into());
    }
    recorder.finish()?;
    let lost = driver.counters().iter().map(probe_loader::Counters::total_lost).sum();
    Ok((kept, lost))
}

// SPDX-License-Identifier: Apache-2.0
//! What a capture says at its end.

use std::io::{self, Write};

use engine::account::Account;
use engine::capture::Outcome;
use engine::output::{Cause, Ended};
use engine::raw;
use probe_loader::counters::{CAUSE_NAMES, CLASS_NAMES, Counters};

use super::size::grouped;

/// What is said of a capture.
pub(crate) struct Report<'a> {
    /// What was done.
    pub(crate) title: String,
    pub(crate) outcome: &'a Outcome,
}

impl Report<'_> {
    fn total(&self) -> Counters {
        let account = &self.outcome.account;
        account.cpus.iter().copied().sum::<Counters>() + account.kept
    }

    pub(crate) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let Account { cpus, kept, .. } = &self.outcome.account;
        write!(out, "{}:", self.title)?;
        let Outcome { outputs, recording, .. } = self.outcome;
        if outputs.len() + usize::from(recording.is_some()) > 1 {
            writeln!(out)?;
        }
        for output in outputs {
            print_output(out, output)?;
        }
        if let Some(recording) = recording {
            print_recording(out, recording)?;
        }
        writeln!(
            out,
            "{:>6} {:>15} = {:>15} + {:>12} + {:>12}",
            "cpu", "seen", "delivered", "aggregated", "lost"
        )?;
        for (cpu, counters) in cpus.iter().enumerate() {
            self.row(out, &cpu.to_string(), counters)?;
        }
        let total = self.total();
        if kept.total_lost() > 0 {
            self.row(out, "none", kept)?;
        }
        if cpus.len() > 1 || kept.total_lost() > 0 {
            self.row(out, "all", &total)?;
        }
        self.losses(out, &total)?;
        self.remarks(out, &total)
    }

    fn row(&self, out: &mut impl Write, name: &str, c: &Counters) -> io::Result<()> {
        writeln!(
            out,
            "{name:>6} {:>15} {} {:>15} + {:>12} + {:>12}",
            grouped(c.total_seen()),
            if c.balanced() { '=' } else { '!' },
            grouped(c.delivered.iter().sum()),
            grouped(c.aggregated.iter().sum()),
            grouped(c.total_lost())
        )
    }

    /// What was lost, by class and cause, and what helps.
    fn losses(&self, out: &mut impl Write, total: &Counters) -> io::Result<()> {
        for (cause, of) in CAUSE_NAMES.iter().zip(&total.lost) {
            for (class, lost) in CLASS_NAMES.iter().zip(of).filter(|(_, lost)| **lost > 0) {
                writeln!(out, "lost {} of class {class}: {cause}", grouped(*lost))?;
            }
        }
        if total.lost[0].iter().any(|lost| *lost > 0) {
            writeln!(out, "a larger ring (--ring-size) holds more while the engine is busy")?;
        }
        if total.unclassed > 0 {
            let calls = grouped(total.unclassed);
            writeln!(out, "lost {calls} of unknown class, some of no interest: nested")?;
        }
        if self.outcome.account.kept.total_lost() > 0 {
            writeln!(out, "cpu none: what the kernel kept from the probes while one ran")?;
        }
        Ok(())
    }

    fn remarks(&self, out: &mut impl Write, total: &Counters) -> io::Result<()> {
        let counts = &self.outcome.account.counts;
        for (number, what) in [
            (total.total_unselected(), "calls were left out by the selection, not counted above"),
            (total.uncovered_compat, "32-bit system calls were not covered"),
            (total.uncovered_uring, "operations of io_uring were not covered"),
            (
                counts.ipv6,
                "operations on IPv6 sockets have no place in schema version 5 (--schema 6 has)",
            ),
            (counts.undescribed, "operations were on files whose description was lost"),
            (counts.evicted.flows, "flows were ended early to stay below --memory-limit"),
            (
                counts.evicted.open_files + counts.evicted.objects,
                "descriptions of files and connections were dropped to stay below --memory-limit",
            ),
            (counts.missed, "processes were found in /proc after their birth was lost"),
            (counts.gone, "processes were ended by /proc after their exit was lost"),
            (counts.damaged + self.outcome.damaged, "records were damaged"),
        ] {
            if number > 0 {
                writeln!(out, "{} {what}", grouped(number))?;
            }
        }
        Ok(())
    }
}

/// What was kept of what the driver delivered.
fn print_recording(out: &mut impl Write, kept: &raw::Ended) -> io::Result<()> {
    let (records, bytes) = (grouped(kept.records), grouped(kept.bytes));
    writeln!(out, " {records} events, {bytes} bytes in {}", kept.path.display())?;
    if kept.missed > 0 {
        let (missed, holes) = (grouped(kept.missed), grouped(kept.holes));
        writeln!(out, "  {missed} events were left out, {holes} times: it did not keep up")?;
    }
    Ok(())
}

/// What an output got, and what not.
fn print_output(out: &mut impl Write, output: &Ended) -> io::Result<()> {
    let Ended { name, numbers, .. } = output;
    write!(out, " {} records, {} bytes", grouped(numbers.written.total()), grouped(numbers.bytes))?;
    if numbers.files > 1 {
        write!(out, ", {} files", grouped(numbers.files))?;
    }
    writeln!(out, " in {name}")?;
    for (cause, kinds) in Cause::ALL.iter().zip(&numbers.shed) {
        if kinds.total() > 0 {
            let total = grouped(kinds.total());
            writeln!(out, "  {total} records shed, {}: {kinds}", cause.name())?;
        }
    }
    if numbers.gone.total() > 0 {
        let total = grouped(numbers.gone.total());
        writeln!(out, "  {total} of them were lost with their file: {}", numbers.gone)?;
    }
    if numbers.removed > 0 {
        writeln!(out, "  {} old files were removed", grouped(numbers.removed))?;
    }
    Ok(())
}

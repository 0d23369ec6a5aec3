// SPDX-License-Identifier: Apache-2.0
//! What a capture says at its end, to people and to programs.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use engine::Counts;
use probe_loader::counters::{CAUSE_NAMES, CLASS_NAMES, CLASSES, Counters};
use probe_loader::driver::Kind;
use serde_json::{Map, Value, json};

use super::size::grouped;

/// A capture that is over.
pub(crate) struct Finished {
    pub(crate) output: PathBuf,
    pub(crate) records: u64,
    pub(crate) bytes: u64,
    pub(crate) counts: Counts,
    pub(crate) cpus: Vec<Counters>,
    pub(crate) kept: Counters,
    pub(crate) damaged: u64,
    pub(crate) elapsed: Duration,
}

/// What is said of it.
pub(crate) struct Report<'a> {
    pub(crate) kind: Kind,
    pub(crate) started: i64,
    pub(crate) ended: i64,
    pub(crate) outcome: &'a Finished,
}

impl Report<'_> {
    fn total(&self) -> Counters {
        self.outcome.cpus.iter().copied().sum::<Counters>() + self.outcome.kept
    }

    /// For people.
    pub(crate) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let Finished { output, records, bytes, cpus, kept, elapsed, .. } = self.outcome;
        writeln!(
            out,
            "recorded {:.1} s with {}: {} records, {} bytes in {}",
            elapsed.as_secs_f64(),
            self.kind,
            grouped(*records),
            grouped(*bytes),
            output.display()
        )?;
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
        if self.outcome.kept.total_lost() > 0 {
            writeln!(out, "cpu none: what the kernel kept from the probes while one ran")?;
        }
        Ok(())
    }

    fn remarks(&self, out: &mut impl Write, total: &Counters) -> io::Result<()> {
        let counts = &self.outcome.counts;
        for (number, what) in [
            (total.total_unselected(), "calls were left out by the selection, not counted above"),
            (total.uncovered_compat, "32-bit system calls were not covered"),
            (total.uncovered_uring, "operations of io_uring were not covered"),
            (
                counts.ipv6,
                "operations on IPv6 sockets have no place in schema version 5 (--schema 6 has)",
            ),
            (counts.undescribed, "operations were on files whose description was lost"),
            (counts.damaged + self.outcome.damaged, "records were damaged"),
        ] {
            if number > 0 {
                writeln!(out, "{} {what}", grouped(number))?;
            }
        }
        Ok(())
    }

    /// For programs: the file beside the output.
    pub(crate) fn write_json(&self, path: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(&self.json())?;
        std::fs::write(path, text + "\n")
            .with_context(|| format!("cannot write {}", path.display()))
    }

    fn json(&self) -> Value {
        let outcome = self.outcome;
        let cpus: Vec<Value> =
            outcome.cpus.iter().enumerate().map(|(cpu, c)| cpu_json(cpu, c)).collect();
        json!({
            "driver": self.kind.to_string(),
            "started": self.started,
            "ended": self.ended,
            "records": outcome.records,
            "bytes": outcome.bytes,
            "cpus": cpus,
            "missed": outcome.kept.total_lost(),
            "engine": counts_json(&outcome.counts),
        })
    }
}

fn classes(of: &[u64; CLASSES]) -> Value {
    let named = CLASS_NAMES.iter().zip(of).map(|(name, n)| ((*name).to_owned(), json!(n)));
    Value::Object(named.collect::<Map<_, _>>())
}

fn cpu_json(cpu: usize, c: &Counters) -> Value {
    let lost = CAUSE_NAMES.iter().zip(&c.lost).map(|(name, of)| ((*name).to_owned(), classes(of)));
    json!({
        "cpu": cpu,
        "seen": classes(&c.seen),
        "delivered": classes(&c.delivered),
        "aggregated": classes(&c.aggregated),
        "lost": Value::Object(lost.collect::<Map<_, _>>()),
        "unselected": classes(&c.unselected),
        "uncovered_compat": c.uncovered_compat,
        "uncovered_uring": c.uncovered_uring,
        "wakeups": c.wakeups,
    })
}

pub(super) fn counts_json(c: &Counts) -> Value {
    json!({
        "events": c.events,
        "applied": c.applied,
        "silent": c.silent,
        "untold": c.untold,
        "ipv6": c.ipv6,
        "failed": c.failed,
        "unused_close": c.unused_close,
        "undescribed": c.undescribed,
        "unknown": c.unknown,
        "damaged": c.damaged,
        "looked_up": c.looked_up,
        "not_found": c.not_found,
        "late": c.late,
        "exported": c.exported,
        "records": c.records,
    })
}

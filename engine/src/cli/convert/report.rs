// SPDX-License-Identifier: Apache-2.0
//! What a conversion says at its end, to people and to programs.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use engine::account::counts_json;
use engine::scap::{self, file};
use serde_json::{Value, json};
use sysflow::write::Summary;

use crate::cli::args::Args;
use crate::cli::size::grouped;

/// A conversion that is over.
pub(super) struct Report {
    /// What was read of the files.
    pub(super) read: file::Counts,
    /// What became of the events.
    pub(super) capture: scap::Counts,
    pub(super) engine: engine::Counts,
    pub(super) files: Vec<Summary>,
    pub(super) elapsed: Duration,
}

impl Report {
    /// For people.
    pub(super) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let seconds = self.elapsed.as_secs_f64();
        let rate = (self.read.events as f64 / seconds.max(1e-6)) as u64;
        let records = self.files.iter().map(|file| file.records).sum();
        let bytes = self.files.iter().map(|file| file.bytes).sum();
        let place = match &self.files[..] {
            [file] => file.path.display().to_string(),
            files => format!("{} files", files.len()),
        };
        writeln!(
            out,
            "converted {} events in {seconds:.1} s, {} events/s: {} records, {} bytes in {place}",
            grouped(self.read.events),
            grouped(rate),
            grouped(records),
            grouped(bytes),
        )?;
        let scap::Counts { passed, used, incomplete, unknown, .. } = self.capture;
        writeln!(
            out,
            "{} events = {} used + {} that nothing becomes of + {} incomplete + {} unknown",
            grouped(self.capture.events),
            grouped(used),
            grouped(passed),
            grouped(incomplete),
            grouped(unknown),
        )?;
        for (number, what) in [
            (self.engine.ipv6, "operations on IPv6 sockets have no place in schema version 5"),
            (self.engine.late, "events are older than the one before them"),
            (self.engine.left_out, "flows of files that only read were left out, as asked for"),
        ] {
            if number > 0 {
                writeln!(out, "{} {what}", grouped(number))?;
            }
        }
        if let Some(first) = self.read.unknown_type {
            let number = grouped(self.read.unknown_blocks);
            writeln!(out, "{number} blocks of unknown type were skipped; the first is {first:#x}")?;
        }
        Ok(())
    }

    /// For programs: the file beside the output. A pipe has none.
    pub(super) fn write_json(&self, args: &Args, whole: bool) -> anyhow::Result<()> {
        let Some(first) = self.files.first().filter(|file| file.path.is_file()) else {
            return Ok(());
        };
        let mut path = first.path.clone().into_os_string();
        path.push(".stats.json");
        let path = PathBuf::from(path);
        let text = serde_json::to_string_pretty(&self.json(args, whole))?;
        std::fs::write(&path, text + "\n")
            .with_context(|| format!("cannot write {}", path.display()))
    }

    fn json(&self, args: &Args, whole: bool) -> Value {
        let Self { read, capture, engine, files, elapsed } = self;
        let files: Vec<Value> = files
            .iter()
            .map(|file| {
                json!({ "file": file.path.display().to_string(), "records": file.records, "bytes": file.bytes })
            })
            .collect();
        let inputs: Vec<String> = args.read.iter().map(|path| path.display().to_string()).collect();
        json!({
            "inputs": inputs,
            "whole": whole,
            "seconds": elapsed.as_secs_f64(),
            "files": files,
            "capture": {
                "sections": read.sections,
                "events": read.events,
                "used": capture.used,
                "passed": capture.passed,
                "incomplete": capture.incomplete,
                "unknown": capture.unknown,
                "unknown_blocks": read.unknown_blocks,
            },
            "engine": counts_json(engine),
        })
    }
}

// SPDX-License-Identifier: Apache-2.0
//! What is in a trace, summed up.

use std::fmt;
use std::hash::Hash;
use std::io::{self, Write};
use std::net::IpAddr;

use super::Times;
use super::cell::Escaped;
use super::top::{Top, Totals};
use crate::attribute::Connection;
use crate::record::Kind;
use crate::resolve::{Event, ResolvedEvent};

/// Counts records, and sums up events by connection, executable and file.
///
/// Its memory is bounded: of each kind it keeps the lines that matter most, at most 8192. With more,
/// every line that has more than 1/4097 of the whole is among them, and what its totals may lack is
/// known and told.
#[derive(Debug)]
pub struct Statistics {
    kinds: [u64; Kind::ALL.len()],
    events: u64,
    span: Option<(i64, i64)>,
    connections: Top<(IpAddr, IpAddr, i32, i32)>,
    executables: Top<String>,
    files: Top<String>,
}

/// Lines of a kind that are never dropped for others. Twice as many are kept at most.
const KEPT: usize = 4096;

/// A name is kept up to this length; no path that a system call takes is longer.
const LONGEST_NAME: usize = 4096;

fn name(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST_NAME)]
}

impl Default for Statistics {
    fn default() -> Self {
        Self::new()
    }
}

impl Statistics {
    /// Nothing counted yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            kinds: [0; Kind::ALL.len()],
            events: 0,
            span: None,
            connections: Top::new(KEPT, "bytes"),
            executables: Top::new(KEPT, "events"),
            files: Top::new(KEPT, "bytes"),
        }
    }

    /// Counts records that were read, by type, as
    /// [`Events::counts`](crate::resolve::Events::counts) has them.
    pub fn add_records(&mut self, counts: &[u64; Kind::ALL.len()]) {
        for (sum, count) in self.kinds.iter_mut().zip(counts) {
            *sum += count;
        }
    }

    /// Sums up an event.
    pub fn add_event(&mut self, resolved: &ResolvedEvent<'_>) {
        let event = &resolved.event;
        self.events += 1;
        let (start, end) = (event.ts(), event.end_ts().unwrap_or(event.ts()));
        let (first, last) = self.span.unwrap_or((start, end));
        self.span = Some((first.min(start), last.max(end)));
        let connection = match event {
            Event::NetworkFlow(flow) => Some(Connection::from(*flow)),
            Event::Network(event) => Some(Connection::from(*event)),
            _ => None,
        };
        if let Some(Connection { sip, dip, dport, proto, .. }) = connection {
            let key = (sip, dip, dport, proto);
            self.connections.add(&key, Totals::of(event), Totals::bytes);
        }
        if let Some(process) = resolved.process {
            self.executables.add(name(&process.exe), Totals::of(event), |totals| totals.events);
        }
        if let Some(file) = resolved.file {
            self.files.add(name(&file.path), Totals::of(event), Totals::bytes);
        }
    }

    /// Writes what was counted, of connections, executables and files the first `top`.
    ///
    /// # Errors
    /// What `out` reports.
    pub fn write(&self, out: &mut impl Write, top: usize, times: &Times) -> io::Result<()> {
        writeln!(out, "Records by type")?;
        for (&kind, count) in Kind::ALL.iter().zip(self.kinds).filter(|(_, count)| *count > 0) {
            writeln!(out, "{count:>12}  {:<3}  {}", kind.short(), kind.name())?;
        }
        writeln!(out, "{:>12}       all", self.kinds.iter().sum::<u64>())?;
        write!(out, "\n{} events", self.events)?;
        if let Some((first, last)) = self.span {
            write!(out, " from {} to {}", times.at(first), times.at(last))?;
        }
        writeln!(out)?;
        let connection = |&(sip, dip, dport, proto): &(IpAddr, IpAddr, i32, i32)| {
            let proto = match proto {
                6 => "tcp".to_owned(),
                17 => "udp".to_owned(),
                other => other.to_string(),
            };
            match dip {
                IpAddr::V4(_) => format!("{sip} -> {dip}:{dport}/{proto}"),
                IpAddr::V6(_) => format!("{sip} -> [{dip}]:{dport}/{proto}"),
            }
        };
        section(out, "Connections", top, &self.connections, connection, Totals::bytes)?;
        section(out, "Processes", top, &self.executables, String::clone, |sum| sum.events)?;
        section(out, "Files", top, &self.files, String::clone, Totals::bytes)
    }
}

/// Writes the first of one kind. Those with the same sum come by name.
fn section<K: Eq + Hash>(
    out: &mut impl Write,
    title: &str,
    top: usize,
    all: &Top<K>,
    name: impl Fn(&K) -> String,
    key: impl Fn(&Totals) -> u64,
) -> io::Result<()> {
    if all.is_empty() || top == 0 {
        return Ok(());
    }
    let lines = all.first(top, &name, key);
    let more = if all.is_whole() { "" } else { " or more" };
    writeln!(out, "\n{title} ({} of {}{more})", lines.len(), all.seen())?;
    writeln!(out, "{:>12}  {:>12}  {:>13}", "Events", "Bytes read", "Bytes written")?;
    for (key, Totals { events, read, written }) in lines {
        let mut text = String::new();
        let name = name(key);
        let name = if name.is_empty() { "(no name)" } else { &name };
        let _ = fmt::Write::write_str(&mut Escaped(&mut text), name);
        writeln!(out, "{events:>12}  {read:>12}  {written:>13}  {text}")?;
    }
    if let Some(lack) = all.lack() {
        let unit = all.unit();
        writeln!(
            out,
            "{:>12}  there were more than are kept: a line may lack up to {lack} {unit}",
            ""
        )?;
    }
    Ok(())
}

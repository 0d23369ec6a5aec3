// SPDX-License-Identifier: Apache-2.0
//! What is in a trace, summed up.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Write};
use std::net::IpAddr;

use super::Times;
use super::cell::Escaped;
use crate::attribute::Connection;
use crate::record::Kind;
use crate::resolve::{Event, ResolvedEvent};

/// Counts records, and sums up events by connection, executable and file.
///
/// It holds a line for every different connection, executable and path, however many there are.
#[derive(Debug, Default)]
pub struct Statistics {
    kinds: [u64; Kind::ALL.len()],
    events: u64,
    span: Option<(i64, i64)>,
    connections: HashMap<(IpAddr, IpAddr, i32, i32), Totals>,
    executables: HashMap<String, Totals>,
    files: HashMap<String, Totals>,
}

/// What is summed up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Totals {
    events: u64,
    read: u64,
    written: u64,
}

impl Totals {
    fn add(&mut self, event: &Event<'_>) {
        let bytes = |bytes: Option<i64>| u64::try_from(bytes.unwrap_or(0)).unwrap_or(0);
        self.events += 1;
        // A damaged file may claim anything.
        self.read = self.read.saturating_add(bytes(event.read_bytes()));
        self.written = self.written.saturating_add(bytes(event.write_bytes()));
    }

    fn bytes(&self) -> u64 {
        self.read.saturating_add(self.written)
    }
}

/// Adds to the totals of `name`, which is copied only when it is new.
fn add(map: &mut HashMap<String, Totals>, name: &str, event: &Event<'_>) {
    match map.get_mut(name) {
        Some(totals) => totals.add(event),
        None => map.entry(name.to_owned()).or_default().add(event),
    }
}

impl Statistics {
    /// Nothing counted yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
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
            self.connections.entry((sip, dip, dport, proto)).or_default().add(event);
        }
        if let Some(process) = resolved.process {
            add(&mut self.executables, &process.exe, event);
        }
        if let Some(file) = resolved.file {
            add(&mut self.files, &file.path, event);
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
fn section<K>(
    out: &mut impl Write,
    title: &str,
    top: usize,
    map: &HashMap<K, Totals>,
    name: impl Fn(&K) -> String,
    key: impl Fn(&Totals) -> u64,
) -> io::Result<()> {
    if map.is_empty() || top == 0 {
        return Ok(());
    }
    let mut lines: Vec<_> = map.iter().collect();
    let order = |a: &(&K, &Totals), b: &(&K, &Totals)| {
        key(b.1).cmp(&key(a.1)).then_with(|| name(a.0).cmp(&name(b.0)))
    };
    let shown = top.min(lines.len());
    if shown < lines.len() {
        lines.select_nth_unstable_by(shown - 1, order);
        lines.truncate(shown);
    }
    lines.sort_unstable_by(order);
    writeln!(out, "\n{title} ({shown} of {})", map.len())?;
    writeln!(out, "{:>12}  {:>12}  {:>13}", "Events", "Bytes read", "Bytes written")?;
    for (line, Totals { events, read, written }) in lines {
        let mut text = String::new();
        let name = name(line);
        let name = if name.is_empty() { "(no name)" } else { &name };
        let _ = fmt::Write::write_str(&mut Escaped(&mut text), name);
        writeln!(out, "{events:>12}  {read:>12}  {written:>13}  {text}")?;
    }
    Ok(())
}

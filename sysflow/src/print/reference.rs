// SPDX-License-Identifier: Apache-2.0
//! JSON and CSV as the reference's printer writes them, for programs made for its output.
//!
//! They differ from [`Json`](super::Json) and [`Csv`](super::Csv): times are rounded to
//! microseconds and have no zone, some absent numbers are empty texts, what is not ASCII is
//! escaped, and lists in CSV are Python's. `docs/print.md` says why the formats of this program
//! do without that.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::Column;
use super::csv::quote;
use super::json::{Layout, Member, members};
use super::python::{Services, rounded, write_ascii, write_repr};
use crate::attribute::{Made, Many, Value};
use crate::resolve::{Event, ResolvedEvent};

/// The formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferenceFormat {
    /// Nested objects, one in each line.
    Json,
    /// Flat objects, one in each line.
    FlatJson,
    /// CSV. Without events there are no names either.
    Csv,
}

/// Writes events byte for byte as the reference's printer does.
#[derive(Debug)]
pub struct Reference {
    format: ReferenceFormat,
    /// Whether objects are the items of one array, as the reference writes them to a file.
    array: bool,
    fields: Vec<Field>,
    /// What closes an object.
    tail: &'static str,
    rows: u64,
    line: String,
    cell: String,
}

/// A field of an object, or of a line of CSV.
#[derive(Debug)]
struct Field {
    column: Column,
    source: Source,
    /// The JSON before its value.
    lead: String,
    /// Whether it is null where it is absent, not an empty text.
    null: bool,
}

/// Where a value is taken from.
#[derive(Clone, Copy, Debug)]
enum Source {
    Attribute,
    /// The path with the kernel's addresses.
    Path,
    NewPath,
    /// The message with the line feed and NUL at its end.
    Message,
    /// The parent's identity, known only with the parent.
    Parent,
    Tags,
}

/// Attributes that are null where they are absent.
const NULL: &[&str] = &[
    "ret",
    "endts_uts",
    "proc.pid",
    "proc.tid",
    "proc.uid",
    "proc.gid",
    "proc.createts",
    "pproc.pid",
    "pproc.gid",
    "pproc.uid",
    "net.sport",
    "net.dport",
    "flow.rbytes",
    "flow.rops",
    "flow.wbytes",
    "flow.wops",
    "pf.nthreads",
    "pf.nexits",
    "pf.nerrors",
    "pod.rstrtcnt",
    "schema",
];

impl Field {
    fn new(column: Column, lead: String) -> Self {
        let source = match column.name() {
            "file.path" => Source::Path,
            "file.newpath" => Source::NewPath,
            "k8s.msg" => Source::Message,
            "pproc.pid" | "pproc.createts" => Source::Parent,
            "tags" => Source::Tags,
            _ => Source::Attribute,
        };
        Self { column, source, lead, null: NULL.contains(&column.name()) }
    }

    fn value<'a>(&self, event: &ResolvedEvent<'a>, row: u64) -> Value<'a> {
        match (self.source, event.event) {
            (Source::Path, _) => event.file.map(|file| &file.path).into(),
            (Source::NewPath, _) => event.new_file.map(|file| &file.path).into(),
            (Source::Message, Event::K8s(event)) => (&event.message).into(),
            (Source::Parent, _) if event.parent.is_none() => Value::Absent,
            _ => self.column.value(event, row),
        }
    }
}

/// The fields with the JSON that leads to each, and what closes the object.
fn fields(columns: &[Column], layout: Layout) -> (Vec<Field>, &'static str) {
    let mut fields = Vec::new();
    let (mut open, mut tail) = ("{", "}");
    for member in members(columns, layout) {
        match member {
            Member::Field(name, column) => {
                fields.push(Field::new(column, format!("{open}\"{name}\": ")));
                (open, tail) = (", ", "}");
            }
            Member::Group(group, inner) => {
                let mut lead = format!("{open}\"{group}\": {{");
                for (name, column) in inner {
                    fields.push(Field::new(column, format!("{lead}\"{name}\": ")));
                    ", ".clone_into(&mut lead);
                }
                (open, tail) = ("}, ", "}}");
            }
        }
    }
    (fields, tail)
}

impl Reference {
    /// Writes these columns. An `array` is what the reference writes to files instead of lines.
    #[must_use]
    pub fn new(columns: &[Column], format: ReferenceFormat, array: bool) -> Self {
        let (fields, tail) = match format {
            ReferenceFormat::Json => fields(columns, Layout::Lines),
            ReferenceFormat::FlatJson => fields(columns, Layout::Flat),
            ReferenceFormat::Csv => {
                (columns.iter().map(|&column| Field::new(column, String::new())).collect(), "")
            }
        };
        let array = array && format != ReferenceFormat::Csv;
        Self { format, array, fields, tail, rows: 0, line: String::new(), cell: String::new() }
    }

    /// Writes an event.
    ///
    /// # Errors
    /// What `out` reports.
    pub fn write_event(
        &mut self,
        out: &mut impl Write,
        event: &ResolvedEvent<'_>,
    ) -> io::Result<()> {
        self.line.clear();
        if self.format == ReferenceFormat::Csv {
            self.put_csv(event);
        } else {
            self.put_json(event);
        }
        self.rows += 1;
        out.write_all(self.line.as_bytes())
    }

    fn put_json(&mut self, event: &ResolvedEvent<'_>) {
        if self.array {
            self.line.push_str(if self.rows == 0 { "[" } else { ", " });
        }
        for field in &self.fields {
            self.line.push_str(&field.lead);
            match field.value(event, self.rows) {
                Value::Absent => self.line.push_str(if field.null { "null" } else { "\"\"" }),
                value => put(&mut self.line, &mut self.cell, value, write_ascii),
            }
        }
        self.line.push_str(self.tail);
        if !self.array {
            self.line.push('\n');
        }
    }

    fn put_csv(&mut self, event: &ResolvedEvent<'_>) {
        if self.rows == 0 {
            let names: Vec<_> = self.fields.iter().map(|field| field.column.name()).collect();
            self.line.push_str(&names.join(","));
            self.line.push_str("\r\n");
        }
        let mut text = String::new();
        for (at, field) in self.fields.iter().enumerate() {
            if at > 0 {
                self.line.push(',');
            }
            self.cell.clear();
            match field.value(event, self.rows) {
                Value::Bool(truth) => self.cell.push_str(if truth { "True" } else { "False" }),
                Value::Time(ns) => rounded(&mut self.cell, ns),
                Value::Many(_) if matches!(field.source, Source::Tags) => self.cell.push_str("()"),
                value if is_list(&value) => put(&mut self.cell, &mut text, value, write_repr),
                value => {
                    // Writing to a string does not fail.
                    let _ = write!(self.cell, "{value}");
                }
            }
            if self.fields.len() == 1 && self.cell.is_empty() {
                self.line.push_str("\"\""); // else the line would look like none
            } else {
                quote(&self.cell, &mut self.line);
            }
        }
        self.line.push_str("\r\n");
    }

    /// Writes what closes an array.
    ///
    /// # Errors
    /// What `out` reports.
    pub fn finish(&mut self, out: &mut impl Write) -> io::Result<()> {
        match (self.array, self.rows) {
            (false, _) => Ok(()),
            (true, 0) => out.write_all(b"[]"),
            (true, _) => out.write_all(b"]"),
        }
    }
}

fn is_list(value: &Value<'_>) -> bool {
    match value {
        Value::Many(many) => !matches!(many, Many::Environment(_)),
        Value::Made(made) => matches!(made, Made::Services(_)),
        _ => false,
    }
}

/// Appends a value; texts are written by `write_text`.
fn put(line: &mut String, cell: &mut String, value: Value<'_>, write_text: fn(&mut String, &str)) {
    // Writing to a string does not fail.
    let _ = match value {
        Value::Absent => Ok(()),
        Value::Int(_) | Value::Bool(_) | Value::OpenFlags(_) => write!(line, "{value}"),
        Value::Time(ns) => {
            cell.clear();
            rounded(cell, ns);
            write!(line, "\"{cell}\"")
        }
        Value::Text(text) => {
            write_text(line, text);
            Ok(())
        }
        Value::Made(Made::Services(services)) => {
            Services { services, write_text }.put(line);
            Ok(())
        }
        Value::Many(many) if is_list(&value) => {
            let mut between = "[";
            many.any(&mut |value| {
                line.push_str(std::mem::replace(&mut between, ", "));
                put(line, cell, value, write_text);
                false
            });
            line.push_str(if between == "[" { "[]" } else { "]" });
            Ok(())
        }
        Value::Made(_) | Value::Address(_) | Value::Operations(_) | Value::Many(_) => {
            cell.clear();
            let written = write!(cell, "{value}");
            write_text(line, cell);
            written
        }
    };
}

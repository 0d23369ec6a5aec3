// SPDX-License-Identifier: Apache-2.0
//! Events as JSON.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::{Column, Times, digits};
use crate::attribute::{Made, Many, Type, Value, write_json_chars, write_json_text};
use crate::resolve::ResolvedEvent;

/// How JSON is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One array of objects, in which `proc.exe` is `exe` inside `proc`.
    Array,
    /// The same objects, one in each line.
    Lines,
    /// Objects with the names of attributes as they are, one in each line.
    Flat,
}

/// Writes events as JSON objects.
///
/// What is absent is `null` for numbers and truth values, an empty text for texts, an empty array
/// for lists. Operations are the text of the table, open flags a number, the environment one text
/// with `;` between the variables, as the reference writes them.
#[derive(Debug)]
pub struct Json {
    layout: Layout,
    places: Vec<Place>,
    /// What comes after the last value.
    end: String,
    times: Times,
    rows: u64,
    line: String,
    text: String,
}

/// A value's place in an object.
#[derive(Debug)]
struct Place {
    /// All that stands between the value before and this one.
    before: String,
    /// The same with what stands for no value behind it: most events have few of the values.
    absent: String,
    column: Column,
}

/// The places of an object's values, and what comes after the last.
fn places(members: &[Member]) -> (Vec<Place>, String) {
    let (mut places, mut text) = (Vec::new(), "{".to_owned());
    let mut place = |text: &mut String, name: &str, column: Column, first: bool| {
        let comma = if first { "" } else { "," };
        let before = std::mem::take(text) + &format!("{comma}\"{name}\":");
        let absent = format!("{before}{}", absent(&column));
        places.push(Place { before, absent, column });
    };
    for (at, member) in members.iter().enumerate() {
        match member {
            Member::Field(name, column) => place(&mut text, name, *column, at == 0),
            Member::Group(group, columns) => {
                let comma = if at == 0 { "" } else { "," };
                text += &format!("{comma}\"{group}\":{{");
                for (at, (name, column)) in columns.iter().enumerate() {
                    place(&mut text, name, *column, at == 0);
                }
                text.push('}');
            }
        }
    }
    (places, text + "}")
}

/// What is in an object.
#[derive(Debug)]
pub(super) enum Member {
    Field(&'static str, Column),
    Group(&'static str, Vec<(&'static str, Column)>),
}

/// Groups of names with a common first part stand where the first of them does.
pub(super) fn members(columns: &[Column], layout: Layout) -> Vec<Member> {
    let mut members: Vec<Member> = Vec::new();
    for (at, &column) in columns.iter().enumerate() {
        if columns[..at].contains(&column) {
            continue; // an object has a name once
        }
        let name = column.name();
        let Some((group, rest)) = name.split_once('.').filter(|_| layout != Layout::Flat) else {
            members.push(Member::Field(name, column));
            continue;
        };
        let known = members.iter_mut().find_map(|member| match member {
            Member::Group(name, fields) if *name == group => Some(fields),
            _ => None,
        });
        match known {
            Some(fields) => fields.push((rest, column)),
            None => members.push(Member::Group(group, vec![(rest, column)])),
        }
    }
    members
}

impl Json {
    /// Writes these fields, in this order.
    #[must_use]
    pub fn new(columns: &[Column], layout: Layout, times: Times) -> Self {
        let (places, mut end) = places(&members(columns, layout));
        if layout != Layout::Array {
            end.push('\n');
        }
        let (line, text) = (String::new(), String::new());
        Self { layout, places, end, times, rows: 0, line, text }
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
        if self.layout == Layout::Array {
            self.line.push_str(if self.rows == 0 { "[" } else { ",\n" });
        }
        let Self { places, end, times, rows, line, text, .. } = self;
        for Place { before, absent, column } in places {
            match column.value(event, *rows) {
                Value::Absent => line.push_str(absent),
                value => {
                    line.push_str(before);
                    put(line, text, column, value, times);
                }
            }
        }
        line.push_str(end);
        self.rows += 1;
        out.write_all(self.line.as_bytes())
    }

    /// Writes what closes an array.
    ///
    /// # Errors
    /// What `out` reports.
    pub fn finish(&mut self, out: &mut impl Write) -> io::Result<()> {
        match (self.layout, self.rows) {
            (Layout::Array, 0) => out.write_all(b"[]\n"),
            (Layout::Array, _) => out.write_all(b"]\n"),
            _ => Ok(()),
        }
    }

    /// Events written so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }
}

/// Appends a value as JSON; `text` is room to put texts together.
pub(super) fn put(
    line: &mut String,
    text: &mut String,
    column: &Column,
    value: Value<'_>,
    times: &Times,
) {
    // Writing to a string does not fail.
    let _ = match value {
        Value::Absent => {
            line.push_str(absent(column));
            Ok(())
        }
        Value::Int(number) => {
            digits::push_number(line, number);
            Ok(())
        }
        Value::Time(ns) if matches!(times, Times::Epoch) => {
            digits::push_number(line, ns);
            Ok(())
        }
        Value::Bool(_) | Value::OpenFlags(_) => write!(line, "{value}"),
        Value::Time(ns) if matches!(times, Times::Utc) => {
            line.push('"');
            digits::push_utc(line, ns);
            line.push('"');
            Ok(())
        }
        Value::Time(ns) => write!(line, "\"{}\"", times.at(ns)),
        Value::Text(plain) => write_json_text(line, plain),
        // Already JSON.
        Value::Made(Made::Services(_)) => write!(line, "{value}"),
        Value::Many(many) if !matches!(many, Many::Environment(_)) => {
            line.push('[');
            let mut first = true;
            many.any(&mut |value| {
                if !std::mem::take(&mut first) {
                    line.push(',');
                }
                put(line, text, column, value, times);
                false
            });
            line.push(']');
            Ok(())
        }
        Value::Many(many @ Many::Environment(_)) => {
            line.push('"');
            let mut first = true;
            many.any(&mut |value| {
                if !std::mem::take(&mut first) {
                    line.push(';');
                }
                if let Value::Text(variable) = value {
                    let _ = write_json_chars(line, variable);
                }
                false
            });
            line.push('"');
            Ok(())
        }
        Value::Made(_) | Value::Address(_) | Value::Operations(_) | Value::Many(_) => {
            text.clear();
            write!(text, "{value}").and_then(|()| write_json_text(line, text))
        }
    };
}

/// What stands for no value.
fn absent(column: &Column) -> &'static str {
    let Column::Attribute(attribute) = column else { return "null" };
    match attribute.kind {
        Type::Integer if attribute.many => "[]",
        Type::Address if attribute.many => "[]",
        Type::Integer | Type::Time | Type::Boolean | Type::Protocol | Type::OpenFlags => "null",
        _ if attribute.name == "pod.services" => "[]",
        // The environment is written as one text.
        Type::Text if attribute.many && !attribute.name.ends_with(".env") => "[]",
        _ => "\"\"",
    }
}

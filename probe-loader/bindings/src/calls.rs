// SPDX-License-Identifier: Apache-2.0
//! The tables of `driver/include/sysflow` as text: which system calls are told,
//! which are known and not told, and why.
//!
//! The rows are macros that each driver expands in its own way, so bindgen
//! does not see them.

use std::collections::BTreeMap;

/// A macro call at the start of a line: its arguments, trimmed.
type Row = Vec<String>;

/// The rows `name(...)` of a header, without comments and definitions.
pub(crate) fn rows(header: &str, name: &str) -> Vec<Row> {
    let text = plain(header);
    let mut found = Vec::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find(&format!("\n{name}(")) {
        rest = &rest[at + name.len() + 2..];
        let end = closing(rest);
        found.push(arguments(&rest[..end]));
        rest = &rest[end..];
    }
    found
}

/// The header without comments and preprocessor lines, after a line's end.
fn plain(header: &str) -> String {
    let mut text = String::from("\n");
    let mut rest = header;
    while let Some(at) = rest.find("/*") {
        text.push_str(&rest[..at]);
        rest = rest[at..].find("*/").map_or("", |end| &rest[at + end + 2..]);
    }
    text.push_str(rest);
    let mut kept = String::from("\n");
    let mut goes_on = false;
    for line in text.lines() {
        if !goes_on && !line.trim_start().starts_with('#') {
            kept.push_str(line);
            kept.push('\n');
            continue;
        }
        goes_on = line.ends_with('\\');
    }
    kept
}

/// Where the macro call ends whose opening parenthesis was just passed.
fn closing(text: &str) -> usize {
    let (mut depth, mut quoted) = (1, false);
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// Arguments between commas; string literals are joined.
fn arguments(text: &str) -> Row {
    let (mut args, mut arg, mut quoted) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => args.push(std::mem::take(&mut arg)),
            c if quoted || !c.is_whitespace() => arg.push(c),
            _ => {}
        }
    }
    args.push(arg);
    args
}

/// What becomes of every system call that the project knows.
#[derive(Debug)]
pub(crate) struct Calls {
    /// Calls that are told, with their operation, in the order of the headers.
    pub(crate) told: Vec<(String, String)>,
    /// Calls that are not, by name, with the reason's identifier.
    pub(crate) untold: BTreeMap<String, String>,
    /// Reasons: identifier and text.
    pub(crate) reasons: Vec<(String, String)>,
    /// Calls that stand twice.
    pub(crate) twice: Vec<String>,
}

impl Calls {
    /// From the texts of `syscalls.h`, `names.h` and `unrecorded.h`.
    pub(crate) fn read(syscalls: &str, names: &str, unrecorded: &str) -> Self {
        let mut calls = Self {
            told: Vec::new(),
            untold: BTreeMap::new(),
            reasons: Vec::new(),
            twice: Vec::new(),
        };
        // The first row is missing a kind: the operation comes second.
        let tables = [(syscalls, "SF_SYSCALL", 2), (names, "SF_NAMES", 1)];
        for (header, name, op) in tables {
            for row in rows(header, name) {
                if calls.knows(&row[0]) {
                    calls.twice.push(row[0].clone());
                }
                calls.told.push((row[0].clone(), row[op].clone()));
            }
        }
        for row in rows(unrecorded, "SF_UNRECORDED") {
            if calls.knows(&row[0]) {
                calls.twice.push(row[0].clone());
            }
            calls.untold.insert(row[0].clone(), row[1].clone());
        }
        for row in rows(unrecorded, "SF_REASON") {
            calls.reasons.push((row[0].clone(), row[1].clone()));
        }
        calls
    }

    /// Whether the call stands in one of the tables.
    pub(crate) fn knows(&self, call: &str) -> bool {
        self.untold.contains_key(call) || self.told.iter().any(|(told, _)| told == call)
    }
}

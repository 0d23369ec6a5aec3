// SPDX-License-Identifier: Apache-2.0
//! `docs/coverage.md`: the tables of the ABI, for people.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use crate::calls::{Calls, rows};

const HEAD: &str = "\
# Coverage

Made from the headers in `driver/include/sysflow` by `cargo run -p bindings`; do
not edit. A test compares it with them, and another one fails when the running
kernel has a system call that is neither told nor listed below.

*covered*: every call that ends is told, also when it fails, with every field of
its record (`abi.h`). *partial*: with what is missing. *not*: it has a number, and
no driver tells it. Both drivers tell the same on every kernel that
[compatibility.md](compatibility.md) names; a call that came later is told where
the kernel has it, and the table says since when.

What holds for all: a path is at most 4096 bytes long, and what is longer is cut
and marked; the eBPF driver also cuts one of more than 256 names and mounts. A
name that only the caller's memory holds is read once, when the call ends
(`SF_F_USER`).

A call of a 32-bit program gives the same record, marked `SF_F_COMPAT`, and so
does an operation of io_uring (`SF_F_URING`), from Linux 6.0 on; the last column
has the system calls that its operations stand for. Counted and not told
(`uncovered_compat`, `uncovered_uring`) are: the x32 table; umount(2) without
flags and mmap(2) with its arguments in memory, which only the 32-bit table has;
every request of io_uring before Linux 6.0; its commands to devices (URING_CMD);
files that are opened into or closed in a ring's own table, without a
descriptor; and requests that ask for no completion when they succeed.
";

/// The headers' texts, by file name; empty when there is no such file.
struct Headers<'a>(&'a Path);

impl Headers<'_> {
    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap_or_default()
    }
}

/// An operation of `ops.h`: its name and class.
fn operations(ops: &str) -> Vec<(String, usize)> {
    let number = |line: &str| {
        let (name, rest) = line.trim().strip_prefix("SF_OP_")?.split_once('=')?;
        let number: usize = rest.split(',').next()?.trim().parse().ok()?;
        Some((name.trim().to_owned(), number / 32))
    };
    ops.lines().filter_map(number).filter(|(name, _)| name != "NONE").collect()
}

/// Name of a class of `ops.h`, as its heading.
fn class_title(class: usize) -> &'static str {
    [
        "Processes",
        "Descriptions",
        "Descriptors of files",
        "Descriptors of sockets",
        "Names",
        "Bytes moved",
    ][class]
}

struct Tables {
    calls: Calls,
    hooks: Vec<Vec<String>>,
    since: BTreeMap<String, String>,
    notes: Vec<Vec<String>>,
    ia32: Vec<String>,
    uring: Vec<String>,
}

/// The system calls that other numbers stand for.
fn second_column(header: &str, name: &str) -> Vec<String> {
    rows(header, name).into_iter().map(|row| row[1].clone()).collect()
}

impl Tables {
    fn read(headers: &Headers<'_>) -> Self {
        let coverage = headers.text("coverage.h");
        let since = rows(&coverage, "SF_SINCE");
        Self {
            calls: Calls::read(
                &headers.text("syscalls.h"),
                &headers.text("names.h"),
                &headers.text("unrecorded.h"),
            ),
            hooks: rows(&coverage, "SF_HOOK"),
            since: since.into_iter().map(|row| (row[0].clone(), row[1].clone())).collect(),
            notes: rows(&coverage, "SF_NOTE"),
            ia32: second_column(&headers.text("ia32.h"), "SF_IA32"),
            uring: second_column(&headers.text("uring_ops.h"), "SF_URING"),
        }
    }

    fn calls_of(&self, op: &str) -> Vec<&str> {
        let told = self.calls.told.iter();
        told.filter(|(_, of)| of == op).map(|(call, _)| call.as_str()).collect()
    }

    /// Where an operation comes from, for the table.
    fn sources(&self, op: &str) -> String {
        let hooks = self.hooks.iter().filter(|row| row[0] == op).map(|row| row[1].clone());
        let calls = self.calls_of(op).into_iter().map(|call| match self.since.get(call) {
            Some(version) => format!("{call} ({version})"),
            None => call.to_owned(),
        });
        let listed: Vec<_> = hooks.chain(calls).collect();
        listed.join(", ")
    }

    fn verdict(&self, op: &str, driver: &str) -> String {
        if self.sources(op).is_empty() {
            return "not".to_owned();
        }
        let notes = self.notes.iter().filter(|row| row[0] == op);
        let missing: Vec<_> =
            notes.filter(|row| ["BOTH", driver].contains(&&*row[1])).map(|row| &*row[2]).collect();
        if missing.is_empty() {
            "covered".to_owned()
        } else {
            "partial: ".to_owned() + &missing.join("; ")
        }
    }

    /// The same calls made by 32-bit programs.
    fn compat(&self, op: &str) -> String {
        let calls = self.calls_of(op);
        let missing: Vec<_> =
            calls.iter().copied().filter(|call| !self.ia32.iter().any(|c| c == call)).collect();
        match (calls.len(), missing.len()) {
            (0, _) => String::new(),
            (_, 0) => "covered".to_owned(),
            (all, some) if some == all => "not".to_owned(),
            _ => format!("not: {}", missing.join(", ")),
        }
    }

    /// The calls that `io_uring` does too.
    fn uring(&self, op: &str) -> String {
        let calls = self.calls_of(op);
        let done: Vec<_> =
            calls.into_iter().filter(|c| self.uring.iter().any(|u| u == c)).collect();
        done.join(", ")
    }
}

/// The document.
pub(crate) fn document(include: &Path) -> String {
    let headers = Headers(include);
    let tables = Tables::read(&headers);
    let mut text = HEAD.to_owned();
    let mut class = usize::MAX;
    for (op, of) in operations(&headers.text("ops.h")) {
        if of != class {
            class = of;
            let _ = write!(text, "\n## {}\n\n", class_title(class));
            text.push_str(
                "| operation | system calls | module | eBPF | 32-bit calls | io_uring as |\n",
            );
            text.push_str("|---|---|---|---|---|---|\n");
        }
        let (module, ebpf) = (tables.verdict(&op, "KMOD"), tables.verdict(&op, "EBPF"));
        let ebpf = if ebpf == module && module.starts_with("partial") {
            "partial: the same".to_owned()
        } else {
            ebpf
        };
        let (sources, compat) = (tables.sources(&op), tables.compat(&op));
        let uring = tables.uring(&op);
        let _ = writeln!(text, "| {op} | {sources} | {module} | {ebpf} | {compat} | {uring} |");
    }
    text.push_str("\n## Known and not told\n\n| why | system calls |\n|---|---|\n");
    for (reason, why) in &tables.calls.reasons {
        let calls = tables.calls.untold.iter().filter(|(_, of)| *of == reason);
        let calls: Vec<_> = calls.map(|(call, _)| call.as_str()).collect();
        if !calls.is_empty() {
            let _ = writeln!(text, "| {why} | {} |", calls.join(", "));
        }
    }
    text
}

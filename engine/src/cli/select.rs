// SPDX-License-Identifier: Apache-2.0
//! What is recorded at all: selected by the driver, in the kernel, where what is left out costs
//! next to nothing.

use std::path::PathBuf;

use engine::semantics::Collect;
use probe_loader::abi::{
    SF_OP_CLOSE, SF_OP_CLOSE_RANGE, SF_OP_DUP, SF_OP_MMAP, SF_OP_OPEN, SF_OP_PIPE,
};
use probe_loader::counters::CLASS_NAMES;
use probe_loader::selection::{Builder, Cgroup, Error, Ops, Selection};

/// Which operations and which processes are recorded. A process has to pass each of the options
/// that are given, by one of its values. What is left out is counted. Births, programs, ends, users
/// and working directories of the other processes are followed, so that a process is known when
/// it comes to be recorded, and not written.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "What the driver leaves out")]
pub(crate) struct SelectArgs {
    /// Operations to record: names (open, connect, rename, ...) and classes (process, file, net,
    /// path, io) with commas between them; !NAME takes one out, from all if it comes first. With
    /// operations on descriptors those that close and duplicate them are recorded too
    #[arg(long, value_name = "LIST", conflicts_with = "read", value_parser = ops)]
    ops: Option<Ops>,

    /// Record this process and all that descends from it. May be repeated, or a list with commas
    #[arg(long, value_name = "PID", conflicts_with = "read", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..))]
    pid: Vec<u32>,

    /// Record processes whose effective user is this: a number, a name, or FIRST-LAST. May be
    /// repeated, or a list with commas
    #[arg(long, value_name = "USER", conflicts_with = "read", value_delimiter = ',', value_parser = users)]
    uid: Vec<(u32, u32)>,

    /// Record processes in this control group or below it: its folder, or its name in the unified
    /// hierarchy (/system.slice/nginx.service). May be repeated
    #[arg(long, value_name = "PATH", conflicts_with = "read")]
    cgroup: Vec<PathBuf>,
}

fn ops(text: &str) -> Result<Ops, Error> {
    text.parse()
}

fn users(text: &str) -> Result<(u32, u32), String> {
    let number = |text: &str| text.parse::<u32>().ok();
    if let Some(uid) = number(text) {
        return Ok((uid, uid));
    }
    if let Some((first, last)) = text.split_once('-')
        && let (Some(first), Some(last)) = (number(first), number(last))
    {
        if first > last {
            return Err("the range ends before it begins".to_owned());
        }
        return Ok((first, last));
    }
    let lines = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    named(&lines, text).map(|uid| (uid, uid)).ok_or_else(|| "no such user".to_owned())
}

/// A user's number in a passwd(5) file.
fn named(lines: &str, name: &str) -> Option<u32> {
    let line = lines.lines().find(|line| line.split(':').next() == Some(name))?;
    line.split(':').nth(2)?.parse().ok()
}

/// Of all operations, those that a collection mode has a use for.
fn of_mode(collect: Collect) -> Ops {
    let path = CLASS_NAMES.iter().position(|name| *name == "path").map_or(Ops::NONE, Ops::of_class);
    match collect {
        Collect::Flows => Ops::ALL,
        Collect::Consume => Ops::ALL - Ops::of(&[SF_OP_MMAP]),
        // Descriptors are followed by their closes, and by the file that each
        // operation on bytes names.
        Collect::NoFiles => Ops::ALL - path - Ops::of(&[SF_OP_OPEN, SF_OP_PIPE, SF_OP_MMAP]),
    }
}

/// Flows end with their descriptors.
fn with_ends(ops: Ops) -> Ops {
    let descriptors = ["file", "net", "io"].into_iter().filter_map(|name| {
        let class = CLASS_NAMES.iter().position(|known| *known == name)?;
        Some(Ops::of_class(class))
    });
    let all = descriptors.fold(Ops::NONE, |all, of| all | of);
    if ops - (ops - all) == Ops::NONE {
        return ops;
    }
    ops | Ops::of(&[SF_OP_CLOSE, SF_OP_CLOSE_RANGE, SF_OP_DUP])
}

impl SelectArgs {
    /// What the options and the collection mode ask for.
    pub(crate) fn selection(&self, collect: Collect) -> Result<Selection, Error> {
        let asked = self.ops.map_or(Ops::ALL, with_ends);
        let useless = Ops::ALL - of_mode(collect);
        let mut builder: Builder = Selection::builder().ops(asked - useless);
        for pid in &self.pid {
            builder = builder.tree(*pid);
        }
        for (first, last) in &self.uid {
            builder = builder.users(*first..=*last);
        }
        for path in &self.cgroup {
            builder = builder.cgroup(Cgroup::at(path)?);
        }
        builder.build()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use probe_loader::abi::{SF_OP_CONNECT, SF_OP_FORK, SF_OP_MKDIR, SF_OP_READ};

    use super::*;

    #[derive(clap::Parser)]
    struct Command {
        #[arg(long)]
        read: Option<String>,
        #[command(flatten)]
        args: SelectArgs,
    }

    fn parsed(line: &str) -> Result<SelectArgs, String> {
        Command::try_parse_from(std::iter::once("x").chain(line.split_whitespace()))
            .map(|command| command.args)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_asked_for_leaves_nothing_out() {
        let args = parsed("").expect("parsed");
        assert!(args.selection(Collect::Flows).expect("built").is_everything());
        assert!(!args.selection(Collect::NoFiles).expect("built").is_everything());
    }

    #[test]
    fn descriptors_are_followed_to_their_end() {
        let ends = |ops: &str| with_ends(ops.parse().expect("operations"));
        for ops in ["read", "net", "all"] {
            assert!(ends(ops).contains(SF_OP_CLOSE) && ends(ops).contains(SF_OP_DUP), "{ops}");
        }
        assert!(!ends("mkdir,process").contains(SF_OP_CLOSE));
    }

    #[test]
    fn modes_leave_out_what_they_do_not_record() {
        let none = of_mode(Collect::NoFiles);
        for (op, kept) in [
            (SF_OP_OPEN, false),
            (SF_OP_MKDIR, false),
            (SF_OP_READ, true),
            (SF_OP_CLOSE, true),
            (SF_OP_CONNECT, true),
            (SF_OP_FORK, true),
        ] {
            assert_eq!(none.contains(op), kept, "{op}");
        }
        assert!(of_mode(Collect::Consume).contains(SF_OP_OPEN));
        assert!(!of_mode(Collect::Consume).contains(SF_OP_MMAP));
    }

    #[test]
    fn users_are_numbers_ranges_and_names() {
        assert_eq!(users("33"), Ok((33, 33)));
        assert_eq!(users("1000-1999"), Ok((1000, 1999)));
        assert_eq!(users("root"), Ok((0, 0)));
        assert_eq!(named("a:x:1:1::/:\nwww-data:x:33:33::/:\n", "www-data"), Some(33));
        assert!(users("2-1").is_err() && users("no such").is_err() && users("-1").is_err());
        assert_eq!(parsed("--uid 0,5-6 --uid 9").expect("parsed").uid, [(0, 0), (5, 6), (9, 9)]);
    }

    #[test]
    fn nonsense_is_refused() {
        for (line, says) in [
            ("--ops raed", "`raed` is no operation"),
            ("--pid 0", "0 is not in"),
            ("--uid nobody-at-all", "no such user"),
            ("--pid 1 --read file", "cannot be used with"),
        ] {
            let error = parsed(line).expect_err(line);
            assert!(error.contains(says), "{error}");
        }
        let args = parsed("--cgroup /none/such").expect("parsed");
        let error = args.selection(Collect::Flows).expect_err("no group").to_string();
        assert_eq!(error, "/none/such is no control group");
    }
}

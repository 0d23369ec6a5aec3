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

use super::settings::{Key, Values, list};

/// Which operations and which processes are recorded. A process has to pass each of the lists
/// that are given, by one of its entries. What is left out is counted. Births, programs, ends, users
/// and working directories of the other processes are followed, so that a process is known when
/// it comes to be recorded, and not written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Select {
    ops: Option<Ops>,
    pids: Vec<u32>,
    users: Vec<(u32, u32)>,
    cgroups: Vec<PathBuf>,
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

impl Select {
    /// What the settings say. Whether a process or a control group is there is
    /// seen when it is selected.
    pub(crate) fn new(values: &Values) -> Result<Self, String> {
        let text = |key| values.text(key, None);
        Ok(Self {
            ops: text(Key::Ops).map(|text| list::ops(&text)).transpose()?,
            pids: text(Key::Pid).map_or(Ok(Vec::new()), |text| list::pids(&text))?,
            users: text(Key::Uid).map_or(Ok(Vec::new()), |text| list::users(&text))?,
            cgroups: text(Key::Cgroup).map_or(Ok(Vec::new()), |text| list::cgroups(&text))?,
        })
    }

    /// What is recorded, of what the collection mode has a use for; something
    /// has to be left.
    pub(crate) fn selection(&self, collect: Collect) -> Result<Selection, Error> {
        let useless = Ops::ALL - of_mode(collect);
        if self.ops.is_some_and(|ops| ops - useless == Ops::NONE) {
            // What was asked for is what the mode leaves out.
            return Err(Error::NoOperation);
        }
        let asked = self.ops.map_or(Ops::ALL, with_ends);
        let mut builder: Builder = Selection::builder().ops(asked - useless);
        for pid in &self.pids {
            builder = builder.tree(*pid);
        }
        for (first, last) in &self.users {
            builder = builder.users(*first..=*last);
        }
        for path in &self.cgroups {
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
    use crate::cli::settings::SettingArgs;

    #[derive(clap::Parser)]
    struct Command {
        #[arg(long)]
        read: Option<String>,
        #[command(flatten)]
        args: SettingArgs,
    }

    fn parsed(line: &str) -> Result<Select, String> {
        let words = std::iter::once("x").chain(line.split_whitespace());
        let command = Command::try_parse_from(words).map_err(|error| error.to_string())?;
        Select::new(&Values::find(&command.args, false).map_err(|error| error.to_string())?)
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
    fn lists_have_commas_or_are_repeated() {
        let args = parsed("--uid 0,5-6 --uid 9 --pid 7 --pid 8,9 --cgroup /a,b --cgroup /c");
        let args = args.expect("parsed");
        assert_eq!(args.users, [(0, 0), (5, 6), (9, 9)]);
        assert_eq!(args.pids, [7, 8, 9]);
        assert_eq!(args.cgroups, [PathBuf::from("/a,b"), "/c".into()]);
    }

    #[test]
    fn nonsense_is_refused() {
        for (line, says) in [
            ("--ops raed", "`raed` is no operation"),
            ("--pid 0", "is no process id"),
            ("--ops io --ops net", "cannot be used multiple times"),
            ("--uid nobody-at-all", "no such user"),
            ("--pid 1 --read file", "cannot be used with"),
        ] {
            let error = parsed(line).expect_err(line);
            assert!(error.contains(says), "{error}");
        }
        let args = parsed("--ops path,open").expect("parsed");
        let error = args.selection(Collect::NoFiles).expect_err("nothing is left").to_string();
        assert_eq!(error, "no operation is left");
        assert!(args.selection(Collect::Consume).is_ok());
        let args = parsed("--cgroup /none/such").expect("parsed");
        let error = args.selection(Collect::Flows).expect_err("no group").to_string();
        assert_eq!(error, "/none/such is no control group");
    }
}

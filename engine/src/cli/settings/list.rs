// SPDX-License-Identifier: Apache-2.0
//! Lists that select: of operations, processes, users and control groups.

use std::path::PathBuf;

use probe_loader::selection::{self, Ops};

/// What a list is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// Operations, and classes of them.
    Operation,
    /// Processes, by their numbers.
    Process,
    /// Users, by number, name or range.
    User,
    /// Control groups, by path.
    Cgroup,
}

impl Item {
    /// What stands between entries. The folders of old hierarchies have commas
    /// in their names (`cpu,cpuacct`); no control group has an end of line (the
    /// kernel's `cgroup_mkdir` refuses it).
    pub(crate) fn separator(self) -> &'static str {
        if self == Self::Cgroup { "\n" } else { "," }
    }

    /// The entries of a list.
    pub(crate) fn entries(self, text: &str) -> impl Iterator<Item = &str> {
        let plain = move |entry| if self == Self::Cgroup { entry } else { str::trim(entry) };
        text.split(self.separator()).map(plain)
    }

    /// Why a text is no such list.
    pub(crate) fn check(self, text: &str) -> Result<(), String> {
        match self {
            Self::Operation => ops(text).map(drop),
            Self::Process => pids(text).map(drop),
            Self::User => users(text).map(drop),
            Self::Cgroup => cgroups(text).map(drop),
        }
    }

    /// Why a text cannot be one of several entries.
    pub(crate) fn check_entry(self, text: &str) -> Result<(), String> {
        match (self, text.strip_prefix('!')) {
            // What it is taken out of is elsewhere in the list.
            (Self::Operation, Some(name)) => ops(name).map(drop),
            (Self::Cgroup, _) if text.contains(self.separator()) => {
                Err("no control group has an end of line in its name".to_owned())
            }
            _ => self.check(text),
        }
    }

    /// What it is of, in words.
    #[cfg(test)]
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Operation => "list of operations",
            Self::Process => "list of process ids",
            Self::User => "list of users",
            Self::Cgroup => "list of paths",
        }
    }
}

/// The entries, and no more than a driver can select.
fn all<'a, T>(
    item: Item,
    text: &'a str,
    entry: impl Fn(&'a str) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    let entries: Vec<T> = item.entries(text).map(entry).collect::<Result<_, _>>()?;
    if entries.len() > selection::MAX {
        return Err(format!("{} entries: at most {} can be", entries.len(), selection::MAX));
    }
    Ok(entries)
}

pub(crate) fn ops(text: &str) -> Result<Ops, String> {
    text.parse().map_err(|error: selection::Error| error.to_string())
}

pub(crate) fn pids(text: &str) -> Result<Vec<u32>, String> {
    all(Item::Process, text, |entry| match entry.parse() {
        Ok(pid) if (1..=i32::MAX as u32).contains(&pid) => Ok(pid),
        _ => Err(format!("\"{entry}\" is no process id")),
    })
}

pub(crate) fn cgroups(text: &str) -> Result<Vec<PathBuf>, String> {
    all(Item::Cgroup, text, |entry| match entry {
        "" => Err("a control group without a name".to_owned()),
        entry => Ok(entry.into()),
    })
}

/// Users as ranges of numbers.
pub(crate) fn users(text: &str) -> Result<Vec<(u32, u32)>, String> {
    all(Item::User, text, user)
}

fn user(text: &str) -> Result<(u32, u32), String> {
    let number = |text: &str| text.parse::<u32>().ok();
    if let Some(uid) = number(text) {
        return Ok((uid, uid));
    }
    if let Some((first, last)) = text.split_once('-')
        && let (Some(first), Some(last)) = (number(first), number(last))
    {
        if first > last {
            return Err(format!("the range {text} ends before it begins"));
        }
        return Ok((first, last));
    }
    let lines = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let found = named(&lines, text).map(|uid| (uid, uid));
    found.ok_or_else(|| format!("no such user: \"{text}\""))
}

/// A user's number in a passwd(5) file.
fn named(lines: &str, name: &str) -> Option<u32> {
    let line = lines.lines().find(|line| line.split(':').next() == Some(name))?;
    line.split(':').nth(2)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_numbers_ranges_and_names() {
        assert_eq!(users("33"), Ok(vec![(33, 33)]));
        assert_eq!(users("root, 1000-1999,7"), Ok(vec![(0, 0), (1000, 1999), (7, 7)]));
        assert_eq!(named("a:x:1:1::/:\nwww-data:x:33:33::/:\n", "www-data"), Some(33));
        for wrong in ["2-1", "no such", "-1", "", "1,,2", "4294967296"] {
            assert!(users(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn processes_are_numbers() {
        assert_eq!(pids("1, 22"), Ok(vec![1, 22]));
        for wrong in ["0", "-1", "x", "", "1,", "2147483648"] {
            assert!(pids(wrong).is_err(), "{wrong}");
        }
        let many = |n| vec!["5"; n].join(",");
        assert!(pids(&many(selection::MAX)).is_ok() && pids(&many(selection::MAX + 1)).is_err());
    }

    #[test]
    fn folders_can_have_commas() {
        let found = cgroups("/sys/fs/cgroup/cpu,cpuacct/a\n/b c ");
        assert_eq!(found, Ok(vec!["/sys/fs/cgroup/cpu,cpuacct/a".into(), "/b c ".into()]));
        assert!(Item::Cgroup.check_entry("/a\n/b").is_err());
        assert!(cgroups("").is_err() && cgroups("/a\n").is_err());
    }

    #[test]
    fn an_entry_can_take_out_what_others_name() {
        assert!(Item::Operation.check("!all").is_err());
        assert!(Item::Operation.check_entry("!all").is_ok());
        assert!(Item::Operation.check_entry("!raed").is_err());
        assert!(Item::Operation.check_entry("raed").is_err());
    }
}

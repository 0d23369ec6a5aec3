// SPDX-License-Identifier: Apache-2.0
//! What a driver tells: operations and tasks, selected in the kernel.
//!
//! `driver/include/sysflow/select.h` says what each filter means, and what a
//! reader can rely on.

mod cgroup;
mod ops;

use std::ops::RangeInclusive;
use std::path::PathBuf;

pub use cgroup::Cgroup;
pub use ops::Ops;

use crate::abi::{
    SF_SELECT_CGROUP, SF_SELECT_MAX, SF_SELECT_TREE, SF_SELECT_UID, sf_selection, sf_uids,
};

/// Entries that each filter can have.
pub const MAX: usize = SF_SELECT_MAX as usize;

/// Why there is no selection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A name that no operation or class has.
    #[error(
        "`{0}` is no operation; there are the classes process, file, net, path and io, and {known}",
        known = Ops::ALL.names().collect::<Vec<_>>().join(", ")
    )]
    Operation(String),
    /// Nothing would be recorded.
    #[error("no operation is left")]
    NoOperation,
    /// A process cannot have this number.
    #[error("{0} is no process id")]
    Pid(u32),
    /// A range of users that ends before it begins.
    #[error("the users {first} to {last} are none")]
    Users {
        /// Its first user.
        first: u32,
        /// Its last user.
        last: u32,
    },
    /// A folder is no control group.
    #[error("{} is no control group", .0.display())]
    NoCgroup(PathBuf),
    /// A hierarchy without controllers, by which tasks cannot be told apart.
    #[error(
        "{} is in a hierarchy without controllers; name the group in another one, or in the \
         unified hierarchy", .0.display()
    )]
    NamedHierarchy(PathBuf),
    /// Control groups of several hierarchies.
    #[error("control groups of one hierarchy can be selected, not of several")]
    Hierarchies,
    /// A filter with too many entries.
    #[error("{count} {what}: at most {MAX} can be selected")]
    TooMany {
        /// Entries of what.
        what: &'static str,
        /// How many were asked for.
        count: usize,
    },
}

/// What is told: see [`Builder`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection(sf_selection);

impl Selection {
    /// Everything.
    #[must_use]
    pub fn everything() -> Self {
        Self(sf_selection { ops: Ops::ALL.words(), ..sf_selection::default() })
    }

    /// A selection to be narrowed down, which begins with everything.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Whether it leaves nothing out.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.0.ops == Ops::ALL.words() && self.0.filters == 0
    }

    pub(crate) fn raw(&self) -> &sf_selection {
        &self.0
    }

    /// Roots of trees.
    pub(crate) fn roots(&self) -> &[u32] {
        &self.0.pids[..self.0.nr_pids as usize]
    }
}

/// Narrows a [`Selection`] down. A task has to pass each filter that is used,
/// by one of its entries.
///
/// ```
/// use probe_loader::selection::{Ops, Selection};
/// let selection = Selection::builder().ops(Ops::of_class(3)).users(1000..=1999).build()?;
/// # Ok::<(), probe_loader::selection::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Builder {
    ops: Ops,
    state: Ops,
    pids: Vec<u32>,
    cgroups: Vec<Cgroup>,
    users: Vec<(u32, u32)>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            ops: Ops::ALL,
            state: Ops::STATE,
            pids: Vec::new(),
            cgroups: Vec::new(),
            users: Vec::new(),
        }
    }
}

impl Builder {
    /// Of the tasks that pass, these operations. All, if this is not called.
    #[must_use]
    pub fn ops(mut self, ops: Ops) -> Self {
        self.ops = ops;
        self
    }

    /// Of every task these operations, when they succeed: what the selection
    /// leaves out of them is marked `SF_F_STATE`. [`Ops::STATE`], if this is not
    /// called. Without them a process that joins the selection is unknown.
    #[must_use]
    pub fn state(mut self, ops: Ops) -> Self {
        self.state = ops;
        self
    }

    /// A process, by its number in this process's pid namespace, and everything
    /// that descends from it.
    #[must_use]
    pub fn tree(mut self, pid: u32) -> Self {
        if !self.pids.contains(&pid) {
            self.pids.push(pid);
        }
        self
    }

    /// The tasks in a control group or below it.
    #[must_use]
    pub fn cgroup(mut self, cgroup: Cgroup) -> Self {
        self.cgroups.push(cgroup);
        self
    }

    /// The tasks of these effective users, by their numbers in the initial user
    /// namespace.
    #[must_use]
    pub fn users(mut self, users: RangeInclusive<u32>) -> Self {
        self.users.push((*users.start(), *users.end()));
        self
    }

    /// The selection.
    ///
    /// # Errors
    /// When it makes no sense, or a filter has more than [`MAX`] entries.
    pub fn build(&self) -> Result<Selection, Error> {
        let mut raw = sf_selection {
            ops: self.ops.words(),
            state: self.state.words(),
            hierarchy: self.cgroups.first().map_or(0, |cgroup| cgroup.hierarchy),
            ..sf_selection::default()
        };
        if self.cgroups.iter().any(|cgroup| cgroup.hierarchy != raw.hierarchy) {
            return Err(Error::Hierarchies);
        }
        if let Some(pid) = self.pids.iter().find(|pid| **pid == 0 || **pid > i32::MAX as u32) {
            return Err(Error::Pid(*pid));
        }
        if let Some(&(first, last)) = self.users.iter().find(|(first, last)| first > last) {
            return Err(Error::Users { first, last });
        }
        let users = self.users.iter().map(|&(first, last)| sf_uids { first, last });
        raw.nr_pids = fill(&mut raw.pids, self.pids.iter().copied(), "processes")?;
        raw.nr_cgroups =
            fill(&mut raw.cgroups, self.cgroups.iter().map(|cgroup| cgroup.id), "control groups")?;
        raw.nr_uids = fill(&mut raw.uids, users, "ranges of users")?;
        for (count, filter) in [
            (raw.nr_pids, SF_SELECT_TREE),
            (raw.nr_cgroups, SF_SELECT_CGROUP),
            (raw.nr_uids, SF_SELECT_UID),
        ] {
            if count > 0 {
                raw.filters |= filter;
            }
        }
        Ok(Selection(raw))
    }
}

fn fill<T>(
    list: &mut [T; MAX],
    entries: impl ExactSizeIterator<Item = T>,
    what: &'static str,
) -> Result<u32, Error> {
    let count = entries.len();
    if count > MAX {
        return Err(Error::TooMany { what, count });
    }
    list.iter_mut().zip(entries).for_each(|(place, entry)| *place = entry);
    Ok(u32::try_from(count).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_asked_for_is_everything() {
        assert!(Selection::everything().is_everything());
        assert!(Selection::builder().build().expect("built").is_everything());
        assert!(!Selection::builder().tree(1).build().expect("built").is_everything());
        let ops = Selection::builder().ops(Ops::ALL - Ops::of(&[1])).build().expect("built");
        assert!(!ops.is_everything());
    }

    #[test]
    fn a_filter_holds_when_it_has_entries() {
        let selection = Selection::builder().users(0..=0).users(33..=99).tree(7).build();
        let raw = *selection.expect("built").raw();
        assert_eq!(raw.filters, SF_SELECT_TREE | SF_SELECT_UID);
        assert_eq!((raw.nr_uids, raw.uids[1]), (2, sf_uids { first: 33, last: 99 }));
        assert_eq!((raw.nr_pids, raw.pids[0]), (1, 7));
    }

    #[test]
    fn nonsense_is_refused() {
        let group = |hierarchy| Cgroup { id: 5, hierarchy };
        let many = (1..=33).fold(Selection::builder(), Builder::tree);
        let (first, last) = (5, 4);
        for (builder, error) in [
            (Selection::builder().tree(0), Error::Pid(0)),
            (Selection::builder().tree(u32::MAX), Error::Pid(u32::MAX)),
            (Selection::builder().users(first..=last), Error::Users { first, last }),
            (Selection::builder().cgroup(group(0)).cgroup(group(3)), Error::Hierarchies),
            (many, Error::TooMany { what: "processes", count: 33 }),
        ] {
            assert_eq!(builder.build(), Err(error));
        }
        assert!((1..=32).fold(Selection::builder(), Builder::tree).build().is_ok());
    }
}

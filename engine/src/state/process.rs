// SPDX-License-Identifier: Apache-2.0
//! Processes: who they are, and what they have open.

use std::sync::{Arc, LazyLock};

use sysflow::record::{ObjectState, Oid, OpFlags};

use super::container::ContainerRef;
pub use super::processes::Processes;
use crate::flow::{List, Lists};

/// A process, by its place in [`Processes`]. Valid until the process is
/// removed; an old one may name a later process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProcRef(pub(crate) u32);

/// The program that runs in a process. Shared with its children until they
/// start another.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// Path of the binary, or argument 0.
    pub exe: Arc<str>,
    /// Arguments after argument 0, joined by spaces.
    pub args: Arc<str>,
}

/// Names of user and group, where the source tells them.
#[derive(Debug, PartialEq, Eq)]
pub struct Names {
    /// User.
    pub user: Box<str>,
    /// Group.
    pub group: Box<str>,
}

/// What a process did to its threads since the last process flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThreadSums {
    /// Operations since the last export.
    pub ops: OpFlags,
    /// First operation, or the last export; ns of the events' clock.
    pub first: u64,
    /// Last operation.
    pub last: u64,
    /// When it was exported last, or started.
    pub exported: u64,
    /// Threads started.
    pub cloned: u64,
    /// Threads ended.
    pub exited: u64,
    /// Threads that could not be started.
    pub errors: u64,
}

/// What is known of a descriptor: the file that it was last used for, and the
/// flows on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Descriptor {
    /// Identity of the open file, as in the driver's records; 0: none.
    pub file: u64,
    /// Its place among the open files.
    pub open: u32,
    /// Flows on this descriptor, the last used first.
    pub flows: List,
}

/// A process.
#[derive(Debug)]
pub struct Process {
    /// Identity in `SysFlow` records.
    pub oid: Oid,
    /// Identity of the parent.
    pub poid: Option<Oid>,
    /// The parent, while it is kept.
    pub parent: Option<ProcRef>,
    /// Thread group id.
    pub pid: u32,
    /// Start time, ns of the boot clock, as the source gives it.
    pub start: u64,
    /// When something was told of it last, ns of the events' clock: what was
    /// read in /proc before may be older.
    pub told: u64,
    /// Start time is exact, not rounded as in /proc.
    pub start_exact: bool,
    /// Why the next record of it is written.
    pub state: ObjectState,
    /// When it was created or modified, ns since the epoch.
    pub ts: i64,
    /// Program.
    pub program: Arc<Program>,
    /// Environment, each entry ended by NUL.
    pub env: Arc<str>,
    /// Working directory, with a slash at its end.
    pub cwd: Arc<str>,
    /// Effective user and group.
    pub uid: u32,
    /// Effective group.
    pub gid: u32,
    /// Names of both, unless they are to be looked up when they are written.
    pub names: Option<Arc<Names>>,
    /// Has a controlling terminal.
    pub tty: bool,
    /// Is pid 1 of its namespace.
    pub entry: bool,
    /// Container.
    pub container: Option<ContainerRef>,
    /// Number of the table of descriptors that it shares with other processes;
    /// 0: with none.
    pub files: u32,
    /// Output file (its number) that holds the record.
    pub written: u32,
    /// First of its open flows, in the order of their start.
    pub flows: List,
    /// Its process flow, if one is open.
    pub threads: Option<Box<ThreadSums>>,
    /// When the last thread was gone, ns of the events' clock. It is still
    /// found for a while, see [`Processes::end`].
    pub ended: Option<u64>,
    /// Not found any more; kept for its children only.
    pub(crate) buried: bool,
    /// Processes that have this one as `parent`.
    pub(crate) children: u32,
    /// Descriptors that are remembered, if there are fewer than of others.
    pub(crate) most_descriptors: u32,
    pub(crate) descriptors: Vec<Descriptor>,
}

/// Descriptors above this are not copied by fork: a child that uses one of them
/// is told of its file then, and most children close them first.
const MAX_INHERITED: usize = 1 << 12;

/// Memory of a process: its place, its program and its share of the index by
/// number, which is at least 7/16 full. Descriptors and texts are counted apart.
pub(crate) const BYTES: usize = size_of::<Option<Process>>() + 64 + 3 * size_of::<u64>();

/// Memory of a descriptor.
pub(crate) const DESCRIPTOR_BYTES: usize = size_of::<Descriptor>();

/// The program of a process of which nothing is known.
static UNKNOWN: LazyLock<Arc<Program>> =
    LazyLock::new(|| Arc::new(Program { exe: "<NA>".into(), ..Program::default() }));

impl Process {
    /// A process of which nothing but the number is known.
    #[must_use]
    pub fn unknown(pid: u32, oid: Oid) -> Self {
        Self {
            oid,
            poid: None,
            parent: None,
            pid,
            start: 0,
            told: 0,
            start_exact: false,
            state: ObjectState::Reup,
            ts: 0,
            program: Arc::clone(&UNKNOWN),
            env: Arc::default(),
            cwd: Arc::default(),
            uid: u32::MAX,
            gid: u32::MAX,
            names: None,
            tty: false,
            entry: false,
            container: None,
            files: 0,
            written: 0,
            flows: List::default(),
            threads: None,
            ended: None,
            buried: false,
            children: 0,
            most_descriptors: u32::MAX,
            descriptors: Vec::new(),
        }
    }

    /// A child of this process: what fork(2) copies.
    #[must_use]
    pub fn child(&self, pid: u32, oid: Oid) -> Self {
        Self {
            poid: Some(self.oid),
            state: ObjectState::Created,
            program: Arc::clone(&self.program),
            env: Arc::clone(&self.env),
            cwd: Arc::clone(&self.cwd),
            uid: self.uid,
            gid: self.gid,
            names: self.names.clone(),
            tty: self.tty,
            container: self.container,
            // The child's own table: a flow belongs to one process.
            descriptors: self
                .descriptors
                .iter()
                .take(MAX_INHERITED)
                .map(|d| Descriptor { flows: List::default(), ..*d })
                .collect(),
            ..Self::unknown(pid, oid)
        }
    }

    /// What is known of a descriptor.
    #[must_use]
    #[inline]
    pub fn descriptor(&self, fd: i32) -> Option<&Descriptor> {
        self.descriptors.get(usize::try_from(fd).ok()?).filter(|d| d.file != 0)
    }

    /// Forgets the file of a descriptor: it was closed. The flows on it stay.
    pub fn clear_descriptor(&mut self, fd: i32) {
        if let Some(d) = usize::try_from(fd).ok().and_then(|fd| self.descriptors.get_mut(fd)) {
            (d.file, d.open) = (0, 0);
        }
    }

    /// Forgets the files of all descriptors. The flows on them stay.
    pub fn forget_descriptors(&mut self) {
        for descriptor in &mut self.descriptors {
            (descriptor.file, descriptor.open) = (0, 0);
        }
    }

    /// The lists that a flow on this descriptor is in.
    pub fn lists(&mut self, fd: i32) -> Lists<'_> {
        Lists {
            process: &mut self.flows,
            descriptor: usize::try_from(fd)
                .ok()
                .and_then(|fd| self.descriptors.get_mut(fd))
                .map(|d| &mut d.flows),
        }
    }

    /// The flows on a descriptor, whatever file it is used for now.
    #[must_use]
    pub fn flows_on(&self, fd: i32) -> List {
        let descriptor = usize::try_from(fd).ok().and_then(|fd| self.descriptors.get(fd));
        descriptor.map_or_else(List::default, |d| d.flows)
    }
}

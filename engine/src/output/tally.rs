// SPDX-License-Identifier: Apache-2.0
//! What became of the records of an output: each is written, or shed for a
//! cause.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use serde_json::{Map, Value, json};
use sysflow::record::Kind;

use super::batch::{KINDS, Kinds};

/// Why an output did not get a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Its queue was full, or the records before were shed.
    NoRoom,
    /// It could not be written to.
    Failed,
    /// Nobody was connected.
    NoReader,
    /// A packet cannot hold it.
    TooLarge,
}

/// Number of causes.
pub const CAUSES: usize = 4;

impl Cause {
    /// All causes.
    pub const ALL: [Self; CAUSES] = [Self::NoRoom, Self::Failed, Self::NoReader, Self::TooLarge];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NoRoom => "no room",
            Self::Failed => "failed",
            Self::NoReader => "no reader",
            Self::TooLarge => "too large",
        }
    }
}

#[derive(Debug, Default)]
struct Counter([AtomicU64; KINDS]);

impl Counter {
    fn add(&self, kinds: &Kinds) {
        for (kind, number) in kinds.each() {
            self.0[kind as usize].fetch_add(number, Relaxed);
        }
    }

    fn get(&self) -> Kinds {
        Kinds(std::array::from_fn(|kind| self.0[kind].load(Relaxed)))
    }
}

/// The counters of an output, read by others while they grow.
#[derive(Debug, Default)]
pub(super) struct Tally {
    handed: Counter,
    written: Counter,
    gone: Counter,
    shed: [Counter; CAUSES],
    bytes: AtomicU64,
    files: AtomicU64,
    removed: AtomicU64,
    connections: AtomicU64,
    failing: AtomicBool,
}

impl Tally {
    pub(super) fn hand(&self, kinds: &Kinds) {
        self.handed.add(kinds);
    }

    pub(super) fn write_one(&self, kind: Kind) {
        self.written.0[kind as usize].fetch_add(1, Relaxed);
    }

    pub(super) fn shed(&self, cause: Cause, kinds: &Kinds) {
        self.shed[cause as usize].add(kinds);
    }

    pub(super) fn shed_one(&self, cause: Cause, kind: Kind) {
        self.shed[cause as usize].0[kind as usize].fetch_add(1, Relaxed);
    }

    pub(super) fn lose(&self, kinds: &Kinds) {
        self.gone.add(kinds);
    }

    pub(super) fn add_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Relaxed);
    }

    pub(super) fn add_file(&self) {
        self.files.fetch_add(1, Relaxed);
    }

    pub(super) fn add_removed(&self, files: u64) {
        self.removed.fetch_add(files, Relaxed);
    }

    pub(super) fn add_connection(&self) {
        self.connections.fetch_add(1, Relaxed);
    }

    /// Returns what was set before.
    pub(super) fn set_failing(&self, failing: bool) -> bool {
        self.failing.swap(failing, Relaxed)
    }

    /// The numbers, now.
    pub(super) fn get(&self) -> Numbers {
        Numbers {
            handed: self.handed.get(),
            written: self.written.get(),
            gone: self.gone.get(),
            shed: std::array::from_fn(|cause| self.shed[cause].get()),
            bytes: self.bytes.load(Relaxed),
            files: self.files.load(Relaxed),
            removed: self.removed.load(Relaxed),
            connections: self.connections.load(Relaxed),
            failing: self.failing.load(Relaxed),
        }
    }
}

/// What an output has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Records handed to it. When it has ended: written + shed.
    pub handed: Kinds,
    /// Records it took, without headers.
    pub written: Kinds,
    /// Of those, lost afterwards, with the file they were in.
    pub gone: Kinds,
    /// Records it did not get, by [`Cause`].
    pub shed: [Kinds; CAUSES],
    /// Bytes written: of files their size, of streams what was sent.
    pub bytes: u64,
    /// Files that were finished.
    pub files: u64,
    /// Old files that were removed, as age and size say.
    pub removed: u64,
    /// Connections that were made.
    pub connections: u64,
    /// Whether it cannot be written to at present.
    pub failing: bool,
}

impl Numbers {
    /// Records shed for all causes.
    #[must_use]
    pub fn shed_total(&self) -> u64 {
        self.shed.iter().map(Kinds::total).sum()
    }

    /// Records that a reader of the output does not find.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.shed_total() + self.gone.total()
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let by_cause = Cause::ALL
            .iter()
            .zip(&self.shed)
            .filter(|(_, kinds)| kinds.total() > 0)
            .map(|(cause, kinds)| (cause.name().to_owned(), by_type(kinds)));
        json!({
            "written": by_type(&self.written),
            "shed": Value::Object(by_cause.collect::<Map<_, _>>()),
            "gone": by_type(&self.gone),
            "bytes": self.bytes,
            "files": self.files,
            "removed": self.removed,
            "connections": self.connections,
        })
    }
}

/// Numbers of records by the name of their type.
pub(super) fn by_type(kinds: &Kinds) -> Value {
    let named = kinds.each().map(|(kind, number)| (kind.name().to_owned(), json!(number)));
    Value::Object(named.collect::<Map<_, _>>())
}

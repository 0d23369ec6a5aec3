// SPDX-License-Identifier: Apache-2.0
//! Events together with what they refer to.
//!
//! Events name their process and files by identity; the records that describe them come before, in
//! the same file. [`Resolver`] keeps the descriptions and hands out each event with them. What was
//! not described is none, never an error. A header begins a new, unrelated part and forgets all.
//!
//! The tables hold what one part of a file describes, up to [`Limits::entities`] bytes: a file that
//! describes more than that is hostile or damaged. What comes then is not kept, and is counted.
//!
//! ```
//! use sysflow::expression::{Predicate, Scratch};
//! use sysflow::read::Reader;
//! use sysflow::record::{Header, NetworkFlow, Oid, Process};
//! use sysflow::resolve::Events;
//! use sysflow::write::{Options, Writer};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let oid = Oid { create_ts: 1, hpid: 4711 };
//! # let mut writer = Writer::new(Vec::new(), &Options::default())?;
//! # writer.write(Header::<&str>::default())?;
//! # writer.write(Process::<&str, &[&str]> { oid, exe: "/bin/curl", ..Process::default() })?;
//! # for dport in [53, 80, 443] {
//! #     writer.write(NetworkFlow { proc_oid: oid, dport, ..NetworkFlow::default() })?;
//! # }
//! # let file = writer.finish()?;
//! let filter = Predicate::new("type = NF and proc.name = curl and net.dport in (80, 443)")?;
//! let mut scratch = Scratch::default();
//! let mut events = Events::new(Reader::new(&file[..], "memory")?);
//! let mut found = 0;
//! while let Some(event) = events.next_event()? {
//!     if filter.matches(&event, &mut scratch) {
//!         assert_eq!(event.process.map(|process| process.exe.as_str()), Some("/bin/curl"));
//!         found += 1;
//!     }
//! }
//! assert_eq!(found, 2);
//! # Ok(())
//! # }
//! ```

mod ancestry;
mod event;
mod room;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::io::BufRead;

pub use ancestry::{Ancestry, Processes};
pub use event::Event;

use crate::read::{self, Limits, Reader};
use crate::record::{Container, File, Foid, Header, Kind, Oid, Pod, Process, Record};
use room::Room;

/// An event with what it refers to, as far as that was described.
#[derive(Clone, Copy, Debug)]
pub struct ResolvedEvent<'a> {
    /// The event.
    pub event: Event<'a>,
    /// The header of this part of the file.
    pub header: Option<&'a Header>,
    /// The process.
    pub process: Option<&'a Process>,
    /// Its parent.
    pub parent: Option<&'a Process>,
    /// The container of the process.
    pub container: Option<&'a Container>,
    /// The pod of the container.
    pub pod: Option<&'a Pod>,
    /// The file.
    pub file: Option<&'a File>,
    /// The second file.
    pub new_file: Option<&'a File>,
    /// All processes described so far.
    pub processes: &'a dyn Processes,
}

impl<'a> ResolvedEvent<'a> {
    /// The process, its parent, and so on as far as they were described.
    #[must_use]
    pub fn ancestry(&self) -> Ancestry<'a> {
        Ancestry::new(self.process, self.processes)
    }
}

/// What the file has described so far.
#[derive(Debug)]
pub struct Resolver {
    header: Option<Header>,
    containers: HashMap<String, Container>,
    processes: HashMap<Oid, Process>,
    files: HashMap<Foid, File>,
    pods: HashMap<String, Pod>,
    /// The event handed out last.
    current: Option<Record>,
    room: Budget,
}

/// Memory for descriptions.
#[derive(Clone, Copy, Debug)]
struct Budget {
    limit: usize,
    used: usize,
    /// Descriptions for which there was none.
    dropped: u64,
}

impl Budget {
    /// Adds a description to its table, in place of an older one of the same thing.
    fn insert<K: Hash + Eq, V: Room>(&mut self, table: &mut HashMap<K, V>, key: K, value: V) {
        let room = value.room();
        let entry = table.entry(key);
        let before = match &entry {
            Entry::Occupied(old) => old.get().room(),
            Entry::Vacant(_) => 0,
        };
        let used = (self.used - before).saturating_add(room);
        if used > self.limit {
            self.dropped += 1;
            return;
        }
        self.used = used;
        entry.insert_entry(value);
    }
}

impl Default for Resolver {
    fn default() -> Self {
        Self::with_limit(Limits::default().entities)
    }
}

impl Resolver {
    /// A resolver that knows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A resolver whose descriptions take at most about `bytes` of memory.
    #[must_use]
    pub fn with_limit(bytes: usize) -> Self {
        Self {
            header: None,
            containers: HashMap::new(),
            processes: HashMap::new(),
            files: HashMap::new(),
            pods: HashMap::new(),
            current: None,
            room: Budget { limit: bytes, used: 0, dropped: 0 },
        }
    }

    /// Takes the next record of the file. If it is an event, hands it out resolved.
    pub fn accept(&mut self, record: Record) -> Option<ResolvedEvent<'_>> {
        match record {
            Record::Header(header) => {
                let room = Budget { used: 0, ..self.room };
                *self = Self { header: Some(header), room, ..Self::default() };
                return None;
            }
            Record::Container(container) => {
                self.room.insert(&mut self.containers, container.id.clone(), container);
                return None;
            }
            Record::Process(process) => {
                self.room.insert(&mut self.processes, process.oid, process);
                return None;
            }
            Record::File(file) => {
                self.room.insert(&mut self.files, file.oid, file);
                return None;
            }
            Record::Pod(pod) => {
                self.room.insert(&mut self.pods, pod.id.clone(), pod);
                return None;
            }
            event => self.current = Some(event),
        }
        let event = Event::of(self.current.as_ref()?)?;
        Some(self.resolve(event))
    }

    fn resolve<'a>(&'a self, event: Event<'a>) -> ResolvedEvent<'a> {
        let process = event.proc_oid().and_then(|oid| self.processes.get(&oid));
        let container = process
            .and_then(|process| process.container_id.as_ref())
            .and_then(|id| self.containers.get(id));
        let (file, new_file) = match event {
            Event::FileFlow(flow) => (Some(flow.file_oid), None),
            Event::File(event) => (Some(event.file_oid), event.new_file_oid),
            _ => (None, None),
        };
        ResolvedEvent {
            event,
            header: self.header.as_ref(),
            process,
            parent: process.and_then(|process| self.processes.get(&process.poid?)),
            container,
            pod: container.and_then(|container| self.pods.get(container.pod_id.as_ref()?)),
            file: file.and_then(|oid| self.files.get(&oid)),
            new_file: new_file.and_then(|oid| self.files.get(&oid)),
            processes: &self.processes,
        }
    }

    /// Memory that the descriptions take, about, in bytes.
    #[must_use]
    pub fn room(&self) -> usize {
        self.room.used
    }

    /// Descriptions that were not kept, for want of memory.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.room.dropped
    }

    /// The header of this part of the file.
    #[must_use]
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// A process described so far.
    #[must_use]
    pub fn process(&self, oid: Oid) -> Option<&Process> {
        self.processes.get(&oid)
    }

    /// A file described so far.
    #[must_use]
    pub fn file(&self, oid: Foid) -> Option<&File> {
        self.files.get(&oid)
    }

    /// A container described so far.
    #[must_use]
    pub fn container(&self, id: &str) -> Option<&Container> {
        self.containers.get(id)
    }
}

/// The events of a file, resolved.
#[derive(Debug)]
pub struct Events<R> {
    reader: Reader<R>,
    resolver: Resolver,
    counts: [u64; Kind::ALL.len()],
}

impl<R: BufRead> Events<R> {
    /// Resolves what `reader` reads.
    pub fn new(reader: Reader<R>) -> Self {
        let resolver = Resolver::with_limit(reader.limits().entities);
        Self { reader, resolver, counts: [0; Kind::ALL.len()] }
    }

    /// The next event; none at the end.
    ///
    /// # Errors
    /// As [`Reader::next_record`].
    pub fn next_event(&mut self) -> Result<Option<ResolvedEvent<'_>>, read::Error> {
        while let Some(record) = self.reader.next_record()? {
            self.counts[record.kind() as usize] += 1;
            if Event::of(&record).is_some() {
                return Ok(self.resolver.accept(record));
            }
            self.resolver.accept(record);
        }
        Ok(None)
    }

    /// Goes on after an error, see [`Reader::resume`].
    ///
    /// # Errors
    /// As [`Reader::resume`].
    pub fn resume(&mut self) -> Result<Option<read::Gap>, read::Error> {
        self.reader.resume()
    }

    /// Records read so far, by type, in the order of [`Kind::ALL`].
    pub fn counts(&self) -> &[u64; Kind::ALL.len()] {
        &self.counts
    }

    /// The reader.
    pub fn reader(&self) -> &Reader<R> {
        &self.reader
    }

    /// What was described so far.
    pub fn resolver(&self) -> &Resolver {
        &self.resolver
    }
}

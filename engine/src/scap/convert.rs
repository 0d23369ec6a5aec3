// SPDX-License-Identifier: Apache-2.0
//! Hot path. The events of a capture, one after the other, to the engine.
//! May not appear here: allocation per event, locks, system calls, formatting.

use sysflow::schema::Version;

use crate::clock::Clock;
use crate::engine::Actor;
use crate::semantics::Semantics;
use crate::sink::Sink;
use crate::snapshot::NoLookup;
use crate::state::limits::Limits;
use crate::state::users::Users;
use crate::{Engine, Settings};

use super::file::{Block, RawEvent};
use super::rows::{self, Row, Step};
use super::start::Servers;
use super::state::descriptors::{ThingRef, Things};
use super::state::names::NameTable;
use super::state::threads::{ThreadRef, Threads};
use super::value;

/// How a capture is converted.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What becomes of operations.
    pub semantics: Semantics,
    /// A flow that goes on is exported each time this long has passed, ns.
    pub export_interval: u64,
    /// Schema of the output: IPv6 has a place from version 6 on.
    pub schema: Version,
}

impl Default for Options {
    /// As the reference collector's own tests have it: everything is written.
    fn default() -> Self {
        let Settings { export_interval, .. } = Settings::default();
        Self { semantics: Semantics::of_reference(), export_interval, schema: Version::V5 }
    }
}

/// What was in the capture. Each event is in exactly one of the counters below
/// `events`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Captures, one after the other in one file.
    pub sections: u64,
    /// Events.
    pub events: u64,
    /// Events of types that nothing becomes of: scheduling, statistics, halves
    /// of calls that tell nothing.
    pub passed: u64,
    /// Events that changed what is known of threads, descriptors or names, or
    /// became part of a record.
    pub used: u64,
    /// Events without what their type promises: a thread, a descriptor that is
    /// known, a parameter.
    pub incomplete: u64,
    /// Events of types that are newer than this program.
    pub unknown: u64,
}

/// Converts the blocks of a capture.
pub struct Converter<S> {
    pub(super) engine: Engine<S>,
    pub(super) compat: bool,
    /// The output has a place for IPv6.
    pub(super) ipv6: bool,
    pub(super) threads: Threads,
    pub(super) things: Things,
    pub(super) users: NameTable,
    pub(super) groups: NameTable,
    /// What the capturing library formatted last: some names are made of it.
    pub(super) scratch: Vec<u8>,
    /// Room for a path.
    pub(super) path: Vec<u8>,
    /// The user that was asked for last, in compat mode.
    pub(super) last_user: String,
    pub(super) started: bool,
    pub(super) servers: Servers,
    /// When the engine's timers are looked at next, ns.
    pub(super) next_tick: u64,
    pub(super) counts: Counts,
}

/// An event whose thread is known.
#[derive(Clone, Copy)]
pub(super) struct Here<'a> {
    pub(super) event: &'a RawEvent<'a>,
    pub(super) thread: ThreadRef,
    pub(super) row: &'static Row,
    /// The enter event that belongs to this exit event was seen.
    pub(super) entered: bool,
    /// The descriptor that the call is on, and what it stands for.
    pub(super) fd: i64,
    pub(super) thing: Option<ThingRef>,
}

impl Here<'_> {
    pub(super) fn tid(&self) -> u32 {
        self.event.tid as u32
    }

    /// What the call returned.
    #[inline]
    pub(super) fn result(&self) -> Option<i64> {
        value::signed(self.event.params.first())
    }
}

/// A second, ns: the unit of the timers.
const SECOND: u64 = 1_000_000_000;

impl<S: Sink> Converter<S> {
    /// A conversion that begins.
    pub fn new(options: &Options, sink: S) -> Self {
        let Options { semantics, export_interval, schema } = *options;
        let settings = Settings { export_interval, semantics, schema, limits: Limits::NONE };
        let engine = Engine::new(settings, Clock::epoch(), Users::none(), Box::new(NoLookup), sink);
        Self {
            engine,
            compat: semantics.compat,
            ipv6: schema != Version::V5,
            threads: Threads::default(),
            things: Things::default(),
            users: NameTable::new(semantics.compat),
            groups: NameTable::new(semantics.compat),
            scratch: Vec::new(),
            path: Vec::new(),
            last_user: String::new(),
            started: false,
            servers: Servers::default(),
            next_tick: 0,
            counts: Counts::default(),
        }
    }

    /// Takes the next block.
    #[inline]
    pub fn block(&mut self, block: &Block<'_>) {
        match block {
            Block::Event(event) => self.event_alone(event),
            other => self.metadata(other),
        }
    }

    /// What was in the capture so far.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The engine: its counts, its sink, and files to begin.
    pub fn engine(&mut self) -> &mut Engine<S> {
        &mut self.engine
    }

    /// Threads that are kept.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads.len()
    }

    /// Ends the conversion: writes all open flows and gives the sink back.
    pub fn finish(self) -> (S, Counts, crate::Counts) {
        let (sink, counts) = self.engine.finish();
        (sink, self.counts, counts)
    }

    /// Takes the next event. The way of most is inlined, for where one event comes after the other.
    #[inline(always)]
    pub fn event(&mut self, event: &RawEvent<'_>) {
        self.counts.events += 1;
        let row = rows::row(event.kind);
        if event.ts >= self.next_tick && !self.due(*event, row) {
            return;
        }
        self.engine.set_time(event.ts);
        match row.step {
            Step::Enter => self.entered(event, row),
            Step::Leave => self.left(event, row),
            Step::Pass => self.counts.passed += 1,
            Step::Tell | Step::Unknown => self.told_or_unknown(*event, row),
        }
    }

    #[inline(never)]
    fn event_alone(&mut self, event: &RawEvent<'_>) {
        self.event(event);
    }

    /// It is the first event, or a second is over. False: there is no way to begin with it.
    #[cold]
    fn due(&mut self, event: RawEvent<'_>, row: &'static Row) -> bool {
        if !self.started && !self.begin(&event, row) {
            return false;
        }
        self.engine.set_time(event.ts);
        self.engine.tick(event.ts);
        self.next_tick = (event.ts / SECOND).saturating_add(1).saturating_mul(SECOND);
        true
    }

    #[cold]
    fn told_or_unknown(&mut self, event: RawEvent<'_>, row: &'static Row) {
        match row.step {
            Step::Tell => self.told(&event, row),
            _ => self.counts.unknown += 1,
        }
    }

    /// Who did it, as the engine knows it.
    #[inline]
    pub(super) fn actor(&mut self, here: &Here<'_>) -> Actor {
        let (process, _) = self.process_of(here.thread, here.event.ts, false);
        Actor { process, tid: here.tid(), ts: here.event.ts }
    }

    /// One descriptor less stands for a thing.
    pub(super) fn release(&mut self, thing: ThingRef) {
        if let Some(object) = self.things.release(thing) {
            self.engine.objects().0.drop_use(object);
        }
    }

    /// Releases what removed threads had open.
    pub(super) fn clear_away(&mut self) {
        while let Some(table) = self.threads.left.pop() {
            for thing in table.into_things() {
                self.release(thing);
            }
        }
    }
}

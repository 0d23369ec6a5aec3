// SPDX-License-Identifier: Apache-2.0
//! Plays a recording: the rounds of the capture once more, with the same
//! engine. Nothing here looks at the clock or at this host.

use probe_loader::Counters;
use sysflow::schema::Version;

use super::lane::Lane;
use super::lookup::Answers;
use super::{End, Entry, Error, Hole, Meta, Problem, Reader, Round, Second};
use crate::account::Account;
use crate::losses::Losses;
use crate::merge::Sequence;
use crate::sink::Sink;
use crate::snapshot::{Found, Listening};
use crate::state::users::Users;
use crate::{Engine, Settings};

/// What a recording says before its first record.
pub struct Recording {
    reader: Reader,
    /// Where and how it was made.
    pub meta: Meta,
    users: Users,
    processes: Vec<Found>,
    listening: Listening,
}

/// What a step of a replay did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Events were handed to the engine.
    Round,
    /// Time passed for the engine.
    Second,
    /// The recording says that it is over.
    End,
}

/// Hands a recording to an engine.
pub struct Player<S> {
    reader: Reader,
    meta: Meta,
    engine: Engine<S>,
    answers: Answers,
    lanes: Vec<Lane>,
    sequence: Sequence,
    losses: Option<Losses>,
    cpus: Vec<Counters>,
    kept: Counters,
    /// Time of the last step, ns of the events' clock.
    now: u64,
    played: Played,
}

/// What a replay found beside the events.
#[derive(Clone, Debug, Default)]
pub struct Played {
    /// Events that were handed to the engine.
    pub events: u64,
    /// Places where the recorder did not keep up.
    pub holes: u64,
    /// Bytes of records that are missing there.
    pub missing: u64,
    /// Rows of records that end where no record does.
    pub damaged: u64,
    /// Entries of kinds that this program does not know.
    pub unknown: u64,
    /// How the capture ended; none if the recording was interrupted.
    pub end: Option<End>,
}

impl Recording {
    /// Reads what comes before the first record.
    ///
    /// # Errors
    /// When the file is damaged or ends there.
    pub fn open(mut reader: Reader) -> Result<Self, Error> {
        let meta = match reader.next_entry()? {
            Some(Entry::Meta(meta)) => *meta,
            _ => return Err(reader.fail(Problem::NoMeta)),
        };
        let (mut users, mut processes) = (Users::none(), Vec::new());
        let mut listening = Listening::default();
        loop {
            match reader.next_entry()? {
                Some(Entry::Users(names)) => users = *names,
                Some(Entry::Process(found)) => processes.push(*found),
                Some(Entry::Listening(ports)) => listening = ports,
                Some(Entry::Unknown(_)) => {}
                Some(Entry::Ready) => break,
                Some(_) | None => return Err(reader.fail(Problem::NoMeta)),
            }
        }
        Ok(Self { reader, meta, users, processes, listening })
    }

    /// Hands it to a new engine.
    pub fn play<S: Sink>(self, settings: Settings, sink: S) -> Player<S> {
        let Self { reader, meta, users, processes, listening } = self;
        let answers = Answers::default();
        let lookup = Box::new(answers.clone());
        let losses = (settings.schema == Version::V6)
            .then(|| Losses::new(settings.export_interval, meta.begun));
        let mut engine = Engine::new(settings, meta.clock, users, lookup, sink);
        engine.start_with(processes, listening);
        let mut lanes = Vec::new();
        lanes.resize_with(meta.rings as usize, Lane::default);
        Player {
            reader,
            engine,
            answers,
            lanes,
            sequence: Sequence::default(),
            losses,
            cpus: Vec::new(),
            kept: Counters::default(),
            now: meta.begun,
            meta,
            played: Played::default(),
        }
    }
}

impl<S: Sink> Player<S> {
    /// Goes on to the next moment; none at the end of the file. `before` is
    /// told the moment's time before anything happens, ns of the events' clock.
    ///
    /// # Errors
    /// When the file is damaged, or cannot be read. What came before was
    /// handed to the engine.
    pub fn step(&mut self, mut before: impl FnMut(u64)) -> Result<Option<Moment>, Error> {
        let wrong = loop {
            match self.reader.next_entry()? {
                Some(Entry::Records(records)) => {
                    let Some(lane) = self.lanes.get_mut(records.ring as usize) else {
                        break "number of a ring";
                    };
                    if !lane.add(records.position, records.bytes) {
                        break "position in a ring";
                    }
                    if lane.waiting() as u64 > self.meta.ring_size {
                        break "row of records";
                    }
                }
                Some(Entry::Lookup(pid, found)) => self.answers.add(pid, found.map(|f| *f)),
                Some(Entry::Round(round)) => {
                    before(round.now);
                    match self.round(&round) {
                        Ok(()) => return Ok(Some(Moment::Round)),
                        Err(what) => break what,
                    }
                }
                Some(Entry::Second(second)) => {
                    before(second.now);
                    self.second(*second);
                    return Ok(Some(Moment::Second));
                }
                Some(Entry::Hole(hole)) => self.hole(&hole),
                Some(Entry::End(end)) => {
                    self.end(*end);
                    return Ok(Some(Moment::End));
                }
                Some(Entry::Unknown(_)) => self.played.unknown += 1,
                Some(_) => break "order",
                None => {
                    // Nothing more was told to be handed out: all was delivered.
                    self.hand_out_all();
                    return Ok(None);
                }
            }
        };
        Err(self.reader.fail(Problem::Body(wrong)))
    }

    fn hand_out(&mut self) {
        let engine = &mut self.engine;
        self.played.events +=
            self.sequence.hand_out(&mut self.lanes, u64::MAX, |bytes| engine.apply_bytes(bytes));
    }

    fn hand_out_all(&mut self) {
        self.lanes.iter_mut().for_each(Lane::open);
        self.hand_out();
    }

    fn round(&mut self, round: &Round) -> Result<(), &'static str> {
        for (ring, end) in &round.ends {
            let lane = self.lanes.get_mut(*ring as usize).ok_or("number of a ring")?;
            if !lane.stop_at(*end) {
                return Err("end of a round");
            }
        }
        self.hand_out();
        self.now = self.now.max(round.now);
        self.answers.forget();
        Ok(())
    }

    /// As the capture's own second.
    fn second(&mut self, second: Second) {
        let Second { now, clock, cpus, kept } = second;
        self.now = self.now.max(now);
        (self.cpus, self.kept) = (cpus, kept);
        self.engine.tick(now);
        self.engine.follow_clock(clock);
        if self.losses.as_ref().is_some_and(|losses| losses.is_due(now)) {
            self.tell_losses(now, false);
        }
        self.answers.forget();
    }

    fn tell_losses(&mut self, now: u64, last: bool) {
        let Some(losses) = &mut self.losses else { return };
        for (since, loss) in losses.take(&self.cpus, now, last) {
            self.engine.put_loss(self.meta.pid, since, now, loss);
        }
    }

    /// What was delivered before it was handed out in the meantime.
    fn hole(&mut self, hole: &Hole) {
        self.hand_out_all();
        for lane in &mut self.lanes {
            lane.cut();
        }
        self.played.holes += 1;
        for (_, bytes) in &hole.missing {
            self.played.missing = self.played.missing.saturating_add(*bytes);
        }
    }

    fn end(&mut self, end: End) {
        self.now = self.now.max(end.now);
        (self.cpus, self.kept) = (end.cpus.clone(), end.kept);
        self.tell_losses(end.now, true);
        self.answers.forget();
        self.played.end = Some(end);
    }

    /// What the recording says of itself.
    #[must_use]
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// Time of the last step, ns of the events' clock.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.now
    }

    /// Bytes of the file that were read.
    #[must_use]
    pub fn consumed(&self) -> u64 {
        self.reader.consumed()
    }

    /// The engine.
    pub fn engine(&mut self) -> &mut Engine<S> {
        &mut self.engine
    }

    /// The recorded counters and those of the engine, until here.
    #[must_use]
    pub fn account(&self) -> Account {
        let end = self.played.end.as_ref();
        Account {
            at: end.map_or_else(|| self.engine.clock().event(self.now), |end| end.at),
            cpus: self.cpus.clone(),
            kept: self.kept,
            counts: *self.engine.counts(),
            switched_off: end.is_some_and(|end| end.switched_off),
        }
    }

    /// Ends the replay: writes all open flows and gives the sink back, with
    /// what was counted.
    pub fn finish(mut self) -> (S, Account, Played) {
        self.played.damaged = self.lanes.iter().map(|lane| lane.damaged).sum();
        let mut account = self.account();
        let (sink, counts) = self.engine.finish();
        account.counts = counts;
        (sink, account, self.played)
    }

    /// Events that were handed to the engine.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.played.events
    }
}

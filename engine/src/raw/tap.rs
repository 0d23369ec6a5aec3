// SPDX-License-Identifier: Apache-2.0
//! Hot path, while a recording is made: what rings deliver is copied, as it
//! lies there, into buffers that a thread packs and writes. May not appear
//! here, but for what is marked cold: allocation once the buffers have been
//! round, locks, system calls, formatting.
//!
//! The capture never waits for the thread. When all buffers are under way,
//! what comes is not kept: a *hole*, which is counted, told, and marked in the
//! file where it is.

use std::mem::offset_of;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use probe_loader::abi::{SF_RECORD_MAX, sf_hdr};
use probe_loader::{Counters, Ring};
use sysflow::write::{Error, NamedFile};

use super::block::Packer;
use super::entry::{self, FRAME, RECORDS_HEAD};
use super::lookup::{Answer, Heard};
use super::thread::{Shared, work};
use super::writer::{FULL, head};
use super::{End, LEVEL, Meta};
use crate::clock::Clock;
use crate::snapshot::{Found, Listening, Lookup};
use crate::state::users::Users;
use crate::threads;

/// Room beyond [`FULL`] for what crosses it.
const SLACK: usize = 64 * 1024;

/// Permissions before the umask, as those of traces: a recording holds command
/// lines and environments.
const MODE: u32 = 0o640;

/// Buffers there can be: the snapshot of the start takes what it needs.
const SLOTS: usize = 4096;

/// A thread that gets nothing done for so long at the end is given up.
const GIVE_UP: Duration = Duration::from_secs(15);

/// The capture's end of a recording.
pub struct Tap {
    path: PathBuf,
    shared: Arc<Shared>,
    thread: JoinHandle<Result<(), Error>>,
    lookups: Option<Receiver<Answer>>,
    /// What is collected.
    body: Vec<u8>,
    /// Buffers that were made, and that can be.
    made: usize,
    limit: usize,
    /// For each ring, up to where it was looked at, and told to be handed out.
    kept: Vec<u64>,
    told: Vec<u64>,
    /// For each ring, bytes that were not kept since the last hole was told.
    missing: Vec<u64>,
    /// Nothing is kept at present.
    hole: bool,
    holes: u64,
    /// Records kept.
    records: u64,
    /// Nothing comes any more that could be lost by waiting.
    patient: bool,
    /// Room for a row of rings, kept for the next time.
    rows: Vec<(u32, u64)>,
}

/// What became of a recording.
#[derive(Debug)]
pub struct Ended {
    /// The file.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// Records in it.
    pub records: u64,
    /// Records that were delivered and not kept.
    pub missed: u64,
    /// How often that began.
    pub holes: u64,
    /// Why it is not whole or not in its place.
    pub error: Option<String>,
}

/// Length and number of the whole records that `bytes` begins with, as far as
/// they begin before `limit`.
fn whole(bytes: &[u8], limit: usize) -> (usize, u64) {
    const LEN: usize = offset_of!(sf_hdr, len);
    let (mut at, mut count) = (0, 0);
    while at < limit
        && let Some(len) = bytes.get(at + LEN..at + LEN + 2)
    {
        let len = usize::from(u16::from_ne_bytes([len[0], len[1]]));
        if len < size_of::<sf_hdr>() || !len.is_multiple_of(8) || at + len > bytes.len() {
            break;
        }
        at += len;
        count += 1;
    }
    (at, count)
}

impl Tap {
    /// Opens the file and begins its thread. `versions` are those of the
    /// driver (API, schema), `buffer` is what may wait for the thread, bytes.
    ///
    /// # Errors
    /// When the file cannot be written, or there is no thread to be had.
    pub fn open(path: &Path, versions: (u32, u32), buffer: usize) -> Result<Self, Error> {
        let fail = |action, source| Error::Io { action, path: path.to_owned(), source };
        let packer = Packer::new(LEVEL).map_err(|error| fail("pack", error))?;
        let mut file = NamedFile::create(path, MODE)?;
        if let Some(old) = file.interrupted() {
            log::info!("an interrupted recording was kept as {}", old.display());
        }
        if let Err(error) = file.write(&head(versions.0, versions.1)) {
            let _ = file.discard();
            return Err(error);
        }
        let shared = Arc::new(Shared::new(SLOTS));
        let mine = Arc::clone(&shared);
        let thread = threads::spawn("recording", move || work(file, packer, &mine));
        let thread = thread.map_err(|error| fail("start a thread for", error))?;
        Ok(Self {
            path: path.to_owned(),
            shared,
            thread,
            lookups: None,
            body: Vec::new(),
            made: 0,
            limit: (buffer / FULL).clamp(2, SLOTS / 2),
            kept: Vec::new(),
            told: Vec::new(),
            missing: Vec::new(),
            hole: false,
            holes: 0,
            records: 0,
            patient: false,
            rows: Vec::new(),
        })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Records kept so far.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Keeps what `inner` is asked from now on.
    pub fn hear(&mut self, inner: impl Lookup + 'static) -> Box<dyn Lookup> {
        let (tell, lookups) = channel();
        self.lookups = Some(lookups);
        Box::new(Heard { inner, tell })
    }

    /// Keeps what is known before the first record. All of it, whatever memory
    /// that takes: without it nothing else could be understood.
    pub fn begin(
        &mut self,
        meta: &Meta,
        rings: &[Ring],
        users: &Users,
        processes: &[Found],
        listening: &Listening,
    ) {
        self.kept = rings.iter().map(Ring::position).collect();
        self.told = self.kept.clone();
        self.missing = vec![0; rings.len()];
        entry::put_meta(&mut self.body, meta);
        entry::put_names(&mut self.body, users);
        for found in processes {
            entry::put_process(&mut self.body, found);
            if self.body.len() >= FULL {
                self.seal();
                self.body = Vec::with_capacity(FULL + SLACK);
            }
        }
        entry::put_ready(&mut self.body, listening);
        self.seal();
    }

    /// Hands on what is collected.
    #[cold]
    fn seal(&mut self) {
        if self.body.is_empty() {
            return;
        }
        let mut body = std::mem::take(&mut self.body);
        // Waits only at the start, for more processes than any host has.
        while let Err(back) = self.shared.full.push(body) {
            body = back;
            std::thread::sleep(Duration::from_millis(1));
        }
        self.thread.thread().unpark();
    }

    /// Whether something can be added: makes room if there can be any.
    #[inline]
    fn room(&mut self) -> bool {
        (self.body.capacity() > 0 && self.body.len() < FULL) || self.next_body()
    }

    #[cold]
    fn next_body(&mut self) -> bool {
        self.seal();
        let begun = Instant::now();
        while self.body.capacity() == 0 {
            if let Some(body) = self.shared.free.pop() {
                self.body = body;
            } else if self.made < self.limit {
                self.made += 1;
                self.body = Vec::with_capacity(FULL + SLACK);
            } else if self.patient && begun.elapsed() < GIVE_UP && !self.thread.is_finished() {
                std::thread::sleep(Duration::from_millis(1));
            } else {
                return false;
            }
        }
        true
    }

    /// Whether to go on after a hole: not for a moment only.
    fn recovers(&self) -> bool {
        let free = self.shared.free.len() + self.limit.saturating_sub(self.made);
        free >= self.limit / 2 || self.patient
    }

    #[cold]
    fn miss(&mut self) {
        if !std::mem::replace(&mut self.hole, true) {
            self.holes += 1;
            log::warn!("the recording does not keep up: what comes is left out of it for a while");
        }
    }

    /// Tells of the hole, if it is over. Returns whether something can be kept.
    #[cold]
    fn resume(&mut self) -> bool {
        if !self.recovers() || !self.room() {
            return false;
        }
        let missing = self.missing.iter().enumerate().filter(|(_, bytes)| **bytes > 0);
        let missing: Vec<(u32, u64)> = missing.map(|(ring, bytes)| (ring as u32, *bytes)).collect();
        entry::put_hole(&mut self.body, &missing);
        self.missing.fill(0);
        self.hole = false;
        true
    }

    /// Keeps what the rings have, before anything of it is handed out and
    /// given back.
    pub fn seen(&mut self, rings: &[Ring]) {
        let keeps = !self.hole || self.resume();
        for (index, ring) in rings.iter().enumerate() {
            while keeps && self.kept[index] != ring.head() && self.copy(index, ring) {}
            let left = ring.head() - self.kept[index];
            if left > 0 {
                self.miss();
                self.missing[index] += left;
                self.kept[index] = ring.head();
            }
        }
    }

    /// Keeps some of what a ring has. Returns whether it did.
    fn copy(&mut self, index: usize, ring: &Ring) -> bool {
        if !self.room() {
            return false;
        }
        let from = self.kept[index];
        let (bytes, limit) = ring.published(from);
        let space = FULL + SLACK - self.body.len() - FRAME - RECORDS_HEAD;
        debug_assert!(space >= SF_RECORD_MAX as usize, "at least one record has room");
        let start = entry::begin_records(&mut self.body, index as u32, from);
        let at = self.body.len();
        self.body.extend_from_slice(&bytes[..bytes.len().min(space)]);
        // The copy is in the cache by now, and the ring's own memory follows
        // each other without waiting for lengths.
        let (len, count) = whole(&self.body[at..], limit);
        if len == 0 {
            self.body.truncate(start);
            return false;
        }
        self.body.truncate(at + len);
        entry::end_records(&mut self.body, start);
        self.kept[index] += len as u64;
        self.records += count;
        true
    }

    /// Keeps what was looked up, in front of what it was looked up for.
    fn keep_lookups(&mut self) {
        let Some(lookups) = self.lookups.take() else { return };
        for (pid, found) in lookups.try_iter() {
            if !self.hole && self.room() {
                entry::put_lookup(&mut self.body, pid, found.as_ref());
            }
        }
        self.lookups = Some(lookups);
    }

    /// Keeps how far the rings were handed out by now.
    pub fn round(&mut self, rings: &[Ring], now: u64) {
        self.rows.clear();
        for (ring, told) in rings.iter().zip(&mut self.told) {
            if ring.position() != *told {
                *told = ring.position();
                self.rows.push((ring.cpu(), ring.position()));
            }
        }
        self.keep_lookups();
        if self.rows.is_empty() || self.hole {
            return;
        }
        if self.room() {
            entry::put_round(&mut self.body, now, &self.rows);
        } else {
            self.miss();
        }
    }

    /// Keeps that the engine lets time pass, and hands on what is collected.
    pub fn second(&mut self, now: u64, clock: &Clock, cpus: &[Counters], kept: &Counters) {
        self.keep_lookups();
        if !self.hole && self.room() {
            entry::put_second(&mut self.body, now, clock, cpus, kept);
        }
        self.seal();
    }

    /// The driver has stopped: what is still in the rings can wait.
    pub fn stopped(&mut self) {
        self.patient = true;
    }

    /// Removes the file as if it had not been begun.
    pub fn discard(self) {
        self.shared.discard.store(true, Ordering::Release);
        let _ = self.join();
    }

    /// Ends the recording. `delivered` is how many records there were in all.
    #[must_use]
    pub fn finish(mut self, mut end: End, delivered: u64) -> Ended {
        self.keep_lookups();
        let missed = delivered.saturating_sub(self.records);
        end.missed = missed;
        if (!self.hole || self.resume()) && self.room() {
            entry::put_end(&mut self.body, &end);
        }
        self.seal();
        let (path, records, holes) = (self.path.clone(), self.records, self.holes);
        let shared = Arc::clone(&self.shared);
        let error = self.join().err();
        let bytes = shared.bytes.load(Ordering::Relaxed);
        Ended { path, bytes, records, missed, holes, error }
    }

    /// Waits for the thread as long as it gets something done.
    fn join(self) -> Result<(), String> {
        self.shared.ended.store(true, Ordering::Release);
        self.thread.thread().unpark();
        let state = || (self.shared.full.len(), self.shared.bytes.load(Ordering::Relaxed));
        let (mut before, mut since) = (state(), Instant::now());
        while !self.thread.is_finished() {
            std::thread::sleep(Duration::from_millis(2));
            let now = state();
            if now != before {
                (before, since) = (now, Instant::now());
            } else if since.elapsed() >= GIVE_UP {
                return Err(format!("{:?} is given up: its thread does nothing", self.path));
            }
        }
        match self.thread.join() {
            Ok(done) => done.map_err(|error| error.to_string()),
            Err(_) => Err(format!("the thread of {:?} panicked", self.path)),
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
//! An output to files: one, or a series.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use serde_json::json;
use sysflow::record::Header;
use sysflow::write::{self, OutputFile, Summary};

use super::batch::{Batch, Encoded, Kinds};
use super::queue::Fresh;
use super::series::{Keep, Series, is_dir, stats_of};
use super::tally::{Cause, by_type};
use super::worker::{Hand, RETRY, Target};
use super::{Common, Error};
use crate::account::Account;

/// Which files to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// A file, or, with a slash at its end, a directory of files.
    pub path: PathBuf,
    /// Begin a new file this often.
    pub every: Option<Duration>,
    /// Begin a new file when one has this many bytes, as soon as what is on
    /// its way is in it.
    pub size: Option<u64>,
    /// How long finished files of a series are kept.
    pub keep: Keep,
}

impl Files {
    /// Whether there are more than one, with the time in their names.
    #[must_use]
    pub fn is_series(&self) -> bool {
        self.every.is_some() || self.size.is_some() || is_dir(&self.path)
    }
}

/// How often files are looked at whether they are too old.
const TIDY: Duration = Duration::from_secs(60);

/// A file that grows.
struct Growing {
    file: OutputFile,
    /// Device and inode of the file as it was made.
    place: Option<(u64, u64)>,
    /// Records in it.
    kinds: Kinds,
    /// Of those, not on the disk yet.
    pending: Kinds,
    /// Its size when that was looked at last.
    bytes: u64,
    /// Bytes of its head, not counted yet.
    head: u64,
    /// When what was collected goes to the disk; none if there is nothing.
    flush: Option<Instant>,
    /// What was counted before it.
    begun: Arc<Account>,
    /// It was asked to be the last of its size.
    full: bool,
}

pub(super) struct FileTarget {
    files: Files,
    common: Common,
    series: Option<Series>,
    growing: Option<Growing>,
    /// What a file that is to begin has in common with the one before it.
    account: Arc<Account>,
    /// The records that come refer to some that were lost.
    broken: bool,
    tidied: Instant,
}

impl FileTarget {
    /// Opens the first file, so that an output that cannot be written is known
    /// before anything is recorded.
    pub(super) fn open(files: Files, common: Common, account: Arc<Account>) -> Result<Self, Error> {
        let mut series = files.is_series().then(|| Series::new(&files.path));
        if let Some(series) = &mut series {
            let left = series
                .set_aside()
                .map_err(|source| Error::Dir { path: files.path.clone(), source })?;
            for old in left {
                log::info!("an interrupted capture was kept as {}", old.display());
            }
        }
        let tidied = Instant::now();
        let mut target =
            Self { files, common, series, growing: None, account, broken: false, tidied };
        target.begin()?;
        Ok(target)
    }

    fn discard(&mut self) {
        if let Some(growing) = self.growing.take()
            && let Err(error) = growing.file.discard()
        {
            log::error!("{error}");
        }
    }

    fn begin(&mut self) -> Result<(), write::Error> {
        let now = self.account.at.max(0).cast_unsigned() / 1_000_000_000;
        let path = match &mut self.series {
            Some(series) => series.next(now),
            None => self.files.path.clone(),
        };
        let mut file = OutputFile::create(&path, self.common.options.clone())?;
        if let Some(old) = file.interrupted() {
            log::info!("an interrupted capture was kept as {}", old.display());
        }
        let filename = path.to_string_lossy().into_owned();
        let header = Header { filename, ..self.common.header.clone() };
        if let Err(error) = file.header(&header).and_then(|()| file.flush_block()) {
            let _ = file.discard();
            return Err(error);
        }
        self.growing = Some(Growing {
            place: file.partial().and_then(inode),
            bytes: file.bytes(),
            head: file.bytes(),
            file,
            kinds: Kinds::default(),
            pending: Kinds::default(),
            flush: None,
            begun: Arc::clone(&self.account),
            full: false,
        });
        Ok(())
    }

    /// Begins a file, however long it takes. Returns whether there is one.
    fn need_file(&mut self, hand: &Hand) -> bool {
        while self.growing.is_none() {
            match self.begin() {
                Ok(()) => hand.works(),
                Err(error) => {
                    hand.failed(&error);
                    if !hand.pause(RETRY) {
                        return false;
                    }
                }
            }
        }
        true
    }

    /// A block could not be stored: tries until it can. Returns whether.
    fn stalled(&mut self, error: &write::Error, hand: &Hand) -> bool {
        let Some(growing) = &mut self.growing else { return false };
        hand.failed(error);
        loop {
            if is_gone(growing) {
                self.lost(hand);
                return false;
            }
            let more = hand.pause(RETRY);
            match growing.file.flush_block() {
                Ok(()) => {
                    growing.stored(hand);
                    hand.works();
                    return true;
                }
                Err(_) if more => {}
                Err(_) => return false,
            }
        }
    }

    /// The file is not there any more: neither are its records.
    fn lost(&mut self, hand: &Hand) {
        let Some(growing) = self.growing.take() else { return };
        hand.tally.lose(&growing.kinds);
        let path = growing.file.path();
        hand.broke(&format_args!(
            "{path:?} was removed while it grew; with it went {} records ({})",
            growing.kinds.total(),
            growing.kinds
        ));
        self.broken = true;
        hand.queue.ask_file();
    }

    /// Stores what was collected.
    fn flush(&mut self, hand: &Hand) {
        let Some(growing) = &mut self.growing else { return };
        growing.flush = None;
        if is_gone(growing) {
            return self.lost(hand);
        }
        match growing.file.flush_block() {
            Ok(()) => growing.stored(hand),
            Err(error) => {
                self.stalled(&error, hand);
            }
        }
    }

    /// Gives the file its name, and writes beside it what was counted.
    fn finish(&mut self, account: &Arc<Account>, hand: &Hand) {
        let Some(mut growing) = self.growing.take() else { return };
        if growing.file.flush_block().is_ok() {
            growing.stored(hand);
        }
        let Growing { file, kinds, pending, begun, .. } = growing;
        let path = file.path().to_owned();
        let regular = file.partial().is_some();
        let done = file.finish();
        match &done {
            Ok(_) => hand.tally.add_file(),
            Err(error @ write::Error::Incomplete { .. }) => {
                hand.tally.add_file();
                hand.tally.lose(&pending);
                hand.broke(error);
            }
            Err(error) => {
                hand.tally.lose(&kinds);
                hand.broke(error);
            }
        }
        let bytes = match done {
            Ok(Summary { bytes, .. }) => bytes,
            Err(write::Error::Incomplete { .. }) => path.metadata().map_or(0, |meta| meta.len()),
            Err(_) => return,
        };
        if regular {
            let stats = stats_of(&path);
            let text = self.stats(&kinds, &pending, bytes, account, &begun, hand);
            if let Err(error) = fs::write(&stats, text + "\n") {
                log::error!(output = &*hand.name; "cannot write {stats:?}: {error}");
            }
        }
        self.tidy(hand);
    }

    fn stats(
        &self,
        kinds: &Kinds,
        lost: &Kinds,
        bytes: u64,
        account: &Account,
        begun: &Account,
        hand: &Hand,
    ) -> String {
        let mut all = account.since(begun);
        all.insert("driver".to_owned(), json!(self.common.driver));
        // With the header.
        all.insert("records".to_owned(), json!(kinds.total() - lost.total() + 1));
        all.insert("bytes".to_owned(), json!(bytes));
        all.insert("types".to_owned(), by_type(kinds));
        // Of the output since it began, not of this file.
        all.insert("output".to_owned(), hand.tally.get().json());
        serde_json::to_string_pretty(&all).unwrap_or_default()
    }

    fn tidy(&mut self, hand: &Hand) {
        self.tidied = Instant::now();
        let Some(series) = &self.series else { return };
        match series.tidy(self.files.keep, SystemTime::now()) {
            Ok(removed) => hand.tally.add_removed(removed),
            Err(error) => {
                let path = &self.files.path;
                log::error!(output = &*hand.name; "cannot remove old files of {path:?}: {error}");
            }
        }
    }

    fn put(&mut self, record: Encoded<'_>, hand: &Hand) -> bool {
        let Some(growing) = &mut self.growing else { return false };
        growing.kinds.add(record.kind);
        growing.pending.add(record.kind);
        hand.tally.write_one(record.kind);
        match growing.file.write(record) {
            Ok(()) => {
                if growing.file.bytes() != growing.bytes {
                    growing.stored(hand);
                }
                true
            }
            // The record is kept with its block.
            Err(error) => self.stalled(&error, hand),
        }
    }

    /// After a batch: when to store it, and whether the file is full.
    fn look(&mut self, hand: &Hand) {
        let Some(growing) = &mut self.growing else { return };
        if growing.flush.is_none() && growing.pending.total() > 0 {
            growing.flush = Some(Instant::now() + self.common.flush);
        }
        if !growing.full && self.files.size.is_some_and(|limit| growing.bytes >= limit) {
            growing.full = true;
            hand.queue.ask_file();
        }
    }
}

impl Growing {
    /// Everything is on the disk.
    fn stored(&mut self, hand: &Hand) {
        let bytes = self.file.bytes();
        hand.tally.add_bytes(bytes - self.bytes + std::mem::take(&mut self.head));
        self.bytes = bytes;
        self.pending = Kinds::default();
        self.flush = None;
    }
}

/// What was opened for a capture that does not begin is removed.
impl Drop for FileTarget {
    fn drop(&mut self) {
        if self.growing.as_ref().is_some_and(|growing| growing.kinds.total() == 0) {
            self.discard();
        }
    }
}

/// Device and inode of the file at a path.
fn inode(path: &Path) -> Option<(u64, u64)> {
    path.metadata().ok().map(|meta| (meta.dev(), meta.ino()))
}

/// Whether the file is not where it was made.
fn is_gone(growing: &Growing) -> bool {
    growing.place.is_some() && growing.file.partial().and_then(inode) != growing.place
}

impl Target for FileTarget {
    fn fresh(&mut self, fresh: Fresh, hand: &Hand) {
        self.broken = false;
        if fresh.rotate && self.series.is_some() || self.growing.is_none() {
            self.finish(&fresh.account, hand);
            self.account = fresh.account;
            // One attempt; if it fails, the next records try again.
            match self.begin() {
                Ok(()) => hand.works(),
                Err(error) => hand.failed(&error),
            }
        }
    }

    fn batch(&mut self, batch: &Batch, hand: &Hand) {
        let mut left = batch.kinds();
        if !self.broken && self.need_file(hand) {
            for record in batch.records() {
                left.0[record.kind as usize] -= 1;
                if !self.put(record, hand) {
                    break;
                }
            }
            self.look(hand);
        }
        hand.shed(Cause::Failed, &left);
    }

    fn idle(&mut self, now: Instant, hand: &Hand) -> Option<Instant> {
        let due = |growing: &Growing| growing.flush.is_some_and(|at| at <= now);
        if self.growing.as_ref().is_some_and(due) {
            self.flush(hand);
        }
        let ages = self.series.is_some() && self.files.keep.age.is_some();
        if ages && now.duration_since(self.tidied) >= TIDY {
            self.tidy(hand);
        }
        let tidy = ages.then(|| self.tidied + TIDY);
        let flush = self.growing.as_ref().and_then(|growing| growing.flush);
        tidy.into_iter().chain(flush).min()
    }

    fn end(&mut self, account: &Arc<Account>, hand: &Hand) {
        if hand.queue.discards() {
            return self.discard();
        }
        if self.growing.as_ref().is_some_and(is_gone) {
            return self.lost(hand);
        }
        self.finish(account, hand);
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Records for a reader in this program: the output of a capture that writes nothing.

use std::sync::Arc;
use std::time::Instant;

use sysflow::decode::Decoder;
use sysflow::record::Record;
use sysflow::schema::Version;

use super::batch::Batch;
use super::queue::Fresh;
use super::tally::Cause;
use super::worker::{Hand, Target};
use crate::account::Account;

/// Reads records as they come, on a thread of its own. One that is slow misses records, which are
/// counted as shed; the capture does not wait.
pub trait Reader: Send {
    /// From here on nothing refers to what came before: entities are told again.
    fn begin(&mut self);

    /// Takes a record.
    fn record(&mut self, record: Record);

    /// Whether so many entities were told that it is time to begin again.
    fn is_full(&self) -> bool;
}

pub(super) struct TapTarget {
    reader: Box<dyn Reader>,
    decoder: Decoder,
    /// A new beginning was asked for and did not come yet.
    asked: bool,
}

impl TapTarget {
    pub(super) fn new(reader: Box<dyn Reader>, schema: Version) -> Self {
        Self { reader, decoder: Decoder::new(schema), asked: false }
    }
}

impl Target for TapTarget {
    fn fresh(&mut self, _: Fresh, _: &Hand) {
        self.asked = false;
        self.reader.begin();
    }

    fn batch(&mut self, batch: &Batch, hand: &Hand) {
        for encoded in batch.records() {
            // What the engine has encoded can be decoded.
            match self.decoder.decode(&mut { encoded.bytes }) {
                Ok(Some(record)) => {
                    self.reader.record(record.into_owned());
                    hand.tally.write_one(encoded.kind);
                    hand.tally.add_bytes(encoded.bytes.len() as u64);
                }
                _ => hand.tally.shed_one(Cause::Failed, encoded.kind),
            }
        }
        if !self.asked && self.reader.is_full() {
            self.asked = true;
            hand.queue.ask_fresh();
        }
    }

    fn idle(&mut self, _: Instant, _: &Hand) -> Option<Instant> {
        None
    }

    fn end(&mut self, _: &Arc<Account>, _: &Hand) {}
}

// SPDX-License-Identifier: Apache-2.0
//! Digests of records.

use xxhash_rust::xxh64::xxh64;

use super::Ignore;
use crate::record::Record;

/// What stands for a record: 128 bits, so that among a billion records no two different ones have
/// the same.
pub(super) type Digest = (u64, u64);

/// Makes digests, with one buffer for all.
#[derive(Default)]
pub(super) struct Digester {
    buffer: Vec<u8>,
}

impl Digester {
    /// The digest of the fields that matter.
    pub(super) fn digest(&mut self, record: &Record, ignore: &Ignore) -> Digest {
        let kind = record.kind();
        let buffer = &mut self.buffer;
        buffer.clear();
        buffer.push(kind as u8);
        record.each_field(&mut |name, value| {
            if !ignore.ignores(kind, name) {
                value.encode(buffer);
            }
        });
        (xxh64(buffer, 0), xxh64(buffer, 1))
    }
}

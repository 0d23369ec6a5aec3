// SPDX-License-Identifier: Apache-2.0
//! Texts of processes (programs, arguments, environments, folders), each kept
//! once: most processes of a host share them with others.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

/// What a text takes beside its bytes: the counters before them, what the
/// allocator adds, and the place in the index, which is at least 7/16 full.
const OVERHEAD: usize = 2 * size_of::<usize>() + 16 + 2 * (size_of::<Arc<str>>() + 1);

/// Texts that are in use, and some that were.
#[derive(Debug)]
pub struct Texts {
    index: HashTable<Arc<str>>,
    bytes: usize,
    /// Most bytes.
    limit: usize,
    /// What nobody uses is looked for when there are this many bytes.
    sweep_at: usize,
    /// Bytes when it was looked for last, and bytes of texts without room since.
    swept: usize,
    refused: usize,
    /// There was no room for the last text.
    full: bool,
}

fn hash(text: &str) -> u64 {
    FxBuildHasher.hash_one(text)
}

/// Memory of a text.
fn room(text: &str) -> usize {
    text.len() + OVERHEAD
}

impl Texts {
    /// No texts, of at most this many bytes in all.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        let sweep_at = (limit / 4).min(1 << 20);
        let index = HashTable::new();
        Self { index, bytes: 0, limit, sweep_at, swept: 0, refused: 0, full: false }
    }

    /// The text, shared with who has the same. Where there is no room it is
    /// the caller's alone, see [`Texts::is_full`].
    pub fn share(&mut self, text: &str) -> Arc<str> {
        let hash = hash(text);
        if let Some(known) = self.index.find(hash, |known| **known == *text) {
            return Arc::clone(known);
        }
        let fresh: Arc<str> = Arc::from(text);
        let room = room(text);
        // Near the limit not for each text: when a 32nd of it has come.
        let come = (self.bytes - self.swept).saturating_add(self.refused);
        if self.bytes + room > self.sweep_at && come >= self.limit / 32 {
            self.sweep();
        }
        self.full = self.bytes + room > self.limit;
        if self.full {
            self.refused += room;
        } else {
            self.bytes += room;
            self.index.insert_unique(hash, Arc::clone(&fresh), |text| self::hash(text));
        }
        fresh
    }

    /// Whether there was no room for the text that was shared last.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// Removes what nobody uses. It is looked for again when there is half as
    /// much more, so that looking costs little for each text.
    fn sweep(&mut self) {
        let mut bytes = 0;
        self.index.retain(|text| {
            let used = Arc::strong_count(text) > 1;
            bytes += if used { room(text) } else { 0 };
            used
        });
        (self.bytes, self.swept, self.refused) = (bytes, bytes, 0);
        self.sweep_at = (bytes + bytes / 2).max(1 << 16).min(self.limit);
    }

    /// Bytes that all texts take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Number of texts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_once() {
        let mut texts = Texts::with_limit(1 << 20);
        let (a, b) = (texts.share("/bin/sh"), texts.share("/bin/sh"));
        assert!(Arc::ptr_eq(&a, &b));
        assert_eq!((texts.len(), texts.bytes(), texts.is_full()), (1, room("/bin/sh"), false));
    }

    #[test]
    fn what_nobody_uses_goes_and_what_is_used_stays() {
        let mut texts = Texts::with_limit(1 << 20);
        let used = texts.share("used");
        for n in 0..100_000 {
            texts.share(&format!("argument {n}"));
            assert!(!texts.is_full() && texts.bytes() <= 1 << 20);
        }
        assert!(Arc::ptr_eq(&used, &texts.share("used")));
    }

    #[test]
    fn what_does_not_fit_is_not_kept() {
        let mut texts = Texts::with_limit(1 << 16);
        let mut held = Vec::new();
        while !texts.is_full() {
            held.push(texts.share(&format!("argument {}", held.len())));
        }
        assert!(texts.bytes() <= 1 << 16 && held.len() > 100);
        assert_eq!(&*texts.share("something else"), "something else");
        assert!(texts.is_full());
        assert_eq!(&*texts.share("argument 7"), "argument 7");
        held.truncate(held.len() / 2);
        let again: Vec<_> = (0..40).map(|n| texts.share(&format!("again {n}"))).collect();
        assert!(!texts.is_full() && again.len() == 40, "there is room again");
    }
}

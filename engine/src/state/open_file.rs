// SPDX-License-Identifier: Apache-2.0
//! Open files: what the identities in the driver's records stand for.
//!
//! The kernel gives the identity of a closed file to a later one, so an entry
//! is overwritten by each description. There are about as many entries as there
//! were files open at once, but no more than the engine lets be: one that is
//! removed is described again by the driver, which remembers 1024 for each CPU.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;
use sysflow::record::OpenFlags;

use super::object::ObjRef;

/// Who spoke first on a datagram socket: it decides which end is the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Nothing was said yet.
    #[default]
    Unknown,
    /// This end sent first, or connected.
    Client,
    /// This end received first.
    Server,
}

/// What an open file is to the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A file or a connection.
    Object(ObjRef),
    /// A datagram socket: each record brings its ends.
    Datagram(Role),
    /// Not part of the telemetry (an eventfd), or not yet (a socket without a
    /// peer).
    Silent,
    /// A socket that the output's schema has no place for: IPv6 in version 5.
    Ipv6,
}

/// An open file.
#[derive(Clone, Copy, Debug)]
pub struct OpenFile {
    /// What it is.
    pub target: Target,
    /// How it was opened, as `SysFlow` has it.
    pub flags: OpenFlags,
}

/// A place: an open file and its identity, 0 when it is free.
#[derive(Clone, Copy, Debug)]
struct Slot {
    file: u64,
    is: OpenFile,
    /// It was described since it was last looked at to be removed.
    fresh: bool,
}

/// Memory of an open file: its place and its share of the index, which is at
/// least 7/16 full.
pub(crate) const BYTES: usize = size_of::<Slot>() + 2 * size_of::<u32>();

/// All open files, by identity.
#[derive(Debug, Default)]
pub struct OpenFiles {
    list: Vec<Slot>,
    free: Vec<u32>,
    by_file: HashTable<u32>,
    /// Where [`OpenFiles::evict`] looks next.
    hand: usize,
}

#[inline]
fn hash(file: u64) -> u64 {
    FxBuildHasher.hash_one(file)
}

impl OpenFiles {
    /// Place of the open file with this identity.
    #[must_use]
    #[inline]
    pub fn find(&self, file: u64) -> Option<u32> {
        self.by_file.find(hash(file), |at| self.list[*at as usize].file == file).copied()
    }

    /// What is known at a place that was just found.
    #[must_use]
    #[inline]
    pub fn get(&self, place: u32) -> &OpenFile {
        &self.list[place as usize].is
    }

    /// What is known of a file at the place where it was once found.
    #[must_use]
    #[inline]
    pub fn at(&self, place: u32, file: u64) -> Option<&OpenFile> {
        self.list.get(place as usize).filter(|slot| slot.file == file).map(|slot| &slot.is)
    }

    /// What is known at a place that was just found, to be changed.
    pub fn get_mut(&mut self, place: u32) -> &mut OpenFile {
        &mut self.list[place as usize].is
    }

    /// Takes a description. Returns the place, and what stood there before.
    pub fn describe(&mut self, file: u64, as_: OpenFile) -> (u32, Option<OpenFile>) {
        if let Some(place) = self.find(file) {
            let slot = &mut self.list[place as usize];
            slot.fresh = true;
            let old = std::mem::replace(&mut slot.is, as_);
            return (place, Some(old));
        }
        let slot = Slot { file, is: as_, fresh: true };
        let place = match self.free.pop() {
            Some(place) => {
                self.list[place as usize] = slot;
                place
            }
            None => {
                self.list.push(slot);
                u32::try_from(self.list.len() - 1).expect("fewer than 2^32 open files")
            }
        };
        let list = &self.list;
        self.by_file.insert_unique(hash(file), place, |at| hash(list[*at as usize].file));
        (place, None)
    }

    /// Removes up to `most` files that `idle` says are not in use, going on
    /// where it ended the last time. One that was just described is passed over
    /// once, so that it can be used. Each is handed to `gone`. Returns how many
    /// went.
    pub fn evict(
        &mut self,
        most: usize,
        idle: impl Fn(&OpenFile) -> bool,
        mut gone: impl FnMut(&OpenFile),
    ) -> usize {
        let mut removed = 0;
        for _ in 0..2 * self.list.len() {
            if removed == most {
                break;
            }
            self.hand = if self.hand + 1 < self.list.len() { self.hand + 1 } else { 0 };
            let slot = &mut self.list[self.hand];
            let Slot { file, is, fresh } = *slot;
            slot.fresh = false;
            if file == 0 || fresh || !idle(&is) {
                continue;
            }
            let place = self.hand as u32;
            if let Ok(entry) = self.by_file.find_entry(hash(file), |at| *at == place) {
                entry.remove();
            }
            self.list[self.hand].file = 0;
            self.free.push(place);
            gone(&is);
            removed += 1;
        }
        removed
    }

    /// Number of identities known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_file.len()
    }

    /// Whether none is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_file.is_empty()
    }

    /// Bytes that the table takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.list.len() * BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_evicted_file_is_not_taken_for_the_one_in_its_place() {
        let is = |target| OpenFile { target, flags: OpenFlags::NONE };
        let mut all = OpenFiles::default();
        let (a, _) = all.describe(0xa, is(Target::Silent));
        let (b, _) = all.describe(0xb, is(Target::Ipv6));
        let mut gone = Vec::new();
        let idle = |file: &OpenFile| file.target == Target::Silent;
        assert_eq!(all.evict(9, idle, |file| gone.push(file.target)), 1);
        assert_eq!((gone, all.len()), (vec![Target::Silent], 1));
        assert_eq!((all.find(0xa), all.find(0xb)), (None, Some(b)));
        let (c, old) = all.describe(0xc, is(Target::Ipv6));
        assert_eq!((c, old.is_none()), (a, true), "the place is used again");
        assert!(all.at(a, 0xa).is_none() && all.at(c, 0xc).is_some());
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Open files: what the identities in the driver's records stand for.
//!
//! The kernel gives the identity of a closed file to a later one, so an entry
//! is overwritten by each description, and there are never more entries than
//! there were files open at once.

use rustc_hash::FxHashMap;
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

/// All open files, by identity.
#[derive(Debug, Default)]
pub struct OpenFiles {
    list: Vec<OpenFile>,
    by_file: FxHashMap<u64, u32>,
}

impl OpenFiles {
    /// Place of the open file with this identity.
    #[must_use]
    #[inline]
    pub fn find(&self, file: u64) -> Option<u32> {
        self.by_file.get(&file).copied()
    }

    /// What is known at a place.
    #[must_use]
    #[inline]
    pub fn get(&self, place: u32) -> &OpenFile {
        &self.list[place as usize]
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, place: u32) -> &mut OpenFile {
        &mut self.list[place as usize]
    }

    /// Takes a description. Returns the place, and what stood there before.
    pub fn describe(&mut self, file: u64, as_: OpenFile) -> (u32, Option<OpenFile>) {
        if let Some(place) = self.find(file) {
            let old = std::mem::replace(&mut self.list[place as usize], as_);
            return (place, Some(old));
        }
        let place = u32::try_from(self.list.len()).expect("fewer than 2^32 open files");
        self.list.push(as_);
        self.by_file.insert(file, place);
        (place, None)
    }

    /// Number of identities known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether none is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Bytes to records: what stands in a container file's blocks, without the container.
//!
//! A record is decoded without copying or allocating: its texts and lists stay where they are and
//! are borrowed from there. Lists are checked when the record is decoded, and decoded again item by
//! item when they are looked at. Only text that is not UTF-8 is copied, with U+FFFD for what is not.
//!
//! ```
//! use sysflow::decode::Decoder;
//! use sysflow::encode::Encode as _;
//! use sysflow::record::{Process, RecordRef};
//! use sysflow::schema::Version;
//!
//! let env = ["HOME=/", "TERM=xterm"];
//! let process = Process::<&str, &[&str]> { exe: "/bin/ls", env: &env, ..Process::default() };
//! let mut bytes = Vec::new();
//! process.encode(&mut bytes);
//!
//! let decoder = Decoder::new(Version::V5);
//! let mut rest = &bytes[..];
//! let Some(RecordRef::Process(found)) = decoder.decode(&mut rest)? else { panic!() };
//! assert_eq!(found.exe, "/bin/ls");
//! assert_eq!(found.env.iter().collect::<Vec<_>>(), env);
//! assert!(rest.is_empty());
//! # Ok::<(), sysflow::read::Malformed>(())
//! ```

mod plan;

use std::sync::Arc;

pub(crate) use plan::Plan;

use crate::read::Limits;
use crate::record::RecordRef;
use crate::schema::Version;
use crate::wire::{Cursor, Malformed};

/// A schema by which records cannot be decoded, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a schema of SysFlow: {0}")]
pub struct UnknownSchema(pub String);

/// Decodes records of one schema.
#[derive(Debug)]
pub struct Decoder {
    plan: Arc<Plan>,
    items: usize,
}

impl Decoder {
    /// Decodes records of a version that we write.
    #[must_use]
    pub fn new(version: Version) -> Self {
        Self::with_schema(version.text()).expect("our schemas can be decoded")
    }

    /// Decodes records of any schema, given as JSON, as far as its fields are known.
    ///
    /// # Errors
    /// If it has nothing to do with `SysFlow`.
    pub fn with_schema(json: &str) -> Result<Self, UnknownSchema> {
        Plan::of(json)
            .map(|plan| Self { plan, items: Limits::default().items })
            .map_err(UnknownSchema)
    }

    /// Decodes the record at the front of `bytes`, which then begin behind it. None if its type is
    /// unknown: it is passed over.
    ///
    /// # Errors
    /// Why the bytes are no record of the schema; `bytes` stay as they are.
    #[inline]
    pub fn decode<'a>(&self, bytes: &mut &'a [u8]) -> Result<Option<RecordRef<'a>>, Malformed> {
        let mut cursor = Cursor::new(bytes, 0, self.items);
        let mut record = None;
        self.plan.record(&mut cursor, &mut record)?;
        *bytes = &bytes[cursor.pos()..];
        Ok(record)
    }
}

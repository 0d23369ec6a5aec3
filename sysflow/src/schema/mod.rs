// SPDX-License-Identifier: Apache-2.0
//! The schemas that are written: version 5, `schema/SysFlow.avsc`, and on request version 6,
//! `schema/SysFlow-6.avsc`, which adds fields at the ends of records (`docs/schema-6.md`).

mod parse;

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

pub(crate) use parse::{RecordType, Type, parse};

/// Schema version 5 as one line of JSON, as it is put into files.
pub static TEXT: LazyLock<String> =
    LazyLock::new(|| compact(include_str!("../../schema/SysFlow.avsc")));

/// Schema version 6 as one line of JSON.
pub static TEXT_6: LazyLock<String> =
    LazyLock::new(|| compact(include_str!("../../schema/SysFlow-6.avsc")));

/// A version of the schema in which records are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    /// Version 5, which every reader knows.
    #[default]
    V5,
    /// Version 6, which adds IPv6 addresses, device and inode of files, and what was lost. A reader
    /// that goes by the schema in the file, or resolves it by Avro's rules, reads its files too.
    V6,
}

impl Version {
    /// Its number, as the header of a file has it.
    #[must_use]
    pub fn number(self) -> i64 {
        match self {
            Self::V5 => 5,
            Self::V6 => 6,
        }
    }

    /// The schema as one line of JSON.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::V5 => &TEXT,
            Self::V6 => &TEXT_6,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(f)
    }
}

/// A number that is no version that can be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("schema version \"{0}\" cannot be written; known are 5 and 6")]
pub struct UnknownVersion(pub String);

impl FromStr for Version {
    type Err = UnknownVersion;

    fn from_str(number: &str) -> Result<Self, UnknownVersion> {
        match number {
            "5" => Ok(Self::V5),
            "6" => Ok(Self::V6),
            _ => Err(UnknownVersion(number.to_owned())),
        }
    }
}

/// Removes the white space between JSON tokens.
fn compact(json: &str) -> String {
    let (mut quoted, mut escaped) = (false, false);
    json.chars()
        .filter(|&c| {
            quoted ^= c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            quoted || !c.is_ascii_whitespace()
        })
        .collect()
}

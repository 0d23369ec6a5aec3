// SPDX-License-Identifier: Apache-2.0
//! The schema that is written: version 5, `schema/SysFlow.avsc`.

mod parse;

use std::sync::LazyLock;

pub(crate) use parse::{RecordType, Type, parse};

/// Schema version 5 as one line of JSON, as it is put into files.
pub static TEXT: LazyLock<String> =
    LazyLock::new(|| compact(include_str!("../../schema/SysFlow.avsc")));

/// A version of the schema in which records are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    /// Version 5, which every reader knows.
    #[default]
    V5,
    /// Version 6.
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
        &TEXT
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

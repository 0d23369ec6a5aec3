// SPDX-License-Identifier: Apache-2.0
//! The schema that is written: version 5, `schema/SysFlow.avsc`.

mod parse;

use std::sync::LazyLock;

pub(crate) use parse::{RecordType, Type, parse};

/// Schema version 5 as one line of JSON, as it is put into files.
pub static TEXT: LazyLock<String> =
    LazyLock::new(|| compact(include_str!("../../schema/SysFlow.avsc")));

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

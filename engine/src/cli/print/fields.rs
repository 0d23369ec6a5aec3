// SPDX-License-Identifier: Apache-2.0
//! The list of fields.

use std::io::{self, Write};
use std::path::Path;

use sysflow::attribute::{ALL, Attribute, Type};

use super::output::Output;

/// Writes the list. The error is that of the output.
pub(super) fn list(output: Option<&Path>) -> io::Result<bool> {
    let mut out = Output::open(output).map_err(io::Error::other)?;
    write(&mut out)?;
    out.finish().map(|()| true)
}

/// The number of the row, then the catalogue, one attribute a line. What is derived from others is
/// marked with a dash.
fn write(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "  {:<20} {:<11} MEANING [SOURCE] (OTHER NAMES)", "NAME", "TYPE")?;
    writeln!(out, "- {:<20} {:<11} number of the row, from 0 [none]", "idx", "integer")?;
    for attribute in ALL {
        let mark = if attribute.exported { ' ' } else { '-' };
        let kind = attribute.kind.to_string();
        let many = if attribute.many { "*" } else { "" };
        write!(out, "{mark} {:<20} {:<11} ", attribute.name, kind + many)?;
        write!(out, "{}{} [{}]", attribute.meaning, words(attribute), attribute.source)?;
        match attribute.aliases {
            [] => writeln!(out)?,
            aliases => writeln!(out, " ({})", aliases.join(", "))?,
        }
    }
    let formats = "all formats but table";
    writeln!(out, "\n-  not among the fields that {formats} have by default, nor in all")?;
    writeln!(out, "*  any number of values; filters are true if they are of any of them")?;
    writeln!(out, "[] where it is in the record; any type of event has fields with a *.")
}

/// The words that are possible.
fn words(attribute: &Attribute) -> String {
    match attribute.kind {
        Type::Symbol(symbols) => {
            let short = |word: &&str| word.strip_prefix(symbols.prefix).unwrap_or(word).to_owned();
            let words: Vec<_> = symbols.words.iter().map(short).collect();
            format!(": {}", words.join(" "))
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attribute_is_listed_in_full() {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        for attribute in ALL {
            let has = |line: &&str| line[2..].split(' ').next() == Some(attribute.name);
            let line = text.lines().skip(1).find(|line| line.len() > 2 && has(line)).unwrap();
            let (kind, many) = (attribute.kind.to_string(), attribute.many);
            assert!(line.contains(&(kind + if many { "* " } else { " " })), "{line}");
            assert!(!attribute.meaning.is_empty() && line.contains(attribute.meaning), "{line}");
            assert!(line.contains(&format!("[{}]", attribute.source)), "{line}");
        }
        assert!(text.contains("container runtime: DOCKER LXC"), "{text}");
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Text into a width: escaping, cutting, padding.

use std::fmt;

use unicode_width::UnicodeWidthChar as _;

use crate::attribute::Fit;

/// Stands for what was cut.
const CUT: &str = "..";

/// Columns that a text takes on a terminal.
#[must_use]
pub fn width(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// Whether a character could steer the terminal or reorder what is shown.
fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{2029}'
            | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Appends what is written with escapes for what a terminal must not get.
pub(super) struct Escaped<'a>(pub(super) &'a mut String);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                '\n' => self.0.push_str("\\n"),
                '\t' => self.0.push_str("\\t"),
                '\r' => self.0.push_str("\\r"),
                c if is_hostile(c) => write!(self.0, "\\u{{{:x}}}", u32::from(c))?,
                c => self.0.push(c),
            }
        }
        Ok(())
    }
}

/// A text with escapes for what could steer a terminal or reorder what is shown.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // Writing to a string does not fail.
    let _ = fmt::Write::write_str(&mut Escaped(&mut out), text);
    out
}

/// Appends `text` in `room` columns: cut if it is too wide and may be, padded if not. The `colour`
/// is that of the text, not of the padding.
pub(super) fn place(text: &str, room: usize, fit: Fit, colour: &str, out: &mut String) {
    let wide = width(text);
    let (part, wide) = if wide > room && fit.is_flexible() {
        let part = cut(text, room.saturating_sub(CUT.len()), fit);
        (part, width(part) + CUT.len())
    } else {
        (text, wide)
    };
    let space = std::iter::repeat_n(' ', room.saturating_sub(wide));
    if fit == Fit::Number {
        out.extend(space.clone());
    }
    let coloured = !colour.is_empty() && !part.is_empty();
    if coloured {
        out.extend(["\x1b[", colour, "m"]);
    }
    let is_cut = part.len() < text.len();
    if is_cut && fit == Fit::KeepEnd {
        out.push_str(CUT);
    }
    out.push_str(part);
    if is_cut && fit == Fit::KeepStart {
        out.push_str(CUT);
    }
    if coloured {
        out.push_str("\x1b[0m");
    }
    if fit != Fit::Number {
        out.extend(space);
    }
}

/// As much of `text` as has room.
fn cut(text: &str, room: usize, fit: Fit) -> &str {
    let mut used = 0;
    let mut fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used <= room
    };
    if fit == Fit::KeepEnd {
        let kept: usize = text.chars().rev().take_while(&mut fits).map(char::len_utf8).sum();
        &text[text.len() - kept..]
    } else {
        let kept: usize = text.chars().take_while(&mut fits).map(char::len_utf8).sum();
        &text[..kept]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_terminals_is_escaped() {
        assert_eq!(escaped("/tmp/\x1b[2J\u{202e}a\nb é"), "/tmp/\\u{1b}[2J\\u{202e}a\\nb é");
    }
}

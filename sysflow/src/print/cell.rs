// SPDX-License-Identifier: Apache-2.0
//! Text into a width: escaping, cutting, padding.

use std::fmt;

use unicode_width::UnicodeWidthChar as _;

use crate::attribute::Fit;

/// Stands for what was cut.
const CUT: &str = "..";

/// Columns that a text takes on a terminal.
pub(super) fn width(text: &str) -> usize {
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

/// Appends `text` in `room` columns: cut if it is too wide and may be, padded if not.
pub(super) fn place(text: &str, room: usize, fit: Fit, out: &mut String) {
    let wide = width(text);
    if wide > room && fit.is_flexible() {
        return cut(text, room, fit, out);
    }
    let space = room.saturating_sub(wide);
    if fit == Fit::Number {
        out.extend(std::iter::repeat_n(' ', space));
    }
    out.push_str(text);
    if fit != Fit::Number {
        out.extend(std::iter::repeat_n(' ', space));
    }
}

/// Appends as much of `text` as fits beside the mark of the cut.
fn cut(text: &str, room: usize, fit: Fit, out: &mut String) {
    let room = room.saturating_sub(CUT.len());
    let mut used = 0;
    let mut fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used <= room
    };
    let kept: usize = if fit == Fit::KeepEnd {
        text.chars().rev().take_while(&mut fits).map(char::len_utf8).sum()
    } else {
        text.chars().take_while(&mut fits).map(char::len_utf8).sum()
    };
    let part = if fit == Fit::KeepEnd { &text[text.len() - kept..] } else { &text[..kept] };
    let space = room - width(part);
    if fit == Fit::KeepEnd {
        out.push_str(CUT);
    }
    out.push_str(part);
    if fit == Fit::KeepStart {
        out.push_str(CUT);
    }
    out.extend(std::iter::repeat_n(' ', space));
}

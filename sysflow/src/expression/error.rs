// SPDX-License-Identifier: Apache-2.0
//! What is wrong with an expression, and where.

use std::fmt;
use std::ops::Range;

use unicode_width::UnicodeWidthStr as _;

/// What is wrong with an expression, and where.
///
/// Displayed, it is the message, then the line of the expression with the place underlined:
///
/// ```
/// use sysflow::expression::Predicate;
/// let error = Predicate::new("proc.nme = bash").expect_err("there is no such attribute");
/// assert_eq!(error.to_string(), "\
/// unknown attribute \"proc.nme\"; did you mean \"proc.name\"?
///   proc.nme = bash
///   ^^^^^^^^");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    message: String,
    span: Range<usize>,
    text: String,
}

impl Error {
    pub(super) fn new(message: impl Into<String>, span: Range<usize>, text: &str) -> Self {
        Self { message: message.into(), span, text: text.to_owned() }
    }

    /// What is wrong, in one line.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where in [`Error::text`], in bytes.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The expression, or the macro in it that is wrong.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Longest part of a line that is shown on either side of the place.
const CONTEXT: usize = 60;

/// The last place at or before `at`, but not before `from`, where a character begins.
fn floor(text: &str, at: usize, from: usize) -> usize {
    (from..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(from)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, Range { start, end }) = (self.text.as_str(), self.span.clone());
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let from = floor(text, start.saturating_sub(CONTEXT), line_start);
        let from = from.max(line_start);
        let to = floor(text, line_end.min(start + 2 * CONTEXT), start);
        let place = &text[start..end.clamp(start, to)];
        // What a terminal must not get takes one column here and there.
        let shown: String =
            text[from..to].chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let before: String =
            text[from..start].chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        writeln!(f, "{}", self.message)?;
        writeln!(f, "  {}", shown.trim_end())?;
        let carets = "^".repeat(place.width().max(1));
        write!(f, "  {:indent$}{carets}", "", indent = before.width())
    }
}

impl std::error::Error for Error {}

// SPDX-License-Identifier: Apache-2.0
//! Text to tokens.

use std::borrow::Cow;
use std::ops::Range;

use super::Error;
use super::tree::Relation;

/// The smallest parts of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A name, number, address, time or bare text.
    Word(&'a str),
    /// Text in quotes, without them.
    Quoted(Cow<'a, str>),
    /// A word with a meaning of its own.
    Key(Key),
    /// An operator made of signs.
    Sign(Relation),
    Open(char),
    Close(char),
    Comma,
    End,
}

/// Words with a meaning of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    And,
    Or,
    Not,
    In,
    PMatch,
    Exists,
    Relation(Relation),
}

impl Key {
    const ALL: [(&'static str, Self); 10] = [
        ("and", Self::And),
        ("or", Self::Or),
        ("not", Self::Not),
        ("in", Self::In),
        ("pmatch", Self::PMatch),
        ("exists", Self::Exists),
        ("contains", Self::Relation(Relation::Contains)),
        ("icontains", Self::Relation(Relation::IContains)),
        ("startswith", Self::Relation(Relation::StartsWith)),
        ("endswith", Self::Relation(Relation::EndsWith)),
    ];

    fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|&(_, key)| key)
    }
}

/// Whether a word may contain the character.
fn in_word(c: char) -> bool {
    !c.is_whitespace() && !c.is_control() && !"()[],\"'=!<>#\\".contains(c)
}

/// Whether `text` is a word without a meaning of its own.
pub(super) fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(in_word) && Key::of(text).is_none()
}

/// Takes tokens off the front of an expression.
#[derive(Clone, Debug)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    pos: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, pos: 0 }
    }

    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// The next token and its place.
    pub(super) fn next(&mut self) -> Result<(Token<'a>, Range<usize>), Error> {
        self.skip();
        let start = self.pos;
        let rest = &self.text[start..];
        let Some(first) = rest.chars().next() else {
            return Ok((Token::End, start..start));
        };
        let token = match first {
            '(' | '[' => self.one(Token::Open(first)),
            ')' | ']' => self.one(Token::Close(first)),
            ',' => self.one(Token::Comma),
            '"' | '\'' => self.quoted(first)?,
            '=' | '!' | '<' | '>' => self.sign()?,
            c if in_word(c) => {
                let len = rest.find(|c| !in_word(c)).unwrap_or(rest.len());
                self.pos += len;
                let word = &rest[..len];
                Key::of(word).map_or(Token::Word(word), Token::Key)
            }
            c => {
                let message = format!("unexpected character {c:?}; put text in quotes");
                return Err(Error::new(message, start..start + c.len_utf8(), self.text));
            }
        };
        Ok((token, start..self.pos))
    }

    fn one(&mut self, token: Token<'a>) -> Token<'a> {
        self.pos += 1;
        token
    }

    /// Passes over white space and comments.
    fn skip(&mut self) {
        loop {
            let rest = &self.text[self.pos..];
            let trimmed = rest.trim_start();
            self.pos += rest.len() - trimmed.len();
            if !trimmed.starts_with('#') {
                return;
            }
            self.pos += trimmed.find('\n').unwrap_or(trimmed.len());
        }
    }

    fn sign(&mut self) -> Result<Token<'a>, Error> {
        const SIGNS: [(&str, Relation); 7] = [
            ("==", Relation::Equal),
            ("!=", Relation::NotEqual),
            ("<=", Relation::AtMost),
            (">=", Relation::AtLeast),
            ("=", Relation::Equal),
            ("<", Relation::Less),
            (">", Relation::Greater),
        ];
        let rest = &self.text[self.pos..];
        match SIGNS.iter().find(|(sign, _)| rest.starts_with(sign)) {
            Some((sign, relation)) => {
                self.pos += sign.len();
                Ok(Token::Sign(*relation))
            }
            None => {
                let message = "unexpected \"!\"; write \"!=\" or \"not\"";
                Err(Error::new(message, self.pos..self.pos + 1, self.text))
            }
        }
    }

    /// Text in quotes, in which a backslash takes its meaning from a quote, a backslash, and makes
    /// `\n`, `\r`, `\t` and `\0` what they are elsewhere.
    fn quoted(&mut self, quote: char) -> Result<Token<'a>, Error> {
        let start = self.pos;
        let body = &self.text[start + 1..];
        let mut text = Cow::Borrowed("");
        let mut plain = 0;
        let mut chars = body.char_indices();
        while let Some((at, c)) = chars.next() {
            if c == quote {
                append(&mut text, &body[plain..at]);
                self.pos = start + 1 + at + 1;
                return Ok(Token::Quoted(text));
            }
            if c == '\\' {
                append(&mut text, &body[plain..at]);
                let here = start + 1 + at;
                let (_, escaped) = chars.next().unwrap_or((0, ' '));
                let meant = match escaped {
                    '"' | '\'' | '\\' => escaped,
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    '0' => '\0',
                    _ => {
                        let message = "unknown escape; write \\\\ for a backslash in quotes";
                        return Err(Error::new(message, here..here + 1, self.text));
                    }
                };
                text.to_mut().push(meant);
                plain = at + 1 + escaped.len_utf8();
            }
        }
        let message = format!("the text that begins with {quote} does not end");
        Err(Error::new(message, start..start + 1, self.text))
    }
}

/// Appends without a copy if there is nothing yet.
fn append<'a>(text: &mut Cow<'a, str>, part: &'a str) {
    if text.is_empty() {
        *text = Cow::Borrowed(part);
    } else {
        text.to_mut().push_str(part);
    }
}

/// Writes text in quotes, so that the lexer reads it back.
pub(super) fn quote(f: &mut std::fmt::Formatter<'_>, text: &str) -> std::fmt::Result {
    use std::fmt::Write as _;
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            '\0' => f.write_str("\\0")?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

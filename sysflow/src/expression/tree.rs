// SPDX-License-Identifier: Apache-2.0
//! The form of an expression, before its words have a meaning.

use std::fmt::{self, Display};
use std::ops::Range;

use super::token::{is_word, quote};

/// An operator between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
    /// `contains`
    Contains,
    /// `icontains`
    IContains,
    /// `startswith`
    StartsWith,
    /// `endswith`
    EndsWith,
}

impl Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
            Self::Contains => "contains",
            Self::IContains => "icontains",
            Self::StartsWith => "startswith",
            Self::EndsWith => "endswith",
        })
    }
}

/// An operator between an operand and a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// `in`: equal to one of the items.
    In,
    /// `pmatch`: contains one of the items.
    PMatch,
}

impl Display for Membership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::In { "in" } else { "pmatch" })
    }
}

/// A part of an expression and its place in the text. Equal if the same, wherever it stands.
#[derive(Clone, Debug)]
pub struct Node<T> {
    /// The part.
    pub part: T,
    /// Its place in bytes.
    pub span: Range<usize>,
}

impl<T: PartialEq> PartialEq for Node<T> {
    fn eq(&self, other: &Self) -> bool {
        self.part == other.part
    }
}

/// What stands beside an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// A name, or text without quotes, and the number in brackets after it.
    Word(String, Option<u32>),
    /// Text in quotes.
    Quoted(String),
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    /// One of them is true. There are at least two.
    Or(Vec<Node<Tree>>),
    /// All of them are true. There are at least two.
    And(Vec<Node<Tree>>),
    /// It is false.
    Not(Box<Node<Tree>>),
    /// A comparison.
    Compare(Node<Operand>, Relation, Node<Operand>),
    /// A comparison with several.
    Among(Node<Operand>, Membership, Vec<Node<Operand>>),
    /// There is a value.
    Exists(Node<Operand>),
    /// A macro, or an attribute that is true or false by itself.
    Name(String),
}

impl Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word, None) if is_word(word) => f.write_str(word),
            Self::Word(word, Some(index)) => write!(f, "{word}[{index}]"),
            Self::Word(text, None) | Self::Quoted(text) => quote(f, text),
        }
    }
}

impl Tree {
    /// Writes the parts with a word between them, in parentheses where they need them.
    fn join(
        f: &mut fmt::Formatter<'_>,
        word: &str,
        parts: &[Node<Self>],
        tight: bool,
    ) -> fmt::Result {
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                write!(f, " {word} ")?;
            }
            part.part.write(f, tight)?;
        }
        Ok(())
    }

    /// Writes the expression, in parentheses if it binds less than what is around it.
    fn write(&self, f: &mut fmt::Formatter<'_>, tight: bool) -> fmt::Result {
        match self {
            Self::Or(_) => write!(f, "({self})"),
            Self::And(_) if tight => write!(f, "({self})"),
            _ => self.fmt(f),
        }
    }
}

impl Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Or(parts) => Self::join(f, "or", parts, false),
            Self::And(parts) => Self::join(f, "and", parts, true),
            Self::Not(part) => {
                f.write_str("not ")?;
                part.part.write(f, true)
            }
            Self::Compare(left, relation, right) => {
                write!(f, "{} {relation} {}", left.part, right.part)
            }
            Self::Among(left, membership, items) => {
                write!(f, "{} {membership} (", left.part)?;
                for (at, item) in items.iter().enumerate() {
                    let gap = if at > 0 { ", " } else { "" };
                    write!(f, "{gap}{}", item.part)?;
                }
                f.write_str(")")
            }
            Self::Exists(operand) => write!(f, "{} exists", operand.part),
            Self::Name(name) => f.write_str(name),
        }
    }
}

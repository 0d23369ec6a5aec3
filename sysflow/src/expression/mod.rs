// SPDX-License-Identifier: Apache-2.0
//! Conditions on events, in the language of filters: `type = FF and proc.name in (sh, bash)`.
//!
//! An [`Expression`] is parsed, then compiled: names of [attributes](crate::attribute) are looked
//! up, values are checked against their types, and what remains is a [`Predicate`] that is evaluated
//! on resolved events without allocating. What is wrong with an expression is found before the first
//! event, and the [`Error`] points at it.
//!
//! The language, and where it deliberately differs from the two dialects of the reference, is
//! described in `docs/expressions.md`.
//!
//! ```
//! # fn main() -> Result<(), sysflow::expression::Error> {
//! use sysflow::expression::{Predicate, Scratch};
//! use sysflow::record::{FileFlow, OpFlags};
//! use sysflow::resolve::Resolver;
//!
//! let predicate = Predicate::new("type = FF and opflags in (READ, WRITE)")?;
//! let mut resolver = Resolver::new();
//! let flow = FileFlow { op_flags: OpFlags::READ_RECV, ..FileFlow::default() };
//! let event = resolver.accept(flow.into()).expect("a flow is an event");
//! assert!(predicate.matches(&event, &mut Scratch::default()));
//! # Ok(())
//! # }
//! ```

mod check;
mod compile;
mod definitions;
mod error;
mod literal;
mod parse;
mod predicate;
mod token;
mod tree;

use std::fmt;
use std::str::FromStr;

pub use definitions::Definitions;
pub use error::Error;
pub use predicate::{Predicate, Scratch};
pub use tree::{Membership, Node, Operand, Relation, Tree};

use compile::Compiler;
use parse::Parser;

/// An expression that is well formed. Its names and values are not checked yet.
///
/// Displayed, it is written in one way, whatever the way it was written in: parsed again, that
/// gives the same tree.
#[derive(Clone, Debug)]
pub struct Expression {
    text: String,
    root: Node<Tree>,
}

impl Expression {
    /// Parses an expression.
    ///
    /// # Errors
    /// What is not as in the grammar.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let root = Parser::parse(text)?;
        Ok(Self { text: text.to_owned(), root })
    }

    /// Checks names and values. A name that is no attribute is looked up in `definitions`.
    ///
    /// # Errors
    /// Names that are not known, values that do not fit, macros that refer to themselves.
    pub fn compile(&self, definitions: &Definitions) -> Result<Predicate, Error> {
        Compiler::new(definitions).expression(self).map(Predicate::from_test)
    }

    /// Its form.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        &self.root.part
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.root == other.root
    }
}

impl FromStr for Expression {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.part.fmt(f)
    }
}

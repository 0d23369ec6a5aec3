// SPDX-License-Identifier: Apache-2.0
//! Compiled expressions.

use std::fmt::Write as _;

use super::check::{Check, Lower, Order};
use super::{Definitions, Error, Expression, Relation};
use crate::attribute::{Attribute, Value};
use crate::resolve::ResolvedEvent;

/// A compiled expression. It can be shared between threads, each with a [`Scratch`] of its own.
#[derive(Debug)]
pub struct Predicate {
    test: Test,
}

/// Room in which texts are put together while they are compared. Kept from event to event, it stops
/// growing soon, and then evaluation allocates nothing.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    pub(super) left: String,
    pub(super) right: String,
}

#[derive(Debug)]
pub(super) enum Test {
    All(Box<[Test]>),
    Any(Box<[Test]>),
    Not(Box<Test>),
    Check(Source, Check),
    /// One attribute against another.
    Pair(Source, Relation, Source),
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    pub(super) attribute: &'static Attribute,
    /// Which of several values.
    pub(super) index: Option<u32>,
}

impl Source {
    #[inline]
    fn value<'a>(&self, event: &ResolvedEvent<'a>) -> Value<'a> {
        match (self.attribute.value(event), self.index) {
            (Value::Many(many), Some(index)) => many.get(index as usize),
            (value, _) => value,
        }
    }
}

impl Predicate {
    /// Parses and compiles an expression without macros and lists.
    ///
    /// # Errors
    /// As [`Expression::parse`] and [`Expression::compile`].
    pub fn new(text: &str) -> Result<Self, Error> {
        Expression::parse(text)?.compile(&Definitions::new())
    }

    pub(super) fn from_test(test: Test) -> Self {
        Self { test }
    }

    /// Whether the expression is true of an event.
    #[must_use]
    #[inline]
    pub fn matches(&self, event: &ResolvedEvent<'_>, scratch: &mut Scratch) -> bool {
        self.test.holds(event, scratch)
    }
}

impl Test {
    fn holds(&self, event: &ResolvedEvent<'_>, scratch: &mut Scratch) -> bool {
        match self {
            Self::All(tests) => tests.iter().all(|test| test.holds(event, scratch)),
            Self::Any(tests) => tests.iter().any(|test| test.holds(event, scratch)),
            Self::Not(test) => !test.holds(event, scratch),
            Self::Check(source, check) => check.holds(source.value(event), scratch),
            Self::Pair(left, relation, right) => {
                let right = right.value(event);
                left.value(event).any(&mut |left| {
                    right.any(&mut |right| related(left, *relation, right, scratch))
                })
            }
        }
    }
}

/// How numbers are compared; none for the relations of texts.
pub(super) fn order(relation: Relation) -> Option<Order> {
    Some(match relation {
        Relation::Equal => Order::Equal,
        Relation::Less => Order::Less,
        Relation::AtMost => Order::AtMost,
        Relation::Greater => Order::Greater,
        Relation::AtLeast => Order::AtLeast,
        _ => return None,
    })
}

/// Whether two single values stand in that relation.
fn related(left: Value<'_>, relation: Relation, right: Value<'_>, scratch: &mut Scratch) -> bool {
    match (left, right) {
        (Value::Int(a) | Value::Time(a), Value::Int(b) | Value::Time(b)) => {
            order(relation).is_some_and(|order| order.holds(a, b))
        }
        (Value::Bool(a), Value::Bool(b)) => a == b,
        _ => {
            scratch.left.clear();
            scratch.right.clear();
            let Scratch { left: a, right: b } = scratch;
            let _ = if relation == Relation::IContains {
                write!(Lower(a), "{left}").and_then(|()| write!(Lower(b), "{right}"))
            } else {
                write!(a, "{left}").and_then(|()| write!(b, "{right}"))
            };
            match relation {
                Relation::Contains | Relation::IContains => a.contains(&**b),
                Relation::StartsWith => a.starts_with(&**b),
                Relation::EndsWith => a.ends_with(&**b),
                _ => a == b,
            }
        }
    }
}

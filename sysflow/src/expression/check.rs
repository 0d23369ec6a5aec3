// SPDX-License-Identifier: Apache-2.0
//! Comparisons of a value with constants.

use std::collections::HashSet;
use std::fmt::{self, Write as _};
use std::net::IpAddr;

use memchr::memmem::Finder;

use super::predicate::Scratch;
use crate::attribute::Value;
use crate::record::{OpFlags, OpenFlags};

/// What is asked of a value, or of any of several.
#[derive(Debug)]
pub(super) enum Check {
    Exists,
    Number(Order, i64),
    /// Sorted.
    Numbers(Box<[i64]>),
    Bool(bool),
    Networks(Box<[Network]>),
    /// Any of these, by what the operations are done on.
    Operations {
        file: OpFlags,
        network: OpFlags,
    },
    OpenFlags {
        any: OpenFlags,
        both: bool,
        none: bool,
    },
    Text(TextCheck),
}

/// How two numbers stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Equal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

impl Order {
    #[inline]
    pub(super) fn holds(self, a: i64, b: i64) -> bool {
        match self {
            Self::Equal => a == b,
            Self::Less => a < b,
            Self::AtMost => a <= b,
            Self::Greater => a > b,
            Self::AtLeast => a >= b,
        }
    }
}

/// Addresses with the same leading bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Network {
    V4 { address: u32, mask: u32 },
    V6 { address: u128, mask: u128 },
}

impl Network {
    /// `bits` is at most the length of the address.
    pub(super) fn new(address: IpAddr, bits: u32) -> Self {
        match address {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
                Self::V4 { address: address.to_bits() & mask, mask }
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
                Self::V6 { address: address.to_bits() & mask, mask }
            }
        }
    }

    fn contains(self, ip: IpAddr) -> bool {
        match (self, ip) {
            (Self::V4 { address, mask }, IpAddr::V4(ip)) => ip.to_bits() & mask == address,
            (Self::V6 { address, mask }, IpAddr::V6(ip)) => ip.to_bits() & mask == address,
            _ => false,
        }
    }
}

/// What is asked of a text.
#[derive(Debug)]
pub(super) enum TextCheck {
    Equal(Box<str>),
    In(HashSet<Box<str>>),
    Contains(Box<Finder<'static>>),
    ContainsAny(Box<[Finder<'static>]>),
    /// The text looked for is in lower case.
    IContains(Box<Finder<'static>>),
    StartsWith(Box<str>),
    EndsWith(Box<str>),
}

pub(super) fn finder(text: &str) -> Finder<'static> {
    Finder::new(text.as_bytes()).into_owned()
}

impl TextCheck {
    pub(super) fn holds(&self, text: &str, lower: &mut String) -> bool {
        match self {
            Self::Equal(other) => *text == **other,
            Self::In(texts) => texts.contains(text),
            Self::Contains(finder) => finder.find(text.as_bytes()).is_some(),
            Self::ContainsAny(finders) => {
                finders.iter().any(|finder| finder.find(text.as_bytes()).is_some())
            }
            Self::IContains(finder) => {
                lower.clear();
                let _ = Lower(lower).write_str(text);
                finder.find(lower.as_bytes()).is_some()
            }
            Self::StartsWith(start) => text.starts_with(&**start),
            Self::EndsWith(end) => text.ends_with(&**end),
        }
    }
}

/// Writes in lower case.
pub(super) struct Lower<'a>(pub(super) &'a mut String);

impl fmt::Write for Lower<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend(text.chars().flat_map(char::to_lowercase));
        Ok(())
    }
}

impl Check {
    pub(super) fn holds(&self, value: Value<'_>, scratch: &mut Scratch) -> bool {
        match self {
            Self::Exists => value.exists(),
            Self::Number(order, number) => any_number(value, |other| order.holds(other, *number)),
            Self::Numbers(numbers) => {
                any_number(value, |other| numbers.binary_search(&other).is_ok())
            }
            Self::Bool(truth) => matches!(value, Value::Bool(other) if other == *truth),
            Self::Networks(networks) => value.any(&mut |value| match value {
                Value::Address(ip) => networks.iter().any(|network| network.contains(ip)),
                _ => false,
            }),
            Self::Operations { file, network } => match value {
                Value::Operations(done) if done.network => done.flags.intersects(*network),
                Value::Operations(done) => done.flags.intersects(*file),
                _ => false,
            },
            Self::OpenFlags { any, both, none } => match value {
                Value::OpenFlags(flags) => {
                    flags.intersects(*any)
                        || *both && flags.contains(OpenFlags::RDWR)
                        || *none && flags.is_empty()
                }
                _ => false,
            },
            // A text that is not there is an empty one.
            Self::Text(check) => match value {
                Value::Absent => check.holds("", &mut scratch.right),
                value => value.any(&mut |value| text_holds(check, value, scratch)),
            },
        }
    }
}

fn any_number(value: Value<'_>, test: impl Fn(i64) -> bool) -> bool {
    value.any(&mut |value| match value {
        Value::Int(number) | Value::Time(number) => test(number),
        _ => false,
    })
}

fn text_holds(check: &TextCheck, value: Value<'_>, scratch: &mut Scratch) -> bool {
    let Scratch { left, right } = scratch;
    match value {
        Value::Text(text) => check.holds(text, right),
        made => {
            left.clear();
            let _ = write!(left, "{made}");
            check.holds(left, right)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Values of attributes.

use std::fmt::{self, Display, Write as _};
use std::net::IpAddr;

use super::{Made, Operations};
use crate::record::{Ip4, OpenFlags, Process};
use crate::resolve::Ancestry;

/// The value of an attribute. Displayed, it is what tables and CSV have: nothing if absent, several
/// values separated by commas, the environment by semicolons.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// The event has no such attribute, or it is not known.
    Absent,
    /// A number.
    Int(i64),
    /// A time in nanoseconds since the Unix epoch.
    Time(i64),
    /// A truth value.
    Bool(bool),
    /// Text.
    Text(&'a str),
    /// Text put together from several fields.
    Made(Made<'a>),
    /// An address.
    Address(IpAddr),
    /// Operations; displayed as the reference's printer does.
    Operations(Operations),
    /// Open flags; displayed as the number that the record has.
    OpenFlags(OpenFlags),
    /// Any number of values.
    Many(Many<'a>),
}

/// The values of an attribute that may have several.
#[derive(Clone, Copy, Debug)]
pub enum Many<'a> {
    /// Fixed words.
    Words(&'static [&'static str]),
    /// An environment, one variable each.
    Environment(&'a [String]),
    /// Two numbers.
    Ints([i64; 2]),
    /// Two addresses.
    AddressPair([IpAddr; 2]),
    /// Addresses of a pod, in which only the low 32 bits are used.
    Addresses(&'a [i64]),
    /// Something of each process of a line of ancestors.
    Ancestry(Ancestry<'a>, fn(&'a Process) -> Value<'a>),
}

impl<'a> Value<'a> {
    /// Whether there is a value: present, and neither an empty text nor an empty list.
    #[must_use]
    pub fn exists(&self) -> bool {
        match self {
            Self::Absent => false,
            Self::Text(text) => !text.is_empty(),
            Self::Made(made) => !made.is_empty(),
            Self::Operations(operations) => !operations.flags.is_empty(),
            Self::Many(many) => many.any(&mut |value| value.exists()),
            _ => true,
        }
    }

    /// Whether `test` holds for the value, or for any of several. Sets of flags are taken name by
    /// name.
    pub fn any(self, test: &mut dyn FnMut(Value<'a>) -> bool) -> bool {
        match self {
            Self::Absent => false,
            Self::Many(many) => many.any(test),
            Self::Operations(operations) => operations.names().any(|name| test(Value::Text(name))),
            Self::OpenFlags(flags) => {
                super::names::open_flags(flags).any(|name| test(Value::Text(name)))
            }
            one => test(one),
        }
    }
}

impl<'a> Many<'a> {
    /// Whether `test` holds for any of the values.
    pub fn any(self, test: &mut dyn FnMut(Value<'a>) -> bool) -> bool {
        match self {
            Self::Words(words) => words.iter().any(|word| test(Value::Text(word))),
            Self::Environment(variables) => {
                let named = |variable: &&String| !variable.is_empty() && *variable != "=";
                variables.iter().filter(named).any(|variable| test(Value::Text(variable)))
            }
            Self::Ints(numbers) => numbers.iter().any(|&number| test(Value::Int(number))),
            Self::AddressPair(pair) => pair.iter().any(|&ip| test(Value::Address(ip))),
            Self::Addresses(list) => list.iter().any(|&ip| test(Ip4(ip as i32).into())),
            Self::Ancestry(mut line, of) => line.any(|process| test(of(process))),
        }
    }

    /// The value with that number, from 0.
    #[must_use]
    pub fn get(self, index: usize) -> Value<'a> {
        let (mut found, mut at) = (Value::Absent, 0);
        self.any(&mut |value| {
            found = value;
            at += 1;
            at > index
        });
        if at > index { found } else { Value::Absent }
    }
}

impl Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => Ok(()),
            Self::Int(number) | Self::Time(number) => number.fmt(f),
            Self::Bool(truth) => truth.fmt(f),
            Self::Text(text) => f.write_str(text),
            Self::Made(made) => made.fmt(f),
            Self::Address(ip) => ip.fmt(f),
            Self::Operations(operations) => operations.fmt(f),
            Self::OpenFlags(flags) => flags.bits().fmt(f),
            Self::Many(many) => many.fmt(f),
        }
    }
}

impl Display for Many<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if matches!(self, Self::Environment(_)) { ';' } else { ',' };
        let (mut first, mut result) = (true, Ok(()));
        self.any(&mut |value| {
            if !std::mem::take(&mut first) {
                result = result.and_then(|()| f.write_char(separator));
            }
            result = result.and_then(|()| value.fmt(f));
            result.is_err()
        });
        result
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<Made<'a>> for Value<'a> {
    fn from(made: Made<'a>) -> Self {
        Self::Made(made)
    }
}

impl<'a> From<Many<'a>> for Value<'a> {
    fn from(many: Many<'a>) -> Self {
        Self::Many(many)
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<i32> for Value<'_> {
    fn from(number: i32) -> Self {
        Self::Int(number.into())
    }
}

impl From<bool> for Value<'_> {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<IpAddr> for Value<'_> {
    fn from(ip: IpAddr) -> Self {
        Self::Address(ip)
    }
}

impl From<Ip4> for Value<'_> {
    fn from(ip: Ip4) -> Self {
        Self::Address(IpAddr::V4(ip.into()))
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Into::into)
    }
}

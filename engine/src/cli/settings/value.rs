// SPDX-License-Identifier: Apache-2.0
//! What a setting can be, as text: the same on the command line, in the file
//! and in the environment.

use engine::metrics::Address;

use super::list::Item;
use super::units;

/// A type of setting.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value {
    /// Any text; what it stands for.
    Text(&'static str),
    /// One of these; each with what it means.
    Choice(&'static [(&'static str, &'static str)]),
    /// on or off.
    Switch,
    /// A whole number in this range; what it stands for.
    Number(&'static str, u64, u64),
    /// A time.
    Time,
    /// A size in bytes.
    Size,
    /// A size that a ring can have.
    RingSize,
    /// A number of threads, or auto.
    Threads,
    /// Numbers of CPUs.
    Cpus,
    /// What is selected.
    List(Item),
    /// A place to write to.
    Output,
    /// A place to listen at.
    Address,
}

impl Value {
    /// Why a text is none.
    pub(crate) fn check(self, text: &str) -> Result<(), String> {
        match self {
            Self::Text(_) => Ok(()),
            Self::Choice(choices) if choices.iter().any(|(name, _)| *name == text) => Ok(()),
            Self::Choice(choices) => {
                let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
                Err(format!("\"{text}\" is none of {}", names.join(", ")))
            }
            Self::Switch => units::switch(text).map(drop),
            Self::Number(_, low, high) => match text.parse::<u64>() {
                Ok(number) if (low..=high).contains(&number) => Ok(()),
                _ => Err(format!("must be a number from {low} to {high}")),
            },
            Self::Time => units::duration(text).map(drop),
            Self::Size => units::bytes(text).map(drop),
            Self::RingSize => units::ring_size(text).map(drop),
            Self::Threads => units::threads(text).map(drop),
            Self::Cpus => units::cpus(text).map(drop),
            Self::List(item) => item.check(text),
            Self::Output => units::Shared::default().output(text).map(drop),
            Self::Address => text.parse::<Address>().map(drop).map_err(|error| error.to_string()),
        }
    }

    /// Whether it can be a number of TOML.
    pub(crate) fn is_number(self) -> bool {
        match self {
            Self::Time | Self::Size | Self::RingSize | Self::Number(..) => true,
            Self::Threads | Self::Cpus => true,
            Self::List(item) => matches!(item, Item::Process | Item::User),
            _ => false,
        }
    }

    /// What stands for it in the help.
    pub(crate) fn placeholder(self) -> &'static str {
        match self {
            Self::Text(name) | Self::Number(name, ..) => name,
            Self::Choice(_) => "NAME",
            Self::Switch => "on|off",
            Self::Time => "TIME",
            Self::Size | Self::RingSize => "SIZE",
            Self::Threads => "NUMBER",
            Self::Cpus => "LIST",
            Self::List(Item::Operation) => "LIST",
            Self::List(Item::Process) => "PID",
            Self::List(Item::User) => "USER",
            Self::List(Item::Cgroup) => "PATH",
            Self::Output => "OUTPUT",
            Self::Address => "ADDRESS",
        }
    }
}

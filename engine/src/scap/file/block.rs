// SPDX-License-Identifier: Apache-2.0
//! The blocks of a capture, and what their types are.

use super::descriptor::Descriptors;
use super::entries::Entries;
use super::error::Problem;
use super::event::RawEvent;
use super::fields::Fields;
use super::interface::Interfaces;
use super::machine::Machine;
use super::process::Processes;
use super::user::Users;

/// A block, borrowed from the file.
#[derive(Clone, Debug)]
pub enum Block<'a> {
    /// The beginning of a capture. A file can hold several, one after the other: what was known of
    /// processes and descriptors ends here.
    Section(Section),
    /// The captured machine.
    Machine(Machine<'a>),
    /// Users and groups.
    Users(Users<'a>),
    /// Network interfaces.
    Interfaces(Interfaces<'a>),
    /// Threads that ran at the beginning.
    Processes(Processes<'a>),
    /// Open descriptors of one thread at the beginning; captures have one block per thread.
    Descriptors(Descriptors<'a>),
    /// An event.
    Event(RawEvent<'a>),
}

/// What a capture tells of itself at its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// Major version of the format: 1.
    pub major: u16,
    /// Minor version of the format.
    pub minor: u16,
}

/// Block type of the section header, the same in both byte orders.
pub(super) const SECTION: u32 = 0x0A0D_0D0A;

/// Block type of the interface description that follows in captures of packets.
pub(super) const PCAPNG_INTERFACE: u32 = 1;

/// In the section header, in the byte order of the captured machine.
pub(super) const BYTE_ORDER: u32 = 0x1A2B_3C4D;

/// How an event block is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EventShape {
    /// Whether the block has flags.
    pub(super) flags: bool,
    /// Whether the event tells the number of its parameters: version 2.
    pub(super) counted: bool,
    /// Whether lengths of parameters have 32 bits.
    pub(super) wide: bool,
}

impl EventShape {
    /// Block type of the usual events: version 2, without flags, not large.
    pub(super) const USUAL: u32 = 0x216;
}

/// What is in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Section,
    Machine,
    /// By version, as the following ones.
    Processes(u8),
    Descriptors(u8),
    Interfaces(u8),
    Users(u8),
    Event(EventShape),
}

impl Kind {
    #[inline]
    pub(super) fn of(number: u32) -> Option<Self> {
        let event = |flags, counted, wide| Self::Event(EventShape { flags, counted, wide });
        Some(match number {
            EventShape::USUAL => event(false, true, false),
            0x217 => event(true, true, false),
            0x221 => event(false, true, true),
            0x222 => event(true, true, true),
            // The second number of a type is that of very old files.
            0x204 | 0x8010_ABCD => event(false, false, false),
            0x208 => event(true, false, false),
            SECTION => Self::Section,
            0x201 | 0x8002_ABCD => Self::Machine,
            0x202 | 0x8000_ABCD => Self::Processes(1),
            0x207 | 0x8013_ABCD => Self::Processes(2),
            0x209 | 0x8014_ABCD => Self::Processes(3),
            0x210 => Self::Processes(4),
            0x211 => Self::Processes(5),
            0x212 => Self::Processes(6),
            0x213 => Self::Processes(7),
            0x214 => Self::Processes(8),
            0x215 => Self::Processes(9),
            0x203 | 0x8001_ABCD => Self::Descriptors(1),
            0x218 => Self::Descriptors(2),
            0x205 | 0x8011_ABCD => Self::Interfaces(1),
            0x219 => Self::Interfaces(2),
            0x206 | 0x8012_ABCD => Self::Users(1),
            0x220 => Self::Users(2),
            _ => return None,
        })
    }
}

/// A problem, and where it is in the body.
pub(super) type Damage = (usize, Problem);

impl<'a> Block<'a> {
    /// Reads a body. Of a list, what is before the damage is given with it.
    pub(super) fn read(kind: Kind, body: &'a [u8]) -> (Option<Self>, Option<Damage>) {
        let whole = |block: Option<Self>, what| match block {
            Some(block) => (Some(block), None),
            None => (None, Some((0, Problem::Body(what)))),
        };
        match kind {
            Kind::Event(shape) => whole(RawEvent::read(body, shape).map(Self::Event), "event"),
            Kind::Machine => whole(Machine::read(body).map(Block::Machine), "machine"),
            Kind::Section => match Section::read(body) {
                Ok(section) => (Some(Block::Section(section)), None),
                Err(problem) => (None, Some((0, problem))),
            },
            Kind::Processes(version) => {
                let (list, damage) = Entries::checked(body, version);
                (Some(Block::Processes(list)), at(damage, 0, "process"))
            }
            Kind::Users(version) => {
                let (list, damage) = Entries::checked(body, version);
                (Some(Block::Users(list)), at(damage, 0, "user"))
            }
            Kind::Interfaces(version) => {
                let (list, damage) = Entries::checked(body, version);
                (Some(Block::Interfaces(list)), at(damage, 0, "interface"))
            }
            Kind::Descriptors(version) => {
                let Some((tid, rest)) = body.split_first_chunk() else {
                    return (None, at(Some(0), 0, "list of descriptors"));
                };
                let (entries, damage) = Entries::checked(rest, version);
                let list = Descriptors { tid: u64::from_le_bytes(*tid), entries };
                (Some(Block::Descriptors(list)), at(damage, tid.len(), "descriptor"))
            }
        }
    }
}

fn at(damage: Option<usize>, base: usize, what: &'static str) -> Option<Damage> {
    damage.map(|offset| (base + offset, Problem::Body(what)))
}

impl Section {
    fn read(body: &[u8]) -> Result<Self, Problem> {
        let damaged = || Problem::Body("section header");
        let mut f = Fields::new(body);
        match f.u32().ok_or_else(damaged)? {
            BYTE_ORDER => {}
            order if order.swap_bytes() == BYTE_ORDER => return Err(Problem::ByteOrder),
            _ => return Err(damaged()),
        }
        let major = f.u16().ok_or_else(damaged)?;
        let minor = f.u16().ok_or_else(damaged)?;
        if major != 1 {
            return Err(Problem::Version { major, minor });
        }
        Ok(Self { major, minor })
    }
}

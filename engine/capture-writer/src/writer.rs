// SPDX-License-Identifier: Apache-2.0
//! Blocks of captures.

use std::io::{self, Write};

use crate::Values;
use crate::lists::{Descriptor, Interface, Process, User};

/// Block types.
const SECTION: u32 = 0x0A0D_0D0A;
const MACHINE: u32 = 0x201;
const PROCESSES: [u32; 9] = [0x202, 0x207, 0x209, 0x210, 0x211, 0x212, 0x213, 0x214, 0x215];
const DESCRIPTORS: [u32; 2] = [0x203, 0x218];
const INTERFACES: [u32; 2] = [0x205, 0x219];
const USERS: [u32; 2] = [0x206, 0x220];

/// The kinds of blocks that hold an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventBlock {
    /// Without a count of parameters.
    V1,
    /// The same, with flags.
    V1Flags(u32),
    /// With a count of parameters.
    V2,
    /// The same, with flags.
    V2Flags(u32),
    /// With lengths of 32 bits.
    V2Large,
    /// The same, with flags.
    V2LargeFlags(u32),
}

impl EventBlock {
    fn number(self) -> u32 {
        match self {
            Self::V1 => 0x204,
            Self::V1Flags(_) => 0x208,
            Self::V2 => 0x216,
            Self::V2Flags(_) => 0x217,
            Self::V2Large => 0x221,
            Self::V2LargeFlags(_) => 0x222,
        }
    }

    fn flags(self) -> Option<u32> {
        match self {
            Self::V1Flags(flags) | Self::V2Flags(flags) | Self::V2LargeFlags(flags) => Some(flags),
            _ => None,
        }
    }

    fn counted(self) -> bool {
        !matches!(self, Self::V1 | Self::V1Flags(_))
    }

    fn wide(self) -> bool {
        matches!(self, Self::V2Large | Self::V2LargeFlags(_))
    }
}

/// Writes blocks. Versions are those of the lists, from 1; a version that there is not is a
/// mistake of the caller, and panics.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    body: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Writes to `out`; begin with [`Writer::section`].
    pub fn new(out: W) -> Self {
        Self { out, body: Vec::new() }
    }

    /// What was written to.
    pub fn into_inner(self) -> W {
        self.out
    }

    /// Any block.
    ///
    /// # Errors
    /// Those of the output, as with all the following.
    pub fn block(&mut self, number: u32, body: &[u8]) -> io::Result<()> {
        let padding = body.len().next_multiple_of(4) - body.len();
        let len = u32::try_from(body.len() + padding + 12).expect("a block has less than 4 GiB");
        self.out.write_all(&number.to_le_bytes())?;
        self.out.write_all(&len.to_le_bytes())?;
        self.out.write_all(body)?;
        self.out.write_all(&[0; 3][..padding])?;
        self.out.write_all(&len.to_le_bytes())
    }

    /// Section header: the beginning of a capture.
    ///
    /// # Errors
    /// Those of the output.
    pub fn section(&mut self) -> io::Result<()> {
        let mut body = 0x1A2B_3C4D_u32.to_le_bytes().to_vec();
        body.extend([1, 0, 2, 0]);
        body.extend([0xFF; 8]);
        self.block(SECTION, &body)
    }

    /// The machine.
    ///
    /// # Errors
    /// Those of the output.
    pub fn machine(&mut self, cpus: u32, host_name: &str) -> io::Result<()> {
        let mut body = cpus.to_le_bytes().to_vec();
        body.extend((4_u64 << 30).to_le_bytes());
        body.extend([0; 8]);
        let mut name = [0; 128];
        name[..host_name.len()].copy_from_slice(host_name.as_bytes());
        body.extend(name);
        body.extend([0; 32]);
        self.block(MACHINE, &body)
    }

    /// A list of network interfaces, version 1 or 2.
    ///
    /// # Errors
    /// Those of the output.
    pub fn interfaces(&mut self, version: u8, list: &[Interface]) -> io::Result<()> {
        let body: Vec<u8> = list.iter().flat_map(|one| one.encode(version)).collect();
        self.block(INTERFACES[usize::from(version) - 1], &body)
    }

    /// A list of users and groups, version 1 or 2.
    ///
    /// # Errors
    /// Those of the output.
    pub fn users(&mut self, version: u8, list: &[User]) -> io::Result<()> {
        let body: Vec<u8> = list.iter().flat_map(|one| one.encode(version)).collect();
        self.block(USERS[usize::from(version) - 1], &body)
    }

    /// A list of processes, version 1 to 9.
    ///
    /// # Errors
    /// Those of the output.
    pub fn processes(&mut self, version: u8, list: &[Process]) -> io::Result<()> {
        let body: Vec<u8> = list.iter().flat_map(|one| one.encode(version)).collect();
        self.block(PROCESSES[usize::from(version) - 1], &body)
    }

    /// The descriptors of one thread, version 1 or 2.
    ///
    /// # Errors
    /// Those of the output.
    pub fn descriptors(&mut self, version: u8, tid: u64, list: &[Descriptor]) -> io::Result<()> {
        let mut body = tid.to_le_bytes().to_vec();
        body.extend(list.iter().flat_map(|one| one.encode(version)));
        self.block(DESCRIPTORS[usize::from(version) - 1], &body)
    }

    /// An event.
    ///
    /// # Errors
    /// Those of the output.
    pub fn event(
        &mut self,
        block: EventBlock,
        (cpu, ts, tid): (u16, u64, u64),
        kind: u16,
        params: &Values,
    ) -> io::Result<()> {
        let rest = params.encode(block.wide());
        let header = if block.counted() { 26 } else { 22 };
        let len = u32::try_from(header + rest.len()).expect("an event has less than 4 GiB");
        let mut body = std::mem::take(&mut self.body);
        body.clear();
        body.extend(cpu.to_le_bytes());
        body.extend(block.flags().map_or(Vec::new(), |flags| flags.to_le_bytes().to_vec()));
        body.extend(ts.to_le_bytes());
        body.extend(tid.to_le_bytes());
        body.extend(len.to_le_bytes());
        body.extend(kind.to_le_bytes());
        if block.counted() {
            let count = u32::try_from(params.len()).expect("few parameters");
            body.extend(count.to_le_bytes());
        }
        body.extend(rest);
        let written = self.block(block.number(), &body);
        self.body = body;
        written
    }
}

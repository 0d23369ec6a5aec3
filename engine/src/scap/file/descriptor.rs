// SPDX-License-Identifier: Apache-2.0
//! The lists of descriptors: what each thread had open when the capture began.

use super::entries::{Entries, Layout, Length};
use super::fields::Fields;

/// The descriptors of one thread.
#[derive(Clone, Debug)]
pub struct Descriptors<'a> {
    /// The thread.
    pub tid: u64,
    /// Its descriptors.
    pub entries: Entries<'a, DescriptorEntry<'a>>,
}

/// An open descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescriptorEntry<'a> {
    /// Its number.
    pub fd: i64,
    /// Inode, or what stands for it.
    pub ino: u64,
    /// The format's number of the kind of object: 2 directory, 3 IPv4 socket, ..., 16 file.
    pub kind: u8,
    /// What it refers to.
    pub object: DescriptorObject<'a>,
}

/// What an open descriptor refers to. Addresses are in network order, ports are numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DescriptorObject<'a> {
    /// A directory, pipe, epoll or another object with a name only; also files of old captures.
    Named(&'a [u8]),
    /// A file.
    File {
        /// The portable flags that it was opened with.
        flags: u32,
        /// Its path.
        path: &'a [u8],
        /// Its device.
        dev: Option<u32>,
    },
    /// An IPv4 socket.
    Ipv4(Ends<4>),
    /// An IPv6 socket.
    Ipv6(Ends<16>),
    /// An IPv4 socket that listens or is bound.
    Ipv4Server(End<4>),
    /// An IPv6 socket that listens or is bound.
    Ipv6Server(End<16>),
    /// A unix socket.
    Unix {
        /// Address of the kernel's object for this end.
        source: u64,
        /// Address of the kernel's object for the other end.
        destination: u64,
        /// Its path.
        path: &'a [u8],
    },
}

/// Both ends of a connection, `N` bytes of address each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends<const N: usize> {
    /// Source address.
    pub source: [u8; N],
    /// Destination address.
    pub destination: [u8; N],
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// 0 unknown, 1 not applicable, 2 TCP, 3 UDP, 4 ICMP, 5 raw.
    pub l4: u8,
}

/// One end, `N` bytes of address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End<const N: usize> {
    /// Address.
    pub address: [u8; N],
    /// Port.
    pub port: u16,
    /// As in [`Ends`].
    pub l4: u8,
}

impl<const N: usize> Ends<N> {
    fn read(f: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            source: f.array()?,
            destination: f.array()?,
            source_port: f.u16()?,
            destination_port: f.u16()?,
            l4: f.u8()?,
        })
    }
}

impl<const N: usize> End<N> {
    fn read(f: &mut Fields<'_>) -> Option<Self> {
        Some(Self { address: f.array()?, port: f.u16()?, l4: f.u8()? })
    }
}

impl<'a> Layout<'a> for DescriptorEntry<'a> {
    type Version = u8;

    fn length(version: u8) -> Length {
        if version >= 2 { Length::Whole } else { Length::Fields }
    }

    fn read(f: &mut Fields<'a>, version: u8) -> Option<Option<Self>> {
        let (fd, ino, kind) = (f.i64()?, f.u64()?, f.u8()?);
        let object = match kind {
            0..=2 | 7 | 9..=15 | 17..=21 => DescriptorObject::Named(f.counted()?),
            3 => DescriptorObject::Ipv4(Ends::read(f)?),
            4 => DescriptorObject::Ipv6(Ends::read(f)?),
            5 => DescriptorObject::Ipv4Server(End::read(f)?),
            6 => DescriptorObject::Ipv6Server(End::read(f)?),
            8 => DescriptorObject::Unix {
                source: f.u64()?,
                destination: f.u64()?,
                path: f.counted()?,
            },
            16 => {
                let (flags, path) = (f.u32()?, f.counted()?);
                let dev = if version >= 2 { f.u32() } else { None };
                DescriptorObject::File { flags, path, dev }
            }
            _ if version >= 2 => return Some(None),
            _ => return None,
        };
        Some(Some(Self { fd, ino, kind, object }))
    }
}

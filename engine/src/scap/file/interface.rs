// SPDX-License-Identifier: Apache-2.0
//! The list of network interfaces of the captured host.

use super::entries::{Entries, Layout, Length};
use super::fields::Fields;

/// The entries of an interface list.
pub type Interfaces<'a> = Entries<'a, InterfaceEntry<'a>>;

/// An address of a network interface, in network order: 4 bytes for IPv4, 16 for IPv6.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceEntry<'a> {
    /// Name of the interface.
    pub name: &'a [u8],
    /// Its address.
    pub address: &'a [u8],
    /// Mask of its network.
    pub netmask: &'a [u8],
    /// Broadcast address of its network.
    pub broadcast: &'a [u8],
    /// Speed of the link.
    pub link_speed: Option<u64>,
}

impl<'a> Layout<'a> for InterfaceEntry<'a> {
    type Version = u8;

    fn length(version: u8) -> Length {
        if version >= 2 { Length::Rest } else { Length::Fields }
    }

    fn read(f: &mut Fields<'a>, version: u8) -> Option<Option<Self>> {
        let (kind, name) = (f.u16()?, f.u16()?);
        let (len, speed) = match kind {
            1 => (4, true),
            2 => (16, true),
            3 => (4, false),
            4 => (16, false),
            _ if version >= 2 => return Some(None),
            _ => return None,
        };
        Some(Some(Self {
            address: f.bytes(len)?,
            netmask: f.bytes(len)?,
            broadcast: f.bytes(len)?,
            link_speed: if speed { Some(f.u64()?) } else { None },
            name: f.bytes(usize::from(name))?,
        }))
    }
}

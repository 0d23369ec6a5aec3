// SPDX-License-Identifier: Apache-2.0
//! The list of users and groups of the captured host.

use super::entries::{Entries, Layout, Length};
use super::fields::Fields;

/// The entries of a user list.
pub type Users<'a> = Entries<'a, UserEntry<'a>>;

/// A user or a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserEntry<'a> {
    /// A user.
    User {
        /// User id.
        uid: u32,
        /// Id of the user's first group.
        gid: u32,
        /// Name.
        name: &'a [u8],
        /// Home directory.
        home: &'a [u8],
        /// Shell.
        shell: &'a [u8],
    },
    /// A group.
    Group {
        /// Group id.
        gid: u32,
        /// Name.
        name: &'a [u8],
    },
}

impl<'a> Layout<'a> for UserEntry<'a> {
    type Version = u8;

    fn length(version: u8) -> Length {
        if version >= 2 { Length::Whole } else { Length::Fields }
    }

    fn read(f: &mut Fields<'a>, version: u8) -> Option<Option<Self>> {
        Some(match f.u8()? {
            0 => Some(Self::User {
                uid: f.u32()?,
                gid: f.u32()?,
                name: f.counted()?,
                home: f.counted()?,
                shell: f.counted()?,
            }),
            1 => Some(Self::Group { gid: f.u32()?, name: f.counted()? }),
            _ if version >= 2 => None,
            _ => return None,
        })
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Names of operations and open flags.

use std::fmt::{self, Display, Write as _};

use crate::record::{OpFlags, OpenFlags};

/// The operations of an event, and what they were done on, which decides what two of them are
/// called: READ and WRITE, or RECV and SEND.
///
/// Displayed as the reference prints them: the name of a file or process operation (names one after
/// the other for a process flow), else a mask of eleven letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operations {
    /// The flags of the record.
    pub flags: OpFlags,
    /// Whether it is a network flow or event.
    pub network: bool,
}

const FILE: OpFlags = OpFlags::MKDIR
    .union(OpFlags::RMDIR)
    .union(OpFlags::LINK)
    .union(OpFlags::SYMLINK)
    .union(OpFlags::UNLINK)
    .union(OpFlags::RENAME);

const PROCESS: OpFlags =
    OpFlags::CLONE.union(OpFlags::EXEC).union(OpFlags::EXIT).union(OpFlags::SETUID);

/// Letters of the mask in their places.
const MASK: [(char, OpFlags); 11] = [
    ('O', OpFlags::OPEN),
    ('A', OpFlags::ACCEPT),
    ('C', OpFlags::CONNECT),
    ('W', OpFlags::WRITE_SEND),
    ('R', OpFlags::READ_RECV),
    ('N', OpFlags::SETNS),
    ('M', OpFlags::MMAP),
    ('S', OpFlags::SHUTDOWN),
    ('C', OpFlags::CLOSE),
    ('T', OpFlags::TRUNCATE),
    ('D', OpFlags::DIGEST),
];

impl Operations {
    /// The names of the operations.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let set = move |&&(_, flag): &&(&str, OpFlags)| self.flags.contains(flag);
        OpFlags::NAMES.iter().filter(set).map(move |&(name, flag)| match (flag, self.network) {
            (OpFlags::READ_RECV, false) => "READ",
            (OpFlags::READ_RECV, true) => "RECV",
            (OpFlags::WRITE_SEND, false) => "WRITE",
            (OpFlags::WRITE_SEND, true) => "SEND",
            _ => name,
        })
    }

    /// The flags that a name means, in any letter case: of file and process operations, of network
    /// operations.
    pub(crate) fn named(name: &str) -> Option<(OpFlags, OpFlags)> {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        Some(match () {
            () if is("READ") => (OpFlags::READ_RECV, OpFlags::NONE),
            () if is("RECV") => (OpFlags::NONE, OpFlags::READ_RECV),
            () if is("WRITE") => (OpFlags::WRITE_SEND, OpFlags::NONE),
            () if is("SEND") => (OpFlags::NONE, OpFlags::WRITE_SEND),
            () => {
                let (_, flag) = OpFlags::NAMES.iter().find(|(other, _)| is(other))?;
                (*flag, *flag)
            }
        })
    }
}

impl Display for Operations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = self.flags;
        let named = if flags.intersects(FILE) { FILE } else { PROCESS };
        if flags.intersects(named) {
            let set = |&&(_, flag): &&(&str, OpFlags)| named.contains(flag) && flags.contains(flag);
            return OpFlags::NAMES.iter().filter(set).try_for_each(|(name, _)| f.write_str(name));
        }
        let letter = |&(letter, flag)| if flags.contains(flag) { letter } else { ' ' };
        MASK.iter().try_for_each(|place| f.write_char(letter(place)))
    }
}

/// The names of open flags: NONE if there are none, RDWR beside RDONLY and WRONLY.
pub(super) fn open_flags(flags: OpenFlags) -> impl Iterator<Item = &'static str> {
    let none = flags.is_empty().then_some("NONE");
    let both = flags.contains(OpenFlags::RDWR).then_some("RDWR");
    let set = OpenFlags::NAMES.iter().filter(move |(_, flag)| flags.contains(*flag));
    none.into_iter().chain(both).chain(set.map(|&(name, _)| name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(flags: OpFlags) -> String {
        Operations { flags, network: false }.to_string()
    }

    #[test]
    fn operations_are_written_as_by_the_reference() {
        assert_eq!(text(OpFlags::RENAME), "RENAME");
        assert_eq!(text(OpFlags::CLONE | OpFlags::EXIT), "CLONEEXIT");
        assert_eq!(text(OpFlags::OPEN | OpFlags::READ_RECV | OpFlags::CLOSE), "O   R   C  ");
    }

    #[test]
    fn reads_of_the_network_are_receptions() {
        let flags = OpFlags::CONNECT | OpFlags::READ_RECV | OpFlags::WRITE_SEND;
        let names = |network| Operations { flags, network }.names().collect::<Vec<_>>();
        assert_eq!(names(true), ["CONNECT", "RECV", "SEND"]);
        assert_eq!(names(false), ["CONNECT", "READ", "WRITE"]);
    }

    #[test]
    fn open_for_both_has_three_names() {
        let names = |flags| open_flags(flags).collect::<Vec<_>>();
        assert_eq!(names(OpenFlags::NONE), ["NONE"]);
        assert_eq!(names(OpenFlags::RDWR), ["RDWR", "RDONLY", "WRONLY"]);
        assert_eq!(names(OpenFlags::RDONLY | OpenFlags::CLOEXEC), ["RDONLY", "CLOEXEC"]);
    }
}

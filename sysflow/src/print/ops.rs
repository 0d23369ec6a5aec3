// SPDX-License-Identifier: Apache-2.0
//! Operations as text.

use crate::record::OpFlags;

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

/// Operations as the reference prints them: the name of a file or process operation (names one
/// after the other for a process flow), else a mask of eleven letters.
///
/// ```
/// use sysflow::{print::op_text, record::OpFlags};
/// assert_eq!(op_text(OpFlags::RENAME), "RENAME");
/// assert_eq!(op_text(OpFlags::OPEN | OpFlags::READ_RECV | OpFlags::CLOSE), "O   R   C  ");
/// ```
#[must_use]
pub fn op_text(flags: OpFlags) -> String {
    let named = if flags.intersects(FILE) { FILE } else { PROCESS };
    if flags.intersects(named) {
        let set = |&&(_, flag): &&(&str, OpFlags)| named.contains(flag) && flags.contains(flag);
        return OpFlags::NAMES.iter().filter(set).map(|&(name, _)| name).collect();
    }
    MASK.iter().map(|&(letter, flag)| if flags.contains(flag) { letter } else { ' ' }).collect()
}

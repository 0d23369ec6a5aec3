// SPDX-License-Identifier: Apache-2.0
//! Which of the known calls were told.

use std::collections::{HashMap, HashSet};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use probe_loader::Record;
use probe_loader::abi::{SF_OP_CLOSE, SF_OP_OPEN, SF_OP_READ, SF_OP_WRITE};

use super::child::ROUNDS;

const NAMES: [&str; 4] = ["open", "write", "read", "close"];

/// Calls on one open file of one process.
#[derive(Default)]
struct OpenFile {
    /// Open, write, read.
    calls: [u32; 3],
    /// The descriptors that it was used by.
    fds: HashSet<i32>,
    /// It is the file with the known name.
    known: bool,
}

/// Counts the calls on a file that is known by its name.
pub(super) struct Seen {
    path: Vec<u8>,
    /// By process and open file. CPUs are looked at one after the other, so a
    /// call can be met before the name of its file.
    files: HashMap<(u32, u64), OpenFile>,
    /// By process and descriptor, which is all that a close tells.
    closes: HashMap<(u32, i32), u32>,
}

impl Seen {
    pub(super) fn new(path: &Path) -> Self {
        let path = path.as_os_str().as_bytes().to_vec();
        Self { path, files: HashMap::new(), closes: HashMap::new() }
    }

    pub(super) fn look(&mut self, record: &Record<'_>) {
        let hdr = record.header();
        let op = u32::from(hdr.op);
        match record {
            Record::File(fixed, path) => {
                let file = self.files.entry((hdr.pid, fixed.file)).or_default();
                file.calls[0] += u32::from(op == SF_OP_OPEN);
                file.known |= **path == *self.path;
            }
            Record::Io(io) if op == SF_OP_WRITE || op == SF_OP_READ => {
                let file = self.files.entry((hdr.pid, io.file)).or_default();
                file.calls[if op == SF_OP_WRITE { 1 } else { 2 }] += io.ops;
                file.fds.insert(io.fd);
            }
            Record::Fd(fd) if op == SF_OP_CLOSE => {
                *self.closes.entry((hdr.pid, fd.fd)).or_default() += 1;
            }
            _ => {}
        }
    }

    /// The calls on the file, whichever way it was opened.
    fn found(&self) -> [u32; 4] {
        let mut sum = [0; 4];
        let mut descriptors = HashSet::new();
        for ((pid, _), file) in self.files.iter().filter(|(_, file)| file.known) {
            sum.iter_mut().zip(file.calls).for_each(|(sum, calls)| *sum += calls);
            descriptors.extend(file.fds.iter().map(|fd| (*pid, *fd)));
        }
        sum[3] = descriptors.iter().filter_map(|used| self.closes.get(used)).sum();
        sum
    }

    /// What was not seen as often as it was made; empty when all was.
    pub(super) fn missing(&self) -> String {
        let found = self.found();
        if found == [ROUNDS; 4] {
            return String::new();
        }
        let each = NAMES.iter().zip(found).map(|(name, times)| format!("{name} {times}"));
        format!("{} of {ROUNDS}", each.collect::<Vec<_>>().join(", "))
    }

    /// As after a test that saw everything.
    #[cfg(test)]
    pub(super) fn all() -> Self {
        let mut all = Self::new(Path::new("/x"));
        let known = OpenFile { calls: [ROUNDS; 3], fds: [3].into(), known: true };
        let other = OpenFile { calls: [1; 3], fds: [4].into(), known: false };
        all.files = [((1, 1), known), ((1, 2), other)].into();
        all.closes = [((1, 3), ROUNDS), ((1, 4), 1), ((2, 3), 1)].into();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_calls_on_the_file_count() {
        assert_eq!(Seen::all().missing(), "");
        let mut more = Seen::all();
        let twice = OpenFile { calls: [0, 1, 0], fds: [3].into(), known: true };
        more.files.insert((1, 3), twice);
        assert_eq!(more.missing(), "open 50, write 51, read 50, close 50 of 50");
    }
}

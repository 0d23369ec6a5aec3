// SPDX-License-Identifier: Apache-2.0
//! Names of users and groups, from the host's `/etc/passwd` and `/etc/group`.

use std::path::Path;
use std::sync::Arc;

use rustc_hash::FxHashMap;

/// What stands for a name that is not known, as in the reference.
const UNKNOWN: &str = "<NA>";

/// Names by number.
#[derive(Debug)]
pub struct Names {
    names: FxHashMap<u32, Arc<str>>,
    root: Arc<str>,
    unknown: Arc<str>,
}

impl Names {
    /// Reads a file of lines `name:password:number:...`; lines of another
    /// form are passed over, a missing file gives no names.
    #[must_use]
    pub fn load(path: &Path) -> Self {
        Self::parse(&std::fs::read(path).unwrap_or_default())
    }

    fn parse(text: &[u8]) -> Self {
        let mut names = FxHashMap::default();
        for line in text.split(|b| *b == b'\n') {
            let mut fields = line.split(|b| *b == b':');
            let (Some(name), _, Some(number)) = (fields.next(), fields.next(), fields.next())
            else {
                continue;
            };
            let number = str::from_utf8(number).ok().and_then(|n| n.parse().ok());
            if let Some(number) = number {
                // The first line of a number wins, as for getpwuid(3).
                let name = String::from_utf8_lossy(name);
                names.entry(number).or_insert_with(|| Arc::from(&*name));
            }
        }
        Self::with(names)
    }

    fn with(names: FxHashMap<u32, Arc<str>>) -> Self {
        Self { names, root: Arc::from("root"), unknown: Arc::from(UNKNOWN) }
    }

    /// A list; the first name of a number counts.
    pub(crate) fn of(list: Vec<(u32, String)>) -> Self {
        let mut names = FxHashMap::default();
        for (number, name) in list {
            names.entry(number).or_insert_with(|| Arc::from(name));
        }
        Self::with(names)
    }

    /// All names, by number.
    pub(crate) fn each(&self) -> impl Iterator<Item = (u32, &str)> {
        let mut all: Vec<_> = self.names.iter().map(|(id, name)| (*id, &**name)).collect();
        all.sort_unstable();
        all.into_iter()
    }

    /// The name of `id`: of the host's list for a process of the host, and
    /// only of number 0 for a process in a container, whose list is another.
    #[must_use]
    pub fn get(&self, id: u32, in_container: bool) -> Arc<str> {
        let known = if in_container { None } else { self.names.get(&id) };
        match known {
            Some(name) => Arc::clone(name),
            None if id == 0 => Arc::clone(&self.root),
            None => Arc::clone(&self.unknown),
        }
    }
}

/// Users and groups.
#[derive(Debug)]
pub struct Users {
    /// User names by uid.
    pub users: Names,
    /// Group names by gid.
    pub groups: Names,
}

impl Users {
    /// Reads the host's lists.
    #[must_use]
    pub fn of_host() -> Self {
        Self {
            users: Names::load(Path::new("/etc/passwd")),
            groups: Names::load(Path::new("/etc/group")),
        }
    }

    /// No names at all, for a source that brings none.
    #[must_use]
    pub fn none() -> Self {
        Self { users: Names::parse(b""), groups: Names::parse(b"") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_by_number() {
        let names = Names::parse(b"daemon:x:1:1::/:/bin/sh\nbad\nx:y:z\nother:x:1:\n");
        assert_eq!(&*names.get(1, false), "daemon");
        assert_eq!(&*names.get(1, true), UNKNOWN);
        assert_eq!(&*names.get(0, true), "root");
        assert_eq!(&*names.get(7, false), UNKNOWN);
    }
}

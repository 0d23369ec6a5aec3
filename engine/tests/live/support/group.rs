// SPDX-License-Identifier: Apache-2.0
//! A control group.

use std::path::{Path, PathBuf};

/// A group of the unified hierarchy; it goes when it is dropped, if it is empty.
pub(crate) struct Group(PathBuf);

impl Group {
    /// A new group; none where the hierarchy cannot be written to.
    pub(crate) fn new(name: &str) -> Option<Self> {
        let mounts = std::fs::read_to_string("/proc/self/mounts").ok()?;
        let unified = mounts.lines().find_map(|line| {
            let mut words = line.split(' ').skip(1);
            let folder = words.next()?;
            (words.next() == Some("cgroup2")).then_some(folder)
        });
        let group = Self(Path::new(unified?).join(name));
        std::fs::create_dir(&group.0).ok()?;
        Some(group)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Another group of the same name.
    pub(crate) fn renew(&self) {
        std::fs::remove_dir(&self.0).expect("an empty group");
        std::fs::create_dir(&self.0).expect("a group");
    }

    /// Moves a process there.
    pub(crate) fn add(&self, pid: i64) {
        std::fs::write(self.0.join("cgroup.procs"), pid.to_string()).expect("moved");
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.0);
    }
}

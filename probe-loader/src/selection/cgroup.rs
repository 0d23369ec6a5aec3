// SPDX-License-Identifier: Apache-2.0
//! Control groups, by the folders that stand for them.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::Error;

/// A control group, and all below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cgroup {
    /// Inode number of its folder: its id in the kernel.
    pub id: u64,
    /// 0: the unified hierarchy (v2), else the number in `/proc/cgroups`.
    pub hierarchy: u32,
}

impl Cgroup {
    /// The control group of a folder: a path as the file system has it
    /// (`/sys/fs/cgroup/system.slice`), or as the kernel and the records name it
    /// in the unified hierarchy (`/system.slice`).
    ///
    /// # Errors
    /// When there is none, or its hierarchy has no controller.
    pub fn at(path: &Path) -> Result<Self, Error> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let table = fs::read_to_string("/proc/cgroups").unwrap_or_default();
        let below = unified(&mounts).map(|root| {
            let name = path.strip_prefix("/").unwrap_or(path);
            root.join(name)
        });
        let no_group = || Error::NoCgroup(path.to_owned());
        [Some(path.to_owned()), below]
            .into_iter()
            .flatten()
            .filter_map(|path| Some((fs::metadata(&path).ok().filter(fs::Metadata::is_dir)?, path)))
            .find_map(|(folder, _)| {
                let device = (nix_major(folder.dev()), nix_minor(folder.dev()));
                let kind = kind_of(&mounts, device)?;
                Some((folder.ino(), kind))
            })
            .ok_or_else(no_group)
            .and_then(|(id, kind)| match kind {
                Kind::Unified => Ok(Self { id, hierarchy: 0 }),
                Kind::Legacy(options) => {
                    let hierarchy = hierarchy(&table, &options);
                    let named = || Error::NamedHierarchy(path.to_owned());
                    Ok(Self { id, hierarchy: hierarchy.ok_or_else(named)? })
                }
            })
    }
}

fn nix_major(device: u64) -> u64 {
    u64::from(libc::major(device))
}

fn nix_minor(device: u64) -> u64 {
    u64::from(libc::minor(device))
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Unified,
    /// With its mount options, among which are the controllers.
    Legacy(String),
}

/// Device, mount point, file system type and options of the mounts.
fn mounts(info: &str) -> impl Iterator<Item = (&str, &str, &str, &str)> {
    info.lines().filter_map(|line| {
        let (head, tail) = line.split_once(" - ")?;
        let mut head = head.split(' ').skip(2);
        let (device, point) = (head.next()?, head.nth(1)?);
        let mut tail = tail.split(' ');
        let (kind, options) = (tail.next()?, tail.nth(1)?);
        Some((device, point, kind, options))
    })
}

fn unified(info: &str) -> Option<PathBuf> {
    mounts(info).find(|mount| mount.2 == "cgroup2").map(|mount| PathBuf::from(mount.1))
}

fn kind_of(info: &str, (major, minor): (u64, u64)) -> Option<Kind> {
    let device = format!("{major}:{minor}");
    mounts(info).filter(|mount| mount.0 == device).find_map(|mount| match mount.2 {
        "cgroup2" => Some(Kind::Unified),
        "cgroup" => Some(Kind::Legacy(mount.3.to_owned())),
        _ => None,
    })
}

/// The number of the hierarchy that has one of these controllers.
fn hierarchy(table: &str, options: &str) -> Option<u32> {
    table.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let mut fields = line.split_whitespace();
        let (name, number) = (fields.next()?, fields.next()?);
        let mine = options.split(',').any(|option| option == name);
        number.parse().ok().filter(|number| mine && *number > 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFO: &str = "\
29 23 0:26 / /sys/fs/cgroup rw,nosuid - tmpfs tmpfs rw,mode=755
30 29 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:8 - cgroup2 cgroup2 rw,nsdelegate
31 29 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd
32 29 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
";
    const TABLE: &str = "\
#subsys_name\thierarchy\tnum_cgroups\tenabled
cpuset\t0\t1\t1
cpu\t4\t1\t1
cpuacct\t4\t1\t1
";

    #[test]
    fn hierarchies_are_known_by_mount_and_controller() {
        assert_eq!(unified(INFO), Some(PathBuf::from("/sys/fs/cgroup/unified")));
        assert_eq!(kind_of(INFO, (0, 27)), Some(Kind::Unified));
        assert_eq!(kind_of(INFO, (0, 26)), None);
        let Some(Kind::Legacy(options)) = kind_of(INFO, (0, 29)) else { panic!("a v1 mount") };
        assert_eq!(hierarchy(TABLE, &options), Some(4));
        let Some(Kind::Legacy(options)) = kind_of(INFO, (0, 28)) else { panic!("a v1 mount") };
        assert_eq!(hierarchy(TABLE, &options), None);
    }

    #[test]
    fn a_folder_that_is_no_group_is_refused() {
        let error = Cgroup::at(Path::new("/proc/self")).expect_err("no control group");
        assert_eq!(error.to_string(), "/proc/self is no control group");
        assert!(Cgroup::at(Path::new("/there/is/no/such/group")).is_err());
    }
}

// SPDX-License-Identifier: Apache-2.0
//! A disk that breaks.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Bytes of it.
const SIZE: u64 = 8 << 20;

/// An ext4 file system in a file, mounted so that an error of the disk makes it
/// read-only; unmounted on drop.
pub(crate) struct Disk(PathBuf);

impl Disk {
    /// Makes one below `dir`; none where there are no loop devices, or no
    /// programs for them.
    pub(crate) fn mount(dir: &Path) -> Option<Self> {
        let (image, point) = (dir.join("image"), dir.join("disk"));
        File::create(&image).and_then(|file| file.set_len(SIZE)).expect("room for an image");
        fs::create_dir(&point).expect("mount point");
        let done = |command: &mut Command| command.status().is_ok_and(|status| status.success());
        let made = done(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&image));
        let options = "loop,errors=remount-ro";
        (made && done(Command::new("mount").args(["-o", options]).arg(&image).arg(&point)))
            .then_some(Self(point))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// From here on it is read-only, whoever has files open.
    pub(crate) fn fail(&self) {
        let mounts = fs::read_to_string("/proc/mounts").expect("what is mounted");
        let device = mounts.lines().find_map(|line| {
            let (device, rest) = line.split_once(' ')?;
            (rest.split(' ').next() == self.0.to_str()).then(|| device.rsplit('/').next())?
        });
        // Documentation/ABI/testing/sysfs-fs-ext4 of Linux.
        let switch = format!("/sys/fs/ext4/{}/trigger_fs_error", device.expect("it is mounted"));
        fs::write(switch, "1").expect("ext4 takes a word for an error");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Processes as the kernel's iterator tells them, in the words of /proc.

use probe_loader::ebpf::tasks::Task;

use super::{Found, MAX_ARGS, MAX_ENV, below};
use crate::engine::text::{joined, with_slash};

/// The process; none where /proc is to be asked for something.
pub(crate) fn found(task: &Task<'_>) -> Option<Found> {
    if task.is_partial() {
        return None;
    }
    let mut found = Found {
        pid: task.pid,
        ppid: task.ppid,
        vpid: task.pid,
        start: task.start,
        tty: task.tty != 0,
        zombie: task.is_zombie(),
        ..Found::default()
    };
    let name = || format!("[{}]", String::from_utf8_lossy(task.comm));
    if task.is_kernel() {
        if task.has_more_name() {
            return None;
        }
        found.exe = name();
        return Some(found);
    }
    (found.uid, found.gid, found.vpid) = (task.uid, task.gid, task.vpid);
    found.cgroup = task.cgroup.to_vec();
    let cmdline = task.cmdline()?;
    let (arg0, args) = joined(&cmdline[..cmdline.len().min(MAX_ARGS)]);
    found.args = args;
    let root = (!matches!(task.root, b"" | b"/")).then_some(task.root);
    found.binary = task.has_exe();
    found.exe = if found.binary {
        String::from_utf8_lossy(below(task.exe, root)).into_owned()
    } else if arg0.is_empty() {
        name()
    } else {
        arg0
    };
    found.env = String::from_utf8_lossy(&task.env[..task.env.len().min(MAX_ENV)]).into_owned();
    if !task.cwd.is_empty() {
        found.cwd = with_slash(below(task.cwd, root));
    }
    Some(found)
}

// SPDX-License-Identifier: Apache-2.0
//! What runs already: /proc, read at the start of a capture, and again for a
//! process whose birth did not arrive. Facts and formats: proc(5). And the same
//! as the kernel's iterator tells it.

pub(crate) mod tasks;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use rustc_hash::FxHashSet;

use crate::engine::text::{joined, with_slash};

/// A process as /proc tells it, or the kernel itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Thread group id.
    pub pid: u32,
    /// Parent's thread group id; 0: none.
    pub ppid: u32,
    /// Number in its own pid namespace.
    pub vpid: u32,
    /// Start time, ns of the boot clock; of /proc rounded down to a clock tick.
    pub start: u64,
    /// Path of the binary; of a kernel thread its name in brackets.
    pub exe: String,
    /// Arguments after the first, joined by spaces.
    pub args: String,
    /// Environment, each entry ended by NUL.
    pub env: String,
    /// Working directory, with a slash at its end.
    pub cwd: String,
    /// Effective user.
    pub uid: u32,
    /// Effective group.
    pub gid: u32,
    /// Has a controlling terminal.
    pub tty: bool,
    /// Control group path.
    pub cgroup: Vec<u8>,
    /// `exe` is the binary's, not what argument 0 or the kernel says.
    pub binary: bool,
    /// All its threads have ended; its parent has not taken notice yet.
    pub zombie: bool,
}

/// Where a process is looked up whose birth did not arrive.
pub trait Lookup: Send {
    /// The process, if it is there.
    fn process(&mut self, pid: u32) -> Option<Found>;
}

/// For sources that are not this host: nothing can be looked up.
#[derive(Clone, Copy, Debug)]
pub struct NoLookup;

impl Lookup for NoLookup {
    fn process(&mut self, _pid: u32) -> Option<Found> {
        None
    }
}

/// When a scan of all processes was made, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// When it began, ns of the events' clock.
    pub begun: u64,
    /// The same, ns of the boot clock.
    pub begun_boot: u64,
    /// When it ended, ns of the events' clock.
    pub ended: u64,
    /// Every process could be read that did not end meanwhile.
    pub whole: bool,
    /// Processes that the kernel's iterator told.
    pub told: u64,
    /// Processes that were read from /proc.
    pub read: u64,
}

/// This host's /proc.
#[derive(Debug)]
pub struct ProcFs {
    root: PathBuf,
    ns_per_tick: u64,
    /// Of the file that is read: its path, and what is in it.
    /// Kept, so that reading allocates nothing.
    path: Vec<u8>,
    text: Vec<u8>,
}

/// Bytes of arguments and environment that are kept, as the drivers do.
const MAX_ARGS: usize = probe_loader::abi::SF_ARGS_MAX as usize;
const MAX_ENV: usize = probe_loader::abi::SF_ENV_MAX as usize;

/// Files of /proc are read with one call, which gives no more than this.
const TEXT: usize = 16 << 10;

/// Flag of a kernel thread: `PF_KTHREAD` of `include/linux/sched.h`.
const KERNEL_THREAD: u64 = 0x20_0000;

impl Default for ProcFs {
    fn default() -> Self {
        Self::at(PathBuf::from("/proc"))
    }
}

impl Clone for ProcFs {
    fn clone(&self) -> Self {
        Self::at(self.root.clone())
    }
}

impl ProcFs {
    /// A tree like /proc, elsewhere.
    #[must_use]
    pub fn at(root: PathBuf) -> Self {
        // SAFETY: no arguments that could be wrong.
        let ticks = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
        let ticks = u64::try_from(ticks).ok().filter(|t| *t > 0).unwrap_or(100);
        Self {
            root,
            ns_per_tick: 1_000_000_000 / ticks,
            path: Vec::with_capacity(64),
            text: vec![0; TEXT],
        }
    }

    /// Every process. One that ends while it is read is left out.
    #[must_use]
    pub fn all(&mut self) -> Vec<Found> {
        let pids = self.pids().unwrap_or_default();
        pids.into_iter().filter_map(|pid| self.process(pid)).collect()
    }

    /// The numbers of all processes.
    ///
    /// # Errors
    /// What the system says.
    pub fn pids(&self) -> io::Result<Vec<u32>> {
        let mut pids = Vec::new();
        for entry in fs::read_dir(&self.root)? {
            pids.extend(entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()));
        }
        Ok(pids)
    }

    /// A process; none if it is not there.
    ///
    /// # Errors
    /// What the system says, but that it is not there.
    pub fn read(&mut self, pid: u32) -> io::Result<Option<Found>> {
        match self.try_read(pid) {
            Ok(found) => Ok(found),
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn try_read(&mut self, pid: u32) -> io::Result<Option<Found>> {
        let mut dir = pid.to_string();
        let Some(stat) = Stat::parse(self.file(&dir, "stat")?) else { return Ok(None) };
        let mut found = Found {
            pid,
            ppid: stat.ppid,
            vpid: pid,
            start: stat.start * self.ns_per_tick,
            exe: format!("[{}]", stat.comm),
            tty: stat.tty != 0,
            zombie: stat.ended && stat.threads <= 1,
            ..Found::default()
        };
        if stat.flags & KERNEL_THREAD != 0 {
            // It is of root, in the root, and has nothing else.
            return Ok(Some(found));
        }
        let status = Status::parse(self.file(&dir, "status")?);
        (found.uid, found.gid) = (status.uid, status.gid);
        found.vpid = status.vpid.unwrap_or(pid);
        found.cgroup = cgroup(self.file(&dir, "cgroup").unwrap_or_default());
        if stat.ended && stat.threads > 1 {
            // Only the leader has ended: another thread has what they share.
            if let Some(tid) = self.other_thread(pid) {
                dir = format!("{pid}/task/{tid}");
            }
        }
        let cmdline = self.file(&dir, "cmdline").unwrap_or_default();
        let (arg0, args) = joined(&cmdline[..cmdline.len().min(MAX_ARGS)]);
        found.args = args;
        let root = self.link(&dir, "root").filter(|root| root != b"/");
        match self.link(&dir, "exe") {
            Some(path) => {
                found.exe = String::from_utf8_lossy(below(&path, root.as_deref())).into_owned();
                found.binary = true;
            }
            None if arg0.is_empty() => {}
            None => found.exe = arg0,
        }
        let env = self.file(&dir, "environ").unwrap_or_default();
        found.env = String::from_utf8_lossy(&env[..env.len().min(MAX_ENV)]).into_owned();
        let cwd = self.link(&dir, "cwd");
        found.cwd = cwd.map(|cwd| with_slash(below(&cwd, root.as_deref()))).unwrap_or_default();
        Ok(Some(found))
    }

    fn other_thread(&self, pid: u32) -> Option<u32> {
        let threads = fs::read_dir(self.root.join(format!("{pid}/task"))).ok()?;
        threads
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .find(|tid| *tid != pid)
    }

    /// Makes `path` that of a file of a process.
    fn name(&mut self, dir: &str, file: &str) {
        self.path.clear();
        self.path.extend_from_slice(self.root.as_os_str().as_bytes());
        // A Vec takes everything.
        let _ = write!(self.path, "/{dir}/{file}");
    }

    /// What is in a file of a process, as far as one call gives it.
    fn file(&mut self, dir: &str, file: &str) -> io::Result<&[u8]> {
        self.name(dir, file);
        let mut file = File::open(OsStr::from_bytes(&self.path))?;
        let len = file.read(&mut self.text)?;
        Ok(&self.text[..len])
    }

    /// Target of a link of a process. The kernel marks what has no name any more.
    fn link(&mut self, dir: &str, file: &str) -> Option<Vec<u8>> {
        self.name(dir, file);
        let target = fs::read_link(OsStr::from_bytes(&self.path)).ok()?;
        let bytes = target.as_os_str().as_bytes();
        Some(bytes.strip_suffix(b" (deleted)").unwrap_or(bytes).to_vec())
    }

    /// Ports that sockets listen on, or are bound to without a peer.
    #[must_use]
    pub fn listening(&self) -> Listening {
        let mut ports = FxHashSet::default();
        for table in ["tcp", "tcp6", "udp", "udp6"] {
            let text = fs::read_to_string(self.root.join("net").join(table)).unwrap_or_default();
            ports.extend(text.lines().skip(1).filter_map(listening_port));
        }
        Listening { ports }
    }
}

impl Lookup for ProcFs {
    fn process(&mut self, pid: u32) -> Option<Found> {
        self.read(pid).ok().flatten()
    }
}

/// Whether an error says that the process is not there (any more).
fn is_gone(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ESRCH))
}

/// A path as a process sees it whose root is not that of the host, as the
/// drivers tell it.
fn below<'a>(path: &'a [u8], root: Option<&[u8]>) -> &'a [u8] {
    match root.and_then(|root| path.strip_prefix(root)) {
        Some(b"") => b"/",
        Some(inner @ [b'/', ..]) => inner,
        _ => path,
    }
}

/// The path of the unified hierarchy, or when that has only the root, the
/// first other one: the drivers' rule (`sf_rec_exec.cgroup_len`).
fn cgroup(text: &[u8]) -> Vec<u8> {
    let path = |line: &[u8]| line.splitn(3, |b| *b == b':').nth(2).map(<[u8]>::to_vec);
    let lines = || text.split(|b| *b == b'\n');
    let unified = lines().find(|line| line.starts_with(b"0::")).and_then(path);
    match unified {
        Some(path) if path != b"/" => path,
        other => lines()
            .filter(|line| !line.starts_with(b"0::"))
            .filter_map(path)
            .find(|path| path != b"/")
            .or(other)
            .unwrap_or_default(),
    }
}

/// Of /proc/PID/stat.
#[derive(Debug, Default)]
struct Stat {
    comm: String,
    ppid: u32,
    tty: i64,
    /// Kernel flags: `PF_*`.
    flags: u64,
    /// Threads that have not ended; a leader that has counts as one.
    threads: u64,
    /// Clock ticks after boot.
    start: u64,
    /// The leader has ended.
    ended: bool,
}

impl Stat {
    fn parse(text: &[u8]) -> Option<Self> {
        // The name may contain anything, also ") ": the last one ends it.
        let open = text.iter().position(|b| *b == b'(')?;
        let close = text.iter().rposition(|b| *b == b')')?;
        let comm = String::from_utf8_lossy(text.get(open + 1..close)?).into_owned();
        let rest = str::from_utf8(text.get(close + 1..)?).ok()?;
        // Fields 3 and on: state, ppid, pgrp, session, tty_nr, ... starttime.
        let mut fields = rest.split_ascii_whitespace();
        let ended = matches!(fields.next()?, "Z" | "X");
        let ppid = fields.next()?.parse().ok()?;
        let tty = fields.nth(2)?.parse().ok()?;
        let flags = fields.nth(1)?.parse().ok()?;
        let threads = fields.nth(10)?.parse().ok()?;
        let start = fields.nth(1)?.parse().ok()?;
        Some(Self { comm, ppid, tty, flags, threads, start, ended })
    }
}

/// Of /proc/PID/status.
#[derive(Debug)]
struct Status {
    uid: u32,
    gid: u32,
    vpid: Option<u32>,
}

impl Status {
    fn parse(text: &[u8]) -> Self {
        // The name, which may be anything, is on a line of its own.
        let field = |name: &[u8], n: Option<usize>| -> Option<u32> {
            let line = text.split(|b| *b == b'\n').find_map(|line| line.strip_prefix(name))?;
            let mut fields = str::from_utf8(line).ok()?.split_ascii_whitespace();
            match n {
                Some(n) => fields.nth(n),
                None => fields.last(),
            }?
            .parse()
            .ok()
        };
        Self {
            // Real, effective, saved, file system.
            uid: field(b"Uid:", Some(1)).unwrap_or(u32::MAX),
            gid: field(b"Gid:", Some(1)).unwrap_or(u32::MAX),
            // From the reader's namespace to the process's own.
            vpid: field(b"NSpid:", None),
        }
    }
}

/// Local port of a line of /proc/net/tcp and the like, when its peer has no
/// port: it listens, or takes datagrams from anybody.
fn listening_port(line: &str) -> Option<u16> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let port = |end: &str| u16::from_str_radix(end.rsplit_once(':')?.1, 16).ok();
    let (local, remote) = (port(fields.next()?)?, port(fields.next()?)?);
    (remote == 0).then_some(local)
}

/// Which end of a connection that was made before the capture is the server.
#[derive(Clone, Debug, Default)]
pub struct Listening {
    ports: FxHashSet<u16>,
}

impl Listening {
    /// A socket listens on this port.
    pub fn add(&mut self, port: u16) {
        self.ports.insert(port);
    }

    /// The ports that sockets listen on, in no order.
    pub(crate) fn ports(&self) -> impl Iterator<Item = u16> {
        self.ports.iter().copied()
    }

    /// These are listened on, too.
    pub fn take(&mut self, others: Self) {
        self.ports.extend(others.ports);
    }

    /// Whether the local end is the server: something listens on its port, or
    /// nothing is known and it has the lower number.
    #[must_use]
    pub fn is_server(&self, local: u16, remote: u16) -> bool {
        match (self.ports.contains(&local), self.ports.contains(&remote)) {
            (true, false) => true,
            (false, true) => false,
            _ => local < remote,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_found_as_it_is() {
        let mut proc = ProcFs::default();
        let me = proc.process(std::process::id()).expect("this process runs");
        assert_eq!(me.ppid, std::os::unix::process::parent_id());
        assert_eq!(me.exe, std::env::current_exe().expect("a path").to_string_lossy());
        assert_eq!(
            me.cwd,
            with_slash(std::env::current_dir().expect("a dir").as_os_str().as_bytes())
        );
        assert!(me.start > 0);
        assert!(proc.all().iter().any(|p| p.pid == me.pid && p.start == me.start));
    }

    #[test]
    fn a_name_may_contain_what_ends_names() {
        let stat = Stat::parse(b"7 (a) b) R 3 7 7 34816 7 64 0 0 0 0 0 0 0 0 20 0 5 0 99 0 0")
            .expect("a line of stat");
        assert_eq!((stat.comm.as_str(), stat.ppid, stat.tty, stat.start), ("a) b", 3, 34816, 99));
        assert_eq!((stat.flags, stat.threads, stat.ended), (64, 5, false));
        assert!(Stat::parse(b"7 (").is_none());
        assert!(Stat::parse(b"7 (x) R 3").is_none());
    }

    #[test]
    fn paths_are_those_of_the_process_root() {
        assert_eq!(below(b"/srv/x/bin/a", Some(b"/srv/x")), b"/bin/a");
        assert_eq!(below(b"/srv/x", Some(b"/srv/x")), b"/");
        assert_eq!(below(b"/srv/xy", Some(b"/srv/x")), b"/srv/xy");
        assert_eq!(below(b"/bin/a", None), b"/bin/a");
    }

    #[test]
    fn a_child_that_nobody_waits_for_is_a_zombie() {
        let mut child = std::process::Command::new("true").spawn().expect("a child");
        let mut proc = ProcFs::default();
        let zombie = loop {
            let found = proc.process(child.id()).expect("nobody waited for it");
            if found.zombie {
                break found;
            }
            std::thread::yield_now();
        };
        assert_eq!(zombie.ppid, std::process::id());
        child.wait().expect("the child");
        assert!(proc.read(child.id()).is_ok_and(|found| found.is_none()), "it is gone, no error");
    }

    #[test]
    fn the_unified_path_is_preferred_unless_it_is_the_root() {
        assert_eq!(cgroup(b"1:cpu:/a\n0::/b\n"), b"/b");
        assert_eq!(cgroup(b"2:cpu:/\n1:mem:/a:b\n0::/\n"), b"/a:b");
        assert_eq!(cgroup(b"0::/\n"), b"/");
        assert_eq!(cgroup(b""), b"");
    }

    #[test]
    fn listening_ports_decide_who_serves() {
        let line = "  0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000";
        assert_eq!(listening_port(line), Some(8080));
        let line = "  1: 0100007F:1F90 0100007F:C001 01 00000000:00000000 00:00000000";
        assert_eq!(listening_port(line), None);
        let ports = Listening { ports: [50_000].into_iter().collect() };
        assert!(ports.is_server(50_000, 40_000));
        assert!(!ports.is_server(40_000, 50_000));
        assert!(ports.is_server(22, 30_000));
    }
}

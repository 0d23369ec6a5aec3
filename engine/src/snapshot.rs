// SPDX-License-Identifier: Apache-2.0
//! What runs already: /proc, read at the start of a capture, and again for a
//! process whose birth did not arrive. Facts and formats: proc(5).

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustc_hash::FxHashSet;

use crate::engine::text::{joined, with_slash};

/// A process as /proc tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Thread group id.
    pub pid: u32,
    /// Parent's thread group id; 0: none.
    pub ppid: u32,
    /// Number in its own pid namespace.
    pub vpid: u32,
    /// Start time, ns of the boot clock, rounded down to a clock tick.
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

/// This host's /proc.
#[derive(Clone, Debug)]
pub struct ProcFs {
    root: PathBuf,
    ns_per_tick: u64,
}

/// Bytes of the environment that are kept, as the drivers do (`SF_ENV_MAX`).
const MAX_ENV: usize = probe_loader::abi::SF_ENV_MAX as usize;

impl Default for ProcFs {
    fn default() -> Self {
        // SAFETY: no arguments that could be wrong.
        let ticks = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
        let ticks = u64::try_from(ticks).ok().filter(|t| *t > 0).unwrap_or(100);
        Self { root: PathBuf::from("/proc"), ns_per_tick: 1_000_000_000 / ticks }
    }
}

impl ProcFs {
    /// Every process. One that ends while it is read is left out.
    #[must_use]
    pub fn all(&mut self) -> Vec<Found> {
        let Ok(entries) = fs::read_dir(&self.root) else { return Vec::new() };
        entries
            .filter_map(Result::ok)
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter_map(|pid| self.process(pid))
            .collect()
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
        let dir = self.root.join(pid.to_string());
        let stat = Stat::parse(&fs::read(dir.join("stat")).ok()?)?;
        let status = Status::parse(&fs::read(dir.join("status")).ok()?);
        let cmdline = fs::read(dir.join("cmdline")).unwrap_or_default();
        let (arg0, args) = joined(&cmdline);
        let exe = match link(&dir.join("exe")) {
            Some(path) => String::from_utf8_lossy(&path).into_owned(),
            None if arg0.is_empty() => format!("[{}]", stat.comm),
            None => arg0,
        };
        let mut env = fs::read(dir.join("environ")).unwrap_or_default();
        env.truncate(MAX_ENV);
        Some(Found {
            pid,
            ppid: stat.ppid,
            vpid: status.vpid.unwrap_or(pid),
            start: stat.start * self.ns_per_tick,
            exe,
            args,
            env: String::from_utf8_lossy(&env).into_owned(),
            cwd: link(&dir.join("cwd")).map(|cwd| with_slash(&cwd)).unwrap_or_default(),
            uid: status.uid,
            gid: status.gid,
            tty: stat.tty != 0,
            cgroup: cgroup(&fs::read(dir.join("cgroup")).unwrap_or_default()),
        })
    }
}

/// Target of a link of /proc. The kernel marks what has no name any more.
fn link(path: &Path) -> Option<Vec<u8>> {
    let target = fs::read_link(path).ok()?;
    let bytes = target.as_os_str().as_bytes();
    Some(bytes.strip_suffix(b" (deleted)").unwrap_or(bytes).to_vec())
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
    /// Clock ticks after boot.
    start: u64,
}

impl Stat {
    fn parse(text: &[u8]) -> Option<Self> {
        // The name may contain anything, also ") ": the last one ends it.
        let open = text.iter().position(|b| *b == b'(')?;
        let close = text.iter().rposition(|b| *b == b')')?;
        let comm = String::from_utf8_lossy(text.get(open + 1..close)?).into_owned();
        let rest = str::from_utf8(text.get(close + 1..)?).ok()?;
        // Fields 3 and on: state, ppid, pgrp, session, tty_nr, ... starttime.
        let field = |n: usize| rest.split_ascii_whitespace().nth(n - 3);
        Some(Self {
            comm,
            ppid: field(4)?.parse().ok()?,
            tty: field(7)?.parse().ok()?,
            start: field(22)?.parse().ok()?,
        })
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
        let text = String::from_utf8_lossy(text);
        let field = |name: &str, n: Option<usize>| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            let mut fields = line.split_ascii_whitespace();
            match n {
                Some(n) => fields.nth(n),
                None => fields.last(),
            }?
            .parse()
            .ok()
        };
        Self {
            // Real, effective, saved, file system.
            uid: field("Uid:", Some(1)).unwrap_or(u32::MAX),
            gid: field("Gid:", Some(1)).unwrap_or(u32::MAX),
            // From the reader's namespace to the process's own.
            vpid: field("NSpid:", None),
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
        let stat = Stat::parse(b"7 (a) b) R 3 7 7 34816 7 0 0 0 0 0 0 0 0 0 20 0 1 0 99 0 0")
            .expect("a line of stat");
        assert_eq!((stat.comm.as_str(), stat.ppid, stat.tty, stat.start), ("a) b", 3, 34816, 99));
        assert!(Stat::parse(b"7 (").is_none());
        assert!(Stat::parse(b"7 (x) R 3").is_none());
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

// SPDX-License-Identifier: Apache-2.0
//! Processes that are different, each in its way.

use std::ffi::{CStr, CString, OsString};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use engine::scan::Source;
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;

use crate::compare::compared;

const ROLE: &str = "SNAPSHOT_ROLE";
const FOLDER: &str = "SNAPSHOT_FOLDER";

/// What a process is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Sleeps.
    Sleep,
    /// Changes its root and working directory.
    Chroot,
    /// Has a working directory that was removed.
    Removed,
    /// Writes a title over its arguments.
    Title,
    /// Writes a title over its arguments and its environment.
    LongTitle,
    /// Starts itself without arguments and environment.
    Bare,
    /// Its first thread ends, another one stays.
    Leaderless,
    /// Has a child in pid, mount and other namespaces, and does not wait for
    /// another one, which ends.
    Parent,
    /// Compares in a pid namespace of its own, with and without a /proc of it.
    Reader,
    /// The second half of that.
    Inside,
    /// Asks for /proc alone.
    Refuser,
}

const ROLES: [(&str, Role); 11] = [
    ("sleep", Role::Sleep),
    ("chroot", Role::Chroot),
    ("removed", Role::Removed),
    ("title", Role::Title),
    ("long-title", Role::LongTitle),
    ("bare", Role::Bare),
    ("leaderless", Role::Leaderless),
    ("parent", Role::Parent),
    ("reader", Role::Reader),
    ("inside", Role::Inside),
    ("refuser", Role::Refuser),
];

impl Role {
    pub(crate) fn of_environment() -> Option<Self> {
        let name = std::env::var_os(ROLE)?;
        ROLES.iter().find(|(other, _)| name == *other).map(|(_, role)| *role)
    }

    fn name(self) -> &'static str {
        ROLES.iter().find(|(_, role)| *role == self).map_or("", |(name, _)| name)
    }
}

/// A process that plays a role, until it is dropped.
#[derive(Debug)]
pub(crate) struct Actor(Child);

impl Actor {
    pub(crate) fn begin(role: Role) -> Self {
        Self::of(command(role))
    }

    /// Begins it and waits until it is what it is to be.
    fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let mut line = String::new();
        let output = child.stdout.take().expect("a pipe");
        BufReader::new(output).read_line(&mut line).expect("a line");
        assert_eq!(line, "ready\n", "{command:?}");
        Self(child)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Whether it ends by itself, with success.
    pub(crate) fn ends_well(&mut self, patience: Duration) -> bool {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().expect("a child") {
                return status.success();
            }
            if begun.elapsed() > patience {
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn program() -> PathBuf {
    std::env::current_exe().expect("a path")
}

fn command(role: Role) -> Command {
    let mut command = Command::new(program());
    command.env(ROLE, role.name());
    command
}

/// A process that ends at once.
pub(crate) fn begin_and_end() {
    let status = Command::new("/bin/true").env_clear().status();
    assert!(status.is_ok_and(|status| status.success()));
}

/// One of each.
pub(crate) fn cast(dir: &Path) -> Vec<(&'static str, Actor)> {
    let copy = |name: &str| {
        let path = dir.join(name);
        fs::copy(program(), &path).expect("a copy");
        path
    };
    let other = |program: &Path| {
        let mut command = Command::new(program);
        command.env(ROLE, Role::Sleep.name());
        command
    };
    let with = |change: &dyn Fn(&mut Command) -> &mut Command| {
        let mut command = command(Role::Sleep);
        change(&mut command);
        Actor::of(command)
    };
    let jail = dir.join("jail");
    fs::create_dir_all(jail.join("sub")).expect("folders");
    let deleted = copy("deleted");
    let mut actors = vec![
        ("plain", Actor::begin(Role::Sleep)),
        ("long arguments", with(&|c| c.arg("x".repeat(100_000)))),
        ("arguments of the limit", with(&|c| c.arg("y".repeat(8192)))),
        ("many arguments", with(&|c| c.args((0..5000).map(|n| n.to_string())))),
        ("odd arguments", with(&|c| c.args(["a b", "", "c\nd", "\u{e9}", ""]))),
        ("bytes that are no text", with(&|c| c.arg(bytes(&[0xff, 0xfe, b'x'])))),
        ("long environment", with(&|c| c.env("LONG", "z".repeat(50_000)))),
        ("other user", with(&|c| c.uid(65534).gid(65533))),
        ("own process group", with(&|c| c.process_group(0))),
        ("deep folder", with(&|c| c.current_dir(deep(dir)))),
        ("odd name", Actor::of(other(&copy("a b\nc) S 1 (")))),
        ("deleted", Actor::of(other(&deleted))),
        ("bare", Actor::begin(Role::Bare)),
        ("title", Actor::begin(Role::Title)),
        ("long title", Actor::begin(Role::LongTitle)),
        ("without leader", Actor::begin(Role::Leaderless)),
        ("parent of namespaces and a zombie", Actor::begin(Role::Parent)),
    ];
    fs::remove_file(deleted).expect("a file");
    for (name, role) in [("chroot", Role::Chroot), ("removed folder", Role::Removed)] {
        let mut command = command(role);
        command.env(FOLDER, &jail);
        actors.push((name, Actor::of(command)));
    }
    actors.extend(in_groups().map(|actor| ("control group", actor)));
    actors
}

fn bytes(text: &[u8]) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(text.to_vec())
}

/// A folder with names of the greatest length, of which a path takes several.
fn deep(dir: &Path) -> PathBuf {
    let mut path = dir.to_owned();
    for _ in 0..5 {
        path.push("d".repeat(255));
    }
    fs::create_dir_all(&path).expect("folders");
    path
}

/// In a group of its own, of each hierarchy that allows it. They are removed
/// by the next one who runs this, since somebody is in them now.
fn in_groups() -> impl Iterator<Item = Actor> {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let roots: Vec<PathBuf> = mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            let (dir, kind) = (fields.next()?, fields.next()?);
            kind.starts_with("cgroup").then(|| PathBuf::from(dir))
        })
        .collect();
    roots.into_iter().filter_map(|root| {
        let group = root.join("sysflow-snapshot-test");
        let inner = group.join("in ner");
        let _ = fs::remove_dir(&inner);
        let _ = fs::remove_dir(&group);
        fs::create_dir_all(&inner).ok()?;
        let actor = Actor::begin(Role::Sleep);
        let moved = fs::write(inner.join("cgroup.procs"), actor.pid().to_string());
        moved.is_ok().then_some(actor)
    })
}

/// Removes the groups.
pub(crate) fn remove_groups() {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    for dir in mounts.lines().filter_map(|line| line.split(' ').nth(1)) {
        let group = Path::new(dir).join("sysflow-snapshot-test");
        let _ = fs::remove_dir(group.join("in ner"));
        let _ = fs::remove_dir(group);
    }
}

fn ready() {
    println!("ready");
    std::io::stdout().flush().expect("an output");
}

fn sleep() -> ! {
    ready();
    loop {
        std::thread::sleep(Duration::from_secs(60));
    }
}

pub(crate) fn play(role: Role) -> ExitCode {
    // What a role begins ends with it.
    set_pdeathsig(Signal::SIGKILL).expect("a signal");
    match role {
        Role::Sleep => sleep(),
        Role::Chroot => {
            nix::unistd::chroot(&folder()).expect("root");
            nix::unistd::chdir("/sub").expect("a folder");
            sleep()
        }
        Role::Removed => {
            let gone = folder().join("gone");
            fs::create_dir(&gone).expect("a folder");
            nix::unistd::chdir(&gone).expect("a folder");
            fs::remove_dir(&gone).expect("a folder");
            sleep()
        }
        Role::Title => title(b"short: a title", 1),
        Role::LongTitle => title(b"a title that goes on and on ", 20),
        Role::Bare => {
            if std::env::args_os().next().is_none_or(|name| name.is_empty()) {
                sleep();
            }
            let program = CString::new(program().into_os_string().into_encoded_bytes());
            let role = CString::new(format!("{ROLE}={}", role.name())).expect("no NUL");
            let none: [&CStr; 0] = [];
            let error = nix::unistd::execve(&program.expect("no NUL"), &none, &[role]);
            panic!("{error:?}");
        }
        Role::Leaderless => leaderless(),
        Role::Parent => {
            unshare(CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWUTS)
                .expect("namespaces");
            let _inside = Actor::begin(Role::Sleep);
            let mut zombie = Actor::begin(Role::Sleep);
            zombie.0.kill().expect("a signal");
            sleep()
        }
        Role::Reader => {
            assert!(Source::host().has_tasks());
            unshare(CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWNS).expect("namespaces");
            ready();
            let mut inside = Actor::begin(Role::Inside);
            code(inside.ends_well(Duration::from_secs(50)))
        }
        Role::Inside => inside(),
        Role::Refuser => {
            ready();
            let mut child = Command::new(program());
            // Its own answer is all that it does.
            child.env(ROLE, Role::Inside.name()).env("SYSFLOW_SNAPSHOT", "proc");
            let status = child.stdout(Stdio::null()).status();
            code(status.is_ok_and(|status| status.success()))
        }
    }
}

fn code(good: bool) -> ExitCode {
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn folder() -> PathBuf {
    std::env::var_os(FOLDER).expect("a folder").into()
}

fn mount(args: &[&str]) {
    let status = Command::new("mount").args(args).status();
    assert!(status.is_ok_and(|status| status.success()), "mount {args:?}");
}

/// In a pid namespace, whose numbers this /proc does not have; then one has.
fn inside() -> ExitCode {
    ready();
    assert!(!Source::host().has_tasks(), "this /proc is not to be mixed with the iterator");
    if std::env::var_os("SYSFLOW_SNAPSHOT").is_some() {
        return ExitCode::SUCCESS;
    }
    mount(&["--make-rprivate", "/"]);
    mount(&["-t", "proc", "proc", "/proc"]);
    let source = Source::host();
    assert!(source.has_tasks());
    let actors = [("plain", Actor::begin(Role::Sleep)), ("parent", Actor::begin(Role::Parent))];
    let told = compared(&source, &actors);
    assert!(told.by_kernel >= 3 && told.by_kernel < 10, "those of the namespace alone: {told:?}");
    ExitCode::SUCCESS
}

/// Writes over its arguments as setproctitle(3) does.
fn title(text: &[u8], times: usize) -> ExitCode {
    let stat = fs::read_to_string("/proc/self/stat").expect("a file");
    let fields = stat.rsplit_once(')').expect("a name").1;
    let field = |n: usize| -> u64 {
        let text = fields.split_ascii_whitespace().nth(n - 3).expect("a field");
        text.parse().expect("a number")
    };
    // arg_start, arg_end, env_end: proc(5).
    let (start, end) = (field(48), if times > 1 { field(51) } else { field(49) });
    let len = usize::try_from(end - start).expect("a length");
    let mut title = text.repeat(times);
    title.resize(len, if times > 1 { 0 } else { b'!' });
    let memory = fs::OpenOptions::new().write(true).open("/proc/self/mem").expect("own memory");
    memory.write_all_at(&title, start).expect("written");
    sleep()
}

fn leaderless() -> ExitCode {
    let thread = std::thread::spawn(|| {
        let stat = || fs::read_to_string("/proc/self/stat").expect("a file");
        while !stat().rsplit_once(')').expect("a name").1.starts_with(" Z") {
            std::thread::yield_now();
        }
        sleep();
    });
    drop(thread);
    // SAFETY: of the system call alone, this thread ends and nothing of it is
    // used by the other one, which does not return.
    unsafe { libc::syscall(libc::SYS_exit, 0) };
    ExitCode::FAILURE
}

// SPDX-License-Identifier: Apache-2.0
//! What a driver tells of what happens: each filter, several, changed while it
//! records; and what is left out, to the last call.

use std::fs;
use std::path::{Path, PathBuf};

use probe_loader::abi::{
    SF_F_STATE, SF_OP_CHROOT, SF_OP_CLOSE, SF_OP_EXEC, SF_OP_EXIT, SF_OP_FORK, SF_OP_OPEN,
    SF_OP_PIVOT_ROOT, SF_OP_READ, SF_OP_SETUID, SF_OP_WRITE,
};
use probe_loader::driver::Driver;
use probe_loader::selection::{Builder, Cgroup, Ops, Selection};

use crate::puppet::{POKES, Puppet, Step, poke, pokes};
use crate::recording::{Collector, check_accounting, open};
use crate::sys::{self, Arg};
use crate::{Test, uring};

pub(crate) const TESTS: &[Test] = &[
    ("selection::operations", operations),
    ("selection::left_out_exactly", left_out_exactly),
    ("selection::halves_of_transfers", halves_of_transfers),
    ("selection::trees", trees),
    ("selection::trees_that_grew_before", trees_that_grew_before),
    ("selection::several_trees_in_turn", several_trees_in_turn),
    ("selection::users", users),
    ("selection::unified_control_groups", unified_control_groups),
    ("selection::legacy_control_groups", legacy_control_groups),
    ("selection::all_filters_at_once", all_filters_at_once),
    ("selection::every_way_in", every_way_in),
    ("selection::state_of_all", state_of_all),
    ("selection::refused", refused),
    ("selection::changed_under_load", changed_under_load),
];

/// A capture that runs.
struct Running {
    driver: Driver,
    collector: Collector,
}

impl Running {
    fn with(selection: &Builder) -> Self {
        let mut driver = open(1 << 20);
        driver.select(&built(selection)).expect("selected");
        driver.start().expect("start");
        Self { driver, collector: Collector::new() }
    }

    fn select(&mut self, selection: &Builder) {
        self.driver.select(&built(selection)).expect("selected");
        self.collector.drain(&mut self.driver);
    }

    /// Stops it and checks what holds for every capture.
    fn end(&mut self) {
        self.driver.stop().expect("stop");
        self.collector.drain(&mut self.driver);
        let counters = self.driver.counters();
        check_accounting(&counters, &self.collector.gaps(&counters));
        assert_eq!(counters.iter().map(|c| c.total_lost()).sum::<u64>(), 0, "nothing is lost");
    }

    fn unselected(&self, class: usize) -> u64 {
        self.driver.counters().iter().map(|c| c.unselected[class]).sum()
    }

    fn told(&self) -> Vec<u8> {
        let told = pokes(&self.collector.events);
        assert!(told.values().all(|n| n % POKES == 0), "whole pokes: {told:?}");
        told.into_keys().collect()
    }

    /// Operations and flags of a process, without those on files.
    fn of(&self, pid: u32) -> Vec<(u32, u32)> {
        let events = self.collector.events.iter().filter(|e| e.hdr().pid == pid);
        events.map(|e| (e.op(), e.flags())).collect()
    }
}

fn built(selection: &Builder) -> Selection {
    selection.build().expect("a selection")
}

fn all() -> Builder {
    Selection::builder()
}

fn operations() {
    let puppet = Puppet::new();
    let mut run = Running::with(&all().ops(Ops::of(&[SF_OP_WRITE, SF_OP_OPEN])));
    puppet.tell(Step::Poke(1));
    let child = {
        let pid = sys::fork();
        if pid == 0 {
            let fd = sys::open(c"/dev/null", libc::O_WRONLY, 0).expect("open");
            sys::write(fd, &[0; 7]).expect("write");
            sys::close(fd).expect("close");
            sys::exit(0);
        }
        nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(pid as i32), None).expect("wait");
        pid
    };
    run.select(&all().ops(Ops::ALL - Ops::of(&[SF_OP_WRITE])));
    puppet.tell(Step::Poke(2));
    run.end();
    assert_eq!(run.told(), [2]);
    let own = run.of(child);
    let count = |op| own.iter().filter(|(o, flags)| (*o, *flags) == (op, 0)).count();
    assert_eq!((count(SF_OP_OPEN), count(SF_OP_WRITE), count(SF_OP_CLOSE)), (1, 1, 0), "{own:?}");
    assert!(own.contains(&(SF_OP_EXIT, SF_F_STATE)), "{own:?}");
    assert!(run.unselected(5) >= POKES && run.unselected(2) >= 1);
    // The reader's own calls are not counted, whatever is selected.
    assert!(
        run.collector
            .events
            .iter()
            .all(|e| e.hdr().pid != std::process::id() || e.op() == SF_OP_FORK)
    );
}

/// Calls that nothing else on the machine makes.
fn left_out_exactly() {
    let none = Ops::ALL - Ops::of(&[SF_OP_CHROOT, SF_OP_PIVOT_ROOT]);
    let mut run = Running::with(&all().ops(none).state(Ops::NONE));
    let calls = || {
        for _ in 0..123 {
            sys::any(libc::SYS_chroot, &[Arg::Text(c"/none/such")]).expect_err("not there");
        }
        for _ in 0..77 {
            let args = [Arg::Text(c"/none/such"), Arg::Text(c"/none/other")];
            sys::any(libc::SYS_pivot_root, &args).expect_err("not there");
        }
    };
    let pid = sys::fork();
    if pid == 0 {
        calls();
        sys::exit(0);
    }
    nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(pid as i32), None).expect("wait");
    calls();
    std::thread::spawn(calls).join().expect("thread");
    run.end();
    assert_eq!((run.unselected(0), run.unselected(4)), (123, 77), "the reader's own are not");
    let others: u64 = [1, 2, 3, 5].map(|class| run.unselected(class)).iter().sum();
    assert_eq!(others, 0);
}

fn halves_of_transfers() {
    let splice = || {
        let (from, to) = (sys::pipe(), sys::pipe());
        sys::write(from.1, &[0; 16]).expect("write");
        sys::vmsplice(from.1, &mut [0; 16]).expect("vmsplice");
        let args = [from.0, 0, to.1, 0, 16, 0].map(|n| Arg::Number(n.into()));
        assert_eq!(sys::any(libc::SYS_splice, &args).expect("splice"), 16);
        (from, to)
    };
    for (op, fds) in [(SF_OP_READ, 1), (SF_OP_WRITE, 3)] {
        let mut run = Running::with(&all().ops(Ops::of(&[op])));
        let pid = sys::fork();
        if pid == 0 {
            splice();
            sys::exit(0);
        }
        nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(pid as i32), None).expect("wait");
        run.end();
        let own = run.of(pid);
        let bytes = [SF_OP_READ, SF_OP_WRITE];
        let moved: Vec<_> = own.iter().filter(|(o, _)| bytes.contains(o)).collect();
        assert!(moved.iter().all(|(o, _)| *o == op), "{own:?}");
        assert_eq!(moved.len(), fds, "{own:?}");
    }
}

fn trees() {
    let (inside, outside) = (Puppet::new(), Puppet::new());
    let mut run = Running::with(&all().tree(inside.number()));
    for (i, step) in [Step::Poke, Step::Child, Step::Orphan, Step::Thread].into_iter().enumerate() {
        let n = i as u8;
        inside.tell(step(n));
        outside.tell(step(10 + n));
    }
    poke(20);
    run.end();
    assert_eq!(run.told(), [0, 1, 2, 3]);
    assert!(run.unselected(5) >= 4 * POKES);
}

/// What lives when the selection comes, and what was born while nothing was
/// recorded.
fn trees_that_grew_before() {
    let (inside, outside) = (Puppet::new(), Puppet::new());
    inside.tell(Step::Keep);
    outside.tell(Step::Keep);
    let mut run = Running::with(&all().tree(inside.number()));
    inside.tell(Step::Kept(1));
    outside.tell(Step::Kept(2));
    run.driver.stop().expect("stop");
    inside.tell(Step::Keep);
    outside.tell(Step::Keep);
    run.driver.start().expect("start");
    inside.tell(Step::Kept(3));
    outside.tell(Step::Kept(4));
    run.end();
    let told = pokes(&run.collector.events);
    assert_eq!(told.into_iter().collect::<Vec<_>>(), [(1, POKES), (3, 2 * POKES)]);
}

fn several_trees_in_turn() {
    let puppets: Vec<_> = (0..3).map(|_| Puppet::new()).collect();
    let mut run = Running::with(&all().tree(puppets[0].number()).tree(puppets[1].number()));
    let poke = |at: u8| {
        for (puppet, n) in puppets.iter().zip(at..) {
            puppet.tell(Step::Child(n));
        }
    };
    poke(0);
    run.select(&all().tree(puppets[2].number()).tree(puppets[1].number()));
    poke(10);
    // A mark per change: more changes than there are marks.
    for _ in 0..300 {
        run.select(&all().tree(puppets[1].number()));
    }
    poke(20);
    run.select(&all().tree(puppets[0].number()));
    poke(30);
    run.select(&all());
    poke(40);
    run.end();
    assert_eq!(run.told(), [0, 1, 11, 12, 21, 30, 40, 41, 42]);
}

fn users() {
    let puppet = Puppet::new();
    let mut run = Running::with(&all().users(1001..=1002).users(1005..=1005));
    puppet.tell(Step::Poke(0));
    for n in [1, 2, 3, 5] {
        puppet.tell(Step::User(255));
        puppet.tell(Step::User(n));
        puppet.tell(Step::Poke(n));
    }
    puppet.tell(Step::User(255));
    puppet.tell(Step::Child(6));
    run.select(&all().users(0..=0).ops(Ops::of_class(5)));
    puppet.tell(Step::Poke(7));
    puppet.tell(Step::User(1));
    puppet.tell(Step::Poke(8));
    run.end();
    assert_eq!(run.told(), [1, 2, 5, 7]);
    // Each change is judged by the user that it makes: in, in, out, in.
    let own = run.of(puppet.number());
    let flags: Vec<_> = own.iter().filter(|c| c.0 == SF_OP_SETUID).map(|c| c.1).collect();
    let (o, s) = (0, SF_F_STATE);
    assert_eq!(flags, [s, o, s, o, s, s, s, o, s, s]);
}

/// A folder for control groups of the test, removed at the end.
struct Group(PathBuf);

impl Group {
    fn below(root: &Path, name: &str) -> Option<Self> {
        let path = root.join(name);
        let _ = fs::remove_dir(&path);
        fs::create_dir(&path).ok().map(|()| Self(path))
    }

    fn take(&self, puppet: &Puppet) {
        fs::write(self.0.join("cgroup.procs"), puppet.pid.to_string()).expect("moved");
    }

    fn id(&self) -> Cgroup {
        Cgroup::at(&self.0).expect("a control group")
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

fn mount_of(kind: &str, option: &str) -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/mounts").expect("mounts");
    mounts.lines().find_map(|line| {
        let fields: Vec<_> = line.split(' ').collect();
        let has = fields[3].split(',').any(|o| o == option);
        (fields[2] == kind && has).then(|| PathBuf::from(fields[1]))
    })
}

fn control_groups(root: Option<PathBuf>) {
    let Some(root) = root else { return println!("skipped: no such hierarchy is mounted") };
    let Some(group) = Group::below(&root, "sysflow-test") else {
        return println!("skipped: {} has no room for a group", root.display());
    };
    let (inner, other) = (Group::below(&group.0, "in"), Group::below(&root, "sysflow-other"));
    let (inner, other) = (inner.expect("inner"), other.expect("other"));
    let (puppet, outside) = (Puppet::new(), Puppet::new());
    other.take(&outside);
    let mut run = Running::with(&all().cgroup(group.id()));
    puppet.tell(Step::Poke(0));
    group.take(&puppet);
    puppet.tell(Step::Poke(1));
    puppet.tell(Step::Child(2));
    inner.take(&puppet);
    puppet.tell(Step::Child(3));
    outside.tell(Step::Poke(4));
    other.take(&puppet);
    puppet.tell(Step::Poke(5));
    run.select(&all().cgroup(inner.id()).cgroup(other.id()));
    puppet.tell(Step::Poke(6));
    outside.tell(Step::Child(7));
    group.take(&puppet);
    puppet.tell(Step::Poke(8));
    inner.take(&puppet);
    puppet.tell(Step::Poke(9));
    run.end();
    drop((puppet, outside));
    drop(inner);
    assert_eq!(run.told(), [1, 2, 3, 6, 7, 9]);
}

fn unified_control_groups() {
    control_groups(mount_of("cgroup2", "rw"));
}

fn legacy_control_groups() {
    control_groups(mount_of("cgroup", "pids").or_else(|| mount_of("cgroup", "freezer")));
}

fn all_filters_at_once() {
    let puppets: Vec<_> = (0..3).map(|_| Puppet::new()).collect();
    puppets[0].tell(Step::User(1));
    puppets[1].tell(Step::User(1));
    let one = all().tree(puppets[0].number()).tree(puppets[2].number()).users(1001..=1001);
    let mut run = Running::with(&one);
    let poke = |at: u8| {
        for (puppet, n) in puppets.iter().zip(at..) {
            puppet.tell(Step::Poke(n));
        }
    };
    poke(0);
    run.select(&one.clone().ops(Ops::ALL - Ops::of(&[SF_OP_READ])));
    poke(10);
    puppets[2].tell(Step::User(1));
    run.select(&one);
    poke(20);
    run.end();
    assert_eq!(run.told(), [0, 20, 22]);
}

/// A call is judged alike however it is made.
fn every_way_in() {
    let puppet = Puppet::new();
    let steps = [Step::Poke, Step::Child, Step::Thread, Step::Uring, Step::Compat];
    let tell = |at: u8| {
        for (step, n) in steps.into_iter().zip(at..) {
            puppet.tell(step(n));
        }
    };
    let mut run = Running::with(&all());
    tell(0);
    run.select(&all().ops(Ops::ALL - Ops::of(&[SF_OP_READ])));
    let before = run.unselected(5);
    tell(10);
    let left_out = run.unselected(5) - before;
    run.select(&all().users(77..=77));
    tell(20);
    run.select(&all().tree(puppet.number()).ops(Ops::of(&[SF_OP_READ])));
    tell(30);
    run.end();
    let ways = if uring::read_often(0, 0) == 0 && pokes(&run.collector.events).contains_key(&3) {
        vec![0, 1, 2, 3, 4]
    } else {
        vec![0, 1, 2, 4]
    };
    assert!(left_out >= ways.len() as u64 * POKES, "{left_out}");
    let expected: Vec<u8> = ways.iter().copied().chain(ways.iter().map(|n| 30 + n)).collect();
    assert_eq!(run.told(), expected);
}

/// Births, programs and ends are told of every process, or of none.
fn state_of_all() {
    let mut run = Running::with(&all().users(77..=77));
    let start = || {
        let pid = sys::fork();
        if pid == 0 {
            let me = std::env::current_exe().expect("this program");
            let me = std::ffi::CString::new(me.to_string_lossy().as_bytes()).expect("a path");
            sys::execve(c"/none/such", &[c"none"], &[]);
            sys::execve(&me, &[c"driver", c"exit", c"3"], &[]);
            sys::exit(1);
        }
        nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(pid as i32), None).expect("wait");
        pid
    };
    let known = start();
    run.select(&all().users(77..=77).state(Ops::NONE));
    let unknown = start();
    run.end();
    let own: Vec<_> = run.of(known);
    assert_eq!(own, [(SF_OP_EXEC, SF_F_STATE), (SF_OP_EXIT, SF_F_STATE)], "the failed one is not");
    assert_eq!(run.of(unknown), []);
    let born = |pid| {
        let forks = run.collector.events.iter().filter(|e| e.op() == SF_OP_FORK);
        forks.filter(|e| e.as_fork().child_pid == pid).map(|e| e.flags()).collect::<Vec<_>>()
    };
    assert_eq!((born(known), born(unknown)), (vec![SF_F_STATE], vec![]));
}

fn refused() {
    let puppet = Puppet::new();
    let gone = {
        let puppet = Puppet::new();
        puppet.number()
    };
    let mut run = Running::with(&all().tree(puppet.number()));
    let selection = built(&all().tree(1).tree(gone));
    let error = run.driver.select(&selection).expect_err("not there").to_string();
    assert!(error.contains(&gone.to_string()) && error.contains("not there"), "{error}");
    puppet.tell(Step::Poke(1));
    run.end();
    assert_eq!(run.told(), [1], "the older selection stays, and init's tree is not in it");
    drop(puppet);
    // A root that ended is no reason not to start again.
    run.driver.start().expect("start");
    run.driver.stop().expect("stop");
}

fn changed_under_load() {
    let puppet = Puppet::new();
    let busy: Vec<_> = (0..3)
        .map(|_| {
            let pid = sys::fork();
            if pid == 0 {
                loop {
                    poke(1);
                    let child = sys::fork();
                    if child == 0 {
                        poke(2);
                        sys::exit(0);
                    }
                    let child = nix::unistd::Pid::from_raw(child as i32);
                    let _ = nix::sys::wait::waitpid(child, None);
                }
            }
            nix::unistd::Pid::from_raw(pid as i32)
        })
        .collect();
    let selections = [
        all(),
        all().tree(puppet.number()),
        all().users(4..=5).state(Ops::NONE),
        all().ops(Ops::of_class(0)),
        all().tree(busy[0].as_raw() as u32).tree(puppet.number()),
    ];
    let mut driver = open(64 << 10);
    driver.start().expect("start");
    let mut collector = Collector::new();
    for i in 0..100 {
        driver.select(&built(&selections[i % selections.len()])).expect("selected");
        collector.drain(&mut driver);
    }
    driver.select(&built(&all().tree(puppet.number()))).expect("selected");
    collector.drain(&mut driver);
    let from = collector.events.len();
    puppet.tell(Step::Child(9));
    driver.stop().expect("stop");
    for pid in busy {
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).expect("kill");
        nix::sys::wait::waitpid(pid, None).expect("wait");
    }
    collector.drain(&mut driver);
    let counters = driver.counters();
    check_accounting(&counters, &collector.gaps(&counters));
    let told = pokes(&collector.events[from..]);
    assert_eq!(told.into_iter().collect::<Vec<_>>(), [(9, POKES)]);
}

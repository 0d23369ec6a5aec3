// SPDX-License-Identifier: Apache-2.0
//! A process that does what it is told, step by step.
//!
//! It pokes: reads from a descriptor that is not open, whose number says which
//! poke it was. So what is told of it is known by that number.

use std::collections::BTreeMap;

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use probe_loader::abi::{SF_F_STATE, SF_OP_READ};

use crate::recording::Event;
use crate::{sys, uring};

/// Reads in one poke.
pub(crate) const POKES: u64 = 10;

const FIRST: i32 = 900;

pub(crate) fn poke(which: u8) {
    for _ in 0..POKES {
        sys::read(FIRST + i32::from(which), &mut [0; 1]).expect_err("not open");
    }
}

/// What can be asked of it.
#[derive(Clone, Copy)]
pub(crate) enum Step {
    Poke(u8),
    /// By a child.
    Child(u8),
    /// By a grandchild whose parent is gone.
    Orphan(u8),
    /// By a thread.
    Thread(u8),
    /// Through `io_uring`, where its requests are told.
    Uring(u8),
    /// Through the 32-bit table.
    Compat(u8),
    /// As this user plus 1000, effectively; 255: root again.
    User(u8),
    /// By a child that was made with [`Step::Keep`].
    Kept(u8),
    /// Makes a child that lives on.
    Keep,
}

impl Step {
    fn bytes(self) -> [u8; 2] {
        match self {
            Step::Poke(n) => [0, n],
            Step::Child(n) => [1, n],
            Step::Orphan(n) => [2, n],
            Step::Thread(n) => [3, n],
            Step::Uring(n) => [4, n],
            Step::Compat(n) => [5, n],
            Step::User(n) => [6, n],
            Step::Kept(n) => [7, n],
            Step::Keep => [8, 0],
        }
    }
}

fn child(work: impl FnOnce()) -> Pid {
    match sys::fork() {
        0 => {
            work();
            sys::exit(0)
        }
        pid => Pid::from_raw(pid as i32),
    }
}

fn wait(pid: Pid) {
    waitpid(pid, None).expect("wait");
}

/// Returns when the grandchild is done.
fn orphan(which: u8) {
    let (done, held) = sys::pipe();
    let parent = child(|| {
        let me = std::process::id();
        child(|| {
            // SAFETY: takes nothing.
            while unsafe { libc::getppid() } as u32 == me {
                std::thread::yield_now();
            }
            poke(which);
        });
    });
    wait(parent);
    sys::close(held).expect("close");
    while sys::read(done, &mut [0; 1]).expect("read") > 0 {}
    sys::close(done).expect("close");
}

#[cfg(target_arch = "x86_64")]
fn compat(which: u8) {
    for _ in 0..POKES {
        sys::call_32bit(3, [(FIRST + i32::from(which)) as u32, 0, 0]);
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn compat(_: u8) {}

fn obey(step: [u8; 2], kept: &mut Vec<Puppet>) {
    let [what, n] = step;
    match what {
        0 => poke(n),
        1 => wait(child(|| poke(n))),
        2 => orphan(n),
        3 => std::thread::spawn(move || poke(n)).join().expect("thread"),
        4 => assert_eq!(uring::read_often(FIRST + i32::from(n), POKES as u32) % 10, 0),
        5 => compat(n),
        6 => {
            let uid = if n == 255 { 0 } else { 1000 + i32::from(n) };
            sys::numbers(libc::SYS_setresuid, &[-1, uid, -1]).expect("setresuid");
        }
        7 => kept.iter().for_each(|puppet| puppet.tell(Step::Poke(n))),
        _ => kept.push(Puppet::new()),
    }
}

/// A child that waits for what to do.
pub(crate) struct Puppet {
    pub(crate) pid: Pid,
    orders: i32,
    answers: i32,
}

impl Puppet {
    pub(crate) fn new() -> Self {
        let (orders, answers) = (sys::pipe(), sys::pipe());
        let pid = child(|| {
            let mut kept = Vec::new();
            let mut step = [0; 2];
            sys::close(orders.1).expect("close");
            while sys::read(orders.0, &mut step).expect("orders") == 2 {
                obey(step, &mut kept);
                sys::write(answers.1, &[0]).expect("answer");
            }
        });
        sys::close(orders.0).expect("close");
        sys::close(answers.1).expect("close");
        Self { pid, orders: orders.1, answers: answers.0 }
    }

    /// Returns when it is done.
    pub(crate) fn tell(&self, step: Step) {
        sys::write(self.orders, &step.bytes()).expect("order");
        assert_eq!(sys::read(self.answers, &mut [0; 1]).expect("answer"), 1, "it died");
    }

    pub(crate) fn number(&self) -> u32 {
        self.pid.as_raw() as u32
    }
}

impl Drop for Puppet {
    fn drop(&mut self) {
        let _ = sys::close(self.orders);
        let _ = sys::close(self.answers);
        let _ = kill(self.pid, Signal::SIGKILL);
        let _ = waitpid(self.pid, None);
    }
}

/// Which pokes were told, and how many reads of each.
pub(crate) fn pokes(events: &[Event]) -> BTreeMap<u8, u64> {
    let mut told = BTreeMap::new();
    for event in events.iter().filter(|e| e.op() == SF_OP_READ) {
        let io = event.as_io();
        if let Ok(which) = u8::try_from(io.fd - FIRST) {
            assert_eq!(event.flags() & SF_F_STATE, 0, "a read is no state");
            *told.entry(which).or_default() += u64::from(io.ops);
        }
    }
    told
}

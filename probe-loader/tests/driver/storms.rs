// SPDX-License-Identifier: Apache-2.0
//! What a machine can go through while it is captured. The accounting stays
//! exact; that the kernel's log stays clean, `scripts/vm/run.sh` sees.
//!
//! Only where `SYSFLOW_TEST_MACHINE` gives the machine to the tests.

use std::ffi::CStr;
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::child::{end, worker};
use crate::lifecycle::busy;
use crate::recording::{Collector, check_accounting, open};
use crate::{Test, sys};

pub(crate) const TESTS: &[Test] = &[
    ("storms::cpus_go_and_come", cpus_go_and_come),
    ("storms::many_births", many_births),
    ("storms::little_memory", little_memory),
    ("storms::namespaces", namespaces),
    ("storms::stalled_reader", stalled_reader),
];

/// Rings that are soon full.
const SMALL: usize = 64 << 10;

fn is_ours() -> bool {
    let ours = std::env::var_os("SYSFLOW_TEST_MACHINE").is_some();
    if !ours {
        eprintln!("skipped: SYSFLOW_TEST_MACHINE is not set");
    }
    ours
}

/// Captures under load while a child does `storm`.
fn weather(storm: impl FnOnce()) {
    let load: Vec<_> = (0..3).map(|_| busy()).collect();
    let mut driver = open(SMALL);
    let mut collector = Collector::new();
    driver.start().expect("start");
    let child = worker(storm);
    let status = loop {
        collector.drain(&mut driver);
        collector.events.clear();
        match waitpid(child, Some(WaitPidFlag::WNOHANG)).expect("wait") {
            WaitStatus::StillAlive => std::thread::sleep(Duration::from_millis(5)),
            status => break status,
        }
    };
    driver.stop().expect("stop");
    collector.drain(&mut driver);
    let counters = driver.counters();
    check_accounting(&counters, &collector.gaps(&counters));
    for pid in load {
        end(pid);
    }
    assert_eq!(status, WaitStatus::Exited(child, 0), "the storm itself");
}

/// The second CPU, of which rings are made too, goes away and comes back.
fn cpus_go_and_come() {
    const CPU: &str = "/sys/devices/system/cpu/cpu1/online";
    if !is_ours() {
        return;
    }
    if !Path::new(CPU).exists() {
        eprintln!("skipped: there is no second CPU that can be taken away");
        return;
    }
    weather(|| {
        for _ in 0..5 {
            for state in ["0", "1"] {
                fs::write(CPU, state).expect("the CPU's state");
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    });
}

/// Each process makes four, down to the fourth generation: 340 at once.
fn many_births() {
    fn bear(generations: u32) {
        if generations == 0 {
            std::thread::sleep(Duration::from_millis(20));
            return;
        }
        let children: Vec<_> = (0..4).map(|_| worker(|| bear(generations - 1))).collect();
        for child in children {
            let _ = waitpid(child, None);
        }
    }
    if is_ours() {
        weather(|| bear(4));
    }
}

/// Bytes that can still be had.
fn available() -> usize {
    let text = fs::read_to_string("/proc/meminfo").expect("/proc/meminfo");
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kilobytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<usize>().ok());
    kilobytes.expect("MemAvailable") << 10
}

/// Nearly everything is taken, touched and given back. Not all: what the
/// kernel says when it kills for memory is no fault of a driver.
fn little_memory() {
    const LEFT: usize = 64 << 20;
    const STEP: NonZeroUsize = NonZeroUsize::new(4 << 20).expect("not zero");
    if !is_ours() {
        return;
    }
    weather(|| {
        let (prot, flags) = (ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, MapFlags::MAP_PRIVATE);
        while available() > LEFT {
            // SAFETY: new memory, which aliases nothing of Rust's.
            let memory = unsafe { mmap_anonymous(None, STEP, prot, flags) }.expect("memory");
            // SAFETY: the mapping just made is so long.
            unsafe { memory.cast::<u8>().as_ptr().write_bytes(1, STEP.get()) };
        }
        std::thread::sleep(Duration::from_millis(500));
    });
}

/// Processes in namespaces of their own, with a root that is gone with them.
fn namespaces() {
    fn opened(path: &CStr) {
        if let Ok(fd) = sys::open(path, libc::O_CREAT | libc::O_RDWR, 0o600) {
            let _ = sys::write(fd, b"x");
            let _ = sys::close(fd);
        }
    }
    if !is_ours() {
        return;
    }
    weather(|| {
        for round in 0..40 {
            let child = worker(|| {
                let mut kinds = CloneFlags::CLONE_NEWNS
                    | CloneFlags::CLONE_NEWPID
                    | CloneFlags::CLONE_NEWUTS
                    | CloneFlags::CLONE_NEWIPC
                    | CloneFlags::CLONE_NEWCGROUP;
                // Slow to make.
                if round % 8 == 0 {
                    kinds |= CloneFlags::CLONE_NEWNET;
                }
                unshare(kinds).expect("unshare");
                let none: Option<&str> = None;
                let _ = mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none);
                mount(Some("tmpfs"), "/tmp", Some("tmpfs"), MsFlags::empty(), none).expect("mount");
                opened(c"/tmp/before");
                let inner = worker(|| {
                    std::os::unix::fs::chroot("/tmp").expect("chroot");
                    opened(c"/after");
                });
                let _ = waitpid(inner, None);
            });
            assert_eq!(waitpid(child, None), Ok(WaitStatus::Exited(child, 0)));
        }
    });
}

/// A reader that is stopped holds nobody up, and can go on or be killed.
fn stalled_reader() {
    if !is_ours() {
        return;
    }
    let load: Vec<_> = (0..3).map(|_| busy()).collect();
    let reader = worker(|| {
        let mut driver = open(SMALL);
        driver.start().expect("start");
        let mut collector = Collector::new();
        loop {
            collector.drain(&mut driver);
            collector.events.clear();
        }
    });
    let pause = || std::thread::sleep(Duration::from_millis(500));
    let send = |pid: Pid, signal| kill(pid, signal).expect("kill");
    pause();
    for _ in 0..2 {
        send(reader, Signal::SIGSTOP);
        pause();
        send(reader, Signal::SIGCONT);
        pause();
    }
    send(reader, Signal::SIGSTOP);
    pause();
    end(reader);
    for pid in load {
        end(pid);
    }
    drop(open(SMALL));
}

// SPDX-License-Identifier: Apache-2.0
//! Nothing is lost without being counted.

use std::collections::BTreeMap;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use probe_loader::abi::{SF_OP_OPEN, SF_OP_READ, SF_OP_WRITE};
use probe_loader::driver::Driver;

use crate::recording::{Collector, check_accounting, open};
use crate::{Test, sys};

pub(crate) const TESTS: &[Test] = &[
    ("accounting::paused_reader", paused_reader),
    ("accounting::slow_reader", slow_reader),
    ("accounting::bytes_cost_no_identity", bytes_cost_no_identity),
    ("accounting::start_and_stop_again", start_and_stop_again),
    ("accounting::wakes_the_reader", wakes_the_reader),
    ("accounting::own_thread_group_is_not_recorded", own_thread_group_is_not_recorded),
];

const SMALL: usize = 64 << 10;

/// A child that runs `work` until it is killed, with SIGKILL or by its own end.
fn worker(work: impl FnOnce()) -> Pid {
    match sys::fork() {
        0 => {
            work();
            sys::exit(0)
        }
        pid => Pid::from_raw(pid as i32),
    }
}

fn read_zero(times: u32) {
    let fd = sys::open(c"/dev/zero", 0, 0).expect("/dev/zero");
    for _ in 0..times {
        sys::read(fd, &mut [0; 1]).expect("read");
    }
}

fn end(pid: Pid) {
    kill(pid, Signal::SIGKILL).expect("kill");
    waitpid(pid, None).expect("wait");
}

pub(crate) fn finish(mut driver: Driver, mut collector: Collector) -> (Collector, u64) {
    driver.stop().expect("stop");
    let counters = driver.counters();
    collector.drain(&mut driver);
    assert_eq!(counters, driver.counters(), "counters are final when stop returns");
    check_accounting(&counters, &collector.gaps(&counters));
    let lost = counters.iter().flat_map(|c| c.lost.iter().flatten()).sum();
    (collector, lost)
}

fn paused_reader() {
    let mut driver = open(SMALL);
    driver.start().expect("start");
    let workers: Vec<_> = (0..3).map(|_| worker(|| read_zero(5_000))).collect();
    for pid in workers {
        waitpid(pid, None).expect("wait");
    }
    let (_, lost) = finish(driver, Collector::new());
    assert!(lost > 1_000, "15,000 reads in rings of 64 KiB, {lost} lost");
}

fn slow_reader() {
    let mut driver = open(SMALL);
    driver.start().expect("start");
    let workers: Vec<_> = (0..3).map(|_| worker(|| read_zero(u32::MAX))).collect();
    let mut collector = Collector::new();
    for _ in 0..20 {
        std::thread::sleep(Duration::from_millis(20));
        collector.drain(&mut driver);
    }
    for pid in workers {
        end(pid);
    }
    let (collector, lost) = finish(driver, collector);
    assert!(lost > 0 && collector.events.len() > 1_000);
}

/// A ring full of reads has room for opens: they are lost only when the share
/// that is kept for them is used up too, by whatever else runs on the machine.
fn bytes_cost_no_identity() {
    const SIZE: usize = 1 << 20;
    let mut driver = open(SIZE);
    driver.start().expect("start");
    // As many CPUs as there are: the flood fills every ring.
    let cpus = std::thread::available_parallelism().expect("CPUs").get();
    let floods: Vec<_> = (0..2 * cpus).map(|_| worker(|| read_zero(40_000))).collect();
    for pid in floods {
        waitpid(pid, None).expect("wait");
    }
    let opener = worker(|| {
        for _ in 0..10 {
            sys::open(c"/dev/null", 0, 0).expect("open");
        }
    });
    waitpid(opener, None).expect("wait");
    let (collector, lost) = finish(driver, Collector::new());
    assert!(lost > 0);
    let mut used = BTreeMap::new();
    for event in &collector.events {
        let ring: &mut (usize, usize) = used.entry(event.cpu).or_default();
        ring.0 += usize::from(event.hdr().len);
        if [SF_OP_READ, SF_OP_WRITE].contains(&event.op()) {
            ring.1 += usize::from(event.hdr().len);
        }
    }
    assert!(used.values().all(|(_, bytes)| *bytes <= SIZE - SIZE / 8), "{used:?}");
    let opens = collector.events.iter().filter(|e| {
        e.op() == SF_OP_OPEN && e.hdr().pid == opener.as_raw() as u32 && e.as_file().0.ret >= 0
    });
    if opens.count() < 10 {
        assert!(used.values().any(|(all, _)| *all > SIZE - 512), "{used:?}");
    }
}

fn start_and_stop_again() {
    let mut driver = open(1 << 20);
    let mut collector = Collector::new();
    for _ in 0..5 {
        driver.start().expect("start");
        let pid = worker(|| read_zero(100));
        waitpid(pid, None).expect("wait");
        driver.stop().expect("stop");
        let before = driver.counters();
        waitpid(worker(|| read_zero(100)), None).expect("wait");
        assert_eq!(before, driver.counters(), "nothing is seen while stopped");
        collector.drain(&mut driver);
        let opens = collector
            .events
            .iter()
            .filter(|e| e.op() == SF_OP_OPEN && e.hdr().pid == pid.as_raw() as u32);
        assert_eq!(opens.count(), 1);
    }
    let (_, lost) = finish(driver, collector);
    assert_eq!(lost, 0);
}

fn wakes_the_reader() {
    let mut driver = open(1 << 20);
    for ring in driver.rings() {
        ring.arm(16 << 10);
    }
    driver.start().expect("start");
    let ready = |driver: &Driver, timeout: u16| {
        let mut fds = [PollFd::new(driver.wakeup_fd(), PollFlags::POLLIN)];
        poll(&mut fds, timeout).expect("poll") == 1
    };
    assert!(!ready(&driver, 0), "not before there is something");
    let pid = worker(|| read_zero(u32::MAX));
    assert!(ready(&driver, 10_000), "woken within ten seconds");
    end(pid);
    driver.stop().expect("stop");
    let wakeups: u64 = driver.counters().iter().map(|c| c.wakeups).sum();
    let cpus = driver.counters().len() as u64;
    assert!((1..=cpus).contains(&wakeups), "once per ring and request: {wakeups}");
    driver.acknowledge_wakeup();
    for ring in driver.rings() {
        ring.disarm();
    }
    assert!(!ready(&driver, 0), "not when the reader does not sleep");
}

fn own_thread_group_is_not_recorded() {
    let me = std::process::id();
    let mut driver = open(1 << 20);
    driver.start().expect("start");
    read_zero(100);
    std::thread::spawn(|| read_zero(100)).join().expect("thread");
    let (collector, _) = {
        let collector = Collector::new();
        finish(driver, collector)
    };
    assert_eq!(collector.events.iter().filter(|e| e.hdr().pid == me).count(), 0);
}

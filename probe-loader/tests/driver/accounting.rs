// SPDX-License-Identifier: Apache-2.0
//! Nothing is lost without being counted.

use std::collections::BTreeMap;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use probe_loader::Counters;
use probe_loader::abi::{SF_OP_OPEN, SF_OP_READ, SF_OP_WRITE, class_of};
use probe_loader::driver::Driver;
use probe_loader::selection::{Builder, Ops, Selection};

use crate::Test;
use crate::child::{end, worker};
use crate::recording::{Collector, check_accounting, open};
use crate::sys::{self, Arg};

pub(crate) const TESTS: &[Test] = &[
    ("accounting::paused_reader", paused_reader),
    ("accounting::slow_reader", slow_reader),
    ("accounting::exact_in_every_class", exact_in_every_class),
    #[cfg(target_arch = "x86_64")]
    ("accounting::exact_in_faults", exact_in_faults),
    ("accounting::bytes_cost_no_identity", bytes_cost_no_identity),
    ("accounting::every_call_is_told_or_lost", every_call_is_told_or_lost),
    ("accounting::start_and_stop_again", start_and_stop_again),
    ("accounting::wakes_the_reader", wakes_the_reader),
    ("accounting::own_thread_group_is_not_recorded", own_thread_group_is_not_recorded),
];

const SMALL: usize = 64 << 10;

fn read_zero(times: u32) {
    let fd = sys::open(c"/dev/zero", 0, 0).expect("/dev/zero");
    for _ in 0..times {
        sys::read(fd, &mut [0; 1]).expect("read");
    }
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

/// Producers that take the CPUs from each other: where a program is preempted
/// (Linux 7, with `SYSFLOW_EBPF_FORM=btf`), the kernel keeps the next from
/// running, and the calls that no ring saw are lost all the same.
fn every_call_is_told_or_lost() {
    const EACH: u32 = 20_000;
    let mut driver = open(256 << 10);
    driver.start().expect("start");
    let cpus = std::thread::available_parallelism().expect("CPUs").get();
    let workers: Vec<_> = (0..3 * cpus).map(|_| worker(|| read_zero(EACH))).collect();
    let mut collector = Collector::new();
    let made = u64::from(EACH) * workers.len() as u64;
    for pid in workers {
        while waitpid(pid, Some(WaitPidFlag::WNOHANG)).expect("wait") == WaitStatus::StillAlive {
            collector.drain(&mut driver);
        }
    }
    driver.stop().expect("stop");
    let (kept, total) = (driver.kept(), driver.total());
    finish(driver, collector);
    assert!(total.balanced());
    assert_eq!(total.total_seen(), total.total_told() + total.total_lost());
    let io = class_of(SF_OP_READ as u8);
    let reads = total.seen[io];
    assert!(reads + kept.unclassed >= made, "{made} made, {reads} seen, {kept:?}");
    println!("{made} reads made, {reads} seen, {} kept from the programs", kept.total_lost());
}

/// Three processes of four threads each do `round` this often, and nothing else
/// that is selected, while the reader stalls but for now and then. Returns the
/// sums over all CPUs.
fn flood(ops: Ops, rounds: u64, round: fn()) -> Counters {
    let (gate, opener) = sys::pipe();
    let floods: Vec<_> = (0..3)
        .map(|_| {
            worker(|| {
                sys::close(opener).expect("close");
                // Of no interest, so that it is not counted.
                let mut gate = libc::pollfd { fd: gate, events: 0, revents: 0 };
                sys::call(libc::SYS_poll, [&raw mut gate as usize, 1, usize::MAX]).expect("poll");
                let threads: Vec<_> = (0..4)
                    .map(|_| std::thread::spawn(move || (0..rounds).for_each(|_| round())))
                    .collect();
                threads.into_iter().for_each(|thread| thread.join().expect("thread"));
            })
        })
        .collect();
    let trees = floods.iter().map(|pid| pid.as_raw() as u32);
    let selection = trees.fold(Selection::builder().ops(ops).state(Ops::NONE), Builder::tree);
    let mut driver = open(SMALL);
    driver.select(&selection.build().expect("a selection")).expect("selected");
    driver.start().expect("start");
    sys::close(opener).expect("close");
    let mut collector = Collector::new();
    for pid in floods {
        let status = waitpid(pid, None).expect("wait");
        assert!(matches!(status, WaitStatus::Exited(_, 0)), "{status:?}");
        collector.drain(&mut driver);
    }
    sys::close(gate).expect("close");
    assert_eq!(driver.kept().total_lost(), 0, "the kernel kept calls from the programs");
    driver.stop().expect("stop");
    let sums = driver.counters().iter().fold(Counters::default(), |sum, cpu| sum + *cpu);
    finish(driver, collector);
    sums
}

const THREADS: u64 = 12;

fn exact_in_every_class() {
    const ROUNDS: u64 = 1_500;
    let ops = "chroot,open,close,socket,mkdir,read".parse().expect("operations");
    let sums = flood(ops, ROUNDS, || {
        sys::any(libc::SYS_chroot, &[Arg::Text(c"/none/such")]).expect_err("not there");
        sys::any(libc::SYS_mkdir, &[Arg::Text(c"/none/such")]).expect_err("not there");
        let fd = sys::open(c"/dev/zero", 0, 0).expect("open");
        for _ in 0..3 {
            sys::read(fd, &mut [0; 1]).expect("read");
        }
        sys::close(fd).expect("close");
        let fd = sys::socket(libc::AF_INET, libc::SOCK_DGRAM).expect("socket");
        sys::close(fd).expect("close");
    });
    let all = ROUNDS * THREADS;
    let [process, _, file, net, path, io] = sums.seen;
    assert_eq!([process, file, net, path, io], [all, 3 * all, all, all, 3 * all]);
    assert!(sums.lost_in(5) > 0 && sums.total_lost() > all, "{sums:?}");
    assert_eq!(sums.lost[1..].iter().flatten().sum::<u64>(), 0, "the ring was full, no more");
}

/// What could not be read is lost for that cause, to the last call.
#[cfg(target_arch = "x86_64")]
fn exact_in_faults() {
    const ROUNDS: u64 = 1_000;
    let sums = flood(Ops::of_class(3), ROUNDS, || {
        // socketcall(SYS_SOCKET, nowhere)
        assert_eq!(sys::call_32bit(102, [1, 8]), -libc::EFAULT);
    });
    assert_eq!((sums.seen[3], sums.lost[2][3]), (ROUNDS * THREADS, ROUNDS * THREADS));
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
        assert!(!ring.arm(16 << 10), "nothing is there yet");
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

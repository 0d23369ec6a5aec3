// SPDX-License-Identifier: Apache-2.0
//! The kernel module comes and goes, under load and without a farewell.
//! Skipped with another driver, and where `SYSFLOW_MODULE` names no module.

use std::fs::OpenOptions;
use std::io;
use std::num::NonZeroUsize;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use probe_loader::driver::{Choice, Driver, Kind, Options};
use probe_loader::kmod::{Error, module};
use probe_loader::ring::stride;

use crate::child::{end, worker};
use crate::puppet::{Puppet, Step, pokes};
use crate::recording::{Collector, open};
use crate::{Test, choice, sys};

pub(crate) const TESTS: &[Test] = &[
    ("lifecycle::one_capture_at_a_time", one_capture_at_a_time),
    ("lifecycle::too_large_a_ring", too_large_a_ring),
    ("lifecycle::mappings_are_read_only", mappings_are_read_only),
    ("lifecycle::switched_off", switched_off),
    ("lifecycle::switched_off_under_load", switched_off_under_load),
    ("lifecycle::switched_off_before", switched_off_before),
    ("lifecycle::killed_reader", killed_reader),
    ("lifecycle::unloading_while_open", unloading_while_open),
    ("lifecycle::load_and_unload_under_load", load_and_unload_under_load),
];

fn is_kmod() -> bool {
    let kmod = choice() != Choice::Ebpf && open(64 << 10).kind() == Kind::Kmod;
    if !kmod {
        eprintln!("skipped: not the kernel module");
    }
    kmod
}

fn module_file() -> Option<PathBuf> {
    let path = std::env::var_os(module::PATH_VARIABLE).map(PathBuf::from);
    if path.is_none() {
        eprintln!("skipped: {} is not set", module::PATH_VARIABLE);
    }
    path
}

fn too_large_a_ring() {
    let options = Options { ring_size: 1 << 30 };
    match Driver::open(choice(), &options).map(|driver| driver.kind()) {
        // One GiB per CPU may be more than there is, or than eBPF can have.
        Err(error) => assert!(error.to_string().contains("ring"), "{error}"),
        Ok(kind) => assert_eq!(kind, Kind::Kmod),
    }
    assert!(Driver::open(choice(), &Options { ring_size: 100_000 }).is_err(), "no power of two");
    drop(open(64 << 10));
}

/// Reads, opens, forks and exits until it is killed.
pub(crate) fn busy() -> Pid {
    worker(|| {
        loop {
            let fd = sys::open(c"/dev/zero", 0, 0).expect("/dev/zero");
            for _ in 0..200 {
                let _ = sys::read(fd, &mut [0; 16]);
            }
            let _ = sys::close(fd);
            let child = worker(|| {});
            let _ = waitpid(child, None);
        }
    })
}

fn one_capture_at_a_time() {
    if !is_kmod() {
        return;
    }
    let first = open(64 << 10);
    let second = Driver::open(Choice::Kmod, &Options::default()).map(|_| ()).expect_err("busy");
    assert!(matches!(second, probe_loader::driver::Error::Kmod(Error::Busy)), "{second}");
    drop(first);
    drop(open(64 << 10));
}

fn mappings_are_read_only() {
    if !is_kmod() {
        return;
    }
    const SIZE: usize = 64 << 10;
    let device = || OpenOptions::new().read(true).write(true).open("/dev/sysflow").expect("device");
    let setup = |file: &std::fs::File| {
        use std::os::fd::AsRawFd;
        nix::ioctl_write_ptr!(setup, 0xf5, 2, probe_loader::abi::sf_setup);
        let request = probe_loader::abi::sf_setup { ring_size: SIZE as u64, ..Default::default() };
        // SAFETY: reads one `sf_setup` through a valid pointer.
        unsafe { setup(file.as_raw_fd(), &raw const request) }
    };
    let map = |file: &std::fs::File, offset: usize, len: usize, prot, flags| {
        let len = NonZeroUsize::new(len).expect("a length");
        // SAFETY: a new mapping that aliases nothing of Rust's.
        unsafe { mmap(None, len, prot, flags, file.as_fd(), offset as libc::off_t) }
    };
    let (ro, rw) = (ProtFlags::PROT_READ, ProtFlags::PROT_READ | ProtFlags::PROT_WRITE);
    let (shared, private) = (MapFlags::MAP_SHARED, MapFlags::MAP_PRIVATE);
    let whole = stride(SIZE);
    let file = device();
    assert!(map(&file, 0, whole, ro, shared).is_err(), "not before SETUP");
    assert!(setup(&file).is_ok());
    assert_eq!(setup(&file), Err(nix::Error::EBUSY), "once");
    assert_eq!(map(&file, 0, whole, rw, shared), Err(nix::Error::EPERM));
    assert_eq!(map(&file, 0, whole, ro, private), Err(nix::Error::EINVAL));
    assert_eq!(map(&file, 0, 4096, rw, shared), Err(nix::Error::EINVAL));
    assert_eq!(map(&file, 8192, 4096, rw, shared), Err(nix::Error::EINVAL));
    assert!(map(&file, whole * 4096, whole, ro, shared).is_err(), "no such cpu");
    let base = map(&file, 0, whole, ro, shared).expect("read-only");
    // SAFETY: changes the protection of our own mapping.
    let raised =
        unsafe { libc::mprotect(base.as_ptr(), whole, libc::PROT_READ | libc::PROT_WRITE) };
    assert_eq!((raised, io::Error::last_os_error().raw_os_error()), (-1, Some(libc::EACCES)));
    // SAFETY: the mapping just made, which nothing borrows.
    unsafe { munmap(base, whole) }.expect("unmapped");
}

fn is_ebpf() -> bool {
    open(64 << 10).kind() == Kind::Ebpf
}

/// Turns the switch, from another process. With eBPF it turns on again with the
/// next start.
fn switch(ebpf: bool, on: bool) {
    let pid = worker(|| match (ebpf, on) {
        (true, true) => {}
        (true, false) => assert_eq!(probe_loader::ebpf::switch_off().expect("switched"), 1),
        (false, on) => std::fs::write(module::SWITCH, if on { "1" } else { "0" }).expect("sysfs"),
    });
    let status = waitpid(pid, None).expect("wait");
    assert!(matches!(status, nix::sys::wait::WaitStatus::Exited(_, 0)), "{status:?}");
}

fn switched_off() {
    let ebpf = is_ebpf();
    let mut driver = open(1 << 20);
    let mut collector = Collector::new();
    // Before the start: a child keeps the programs attached that it was born
    // with, and until Linux 6.10 they cannot be attached again beside that.
    let puppet = Puppet::new();
    driver.start().expect("start");
    puppet.tell(Step::Poke(1));
    assert!(!driver.switched_off());
    switch(ebpf, false);
    assert!(driver.switched_off());
    let counted = driver.counters();
    puppet.tell(Step::Child(2));
    assert_eq!(driver.counters(), counted, "nothing is counted");
    if ebpf {
        assert_eq!(probe_loader::ebpf::switch_off().expect("switched"), 0, "it is off");
    } else {
        let error = driver.start().expect_err("off").to_string();
        assert!(error.contains("switched off") && error.contains(module::SWITCH), "{error}");
        switch(ebpf, true);
        assert!(driver.switched_off(), "switching on starts nothing");
        assert_eq!(driver.counters(), counted);
    }
    driver.stop().expect("stop");
    driver.start().expect("start again");
    assert!(!driver.switched_off());
    puppet.tell(Step::Poke(3));
    driver.stop().expect("stop");
    collector.drain(&mut driver);
    let counters = driver.counters();
    crate::recording::check_accounting(&counters, &collector.gaps(&counters));
    let told: Vec<_> = pokes(&collector.events).into_keys().collect();
    assert_eq!(told, [1, 3]);
}

fn switched_off_under_load() {
    let ebpf = is_ebpf();
    let load: Vec<_> = (0..3).map(|_| busy()).collect();
    for _ in 0..10 {
        let mut driver = open(64 << 10);
        driver.start().expect("start");
        std::thread::sleep(Duration::from_millis(20));
        switch(ebpf, false);
        assert!(driver.switched_off());
        driver.stop().expect("stop");
        let counters = driver.counters();
        let mut collector = Collector::new();
        collector.drain(&mut driver);
        crate::recording::check_accounting(&counters, &collector.gaps(&counters));
        assert!(!collector.events.is_empty());
        switch(ebpf, true);
    }
    for pid in load {
        end(pid);
    }
}

fn switched_off_before() {
    if !is_kmod() {
        return;
    }
    switch(false, false);
    let mut driver = open(64 << 10);
    let refused = driver.start().expect_err("off").to_string();
    let was_off = driver.switched_off();
    switch(false, true);
    assert!(refused.contains("switched off"), "{refused}");
    assert!(!was_off, "it was never started");
    driver.start().expect("start");
}

fn killed_reader() {
    if !is_kmod() {
        return;
    }
    let load: Vec<_> = (0..3).map(|_| busy()).collect();
    for _ in 0..3 {
        let reader = worker(|| {
            let mut driver = open(64 << 10);
            driver.start().expect("start");
            let mut collector = Collector::new();
            loop {
                collector.drain(&mut driver);
                collector.events.clear();
            }
        });
        std::thread::sleep(Duration::from_millis(300));
        end(reader);
        // The device is free as soon as the dead reader is waited for.
        drop(open(64 << 10));
    }
    for pid in load {
        end(pid);
    }
    if module_file().is_some() {
        module::unload().expect("nothing holds the module");
    }
}

fn unloading_while_open() {
    if !is_kmod() {
        return;
    }
    let driver = open(64 << 10);
    let error = module::unload().expect_err("in use").to_string();
    assert!(error.contains("a capture uses it"), "{error}");
    drop(driver);
}

/// `SYSFLOW_TEST_CYCLES` times.
fn load_and_unload_under_load() {
    let cycles = std::env::var("SYSFLOW_TEST_CYCLES").map_or(20, |n| n.parse().expect("a number"));
    let (true, Some(path)) = (is_kmod(), module_file()) else { return };
    let load: Vec<_> = (0..3).map(|_| busy()).collect();
    let mut times = Vec::new();
    for _ in 0..cycles {
        module::load(&path).expect("load");
        let mut driver = open(64 << 10);
        driver.start().expect("start");
        std::thread::sleep(Duration::from_millis(20));
        let begun = Instant::now();
        driver.stop().expect("stop");
        let stopped = begun.elapsed();
        let counters = driver.counters();
        let mut collector = Collector::new();
        collector.drain(&mut driver);
        crate::recording::check_accounting(&counters, &collector.gaps(&counters));
        drop(driver);
        let begun = Instant::now();
        module::unload().expect("unload");
        times.push((stopped + begun.elapsed()).as_millis());
        assert!(!module::loaded());
    }
    times.sort_unstable();
    let (median, slowest) = (times.get(cycles / 2), times.last());
    println!(
        "{cycles} cycles, the slowest end and unload took {} ms, the median {} ms",
        slowest.unwrap_or(&0),
        median.unwrap_or(&0)
    );
    for pid in load {
        end(pid);
    }
    module::load(&path).expect("left loaded");
}

// SPDX-License-Identifier: Apache-2.0
//! Nothing is lost in silence, and the reader is woken.

use std::collections::HashMap;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::wait::waitpid;
use nix::unistd::read;

use probe_loader::abi::*;
use probe_loader::{Counters, Driver};

use crate::support::{Board, driver, spawn};

/// Reads one byte of `/dev/zero` so many times, which is as many operations.
fn flood(_: Board, reads: usize) {
    let zero = std::fs::File::open("/dev/zero").expect("zero");
    for _ in 0..reads {
        assert_eq!(read(&zero, &mut [0]).expect("read"), 1);
    }
}

fn run(reads: usize) {
    let child = spawn(Board::new(), |board| flood(board, reads));
    waitpid(child, None).expect("wait");
}

fn totals(driver: &Driver) -> Counters {
    driver.counters().into_iter().fold(Counters::default(), |sum, c| sum + c)
}

#[test]
fn a_flood_without_a_reader_loses_exactly_what_it_says() {
    const READS: u64 = 100_000;
    let Some(mut driver) = driver(SF_RING_SIZE_MIN as usize) else { return };
    driver.start().expect("attach");
    run(READS as usize);
    driver.stop().expect("detach");
    let mut delivered = HashMap::new();
    let counters = driver.counters();
    for (ring, counters) in driver.rings().iter_mut().zip(&counters) {
        assert!(counters.balanced(), "{counters:?}");
        let (mut seq, mut gaps) = (0u32, 0u64);
        ring.refresh();
        while let Some(bytes) = ring.peek() {
            let record = probe_loader::Record::decode(bytes).expect("a sound record");
            let header = *record.header();
            gaps += u64::from(header.seq.wrapping_sub(seq) - 1);
            seq = header.seq;
            *delivered.entry(class_of(header.op)).or_insert(0u64) += 1;
            ring.advance();
        }
        // What was lost behind the last record shows in no gap.
        let tried: u64 = counters.delivered.iter().sum::<u64>() + counters.total_lost();
        assert_eq!(gaps + (tried - u64::from(seq)), counters.total_lost(), "cpu {}", ring.cpu());
    }
    let sum = totals(&driver);
    for (class, count) in sum.delivered.iter().enumerate() {
        assert_eq!(delivered.get(&class).copied().unwrap_or(0), *count, "class {class}");
    }
    let io = SF_CLASS_IO as usize;
    assert!(sum.seen[io] >= READS && sum.lost_in(io) > 0, "{sum:?}");
    assert_eq!(sum.lost[SF_CAUSE_NESTED as usize][io], 0, "{sum:?}");
}

#[test]
fn a_flood_of_reads_leaves_room_for_identity() {
    let Some(mut driver) = driver(SF_RING_SIZE_MIN as usize) else { return };
    driver.start().expect("attach");
    run(20_000);
    driver.stop().expect("detach");
    let (full, io) = (SF_CAUSE_RING_FULL as usize, SF_CLASS_IO as usize);
    let sum = totals(&driver);
    assert!(sum.lost[full][io] > 0);
    // The flood's own process ended after it, and that was told.
    let ended = driver.rings().iter_mut().any(|ring| {
        ring.refresh();
        let mut found = false;
        while let Some(bytes) = ring.peek() {
            let record = probe_loader::Record::decode(bytes).expect("a sound record");
            found |= u32::from(record.header().op) == SF_OP_EXIT;
            ring.advance();
        }
        found
    });
    assert!(ended, "{sum:?}");
}

#[test]
fn a_sleeping_reader_is_woken_and_the_wake_up_can_be_taken_back() {
    let Some(mut driver) = driver(SF_RING_SIZE_MIN as usize) else { return };
    driver.start().expect("attach");
    let readable = |driver: &Driver, timeout: u16| {
        let mut fds = [PollFd::new(driver.wakeup_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::from(timeout)).expect("poll") == 1
    };
    assert!(!readable(&driver, 0), "nobody asked to be woken");
    for ring in driver.rings() {
        ring.refresh();
        ring.arm(4096);
    }
    run(5_000);
    assert!(readable(&driver, 10_000));
    driver.stop().expect("detach");
    driver.acknowledge_wakeup();
    assert!(!readable(&driver, 0));
    let wakeups = totals(&driver).wakeups;
    let rings = driver.rings().len() as u64;
    assert!(wakeups >= 1 && wakeups <= rings, "{wakeups} for one armed position per ring");
}

#[test]
fn the_recorder_does_not_record_itself() {
    let Some(mut driver) = driver(SF_RING_SIZE_MIN as usize) else { return };
    driver.start().expect("attach");
    flood(Board::new(), 1_000);
    std::thread::spawn(|| flood(Board::new(), 1_000)).join().expect("thread");
    driver.stop().expect("detach");
    let own = std::process::id();
    for ring in driver.rings() {
        ring.refresh();
        while let Some(bytes) = ring.peek() {
            let record = probe_loader::Record::decode(bytes).expect("a sound record");
            // Other tests fork, and a child process is not the recorder.
            let fork = u32::from(record.header().op) == SF_OP_FORK;
            assert!(fork || record.header().pid != own, "{record:?}");
            ring.advance();
        }
    }
}

#[test]
fn a_capture_can_stop_and_start_again() {
    let Some(mut driver) = driver(1 << 20) else { return };
    for _ in 0..3 {
        driver.start().expect("attach");
        driver.start().expect("attaching twice is no error");
        run(10);
        driver.stop().expect("detach");
        let before = totals(&driver);
        assert!(before.balanced());
        run(10);
        assert_eq!(totals(&driver), before, "nothing is counted while stopped");
    }
    assert!(totals(&driver).seen[SF_CLASS_IO as usize] >= 30);
}

#[test]
fn a_ring_that_is_too_large_is_refused_with_a_reason() {
    if driver(SF_RING_SIZE_MIN as usize).is_none() {
        return;
    }
    let options = probe_loader::driver::Options { ring_size: 1 << 30 };
    let Err(error) = Driver::open(probe_loader::driver::Choice::Ebpf, &options) else {
        panic!("1 GiB per CPU was taken");
    };
    assert!(error.to_string().contains("256 MiB"), "{error}");
}

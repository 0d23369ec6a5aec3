// SPDX-License-Identifier: Apache-2.0
//! How many operations in a second a driver and its reader stand: processes
//! that read single bytes as fast as they can, one on each CPU, and the
//! reader, which has no CPU of its own.

use std::io;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use probe_loader::driver::Driver;

use super::reader::drain;
use super::subject::{now, pin};
use crate::workload::board::Board;
use crate::workload::{child, sys};

/// Reads of a producer between two looks at the board.
const READS: u32 = 1024;

/// Slots of the board.
const GO: usize = 0;
const END: usize = 1;

/// Longest sleep of the reader, ms; a ring that is a quarter full wakes it.
const SLEEP: i32 = 10;

/// Fewer records than this in one turn: sleep rather than spin.
const FEW: u64 = 512;

/// What came of one round.
#[derive(Clone, Copy, Debug, Default)]
pub struct Round {
    /// Operations that the driver saw.
    pub seen: u64,
    /// Of those, lost in the rings; with what the kernel kept from the driver.
    pub lost: u64,
    /// Records read.
    pub records: u64,
    /// CPU time of the reading thread, ns.
    pub cpu: u64,
    /// How long the producers ran, ns.
    pub time: u64,
}

impl Round {
    /// Operations in a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.seen as f64 * 1e9 / self.time.max(1) as f64
    }

    /// CPU time of the reader for each record, ns.
    #[must_use]
    pub fn each(&self) -> f64 {
        self.cpu as f64 / self.records.max(1) as f64
    }
}

/// The processes that flood, one on each of the first CPUs. They wait for the
/// start, and end with this process.
pub struct Producers {
    board: Board,
    pids: Vec<i32>,
}

impl Producers {
    /// Forks them, while this process has one thread.
    ///
    /// # Errors
    /// The system's.
    pub fn fork(count: usize) -> io::Result<Self> {
        let board = Board::new()?;
        let pids: io::Result<Vec<_>> =
            (0..count).map(|cpu| child::fork(|| flood(board, cpu))).collect();
        Ok(Self { board, pids: pids? })
    }

    /// Lets them run while a driver records them.
    ///
    /// # Errors
    /// The driver's, and a producer's that failed.
    pub fn round(self, driver: &mut Driver, length: Duration) -> io::Result<Round> {
        let mut round = Round::default();
        let before = driver.total();
        driver.start().map_err(io::Error::other)?;
        let (cpu, begun) = (now(libc::CLOCK_THREAD_CPUTIME_ID), Instant::now());
        self.board.post(GO, 1);
        while begun.elapsed() < length {
            let records = drain(driver);
            round.records += records;
            if records < FEW {
                sleep(driver);
            }
        }
        self.board.post(END, 1);
        round.time = begun.elapsed().as_nanos() as u64;
        let stopped = driver.stop();
        round.records += drain(driver);
        round.cpu = now(libc::CLOCK_THREAD_CPUTIME_ID) - cpu;
        let after = driver.total();
        for pid in &self.pids {
            child::expect(*pid, 0)?;
        }
        stopped.map_err(io::Error::other)?;
        round.seen = after.total_seen() - before.total_seen();
        round.lost = after.total_lost() - before.total_lost();
        Ok(round)
    }
}

fn flood(board: Board, cpu: usize) -> io::Result<i32> {
    child::die_with_parent();
    pin(cpu)?;
    let fd = sys::open(c"/dev/zero", libc::O_RDONLY, 0)?;
    board.wait(GO)?;
    while board.look(END) == 0 {
        for _ in 0..READS {
            sys::read(fd, &mut [0])?;
        }
    }
    Ok(0)
}

/// Until a ring fills up.
fn sleep(driver: &mut Driver) {
    let mut there = false;
    for ring in driver.rings() {
        there |= ring.arm(ring.size() / 4);
    }
    let mut poll =
        libc::pollfd { fd: driver.wakeup_fd().as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one valid structure.
    let ready = unsafe { libc::poll(&raw mut poll, 1, if there { 0 } else { SLEEP }) };
    for ring in driver.rings() {
        ring.disarm();
    }
    if ready > 0 {
        driver.acknowledge_wakeup();
    }
}

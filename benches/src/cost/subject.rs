// SPDX-License-Identifier: Apache-2.0
//! The process whose calls are timed. It is forked, because a driver never
//! records the process that captures.

use std::io;
use std::os::fd::RawFd;

use super::calls::{Call, Stage, pipe};
use crate::workload::{child, sys};

/// The measured process, pinned to a CPU; it ends with this one.
pub struct Subject {
    ask: RawFd,
    answer: RawFd,
}

impl Subject {
    /// Starts it on a CPU.
    ///
    /// # Errors
    /// When it cannot be forked.
    pub fn start(cpu: usize) -> io::Result<Self> {
        let ((ask_in, ask_out), (answer_in, answer_out)) = (pipe()?, pipe()?);
        child::fork(|| {
            child::die_with_parent();
            pin(cpu)?;
            let stage = Stage::set()?;
            let mut request = [0; 16];
            while sys::read(ask_in, &mut request)? == request.len() {
                let (call, count) = parse(request)?;
                // CPU time, so that others on the CPU do not count, unless the
                // calls wait for another process.
                let clock = match call {
                    Call::PingPong => libc::CLOCK_MONOTONIC,
                    _ => libc::CLOCK_THREAD_CPUTIME_ID,
                };
                let begun = now(clock);
                stage.make(call, count)?;
                let time = now(clock) - begun;
                sys::write(answer_out, &time.to_ne_bytes())?;
            }
            Ok(0)
        })?;
        // Only the process itself keeps its end: its death is seen as the end
        // of the answers.
        sys::close(answer_out)?;
        sys::close(ask_in)?;
        Ok(Self { ask: ask_out, answer: answer_in })
    }

    /// Nanoseconds that `count` calls take.
    ///
    /// # Errors
    /// When the process is gone; it has said why.
    pub fn time(&mut self, call: Call, count: u64) -> io::Result<u64> {
        let index = Call::ALL.iter().position(|c| *c == call).unwrap_or_default() as u64;
        let mut request = [0; 16];
        request[..8].copy_from_slice(&index.to_ne_bytes());
        request[8..].copy_from_slice(&count.to_ne_bytes());
        sys::write(self.ask, &request)?;
        let mut time = [0; 8];
        match sys::read(self.answer, &mut time)? {
            8 => Ok(u64::from_ne_bytes(time)),
            _ => Err(io::Error::other("the measured process has ended")),
        }
    }
}

fn parse(request: [u8; 16]) -> io::Result<(Call, u64)> {
    let word = |at: usize| u64::from_ne_bytes(std::array::from_fn(|i| request[at + i]));
    let call = usize::try_from(word(0)).ok().and_then(|index| Call::ALL.get(index));
    call.map(|call| (*call, word(8))).ok_or_else(|| io::Error::other("no such call"))
}

/// Keeps the calling thread on a CPU.
///
/// # Errors
/// When there is no such CPU.
pub fn pin(cpu: usize) -> io::Result<()> {
    // SAFETY: plain integers, for which zero is valid.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: a CPU out of range is ignored, and the empty set is then refused.
    unsafe { libc::CPU_SET(cpu, &mut set) };
    // SAFETY: the set is valid for its size.
    match unsafe { libc::sched_setaffinity(0, size_of_val(&set), &raw const set) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Time of a clock, ns.
pub(super) fn now(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: room for the time.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
}

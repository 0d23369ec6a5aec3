// SPDX-License-Identifier: Apache-2.0
//! Numbers that forked processes tell each other without a system call that a
//! capture tells: memory shared with the children.

use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use super::sys;

/// Numbers on a board.
const SLOTS: usize = 64;

/// Nobody is waited for longer than this.
const PATIENCE: Duration = Duration::from_secs(120);

/// Shared numbers, each posted once. Zero means not yet.
///
/// The memory is never unmapped: boards are few and live as long as the
/// program.
#[derive(Clone, Copy)]
pub struct Board {
    slots: &'static [AtomicI64; SLOTS],
}

impl Board {
    /// A board of zeroes, shared with every child forked from now on.
    ///
    /// # Errors
    /// When there is no memory.
    pub fn new() -> io::Result<Self> {
        let (prot, flags) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
        let len = size_of::<[AtomicI64; SLOTS]>();
        // SAFETY: a fresh mapping at an address that the kernel chooses.
        let base = unsafe { libc::mmap(std::ptr::null_mut(), len, prot, flags, -1, 0) };
        let base = NonNull::new(base)
            .filter(|base| base.as_ptr() != libc::MAP_FAILED)
            .ok_or_else(io::Error::last_os_error)?;
        // SAFETY: page-aligned, zeroed, never unmapped; atomics make sharing
        // it with other processes sound.
        Ok(Self { slots: unsafe { base.cast().as_ref() } })
    }

    /// Tells a number other than 0.
    pub fn post(self, slot: usize, value: impl Into<i64>) {
        self.slots[slot].store(value.into(), Ordering::Release);
    }

    /// What was told, 0 if nothing was.
    #[must_use]
    pub fn look(self, slot: usize) -> i64 {
        self.slots[slot].load(Ordering::Acquire)
    }

    /// Waits until a number was told.
    ///
    /// # Errors
    /// `TimedOut`: who should tell it is stuck or dead.
    pub fn wait(self, slot: usize) -> io::Result<i64> {
        let start = Instant::now();
        loop {
            match self.look(slot) {
                0 if start.elapsed() > PATIENCE => {
                    let what = format!("nobody posted number {slot}");
                    return Err(io::Error::new(io::ErrorKind::TimedOut, what));
                }
                0 => sys::relax(),
                value => return Ok(value),
            }
        }
    }
}

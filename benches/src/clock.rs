// SPDX-License-Identifier: Apache-2.0
//! Time spent on a CPU, user and system.

use std::time::Duration;

/// Of the calling thread.
///
/// # Panics
/// If the system has no such clock.
#[must_use]
pub fn thread() -> Duration {
    read(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// Of all threads of this process.
///
/// # Panics
/// If the system has no such clock.
#[must_use]
pub fn process() -> Duration {
    read(libc::CLOCK_PROCESS_CPUTIME_ID)
}

fn read(clock: libc::clockid_t) -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes to `time`, which is there and of that type (clock_gettime(2)).
    let result = unsafe { libc::clock_gettime(clock, &raw mut time) };
    assert_eq!(result, 0, "Linux has the clock since 2.6.12");
    Duration::new(time.tv_sec.cast_unsigned(), time.tv_nsec as u32)
}

/// Of the children that ended and were waited for.
///
/// # Panics
/// If the system cannot tell.
#[must_use]
pub fn children() -> Duration {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the call writes to `usage`, which is there and of that type (getrusage(2)).
    let result = unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr()) };
    assert_eq!(result, 0, "there is nothing that could be wrong");
    // SAFETY: zeros are a valid value of the type, and the call has filled it.
    let usage = unsafe { usage.assume_init() };
    let time = |time: libc::timeval| {
        Duration::new(time.tv_sec.cast_unsigned(), time.tv_usec as u32 * 1000)
    };
    time(usage.ru_utime) + time(usage.ru_stime)
}

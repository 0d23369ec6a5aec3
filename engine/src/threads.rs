// SPDX-License-Identifier: Apache-2.0
//! Threads beside the capture.

use std::io;
use std::num::NonZero;
use std::thread::{Builder, JoinHandle};

use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::signal::{SigSet, SigmaskHow, pthread_sigmask};

use crate::privileges;

/// With more CPUs than this, [`usual`] is more than one.
const FEW_CPUS: usize = 4;

/// How many threads events pass through where nobody says: two where that leaves
/// enough CPUs for what is recorded.
#[must_use]
pub fn usual() -> usize {
    let cpus = std::thread::available_parallelism().map_or(1, NonZero::get);
    if cpus > FEW_CPUS { 2 } else { 1 }
}

/// Has this thread, and those that it begins from now on, run on these CPUs
/// alone.
///
/// # Errors
/// What the system says: `EINVAL` where none of them can be used.
pub fn run_on(cpus: &[usize]) -> io::Result<()> {
    let mut set = CpuSet::new();
    for cpu in cpus {
        set.set(*cpu)?;
    }
    Ok(sched_setaffinity(nix::unistd::Pid::from_raw(0), &set)?)
}

/// Begins a thread that no signal is delivered to: signals are for the capture.
/// It has no capabilities, unless it is root's.
///
/// # Errors
/// What the system says.
pub fn spawn<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    spawn_with(name, &[], work)
}

/// The same for a thread that keeps these capabilities, as far as this one has
/// them ([`privileges`]).
///
/// # Errors
/// What the system says.
pub fn spawn_with<T: Send + 'static>(
    name: &str,
    capabilities: &'static [u32],
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    // A thread takes over the mask of the one that begins it.
    let mut before = SigSet::empty();
    pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), Some(&mut before))?;
    let begun = Builder::new().name(name.to_owned()).spawn(move || {
        if let Err(error) = privileges::keep(capabilities) {
            log::warn!("a thread keeps its capabilities: {error}");
        }
        work()
    });
    pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&before), None)?;
    begun
}

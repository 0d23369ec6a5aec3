// SPDX-License-Identifier: Apache-2.0
//! Threads beside the capture.

use std::io;
use std::thread::{Builder, JoinHandle};

use nix::sys::signal::{SigSet, SigmaskHow, pthread_sigmask};

use crate::privileges;

/// Begins a thread that no signal is delivered to: signals are for the capture.
/// It has no capabilities, unless it is root's.
///
/// # Errors
/// What the system says.
pub fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    // A thread takes over the mask of the one that begins it.
    let mut before = SigSet::empty();
    pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), Some(&mut before))?;
    let begun = Builder::new().name(name.to_owned()).spawn(|| {
        if let Err(error) = privileges::keep(&[]) {
            log::warn!("a thread keeps its capabilities: {error}");
        }
        work();
    });
    pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&before), None)?;
    begun
}

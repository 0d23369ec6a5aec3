// SPDX-License-Identifier: Apache-2.0
//! Placeholder until the kmod driver lands.

use std::os::fd::{BorrowedFd, OwnedFd};

use crate::driver::Options;

/// Why the driver cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process captures.
    #[error("in use by another process")]
    Busy,
    /// Not built.
    #[error("not built into this program")]
    Absent,
}

/// The driver, loaded.
pub(crate) struct Kmod {
    fd: OwnedFd,
}

impl Kmod {
    pub(crate) fn open(_options: &Options) -> Result<Self, Error> {
        Err(Error::Absent)
    }

    pub(crate) fn cpus(&self) -> u32 {
        0
    }

    pub(crate) fn rings_fd(&self) -> BorrowedFd<'_> {
        std::os::fd::AsFd::as_fd(&self.fd)
    }

    pub(crate) fn wakeup_fd(&self) -> BorrowedFd<'_> {
        std::os::fd::AsFd::as_fd(&self.fd)
    }

    pub(crate) fn start(&mut self) -> Result<(), Error> {
        Ok(())
    }

    pub(crate) fn stop(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

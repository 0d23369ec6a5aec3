// SPDX-License-Identifier: Apache-2.0
//! The driver's page of a ring, mapped for writing: the loader fills in what
//! is constant, as `sf_ring_init` does, and afterwards only looks at it.

use std::num::NonZeroUsize;
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

use super::Error;
use super::config::Config;
use crate::abi::{SF_RING_CONS, SF_RING_MAGIC, sf_ring_prod};

/// How long a program may still run after it was detached.
const PATIENCE: Duration = Duration::from_secs(1);

pub(super) struct ProdPage {
    page: NonNull<sf_ring_prod>,
    cpu: u32,
}

// SAFETY: plain shared memory that this value alone unmaps.
unsafe impl Send for ProdPage {}

impl ProdPage {
    /// Maps the page of `cpu`, of a map whose elements are `stride` long.
    pub(super) fn map(fd: BorrowedFd<'_>, cpu: u32, stride: usize) -> Result<Self, Error> {
        let failed = |error: nix::Error| Error::system("map a ring", &error);
        let len =
            NonZeroUsize::new(SF_RING_CONS as usize).ok_or_else(|| failed(nix::Error::EINVAL))?;
        let offset = libc::off_t::try_from(cpu as usize * stride)
            .map_err(|_| failed(nix::Error::EOVERFLOW))?;
        let prot = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a fresh shared mapping at an address that the kernel
        // chooses; it aliases no Rust object.
        let page = unsafe { mmap(None, len, prot, MapFlags::MAP_SHARED, fd, offset) };
        Ok(Self { page: page.map_err(failed)?.cast(), cpu })
    }

    /// Fills in the constants; the magic number last.
    pub(super) fn init(&self, config: &Config, cpus: u32) {
        let prod = self.page.as_ptr();
        // SAFETY: the page is mapped for writing, `sf_ring_prod` fits into it
        // (its size is asserted in ring.h), and no program is attached yet,
        // so nobody else uses it.
        unsafe {
            (*prod).api_version = config.api_version;
            (*prod).schema_version = config.schema_version;
            (*prod).cpu = self.cpu;
            (*prod).nr_cpus = cpus;
            (*prod).size = config.ring_size;
            (*prod).reserve = config.ring_size / 8;
            AtomicU64::from_ptr(&raw mut (*prod).magic).store(SF_RING_MAGIC, Ordering::Release);
        }
    }

    /// Waits until no program is between its clock read and its publication.
    pub(super) fn wait_quiet(&self) -> Result<(), Error> {
        let prod = self.page.as_ptr();
        // SAFETY: an aligned word of the mapped page, which programs change
        // by single stores.
        let writing = unsafe { AtomicU32::from_ptr(&raw mut (*prod).writing) };
        let start = Instant::now();
        while writing.load(Ordering::Acquire) != 0 {
            if start.elapsed() > PATIENCE {
                return Err(Error::Running { cpu: self.cpu });
            }
            sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

impl Drop for ProdPage {
    fn drop(&mut self) {
        // SAFETY: exactly the mapping that `map` made; nothing borrows it.
        // An error would mean that it is gone already.
        let _ = unsafe { munmap(self.page.cast(), SF_RING_CONS as usize) };
    }
}

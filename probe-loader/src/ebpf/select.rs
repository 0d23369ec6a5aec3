// SPDX-License-Identifier: Apache-2.0
//! Selections, from the loader to its programs (`driver/bpf/select.h`).
//!
//! Two filters lie in one page that the programs read. The one that is not in
//! use is written, then made the one in use; when every program has ended that
//! could have the other, that one is free for the next.

use std::io::Read as _;
use std::num::NonZeroUsize;
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use libbpf_rs::{Iter, Link};
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

use super::Error;
use crate::abi::{SF_MARKS, SF_SELECT_TREE, sf_control, sf_filter, sf_selection};

/// A page of a map, for the loader alone to write.
const PAGE: usize = 4096;

/// Bytes of a map's values, mapped shared.
struct Mapping {
    at: NonNull<libc::c_void>,
    len: NonZeroUsize,
}

// SAFETY: plain shared memory that this value alone unmaps.
unsafe impl Send for Mapping {}

impl Mapping {
    fn new(fd: BorrowedFd<'_>, len: usize) -> Result<Self, Error> {
        let failed = |error: nix::Error| Error::system("map a selection", &error);
        let len = NonZeroUsize::new(len).ok_or_else(|| failed(nix::Error::EINVAL))?;
        let prot = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a fresh shared mapping at an address that the kernel
        // chooses; it aliases no Rust object.
        let at = unsafe { mmap(None, len, prot, MapFlags::MAP_SHARED, fd, 0) };
        Ok(Self { at: at.map_err(failed)?, len })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: exactly the mapping that `new` made; nothing borrows it.
        // An error would mean that it is gone already.
        let _ = unsafe { munmap(self.at, self.len.get()) };
    }
}

/// The control structure and the table of marks.
pub(super) struct Select {
    control: Mapping,
    marks: Mapping,
    /// What is asked for.
    wanted: Box<sf_selection>,
    last_mark: u8,
    stamp: u32,
}

/// What a change needs of the driver.
pub(super) struct Hooks<'a> {
    /// Waits until programs that run now have ended.
    pub(super) grace: &'a dyn Fn() -> Result<(), Error>,
    /// Attaches the program that walks over all tasks.
    pub(super) walker: &'a dyn Fn() -> Result<Link, Error>,
}

/// Parts of the table of marks: enough for every process that there can be.
pub(super) fn parts() -> u32 {
    let max = std::fs::read_to_string("/proc/sys/kernel/pid_max").ok();
    let max = max.and_then(|text| text.trim().parse().ok()).unwrap_or(1 << 22);
    u32::div_ceil(max, SF_MARKS)
}

impl Select {
    /// Maps what the programs share: the section of `sf_control`, and the table.
    pub(super) fn new(control: BorrowedFd<'_>, marks: BorrowedFd<'_>) -> Result<Self, Error> {
        Ok(Self {
            control: Mapping::new(control, PAGE)?,
            marks: Mapping::new(marks, parts() as usize * SF_MARKS as usize)?,
            wanted: Box::new(sf_selection { ops: [u64::MAX; 4], ..sf_selection::default() }),
            last_mark: 0,
            stamp: 0,
        })
    }

    fn control(&self) -> *mut sf_control {
        self.control.at.as_ptr().cast()
    }

    /// Which filter is in use, and the other.
    fn places(&self) -> (usize, usize) {
        // SAFETY: an aligned word of the mapped page, which holds `sf_control`
        // (its size is asserted in select.h).
        let active = unsafe { AtomicU32::from_ptr(&raw mut (*self.control()).active) };
        let active = active.load(Ordering::Acquire) as usize & 1;
        (active, 1 - active)
    }

    fn in_use(&self) -> sf_filter {
        let (active, _) = self.places();
        // SAFETY: a plain copy out of the mapped page; programs only read it.
        unsafe { (*self.control()).filter[active] }
    }

    /// Makes `filter` the one in use. No program has another when it returns.
    fn put_in(&mut self, mut filter: sf_filter, hooks: &Hooks<'_>) -> Result<(), Error> {
        let (_, free) = self.places();
        self.stamp = self.stamp.wrapping_add(1);
        filter.stamp = self.stamp;
        // SAFETY: the filter is in the mapped page, and no program uses it: it
        // has been out of use since the end of an earlier call of this.
        unsafe { (*self.control()).filter[free] = filter };
        let free = u32::try_from(free).unwrap_or(0);
        // SAFETY: as in `places`.
        unsafe { AtomicU32::from_ptr(&raw mut (*self.control()).active) }
            .store(free, Ordering::Release);
        (hooks.grace)()
    }

    /// A mark that no process has.
    fn fresh_mark(&mut self) -> u8 {
        self.last_mark = self.last_mark.checked_add(1).unwrap_or(1);
        for at in 0..self.marks.len.get() {
            // SAFETY: a byte of the mapped table, which programs change by
            // single stores.
            let mark = unsafe { AtomicU8::from_ptr(self.marks.at.as_ptr().cast::<u8>().add(at)) };
            if mark.load(Ordering::Relaxed) == self.last_mark {
                let _ =
                    mark.compare_exchange(self.last_mark, 0, Ordering::Relaxed, Ordering::Relaxed);
            }
        }
        self.last_mark
    }

    /// One pass over all tasks. Returns whether it marked any.
    fn pass(&self, link: &Link) -> Result<bool, Error> {
        let any = || {
            // SAFETY: as in `places`.
            unsafe { AtomicU32::from_ptr(&raw mut (*self.control()).walk_any) }
        };
        any().store(0, Ordering::Relaxed);
        let mut walk =
            Iter::new(link).map_err(|error| Error::libbpf("walk over the processes", &error))?;
        let mut rest = Vec::new();
        walk.read_to_end(&mut rest)
            .map_err(|error| Error::system("walk over the processes", &error))?;
        Ok(any().load(Ordering::Relaxed) != 0)
    }

    /// Makes passes for the roots of the filter that is not in use: what they
    /// are marked with, 0 to look only.
    fn aim(&self, wanted: &sf_selection, mark: u8) {
        let (_, free) = self.places();
        let control = self.control();
        // SAFETY: fields of the mapped page that only a pass reads, and none
        // runs; the filter that they name is not in use.
        unsafe {
            (*control).filter[free].sel = *wanted;
            (*control).walk_filter = u32::try_from(free).unwrap_or(0);
            (*control).walk_mark = mark.into();
            (*control).walk_roots = 0;
        }
    }

    /// A root that is not there.
    fn missing(&self, wanted: &sf_selection, link: &Link) -> Result<Option<u32>, Error> {
        self.aim(wanted, 0);
        self.pass(link)?;
        // SAFETY: as in `places`.
        let roots = unsafe { AtomicU32::from_ptr(&raw mut (*self.control()).walk_roots) };
        let roots = roots.load(Ordering::Relaxed);
        let asked = &wanted.pids[..wanted.nr_pids as usize];
        Ok(asked.iter().zip(0..).find(|(_, i)| roots >> i & 1 == 0).map(|(pid, _)| *pid))
    }

    /// Marks the trees, while what is told stays as it is: births meanwhile hand
    /// on both marks. Returns the mark.
    fn grow(&mut self, wanted: &sf_selection, link: &Link, hooks: &Hooks<'_>) -> Result<u8, Error> {
        let mark = self.fresh_mark();
        let mut both = self.in_use();
        both.mark[1] = mark;
        self.put_in(both, hooks)?;
        self.aim(wanted, mark);
        // A birth whose hook read its parent's mark just before that changed
        // can store the old one after the pass: it has ended before the next.
        while self.pass(link)? {
            (hooks.grace)()?;
        }
        Ok(mark)
    }

    fn change(
        &mut self,
        wanted: &sf_selection,
        all_roots: bool,
        hooks: &Hooks<'_>,
    ) -> Result<(), Error> {
        let mut filter = sf_filter { sel: *wanted, ..sf_filter::default() };
        if wanted.filters & SF_SELECT_TREE != 0 {
            let link = (hooks.walker)()?;
            let missing = self.missing(wanted, &link)?;
            if let Some(pid) = missing.filter(|_| all_roots) {
                return Err(Error::NoProcess { pid });
            }
            filter.mark[0] = self.grow(wanted, &link, hooks)?;
        }
        self.put_in(filter, hooks)
    }

    /// Puts a selection in the place of another, or keeps that one.
    pub(super) fn set(&mut self, wanted: &sf_selection, hooks: &Hooks<'_>) -> Result<(), Error> {
        self.change(wanted, true, hooks)?;
        *self.wanted = *wanted;
        Ok(())
    }

    /// Births were not seen since the selection was set: looks for its trees
    /// once more. A root can be gone by now.
    pub(super) fn again(&mut self, hooks: &Hooks<'_>) -> Result<(), Error> {
        if self.wanted.filters & SF_SELECT_TREE == 0 {
            return Ok(());
        }
        let wanted = *self.wanted;
        self.change(&wanted, false, hooks)
    }
}

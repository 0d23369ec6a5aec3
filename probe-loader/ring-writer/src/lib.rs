// SPDX-License-Identifier: Apache-2.0
//! The driver's ring writer (`driver/include/sysflow/ring_write.h`), built for
//! user space, so that both ends of the ring meet in tests, benches and
//! fuzzing without a kernel.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

unsafe extern "C" {
    fn sfw_init(base: *mut u8, size: u64, cpu: u32, nr_cpus: u32);
    fn sfw_put(base: *mut u8, size: u64, rec: *const u8) -> i32;
    fn sfw_hold(base: *mut u8, size: u64, held: i32);
    fn sfw_wants_wakeup(base: *mut u8, size: u64) -> i32;
}

const DATA: usize = 8192;
const OVERRUN: usize = 32768;

/// Rings in a memory file, laid out as a driver maps them.
///
/// One `Rings` is the writer of all of them; the reader maps [`Rings::fd`].
pub struct Rings {
    fd: OwnedFd,
    base: *mut u8,
    size: usize,
    count: u32,
}

// SAFETY: the mapping is owned; `&mut self` guards every write through it.
unsafe impl Send for Rings {}

impl Rings {
    /// Makes `count` rings of `size` bytes of data each (a power of two).
    ///
    /// # Errors
    /// When the memory cannot be had.
    pub fn new(count: u32, size: usize) -> io::Result<Self> {
        assert!(size.is_power_of_two() && count > 0, "a ring has a power of two of bytes");
        let bytes = count as usize * (DATA + size + OVERRUN);
        // SAFETY: a new descriptor; the name is a terminated literal.
        let raw = unsafe { libc::memfd_create(c"sysflow-rings".as_ptr(), libc::MFD_CLOEXEC) };
        if raw < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `raw` was just opened and is owned by nobody else.
        let fd = unsafe { OwnedFd::from_raw_fd(raw) };
        let length = libc::off_t::try_from(bytes).map_err(io::Error::other)?;
        // SAFETY: plain system call on an owned descriptor.
        if unsafe { libc::ftruncate(fd.as_raw_fd(), length) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a fresh shared mapping of exactly the file's length.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                fd.as_raw_fd(),
                0,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let rings = Self { fd, base: base.cast(), size, count };
        for cpu in 0..count {
            // SAFETY: the ring lies within the mapping (see `ring`).
            unsafe { sfw_init(rings.ring(cpu), size as u64, cpu, count) };
        }
        Ok(rings)
    }

    /// The memory file, to be mapped by a reader.
    #[must_use]
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Writes one record to the ring of `cpu`. The bytes are a whole record of
    /// the ABI with its header; `seq` is filled in. Returns whether it was
    /// delivered; if not, the ring counted a loss.
    ///
    /// # Panics
    /// When the bytes are shorter than the header says, or are no header.
    pub fn put(&mut self, cpu: u32, record: &[u8]) -> bool {
        assert!(record.len() >= 24 && record.len().is_multiple_of(8), "a record has a header");
        let len = u16::from_ne_bytes([record[20], record[21]]);
        assert!(usize::from(len) <= record.len(), "the header's length is the record's");
        // SAFETY: the ring lies within the mapping, `record` holds as many
        // bytes as its header says, and `&mut self` makes this the only writer.
        unsafe { sfw_put(self.ring(cpu), self.size as u64, record.as_ptr()) != 0 }
    }

    /// A probe of `cpu` has begun and is held up, or ends without a record. What
    /// is [put](Rings::put) meanwhile is lost as nested.
    pub fn hold(&mut self, cpu: u32, held: bool) {
        // SAFETY: the ring lies within the mapping, and `&mut self` makes this
        // the only writer.
        unsafe { sfw_hold(self.ring(cpu), self.size as u64, i32::from(held)) }
    }

    /// Whether the reader of `cpu`'s ring asked to be woken at this fill.
    #[must_use]
    pub fn wants_wakeup(&self, cpu: u32) -> bool {
        // SAFETY: the ring lies within the mapping.
        unsafe { sfw_wants_wakeup(self.ring(cpu), self.size as u64) != 0 }
    }

    fn ring(&self, cpu: u32) -> *mut u8 {
        assert!(cpu < self.count, "there is a ring for this cpu");
        // SAFETY: `new` mapped `count` rings of this stride.
        unsafe { self.base.add(cpu as usize * (DATA + self.size + OVERRUN)) }
    }
}

impl Drop for Rings {
    fn drop(&mut self) {
        let bytes = self.count as usize * (DATA + self.size + OVERRUN);
        // SAFETY: exactly the mapping that `new` made; nothing else holds it.
        unsafe { libc::munmap(self.base.cast(), bytes) };
    }
}

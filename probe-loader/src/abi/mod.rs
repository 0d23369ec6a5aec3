// SPDX-License-Identifier: Apache-2.0
//! The driver's ABI as Rust sees it: `driver/include/sysflow`, read by bindgen.
//!
//! The C headers are the specification: every field's unit and source stands
//! there. Sizes and offsets are asserted on both sides, by `_Static_assert` in
//! C and by bindgen's layout checks here.

#[expect(
    missing_docs,
    non_camel_case_types,
    clippy::allow_attributes_without_reason,
    reason = "made from C headers, which hold the documentation"
)]
mod generated;

pub use generated::*;

/// A C structure of the ABI: integers only, without padding that Rust adds.
///
/// # Safety
/// Every bit pattern of `size_of::<Self>()` bytes is a valid value.
pub unsafe trait Plain: Copy {
    /// The structure at the start of `bytes`, or `None` when they are too
    /// short or not aligned to 8.
    fn at(bytes: &[u8]) -> Option<&Self> {
        let ptr = bytes.as_ptr().cast::<Self>();
        if bytes.len() < size_of::<Self>() || !ptr.is_aligned() {
            return None;
        }
        // SAFETY: in bounds, aligned, any bits are valid, and the borrow
        // keeps the bytes alive and unchanged.
        Some(unsafe { &*ptr })
    }

    /// The structure's bytes, as they travel.
    fn bytes(&self) -> &[u8] {
        // SAFETY: integers without padding: every byte is initialised.
        unsafe { std::slice::from_raw_parts(std::ptr::from_ref(self).cast(), size_of::<Self>()) }
    }
}

macro_rules! plain {
    ($($name:ident)*) => { $(
        // SAFETY: a `repr(C)` structure of integers and arrays of integers,
        // whose padding is spelled out in the header.
        unsafe impl Plain for $name {}
    )* };
}
plain!(sf_hdr sf_rec_io sf_rec_sockio sf_rec_file sf_rec_sock sf_rec_fd sf_rec_call sf_rec_fork
    sf_rec_exec sf_rec_exit sf_rec_mmap sf_rec_path sf_info sf_setup
    sf_selection);

/// A version as people write it: `major.minor`.
#[must_use]
pub fn version_text(version: u32) -> String {
    format!("{}.{}", version >> 16, version & 0xffff)
}

/// Class of an operation (`SF_OP_CLASS`).
#[must_use]
pub const fn class_of(op: u8) -> usize {
    (op >> SF_CLASS_SHIFT) as usize
}

// SPDX-License-Identifier: Apache-2.0
//! Bytes that are aligned as records are: to 8.

/// A growing row of bytes, a multiple of 8 of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Words(Vec<u64>);

impl Words {
    pub(super) fn bytes(&self) -> &[u8] {
        // SAFETY: the bytes of initialised integers; the borrow holds them.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), self.0.len() * 8) }
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above; any bytes make integers, and the borrow is unique.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), self.0.len() * 8) }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len() * 8
    }

    /// Has `len` bytes from now on, a multiple of 8; new ones are zero.
    pub(super) fn resize(&mut self, len: usize) {
        debug_assert!(len.is_multiple_of(8), "records are multiples of 8");
        self.0.resize(len / 8, 0);
    }

    /// Adds bytes, a multiple of 8.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        let before = self.len();
        self.resize(before + bytes.len());
        self.bytes_mut()[before..].copy_from_slice(bytes);
    }

    /// Takes the first `len` bytes away, a multiple of 8.
    pub(super) fn drop_front(&mut self, len: usize) {
        self.0.drain(..len / 8);
    }
}

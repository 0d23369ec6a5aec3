// SPDX-License-Identifier: Apache-2.0
//! Hot path. Where encoded bytes go.

/// Takes encoded bytes, one after the other.
pub trait Out {
    /// Takes one byte.
    fn byte(&mut self, byte: u8);

    /// Takes any number.
    fn bytes(&mut self, bytes: &[u8]);

    /// Takes the lowest `len` bytes of eight, the lowest first.
    fn eight(&mut self, bytes: u64, len: usize);
}

impl Out for Vec<u8> {
    #[inline]
    fn byte(&mut self, byte: u8) {
        self.push(byte);
    }

    #[inline]
    fn bytes(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    #[inline]
    fn eight(&mut self, bytes: u64, len: usize) {
        // A copy of a fixed size needs no loop; the surplus is taken back.
        let end = self.len() + len;
        self.extend_from_slice(&bytes.to_le_bytes());
        self.truncate(end);
    }
}

/// The longest that is taken at once.
const STEP: usize = 32;

/// Bytes of a [`Room`] for records without text, and of one for the shorter of them, which is cleared
/// faster.
pub(crate) const LARGE: usize = 256 + STEP;
pub(crate) const SMALL: usize = 128 + STEP;

/// Room for one record without text at the end of a `Vec`, [`STEP`] more than it takes. That it is
/// large enough is known beforehand, so that no byte of it asks whether there is room, as every one
/// that a `Vec` takes does.
pub(crate) struct Room<'a, const SIZE: usize> {
    bytes: &'a mut [u8; SIZE],
    len: usize,
}

impl<const SIZE: usize> Room<'_, SIZE> {
    /// Most bytes of a record; a power of two.
    const MOST: usize = SIZE - STEP;

    /// Appends what `put` puts into the room.
    #[inline(always)]
    pub(crate) fn append(out: &mut Vec<u8>, put: impl FnOnce(&mut Room<'_, SIZE>)) {
        let start = out.len();
        out.extend_from_slice(&[0; SIZE]);
        let Some(bytes) = out.last_chunk_mut() else { return };
        let mut room = Room { bytes, len: 0 };
        put(&mut room);
        debug_assert!(room.len <= Self::MOST, "a record without text is no longer");
        let end = start + room.len.min(Self::MOST);
        out.truncate(end);
    }

    /// Where the next byte goes, which the compiler sees to be within.
    #[inline(always)]
    fn at(&self) -> usize {
        self.len % Self::MOST
    }
}

impl<const SIZE: usize> Out for Room<'_, SIZE> {
    #[inline(always)]
    fn byte(&mut self, byte: u8) {
        let at = self.at();
        self.bytes[at] = byte;
        self.len += 1;
    }

    #[inline(always)]
    fn bytes(&mut self, bytes: &[u8]) {
        debug_assert!(bytes.len() <= STEP, "short runs only");
        let at = self.at();
        let len = bytes.len().min(STEP);
        self.bytes[at..at + len].copy_from_slice(&bytes[..len]);
        self.len += len;
    }

    #[inline(always)]
    fn eight(&mut self, bytes: u64, len: usize) {
        let at = self.at();
        self.bytes[at..at + 8].copy_from_slice(&bytes.to_le_bytes());
        self.len += len;
    }
}

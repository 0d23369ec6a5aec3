// SPDX-License-Identifier: Apache-2.0
//! Raw deflate (RFC 1951) of whole buffers by [ISA-L](https://github.com/intel/isa-l), whose part
//! for it is called igzip. It takes little more than half the time of libdeflate's fastest level, and
//! its results are as large as those of zlib's fastest. It chooses its code by the CPU: two machines
//! may compress the same data in two ways.

use isal_sys::igzip_lib as isa;

/// Most bytes that one buffer may have: the library counts in 32 bits.
const MOST: usize = u32::MAX as usize / 2;

/// Bytes of a block that is stored as it is (RFC 1951, 3.2.4), and of what stands before it.
const STORED: usize = 65_535;
const STORED_HEAD: usize = 5;

/// Room that is always enough for the result of `len` bytes.
#[must_use]
pub fn bound(len: usize) -> usize {
    len.saturating_add(STORED_HEAD * (len / STORED + 1)).saturating_add(64)
}

/// What the library works in: more than half a megabyte.
struct State {
    stream: isa::isal_zstream,
    room: [u8; isa::ISAL_DEF_LVL1_DEFAULT as usize],
}

/// Compresses buffers, one after the other.
pub struct Compressor(Box<State>);

// SAFETY: the addresses in it are of the state itself, which its owner alone uses, of tables that
// never change, and of buffers that are set anew before each use. The library keeps nothing of a
// thread.
unsafe impl Send for Compressor {}

impl std::fmt::Debug for Compressor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Compressor")
    }
}

impl Default for Compressor {
    fn default() -> Self {
        Self::new()
    }
}

impl Compressor {
    /// Compresses at the library's level 1.
    #[must_use]
    pub fn new() -> Self {
        // SAFETY: it is made of numbers, arrays of numbers and addresses, all of which may be 0.
        Self(unsafe { Box::new_zeroed().assume_init() })
    }

    /// Compresses `data` into `out`. The length of the result; none if `out` is too small, which
    /// with [`bound`] it is not, or `data` has 2 GiB or more.
    #[must_use]
    pub fn deflate(&mut self, data: &[u8], out: &mut [u8]) -> Option<usize> {
        if data.len() > MOST {
            return None;
        }
        let State { stream, room } = &mut *self.0;
        // SAFETY: it sets fields of the stream, which is ours.
        unsafe { isa::isal_deflate_stateless_init(stream) };
        stream.level = 1;
        stream.level_buf = room.as_mut_ptr();
        stream.level_buf_size = isa::ISAL_DEF_LVL1_DEFAULT;
        stream.gzip_flag = isa::IGZIP_DEFLATE as u16;
        stream.flush = isa::NO_FLUSH as u16;
        stream.end_of_stream = 1;
        stream.next_in = data.as_ptr().cast_mut();
        stream.avail_in = data.len() as u32;
        stream.next_out = out.as_mut_ptr();
        stream.avail_out = u32::try_from(out.len()).unwrap_or(u32::MAX);
        // SAFETY: `avail_in` bytes can be read and are not written, whatever the type says;
        // `avail_out` and `level_buf_size` bytes can be written.
        let done = unsafe { isa::isal_deflate_stateless(stream) };
        (done == isa::COMP_OK as i32).then_some(stream.total_out as usize)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::DeflateDecoder;
    use proptest::prelude::*;

    use super::*;

    fn there_and_back(data: &[u8]) -> Vec<u8> {
        let mut igzip = Compressor::new();
        let mut out = vec![0; bound(data.len())];
        let len = igzip.deflate(data, &mut out).expect("there is room");
        let mut back = Vec::new();
        DeflateDecoder::new(&out[..len]).read_to_end(&mut back).expect("deflate");
        back
    }

    proptest! {
        /// Whatever it is: text that repeats, and noise that cannot be made smaller.
        #[test]
        fn what_was_compressed_comes_back(
            unit in proptest::collection::vec(any::<u8>(), 0..300),
            times in 0usize..400,
            noise in proptest::collection::vec(any::<u8>(), 0..2000),
        ) {
            let data = [unit.repeat(times), noise].concat();
            prop_assert_eq!(there_and_back(&data), data);
        }
    }

    #[test]
    fn noise_fits_into_the_bound() {
        let mut state = 1u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .take(3 * STORED + 1)
        .collect();
        assert_eq!(there_and_back(&noise), noise);
        let mut igzip = Compressor::new();
        assert_eq!(igzip.deflate(&noise, &mut [0; 1000]), None, "too little room");
        let mut out = vec![0; bound(4)];
        assert!(igzip.deflate(b"\0\0\0\0", &mut out).is_some(), "it works again after that");
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Raw deflate (RFC 1951) of whole buffers by [ISA-L](https://github.com/intel/isa-l), whose part
//! for it is called igzip. It takes little more than half the time of libdeflate's fastest level, and
//! its results are as large as those of zlib's fastest. It chooses its code by the CPU: two machines
//! may compress the same data in two ways.
//!
//! There is a [`Compressor`] only where the library was installed when this was compiled.

/// Bytes of a block that is stored as it is (RFC 1951, 3.2.4), and of what stands before it.
const STORED: usize = 65_535;
const STORED_HEAD: usize = 5;

/// Room that is always enough for the result of `len` bytes.
#[must_use]
pub fn bound(len: usize) -> usize {
    len.saturating_add(STORED_HEAD * (len / STORED + 1)).saturating_add(64)
}

pub use imp::Compressor;

#[cfg(isal)]
mod imp {
    use std::ffi::c_void;
    use std::ptr::NonNull;

    /// Most bytes that one buffer may have: the library counts in 32 bits.
    const MOST: usize = u32::MAX as usize / 2;

    unsafe extern "C" {
        fn igzip_new() -> *mut c_void;
        fn igzip_free(igzip: *mut c_void);
        fn igzip_deflate(
            igzip: *mut c_void,
            data: *const u8,
            len: u32,
            out: *mut u8,
            room: u32,
        ) -> usize;
    }

    /// Compresses buffers, one after the other.
    #[derive(Debug)]
    pub struct Compressor(NonNull<c_void>);

    // SAFETY: it is memory that only its owner uses; the library keeps nothing of a thread.
    unsafe impl Send for Compressor {}

    impl Compressor {
        /// None if there is no ISA-L, or no memory.
        #[must_use]
        pub fn new() -> Option<Self> {
            // SAFETY: it takes nothing, and answers memory that is freed by `drop` alone, or null.
            NonNull::new(unsafe { igzip_new() }).map(Self)
        }

        /// Compresses `data` into `out`. The length of the result; none if `out` is too small,
        /// which with [`bound`](super::bound) it is not, or `data` has 2 GiB or more.
        #[must_use]
        pub fn deflate(&mut self, data: &[u8], out: &mut [u8]) -> Option<usize> {
            let len = u32::try_from(data.len()).ok().filter(|_| data.len() <= MOST)?;
            let room = u32::try_from(out.len()).unwrap_or(u32::MAX);
            // SAFETY: the state is that of `igzip_new`, which nobody else uses meanwhile; `len`
            // bytes can be read, `room` bytes written.
            let len = unsafe {
                igzip_deflate(self.0.as_ptr(), data.as_ptr(), len, out.as_mut_ptr(), room)
            };
            (len > 0).then_some(len)
        }
    }

    impl Drop for Compressor {
        fn drop(&mut self) {
            // SAFETY: it came from `igzip_new` and is not used after this.
            unsafe { igzip_free(self.0.as_ptr()) };
        }
    }
}

#[cfg(not(isal))]
mod imp {
    /// There is none: this was compiled without ISA-L.
    #[derive(Debug)]
    pub enum Compressor {}

    impl Compressor {
        /// None.
        #[must_use]
        pub fn new() -> Option<Self> {
            None
        }

        /// Is not reached.
        #[must_use]
        pub fn deflate(&mut self, _data: &[u8], _out: &mut [u8]) -> Option<usize> {
            match *self {}
        }
    }
}

#[cfg(all(test, isal))]
mod tests {
    use std::io::Read as _;

    use flate2::read::DeflateDecoder;
    use proptest::prelude::*;

    use super::*;

    fn there_and_back(data: &[u8]) -> Vec<u8> {
        let mut igzip = Compressor::new().expect("memory");
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
        let mut igzip = Compressor::new().expect("memory");
        assert_eq!(igzip.deflate(&noise, &mut [0; 1000]), None, "too little room");
        let mut out = vec![0; bound(4)];
        assert!(igzip.deflate(b"\0\0\0\0", &mut out).is_some(), "it works again after that");
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Where the bytes come from: plain or compressed, told apart by how they begin.

use std::io::{self, BufReader, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;

/// Compressed bytes read at a time.
const STEP: usize = 64 * 1024;

/// The bytes of a capture.
pub(super) struct Source {
    pub(super) bytes: Box<dyn Read + Send>,
    /// Bytes taken from the input so far, before any decompression.
    pub(super) consumed: Arc<AtomicU64>,
    pub(super) compressed: bool,
}

impl Source {
    pub(super) fn new(input: impl Read + Send + 'static, max_window_log: u32) -> io::Result<Self> {
        let consumed = Arc::new(AtomicU64::new(0));
        let mut input = Counted { inner: input, count: Arc::clone(&consumed) };
        let mut head = Vec::with_capacity(4);
        (&mut input).take(4).read_to_end(&mut head)?;
        let packing = Packing::of(&head);
        let input = Cursor::new(head).chain(input);
        let bytes: Box<dyn Read + Send> = match packing {
            None => Box::new(input),
            // A file may consist of several compressed parts, as made by appending.
            Some(Packing::Gzip) => {
                Box::new(MultiGzDecoder::new(BufReader::with_capacity(STEP, input)))
            }
            Some(Packing::Zstd) => {
                let buffered = BufReader::with_capacity(STEP, input);
                let mut decoder = zstd::Decoder::with_buffer(buffered)?;
                decoder.window_log_max(max_window_log)?;
                Box::new(decoder)
            }
        };
        Ok(Self { bytes, consumed, compressed: packing.is_some() })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    Gzip,
    Zstd,
}

impl Packing {
    fn of(head: &[u8]) -> Option<Self> {
        match *head {
            [0x1F, 0x8B, ..] => Some(Self::Gzip),
            // A frame, or one to be skipped (RFC 8878, section 3.1).
            [0x28, 0xB5, 0x2F, 0xFD] | [0x50..=0x5F, 0x2A, 0x4D, 0x18] => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// What a file that does not begin like a capture is instead.
pub(super) fn foreign(head: &[u8]) -> &'static str {
    match *head {
        [b'O', b'b', b'j', 1, ..] => "it is a SysFlow trace, which sysflow print shows",
        [0xD4, 0xC3, 0xB2, 0xA1, ..]
        | [0xA1, 0xB2, 0xC3, 0xD4, ..]
        | [0x4D, 0x3C, 0xB2, 0xA1, ..]
        | [0xA1, 0xB2, 0x3C, 0x4D, ..] => "it is a capture of network packets",
        [0xFD, b'7', b'z', b'X', ..] => "it is compressed with xz; decompress it first",
        [b'B', b'Z', b'h', ..] => "it is compressed with bzip2; decompress it first",
        [0x04, 0x22, 0x4D, 0x18, ..] => "it is compressed with lz4; decompress it first",
        _ => "it does not begin with a section header",
    }
}

/// Counts what is read.
struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

// SPDX-License-Identifier: Apache-2.0
//! A window on a stream of bytes.
//!
//! One buffer, used again and again. It stays in the CPU's cache, so that reading through it costs
//! what a mapped file costs in page faults; and it works alike for pipes and compressed files,
//! takes no memory that grows with the file, and nothing happens to it when somebody truncates the
//! file.

use std::io::{self, Read};

use super::error::Problem;

/// Size of the buffer, as long as no block is larger.
const SIZE: usize = 256 * 1024;

pub(super) struct Window {
    input: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    /// What is in the buffer and not yet passed.
    start: usize,
    end: usize,
    /// Where the buffer begins in the stream.
    base: u64,
}

impl Window {
    pub(super) fn new(input: Box<dyn Read + Send>) -> Self {
        Self { input, buffer: vec![0; SIZE], start: 0, end: 0, base: 0 }
    }

    /// Place of the next byte in the stream.
    #[inline]
    pub(super) fn offset(&self) -> u64 {
        self.base + self.start as u64
    }

    /// The bytes that are there.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Four bytes that are there, as a number.
    #[inline]
    pub(super) fn number(&self, at: usize) -> u32 {
        let bytes = self.bytes();
        bytes.get(at..at + 4).map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    }

    /// Makes at least `len` bytes be there. False: the stream ends before.
    #[inline]
    pub(super) fn ensure(&mut self, len: usize) -> Result<bool, Problem> {
        if self.end - self.start >= len { Ok(true) } else { self.fill(len) }
    }

    /// Passes bytes that are there.
    #[inline]
    pub(super) fn pass(&mut self, len: usize) {
        debug_assert!(len <= self.end - self.start);
        self.start += len;
    }

    /// Passes bytes that need not be there. False: the stream ends before.
    pub(super) fn skip(&mut self, mut len: usize) -> Result<bool, Problem> {
        loop {
            let here = len.min(self.end - self.start);
            self.start += here;
            len -= here;
            if len == 0 {
                return Ok(true);
            }
            if !self.fill(1)? {
                return Ok(false);
            }
        }
    }

    #[cold]
    fn fill(&mut self, len: usize) -> Result<bool, Problem> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.base += self.start as u64;
        self.end -= self.start;
        self.start = 0;
        while self.end < len {
            if self.end == self.buffer.len() {
                // Memory grows with what arrives, not with what is claimed.
                let size = self.buffer.len().saturating_mul(2).min(len);
                self.buffer.resize(size, 0);
            }
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(0) => return Ok(false),
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Err(Problem::Truncated);
                }
                Err(error) => return Err(Problem::Io(error)),
            }
        }
        Ok(true)
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Bytes of a file that may end anywhere and may claim anything.

use std::io::{self, BufRead, Read};

use super::Problem;

/// A stream with its position.
#[derive(Debug)]
pub(super) struct Input<R> {
    inner: R,
    offset: u64,
}

impl<R: BufRead> Input<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, offset: 0 }
    }

    /// Bytes taken so far.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether the stream is at its end.
    pub(super) fn at_end(&mut self) -> Result<bool, Problem> {
        loop {
            match self.inner.fill_buf() {
                Ok(bytes) => return Ok(bytes.is_empty()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Problem::Io(error)),
            }
        }
    }

    /// Replaces the content of `buffer` by the next `len` bytes, or by what there is of them: then
    /// the answer is false. Memory grows with what arrives, not with what is claimed.
    pub(super) fn take(&mut self, len: usize, buffer: &mut Vec<u8>) -> Result<bool, Problem> {
        buffer.clear();
        let taken = (&mut self.inner).take(len as u64).read_to_end(buffer);
        self.offset += buffer.len() as u64;
        taken.map(|taken| taken == len).map_err(Problem::Io)
    }

    /// The next `N` bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        let mut bytes = [0; N];
        self.inner.read_exact(&mut bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Problem::Truncated,
            _ => Problem::Io(error),
        })?;
        self.offset += N as u64;
        Ok(bytes)
    }

    /// A zigzag varint.
    pub(super) fn long(&mut self) -> Result<i64, Problem> {
        let mut bytes = [0; 10];
        for at in 0..bytes.len() {
            [bytes[at]] = self.array()?;
            if bytes[at] < 0x80 {
                let mut cursor = crate::wire::Cursor::new(&bytes[..=at], 0, 0);
                return cursor.long().map_err(Problem::Record);
            }
        }
        Err(Problem::Record(super::Malformed::Varint))
    }

    /// A zigzag varint that is a size of at most `limit`.
    pub(super) fn size(&mut self, what: &'static str, limit: usize) -> Result<usize, Problem> {
        let size = self.long()?;
        match usize::try_from(size) {
            Ok(size) if size <= limit => Ok(size),
            Ok(_) => Err(Problem::Limit { what, limit }),
            Err(_) => Err(Problem::Count(size)),
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Bytes of a file that may end anywhere and may claim anything.

use std::io::{self, BufRead, Read as _};
use std::ops::Range;

use memchr::memmem;

use super::Problem;

/// Bytes read at a time in search of a marker.
const STEP: u64 = 64 * 1024;

/// A stream with its position, of which everything since the last mark is kept: what is found to be
/// damaged can be searched for the place from where it is good again.
#[derive(Debug)]
pub(super) struct Input<R> {
    inner: R,
    window: Vec<u8>,
    /// Where the window begins in the stream.
    base: u64,
    /// The mark, in the window.
    mark: usize,
    /// Where the next byte is taken from the window.
    pos: usize,
}

impl<R: BufRead> Input<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, window: Vec::new(), base: 0, mark: 0, pos: 0 }
    }

    /// Bytes taken so far.
    pub(super) fn offset(&self) -> u64 {
        self.base + self.pos as u64
    }

    /// Sets the mark here.
    pub(super) fn mark(&mut self) {
        self.mark = self.pos;
        // After damage the window may hold much more than a block. Half of it at a time, so that
        // moving the rest costs no more than reading it did.
        if self.pos >= self.window.len() / 2 {
            self.forget(self.pos);
        }
    }

    /// Drops the start of the window.
    fn forget(&mut self, len: usize) {
        self.window.drain(..len);
        self.base += len as u64;
        self.pos -= len.min(self.pos);
        self.mark -= len.min(self.mark);
    }

    /// Whether the stream is at its end.
    pub(super) fn at_end(&mut self) -> Result<bool, Problem> {
        if self.pos < self.window.len() {
            return Ok(false);
        }
        loop {
            match self.inner.fill_buf() {
                Ok(bytes) => return Ok(bytes.is_empty()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Problem::Io(error)),
            }
        }
    }

    /// The place of the next `len` bytes in [`Input::slice`], or of what there is of them. Memory
    /// grows with what arrives, not with what is claimed.
    pub(super) fn take(&mut self, len: usize) -> Result<Range<usize>, Problem> {
        let missing = len.saturating_sub(self.window.len() - self.pos);
        if missing > 0 {
            let mut rest = (&mut self.inner).take(missing as u64);
            rest.read_to_end(&mut self.window).map_err(Problem::Io)?;
        }
        let taken = self.pos..self.window.len().min(self.pos + len);
        self.pos = taken.end;
        Ok(taken)
    }

    /// What was taken since the mark.
    pub(super) fn slice(&self, taken: Range<usize>) -> &[u8] {
        &self.window[taken]
    }

    /// The next `N` bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        let taken = self.take(N)?;
        <[u8; N]>::try_from(self.slice(taken)).map_err(|_| Problem::Truncated)
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

    /// Goes to the end of the first `marker` after the mark, or else to the end of the stream: then
    /// the answer is false.
    pub(super) fn seek_past(&mut self, marker: &[u8]) -> Result<bool, Problem> {
        let mut from = self.mark;
        loop {
            if let Some(at) = memmem::find(&self.window[from..], marker) {
                self.pos = from + at + marker.len();
                return Ok(true);
            }
            // A marker may begin in what was searched.
            let searched = self.window.len().saturating_sub(marker.len() - 1).max(from);
            self.pos = self.window.len();
            self.forget(searched);
            from = 0;
            let mut more = (&mut self.inner).take(STEP);
            if more.read_to_end(&mut self.window).map_err(Problem::Io)? == 0 {
                self.pos = self.window.len();
                return Ok(false);
            }
        }
    }
}

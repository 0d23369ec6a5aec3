// SPDX-License-Identifier: Apache-2.0
//! Events as they are in the file.

use std::fmt;

use super::block::EventShape;
use super::fields::Fields;
use crate::scap::kinds;

/// One event, borrowed from the file.
#[derive(Clone, Copy, Debug)]
pub struct RawEvent<'a> {
    /// The CPU that it was captured on.
    pub cpu: u16,
    /// Flags of the block, 0 where it has none; bits unknown to us are kept.
    pub flags: u32,
    /// Time, ns since the epoch.
    pub ts: u64,
    /// The thread, as the host knows it; 0 or all ones where there is none.
    pub tid: u64,
    /// Type: even numbers enter a system call, odd ones leave it; see [`kinds`].
    pub kind: u16,
    /// Its parameters.
    pub params: Params<'a>,
}

/// The parameters of an event: those that the file has, which may be fewer than its type has today.
#[derive(Clone, Copy)]
pub struct Params<'a> {
    lengths: &'a [u8],
    values: &'a [u8],
    /// Binary logarithm of the size of a length: 1 or 2.
    shift: u32,
}

impl<'a> RawEvent<'a> {
    /// The event in the body of a block. None: something in it does not fit.
    #[inline]
    pub(super) fn read(body: &'a [u8], shape: EventShape) -> Option<Self> {
        let mut f = Fields::new(body);
        let cpu = f.u16()?;
        let flags = if shape.flags { f.u32()? } else { 0 };
        let before = f.left();
        let (ts, tid, len, kind) = (f.u64()?, f.u64()?, f.u32()?, f.u16()?);
        let len = usize::try_from(len).ok()?;
        if shape.counted {
            let count = usize::try_from(f.u32()?).ok()?;
            let rest = f.bytes(len.checked_sub(before - f.left())?)?;
            let params = Params::split(rest, count, shape.wide)?;
            return Some(Self { cpu, flags, ts, tid, kind, params });
        }
        let rest = f.bytes(len.checked_sub(before - f.left())?)?;
        Some(Self { cpu, flags, ts, tid, kind, params: Params::guess(rest, kind)? })
    }
}

/// What is before the parameters in a block of the usual kind: type and length of the block, CPU,
/// time, thread, length and type of the event, number of parameters.
const HEAD: usize = 8 + 2 + 8 + 8 + 4 + 2 + 4;

/// Where in it the event begins: behind its CPU.
const BEGIN: usize = 8 + 2;

/// The length of the block again, at its end.
const TAIL: usize = 4;

/// Lengths of parameters that are looked at in one go.
const LENGTHS: usize = 4;

/// The head and the first lengths.
const FRONT: usize = HEAD + 2 * LENGTHS;

impl<'a> RawEvent<'a> {
    /// Hot path. The event at the beginning of `bytes`, and the size of its block, if it is of the
    /// usual kind (version 2, without flags, lengths of 16 bits), whole and without fault. The last
    /// event of `bytes` may be one and yet not be given.
    #[inline(always)]
    pub(super) fn usual(bytes: &'a [u8]) -> Option<(Self, usize)> {
        let front: &[u8; FRONT] = bytes.first_chunk()?;
        let block = u64::from_le_bytes(at::<0, 8>(front));
        let size = (block >> 32) as usize;
        let (body, tail) = bytes.get(..size)?.split_last_chunk::<TAIL>()?;
        let end = BEGIN + u32::from_le_bytes(at::<26, 4>(front)) as usize;
        let params = body.get(HEAD..end)?;
        let count = u32::from_le_bytes(at::<32, 4>(front)) as usize;
        if block as u32 != EventShape::USUAL || u32::from_le_bytes(*tail) != size as u32 {
            return None;
        }
        let params = if count <= LENGTHS {
            let (lengths, values) = params.split_at_checked(2 * count)?;
            if sum_of_first(u64::from_le_bytes(at::<HEAD, 8>(front)), count) > values.len() {
                return None;
            }
            Params { lengths, values, shift: 1 }
        } else {
            Params::split(params, count, false)?
        };
        let event = Self {
            cpu: u16::from_le_bytes(at::<8, 2>(front)),
            flags: 0,
            ts: u64::from_le_bytes(at::<10, 8>(front)),
            tid: u64::from_le_bytes(at::<18, 8>(front)),
            kind: u16::from_le_bytes(at::<30, 2>(front)),
            params,
        };
        Some((event, size))
    }
}

/// Sum of the first `count` of four numbers of 16 bits.
#[inline(always)]
fn sum_of_first(lengths: u64, count: usize) -> usize {
    const EVEN: u64 = 0x0000_FFFF_0000_FFFF;
    // Two shifts: one by 64 bits would be none.
    let kept = lengths & !((u64::MAX << (8 * count)) << (8 * count));
    let pairs = (kept & EVEN) + ((kept >> 16) & EVEN);
    (pairs as u32 as usize) + (pairs >> 32) as usize
}

/// The bytes of the front from `AT` on, in one load.
#[inline(always)]
fn at<const AT: usize, const LEN: usize>(front: &[u8; FRONT]) -> [u8; LEN] {
    const { assert!(AT + LEN <= FRONT) };
    front[AT..].first_chunk().copied().unwrap_or([0; LEN])
}

impl<'a> Params<'a> {
    #[inline]
    fn split(bytes: &'a [u8], count: usize, wide: bool) -> Option<Self> {
        let shift = if wide { 2 } else { 1 };
        let (lengths, values) = bytes.split_at_checked(count.checked_mul(1 << shift)?)?;
        let params = Self { lengths, values, shift };
        (params.total() <= values.len()).then_some(params)
    }

    /// The parameters of an event that does not tell how many it has: as many as its type has, or
    /// the first ones of them, such that the lengths add up. None of them if the type is unknown,
    /// for then nobody can use them.
    fn guess(bytes: &'a [u8], kind: u16) -> Option<Self> {
        let Some(known) = kinds::get(kind) else {
            return Some(Self { lengths: &[], values: bytes, shift: 1 });
        };
        (0..=usize::from(known.parameters))
            .rev()
            .filter_map(|count| Self::split(bytes, count, false))
            .find(|params| params.total() == params.values.len())
    }

    /// Sum of the lengths.
    #[inline]
    fn total(&self) -> usize {
        (0..self.len()).fold(0, |sum: usize, index| sum.saturating_add(self.length(index)))
    }

    #[inline]
    fn length(&self, index: usize) -> usize {
        if self.shift == 2 {
            let at = &self.lengths[4 * index..4 * index + 4];
            u32::from_le_bytes([at[0], at[1], at[2], at[3]]) as usize
        } else {
            let at = &self.lengths[2 * index..2 * index + 2];
            usize::from(u16::from_le_bytes([at[0], at[1]]))
        }
    }

    /// How many there are.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.lengths.len() >> self.shift
    }

    /// Whether there are none.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    /// Parameter `index`, from 0; none where the file has fewer. An empty one stands for a value
    /// that could not be captured. The cost grows with `index`: to use most of them, [`iter`].
    ///
    /// [`iter`]: Params::iter
    #[must_use]
    #[inline(never)]
    pub fn get(&self, index: usize) -> Option<&'a [u8]> {
        self.nth(index)
    }

    /// The same, for an index that is known where it is called: a few instructions then.
    #[must_use]
    #[inline(always)]
    pub fn nth(&self, index: usize) -> Option<&'a [u8]> {
        if self.shift != 1 {
            return self.iter().nth(index);
        }
        let lengths = self.lengths.as_chunks().0;
        let length = |at: &[u8; 2]| usize::from(u16::from_le_bytes(*at));
        let (before, rest) = lengths.split_at_checked(index)?;
        let start = before.iter().fold(0, |sum, at| sum + length(at));
        self.values.get(start..start + length(rest.first()?))
    }

    /// The first parameter.
    #[must_use]
    #[inline(always)]
    pub fn first(&self) -> Option<&'a [u8]> {
        if self.is_empty() { None } else { self.values.get(..self.length(0)) }
    }

    /// Their lengths, in order.
    #[inline]
    pub fn lengths(&self) -> impl ExactSizeIterator<Item = usize> + use<'a> {
        let params = *self;
        (0..params.len()).map(move |index| params.length(index))
    }

    /// The first `len` bytes of all of them, one after the other; fewer if they have fewer.
    #[must_use]
    #[inline]
    pub fn front(&self, len: usize) -> &'a [u8] {
        &self.values[..len.min(self.values.len())]
    }

    /// Parameters with these lengths, of 16 bits each.
    #[cfg(test)]
    pub(in crate::scap) fn of(lengths: &'a [u8], values: &'a [u8]) -> Self {
        let params = Self { lengths, values, shift: 1 };
        assert!(params.total() <= values.len(), "the lengths fit");
        params
    }

    /// All of them, in order.
    #[inline]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + use<'a> {
        let Self { mut values, .. } = *self;
        let params = *self;
        (0..params.len()).map(move |index| {
            let (value, rest) = values.split_at(params.length(index));
            values = rest;
            value
        })
    }
}

impl fmt::Debug for Params<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

// SPDX-License-Identifier: Apache-2.0
//! A position in the bytes of one block, from which values are taken without ever running past
//! the end or believing a length.

/// Why bytes are not what the schema says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The data end inside a value.
    #[error("data end inside a value")]
    Short,
    /// More than 10 bytes, or more bits than 64, in a variable-length integer.
    #[error("integer longer than 64 bits")]
    Varint,
    /// A value of type `int` outside 32 bits.
    #[error("int outside 32 bits")]
    IntRange,
    /// A byte other than 0 and 1 for a boolean.
    #[error("boolean that is neither 0 nor 1")]
    Boolean,
    /// A negative length, or a length beyond the data.
    #[error("length {0} beyond the data")]
    Length(i64),
    /// More list items in one record than [`crate::read::Limits::items`].
    #[error("more list items in one record than the limit")]
    Items,
    /// An enum index without symbol.
    #[error("enum index {0} has no symbol")]
    Symbol(i64),
    /// A union index without branch.
    #[error("union index {0} has no branch")]
    Branch(i64),
}

/// Reads values from `data`, front to back.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    data: &'a [u8],
    pos: usize,
    /// List items that may still be taken.
    items: usize,
}

impl<'a> Cursor<'a> {
    /// Starts at `pos` of `data`; at most `items` list items will be handed out.
    pub(crate) fn new(data: &'a [u8], pos: usize, items: usize) -> Self {
        Self { data, pos, items }
    }

    pub(crate) fn pos(&self) -> usize {
        self.pos
    }

    /// What was taken since `start`, a position before.
    pub(crate) fn since(&self, start: usize) -> &'a [u8] {
        &self.data[start..self.pos]
    }

    pub(crate) fn remaining(&self) -> usize {
        self.data.len() - self.pos
    }

    #[inline(always)]
    pub(crate) fn byte(&mut self) -> Result<u8, Malformed> {
        let byte = *self.data.get(self.pos).ok_or(Malformed::Short)?;
        self.pos += 1;
        Ok(byte)
    }

    #[inline(always)]
    pub(crate) fn bytes(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let end = self.pos.checked_add(len).ok_or(Malformed::Short)?;
        let bytes = self.data.get(self.pos..end).ok_or(Malformed::Short)?;
        self.pos = end;
        Ok(bytes)
    }

    /// A zigzag varint.
    ///
    /// Inlined, and without a call that takes the cursor: where a record is decoded, the position
    /// then stays in a register from field to field.
    #[inline(always)]
    pub(crate) fn long(&mut self) -> Result<i64, Malformed> {
        match self.data.get(self.pos) {
            Some(&byte) if byte < 0x80 => {
                self.pos += 1;
                Ok(unzigzag(byte.into()))
            }
            _ => {
                let (value, len) = match wide(self.data, self.pos) {
                    Some(found) => found,
                    None => by_byte(self.data, self.pos)?,
                };
                self.pos += len;
                Ok(value)
            }
        }
    }

    /// A length that the remaining data can hold.
    #[inline(always)]
    pub(crate) fn length(&mut self) -> Result<usize, Malformed> {
        let len = self.long()?;
        match usize::try_from(len) {
            Ok(n) if n <= self.remaining() => Ok(n),
            _ => Err(Malformed::Length(len)),
        }
    }

    /// The count of the next block of an array or map; 0 at its end.
    ///
    /// No item of a record we read is shorter than a byte, so a count beyond the data is damage.
    pub(crate) fn block(&mut self) -> Result<usize, Malformed> {
        let count = self.long()?;
        let items = if count < 0 {
            self.long()?; // size of the block in bytes, for those who skip it
            usize::try_from(count.unsigned_abs()).map_err(|_| Malformed::Length(count))?
        } else {
            usize::try_from(count).map_err(|_| Malformed::Length(count))?
        };
        if items > self.remaining() {
            return Err(Malformed::Length(count));
        }
        self.items = self.items.checked_sub(items).ok_or(Malformed::Items)?;
        Ok(items)
    }
}

/// A varint of more than one byte, and how many it has. Timestamps take nine and every event has
/// some, so where the data do not end soon, eight are taken at once. None where they end, or if it
/// is too long.
#[inline(always)]
fn wide(data: &[u8], pos: usize) -> Option<(i64, usize)> {
    const MORE: u64 = 0x8080_8080_8080_8080;
    let (bytes, rest) = data.get(pos..pos + 10)?.split_first_chunk::<8>()?;
    let bytes = u64::from_le_bytes(*bytes);
    let ends = !bytes & MORE;
    if ends != 0 {
        let used = ends.trailing_zeros() + 1;
        let value = gather(bytes & !MORE & u64::MAX >> (64 - used));
        return Some((unzigzag(value), used as usize / 8));
    }
    let low = gather(bytes & !MORE) | u64::from(rest[0] & 0x7f) << 56;
    match (rest[0], rest[1]) {
        (..0x80, _) => Some((unzigzag(low), 9)),
        (_, last @ 0..=1) => Some((unzigzag(low | u64::from(last) << 63), 10)),
        _ => None,
    }
}

/// The same byte by byte, with the reason why there is none.
#[cold]
#[inline(never)]
fn by_byte(data: &[u8], pos: usize) -> Result<(i64, usize), Malformed> {
    let mut value = 0u64;
    for (at, &byte) in data[pos..].iter().enumerate() {
        if at == 9 && byte > 1 {
            return Err(Malformed::Varint);
        }
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte < 0x80 {
            return Ok((unzigzag(value), at + 1));
        }
    }
    Err(Malformed::Short)
}

#[inline]
fn unzigzag(bits: u64) -> i64 {
    (bits >> 1).cast_signed() ^ -(bits & 1).cast_signed()
}

/// Seven bits of each of eight bytes as one number, the lowest first.
#[inline]
fn gather(bytes: u64) -> u64 {
    let bits = bytes & 0x007f_007f_007f_007f | (bytes & 0x7f00_7f00_7f00_7f00) >> 1;
    let bits = bits & 0x0000_3fff_0000_3fff | (bits & 0x3fff_0000_3fff_0000) >> 2;
    bits & 0x0fff_ffff | (bits & 0x0fff_ffff_0000_0000) >> 4
}

#[cfg(test)]
mod tests {
    use super::super::put_long;
    use super::*;

    /// A varint as the specification describes it, byte by byte.
    fn by_the_book(value: i64) -> Vec<u8> {
        let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
        let mut bytes = Vec::new();
        while rest >= 0x80 {
            bytes.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        bytes.push(rest as u8);
        bytes
    }

    #[test]
    fn varints_of_every_length() {
        let powers = (0..64).map(|shift| 1i64 << shift);
        for value in powers.flat_map(|n| (-2..=2).map(move |d| n.wrapping_add(d))) {
            for value in [value, value.wrapping_neg(), value ^ 0x5555_5555_5555_5555] {
                let mut bytes = b"before".to_vec();
                put_long(&mut bytes, value);
                assert_eq!(bytes[6..], by_the_book(value), "{value}");
                let mut cursor = Cursor::new(&bytes, 6, 0);
                assert_eq!((cursor.long(), cursor.remaining()), (Ok(value), 0));
                bytes.extend([0xff; 10]);
                let mut cursor = Cursor::new(&bytes, 6, 0);
                assert_eq!((cursor.long(), cursor.remaining()), (Ok(value), 10));
            }
        }
    }

    #[test]
    fn varints_that_are_none() {
        let long = |bytes: &[u8]| {
            let found = Cursor::new(bytes, 0, 0).long();
            if found != Err(Malformed::Short) {
                // What follows makes no difference.
                let more = [bytes, &[0; 10]].concat();
                assert_eq!(Cursor::new(&more, 0, 0).long(), found);
            }
            found
        };
        assert_eq!(long(&[]), Err(Malformed::Short));
        assert_eq!(long(&[0x80; 9]), Err(Malformed::Short));
        assert_eq!(long(&[0xff; 11]), Err(Malformed::Varint));
        assert_eq!(long(&[[0xff; 9].as_slice(), &[2]].concat()), Err(Malformed::Varint));
        assert_eq!(long(&[[0xff; 9].as_slice(), &[1]].concat()), Ok(i64::MIN));
        // Longer than need be, but a number: Avro does not forbid it.
        assert_eq!(long(&[0x82, 0x80, 0x00]), Ok(1));
    }
}

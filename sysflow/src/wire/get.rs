// SPDX-License-Identifier: Apache-2.0
//! Reading Avro values.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{Cursor, Malformed, Shape};

/// A value that can be read from its Avro binary form in bytes that live for `'a`, from which it may
/// borrow.
pub trait Get<'a>: Sized {
    /// The binary form.
    const SHAPE: Shape;

    /// Takes the value from the cursor.
    fn get(cursor: &mut Cursor<'a>) -> Result<Self, Malformed>;
}

impl Get<'_> for i64 {
    const SHAPE: Shape = Shape::Long;

    #[inline(always)]
    fn get(cursor: &mut Cursor<'_>) -> Result<Self, Malformed> {
        cursor.long()
    }
}

impl Get<'_> for i32 {
    const SHAPE: Shape = Shape::Int;

    #[inline(always)]
    fn get(cursor: &mut Cursor<'_>) -> Result<Self, Malformed> {
        Self::try_from(cursor.long()?).map_err(|_| Malformed::IntRange)
    }
}

impl Get<'_> for bool {
    const SHAPE: Shape = Shape::Bool;

    #[inline(always)]
    fn get(cursor: &mut Cursor<'_>) -> Result<Self, Malformed> {
        match cursor.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed::Boolean),
        }
    }
}

/// Other writers put the kernel's bytes into strings unchecked, so a path need not be UTF-8. A
/// record is worth more than that: what is not UTF-8 becomes U+FFFD, in a copy.
impl<'a> Get<'a> for Cow<'a, str> {
    const SHAPE: Shape = Shape::Text;

    #[inline(always)]
    fn get(cursor: &mut Cursor<'a>) -> Result<Self, Malformed> {
        let len = cursor.length()?;
        let bytes = cursor.bytes(len)?;
        // What is usual is checked faster than what may be wrong is searched.
        Ok(match str::from_utf8(bytes) {
            Ok(text) => Self::Borrowed(text),
            Err(_) => String::from_utf8_lossy(bytes),
        })
    }
}

impl Get<'_> for String {
    const SHAPE: Shape = Shape::Text;

    #[inline(always)]
    fn get(cursor: &mut Cursor<'_>) -> Result<Self, Malformed> {
        Cow::get(cursor).map(Cow::into_owned)
    }
}

impl<'a, T: Get<'a>> Get<'a> for Option<T> {
    const SHAPE: Shape = Shape::Optional(&T::SHAPE);

    #[inline(always)]
    fn get(cursor: &mut Cursor<'a>) -> Result<Self, Malformed> {
        match cursor.long()? {
            0 => Ok(None),
            1 => T::get(cursor).map(Some),
            other => Err(Malformed::Branch(other)),
        }
    }
}

impl<'a, T: Get<'a>> Get<'a> for Vec<T> {
    const SHAPE: Shape = Shape::List(&T::SHAPE);

    fn get(cursor: &mut Cursor<'a>) -> Result<Self, Malformed> {
        let mut list = Self::new();
        loop {
            let count = cursor.block()?;
            if count == 0 {
                return Ok(list);
            }
            // Items in memory are larger than in the data: room for many comes as they do.
            list.reserve(count.min(64));
            for _ in 0..count {
                list.push(T::get(cursor)?);
            }
        }
    }
}

impl<'a> Get<'a> for BTreeMap<String, String> {
    const SHAPE: Shape = Shape::TextMap;

    fn get(cursor: &mut Cursor<'a>) -> Result<Self, Malformed> {
        let mut map = Self::new();
        loop {
            let count = cursor.block()?;
            if count == 0 {
                return Ok(map);
            }
            for _ in 0..count {
                let key = String::get(cursor)?;
                map.insert(key, String::get(cursor)?);
            }
        }
    }
}

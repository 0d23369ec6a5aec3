// SPDX-License-Identifier: Apache-2.0
//! Reading Avro values.

use std::collections::BTreeMap;

use super::{Cursor, Malformed, Shape};

/// A value that can be read from its Avro binary form.
pub(crate) trait Get: Sized {
    /// The binary form.
    const SHAPE: Shape;

    /// Takes the value from the cursor.
    fn get(cursor: &mut Cursor<'_>) -> Result<Self, Malformed>;
}

impl Get for i64 {
    const SHAPE: Shape = Shape::Long;

    #[inline]
    fn get(cursor: &mut Cursor<'_>) -> Result<Self, Malformed> {
        cursor.long()
    }
}

impl Get for i32 {
    const SHAPE: Shape = Shape::Int;

    #[inline]
    fn get(cursor: &mut Cursor<'_>) -> Result<Self, Malformed> {
        Self::try_from(cursor.long()?).map_err(|_| Malformed::IntRange)
    }
}

impl Get for bool {
    const SHAPE: Shape = Shape::Bool;

    fn get(cursor: &mut Cursor<'_>) -> Result<Self, Malformed> {
        match cursor.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed::Boolean),
        }
    }
}

impl Get for String {
    const SHAPE: Shape = Shape::Text;

    /// Other writers put the kernel's bytes into strings unchecked, so a path need not be UTF-8.
    /// A record is worth more than that: what is not UTF-8 becomes U+FFFD.
    fn get(cursor: &mut Cursor<'_>) -> Result<Self, Malformed> {
        let len = cursor.length()?;
        Ok(Self::from_utf8_lossy(cursor.bytes(len)?).into_owned())
    }
}

impl<T: Get> Get for Option<T> {
    const SHAPE: Shape = Shape::Optional(&T::SHAPE);

    fn get(cursor: &mut Cursor<'_>) -> Result<Self, Malformed> {
        match cursor.long()? {
            0 => Ok(None),
            1 => T::get(cursor).map(Some),
            other => Err(Malformed::Branch(other)),
        }
    }
}

impl<T: Get> Get for Vec<T> {
    const SHAPE: Shape = Shape::List(&T::SHAPE);

    fn get(cursor: &mut Cursor<'_>) -> Result<Self, Malformed> {
        let mut list = Self::new();
        loop {
            let count = cursor.block()?;
            if count == 0 {
                return Ok(list);
            }
            list.reserve(count);
            for _ in 0..count {
                list.push(T::get(cursor)?);
            }
        }
    }
}

impl Get for BTreeMap<String, String> {
    const SHAPE: Shape = Shape::TextMap;

    fn get(cursor: &mut Cursor<'_>) -> Result<Self, Malformed> {
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

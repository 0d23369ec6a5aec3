// SPDX-License-Identifier: Apache-2.0
//! Lists and maps that stay in the bytes they were found in.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;

use super::put::put_items;
use super::{Cursor, Get, IntoOwned, Malformed, Out, Put, Shape, Text, TextList};

/// A list of a record that was decoded without copying: its items are decoded when they are asked
/// for. They were checked when the record was decoded.
pub struct List<'a, T> {
    /// The blocks of the array, with their end mark.
    bytes: &'a [u8],
    len: usize,
    item: PhantomData<fn() -> T>,
}

impl<'a, T: Get<'a>> List<'a, T> {
    /// Number of items.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The items in order.
    #[must_use]
    pub fn iter(&self) -> Items<'a, T> {
        Items { blocks: Blocks::new(self.bytes), left: self.len, item: PhantomData }
    }
}

impl<T> Clone for List<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for List<'_, T> {}

impl<T> Default for List<'_, T> {
    fn default() -> Self {
        Self { bytes: &[], len: 0, item: PhantomData }
    }
}

impl<'a, T: Get<'a> + fmt::Debug> fmt::Debug for List<'a, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a, T: Get<'a> + PartialEq> PartialEq for List<'a, T> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}

impl<'a, T: Get<'a> + Eq> Eq for List<'a, T> {}

impl<'a, T: Get<'a>> Get<'a> for List<'a, T> {
    const SHAPE: Shape = Shape::List(&T::SHAPE);

    fn get(cursor: &mut Cursor<'a>) -> Result<Self, Malformed> {
        let start = cursor.pos();
        let mut len = 0;
        loop {
            let count = cursor.block()?;
            if count == 0 {
                return Ok(Self { bytes: cursor.since(start), len, item: PhantomData });
            }
            len += count;
            for _ in 0..count {
                T::get(cursor)?;
            }
        }
    }
}

impl<'a, T: Get<'a> + Put> Put for List<'a, T> {
    fn put<O: Out>(&self, out: &mut O) {
        put_items(out, self.len, self.iter());
    }
}

impl<'a, T: Get<'a> + Text> TextList for List<'a, T> {}

impl<'a, T: Get<'a> + IntoOwned> IntoOwned for List<'a, T> {
    type Owned = Vec<T::Owned>;

    fn into_owned(self) -> Self::Owned {
        self.iter().map(T::into_owned).collect()
    }
}

impl<'a, T: Get<'a>> IntoIterator for List<'a, T> {
    type Item = T;
    type IntoIter = Items<'a, T>;

    fn into_iter(self) -> Items<'a, T> {
        self.iter()
    }
}

/// The items of a [`List`].
pub struct Items<'a, T> {
    blocks: Blocks<'a>,
    left: usize,
    item: PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for Items<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items").field("left", &self.left).finish_non_exhaustive()
    }
}

impl<'a, T: Get<'a>> Iterator for Items<'a, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.left = self.left.checked_sub(1)?;
        T::get(self.blocks.next()?).ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<'a, T: Get<'a>> ExactSizeIterator for Items<'a, T> {}
impl<'a, T: Get<'a>> FusedIterator for Items<'a, T> {}

/// Goes through bytes that were checked before, item by item.
#[derive(Clone, Debug)]
struct Blocks<'a> {
    cursor: Cursor<'a>,
    /// Items left in the current block.
    left: usize,
}

impl<'a> Blocks<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { cursor: Cursor::new(bytes, 0, usize::MAX), left: 0 }
    }

    /// The cursor at the beginning of the next item.
    fn next(&mut self) -> Option<&mut Cursor<'a>> {
        if self.left == 0 {
            self.left = self.cursor.block().ok()?;
        }
        self.left = self.left.checked_sub(1)?;
        Some(&mut self.cursor)
    }
}

/// A map of texts that was decoded without copying; see [`List`].
#[derive(Clone, Copy, Default)]
pub struct TextMap<'a> {
    bytes: &'a [u8],
    len: usize,
}

impl<'a> TextMap<'a> {
    /// Keys and values as they stand there. A key may come twice in what others wrote: the last
    /// counts.
    pub fn iter(&self) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> + use<'a> {
        let mut blocks = Blocks::new(self.bytes);
        std::iter::from_fn(move || {
            let cursor = blocks.next()?;
            Some((Cow::get(cursor).ok()?, Cow::get(cursor).ok()?))
        })
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl fmt::Debug for TextMap<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl PartialEq for TextMap<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for TextMap<'_> {}

impl<'a> Get<'a> for TextMap<'a> {
    const SHAPE: Shape = Shape::TextMap;

    fn get(cursor: &mut Cursor<'a>) -> Result<Self, Malformed> {
        let start = cursor.pos();
        let mut len = 0;
        loop {
            let count = cursor.block()?;
            if count == 0 {
                return Ok(Self { bytes: cursor.since(start), len });
            }
            len += count;
            for _ in 0..2 * count {
                <Cow<'_, str>>::get(cursor)?;
            }
        }
    }
}

impl Put for TextMap<'_> {
    fn put<O: Out>(&self, out: &mut O) {
        if self.len > 0 {
            super::put_long(out, self.len as i64);
            for (key, value) in self.iter() {
                key.put(out);
                value.put(out);
            }
        }
        out.byte(0);
    }
}

impl IntoOwned for TextMap<'_> {
    type Owned = BTreeMap<String, String>;

    fn into_owned(self) -> Self::Owned {
        self.iter().map(|(key, value)| (key.into_owned(), value.into_owned())).collect()
    }
}

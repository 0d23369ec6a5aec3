// SPDX-License-Identifier: Apache-2.0
//! Writing Avro values. Nothing here allocates when the output has room.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::Out;

/// A value that knows its Avro binary form.
pub trait Put {
    /// Appends the binary form to `out`.
    fn put<O: Out>(&self, out: &mut O);
}

/// A string as records hold it: `String`, `&str`, `Box<str>`, `Arc<str>`, `Rc<str>`, `Cow<str>`.
pub trait Text: Put {}

/// A list of strings as records hold it: `Vec`, slice or array of [`Text`], or a [`NulList`].
pub trait TextList: Put {}

/// A list of strings kept as one text in which every item ends with a NUL, the form in which the
/// kernel keeps arguments and environment. A missing last NUL is forgiven.
///
/// ```
/// use sysflow::encode::NulList;
/// assert_eq!(NulList("HOME=/\0TERM=xterm\0").iter().collect::<Vec<_>>(), ["HOME=/", "TERM=xterm"]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NulList<'a>(pub &'a str);

impl<'a> NulList<'a> {
    /// The items in order, without their NULs.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.0.split_terminator('\0')
    }
}

impl Put for NulList<'_> {
    fn put<O: Out>(&self, out: &mut O) {
        put_items(out, self.iter().count(), self.iter());
    }
}

impl TextList for NulList<'_> {}

/// Appends `value` as a zigzag varint of 1 to 10 bytes.
///
/// Timestamps take nine bytes and every event has some, so the bytes are made eight at a time
/// instead of one by one. Always inline: where the same field of one record after the other is
/// written, the CPU learns how long it is.
#[inline(always)]
pub(crate) fn put_long<O: Out>(out: &mut O, value: i64) {
    let bits = ((value << 1) ^ (value >> 63)).cast_unsigned();
    if bits < 0x80 {
        out.byte(bits as u8);
        return;
    }
    if bits < 1 << 28 {
        // Threads, processes, sizes: half of the work.
        let len = length(bits);
        let more = 0x80_8080 >> (32 - 8 * len);
        return out.eight(u64::from(spread_28(bits as u32) | more), len);
    }
    let low = spread(bits & 0x00ff_ffff_ffff_ffff);
    let high = bits >> 56;
    if high == 0 {
        let len = length(bits);
        let more = 0x80_8080_8080_8080 >> (64 - 8 * len);
        return out.eight(low | more, len);
    }
    out.eight(low | 0x8080_8080_8080_8080, 8);
    out.byte(high as u8);
    if high >= 0x80 {
        out.byte(1);
    }
}

/// Bytes that a number takes, seven bits in each. Not for 0.
#[inline(always)]
fn length(bits: u64) -> usize {
    // A seventh, rounded up, without a division: 9 / 64 is near enough for up to 64 bits.
    (bits.ilog2() as usize * 9 + 73) / 64
}

/// Distributes 28 bits over four bytes, seven to each, the lowest first.
#[inline]
fn spread_28(bits: u32) -> u32 {
    let bits = bits & 0x3fff | (bits & 0x0fff_c000) << 2;
    bits & 0x007f_007f | (bits & 0x3f80_3f80) << 1
}

/// Distributes 56 bits over eight bytes, seven to each, the lowest first.
#[inline]
fn spread(bits: u64) -> u64 {
    let bits = bits & 0x0fff_ffff | (bits & 0x00ff_ffff_f000_0000) << 4;
    let bits = bits & 0x0000_3fff_0000_3fff | (bits & 0x0fff_c000_0fff_c000) << 2;
    bits & 0x007f_007f_007f_007f | (bits & 0x3f80_3f80_3f80_3f80) << 1
}

/// Appends an array: one block with all items, then the end mark.
pub(super) fn put_items<T: Put, O: Out>(out: &mut O, count: usize, items: impl Iterator<Item = T>) {
    if count > 0 {
        put_long(out, count as i64);
        items.for_each(|item| item.put(out));
    }
    out.byte(0);
}

impl Put for i64 {
    #[inline]
    fn put<O: Out>(&self, out: &mut O) {
        put_long(out, *self);
    }
}

impl Put for i32 {
    #[inline]
    fn put<O: Out>(&self, out: &mut O) {
        put_long(out, i64::from(*self));
    }
}

impl Put for bool {
    #[inline]
    fn put<O: Out>(&self, out: &mut O) {
        out.byte(u8::from(*self));
    }
}

impl Put for str {
    #[inline]
    fn put<O: Out>(&self, out: &mut O) {
        put_long(out, self.len() as i64);
        out.bytes(self.as_bytes());
    }
}

impl Text for str {}

impl<T: Put + ?Sized> Put for &T {
    #[inline]
    fn put<O: Out>(&self, out: &mut O) {
        (**self).put(out);
    }
}

impl<T: Text + ?Sized> Text for &T {}
impl<T: TextList + ?Sized> TextList for &T {}

macro_rules! text {
    ($($owner:ty),*) => {$(
        impl Put for $owner {
            #[inline]
            fn put<O: Out>(&self, out: &mut O) {
                str::put(self, out);
            }
        }
        impl Text for $owner {}
    )*};
}

text!(String, Box<str>, Arc<str>, Rc<str>, Cow<'_, str>);

impl<T: Put> Put for Option<T> {
    #[inline]
    fn put<O: Out>(&self, out: &mut O) {
        match self {
            None => out.byte(0),
            Some(value) => {
                out.byte(2); // branch 1 of [null, T]
                value.put(out);
            }
        }
    }
}

impl<T: Put> Put for [T] {
    fn put<O: Out>(&self, out: &mut O) {
        put_items(out, self.len(), self.iter());
    }
}

impl<T: Text> TextList for [T] {}

impl<T: Put> Put for Vec<T> {
    fn put<O: Out>(&self, out: &mut O) {
        self.as_slice().put(out);
    }
}

impl<T: Text> TextList for Vec<T> {}

impl<T: Put, const N: usize> Put for [T; N] {
    fn put<O: Out>(&self, out: &mut O) {
        self.as_slice().put(out);
    }
}

impl<T: Text, const N: usize> TextList for [T; N] {}

impl Put for BTreeMap<String, String> {
    fn put<O: Out>(&self, out: &mut O) {
        if !self.is_empty() {
            put_long(out, self.len() as i64);
            for (key, value) in self {
                key.put(out);
                value.put(out);
            }
        }
        out.byte(0);
    }
}

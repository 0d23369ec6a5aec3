// SPDX-License-Identifier: Apache-2.0
//! From what borrows to what owns.

use std::borrow::Cow;

/// A record, or a value of one, that can be made independent of the bytes it was decoded from.
pub trait IntoOwned {
    /// What owns its texts and lists.
    type Owned;

    /// Copies what is borrowed.
    fn into_owned(self) -> Self::Owned;
}

impl IntoOwned for Cow<'_, str> {
    type Owned = String;

    #[inline]
    fn into_owned(self) -> String {
        Cow::into_owned(self)
    }
}

impl<T: IntoOwned> IntoOwned for Option<T> {
    type Owned = Option<T::Owned>;

    #[inline]
    fn into_owned(self) -> Self::Owned {
        self.map(T::into_owned)
    }
}

macro_rules! plain {
    ($($type:ty),+ $(,)?) => {$(
        impl $crate::wire::IntoOwned for $type {
            type Owned = Self;

            #[inline]
            fn into_owned(self) -> Self {
                self
            }
        }
    )+};
}

pub(crate) use plain;

plain!(i64, i32, bool, String);

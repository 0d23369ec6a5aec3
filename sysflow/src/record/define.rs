// SPDX-License-Identifier: Apache-2.0
//! The macros that turn one table per record into the struct, its encoder and its decoders, so that
//! the three cannot drift apart.

/// Defines a record: `field: Type = "schemaName"`, optionally `else b"bytes"` for what stands for the
/// field when the writer did not have it, in binary (the type's default otherwise). Fields that only
/// schema version 6 has follow under `since 6`.
macro_rules! record {
    (
        $(#[$meta:meta])*
        $name:ident $(<$($param:ident: $bound:ident = $default:ty),+>)? {
            $($(#[$fmeta:meta])* $field:ident: $type:ty = $wire:literal $(else $absent:literal)?,)+
        }
        $(since 6 {
            $($(#[$nmeta:meta])* $new:ident: $ntype:ty = $nwire:literal,)+
        })?
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct $name $(<$($param = $default),+>)? {
            $($(#[$fmeta])* pub $field: $type,)+
            $($($(#[$nmeta])* #[doc = "\n\nSince schema version 6."] pub $new: $ntype,)+)?
        }

        impl $(<$($param: $crate::wire::$bound),+>)? $crate::wire::Put
            for $name $(<$($param),+>)?
        {
            #[inline]
            fn put<O: $crate::wire::Out>(&self, out: &mut O) {
                $($crate::wire::Put::put(&self.$field, out);)+
            }
        }

        impl $(<$($param: $crate::wire::$bound),+>)? $crate::wire::PutAs
            for $name $(<$($param),+>)?
        {
            #[inline]
            fn put_since_6<O: $crate::wire::Out>(&self, _out: &mut O) {
                $($($crate::wire::Put::put(&self.$new, _out);)+)?
            }
        }

        impl $name {
            /// Hands every field to `each`, in the order of the schema: its name there, and its
            /// value.
            pub fn each_field(&self, each: &mut dyn FnMut(&'static str, &dyn super::Field)) {
                $(each($wire, &self.$field);)+
                $($(each($nwire, &self.$new);)+)?
            }
        }

        impl $crate::wire::Fields for $name {
            const FIELDS: &'static [(&'static str, $crate::wire::Shape)] = {
                // The generic parameters stand for their defaults here.
                $($(type $param = $default;)+)?
                &[
                    $(($wire, <$type as $crate::wire::Get>::SHAPE),)+
                    $($(($nwire, <$ntype as $crate::wire::Get>::SHAPE),)+)?
                ]
            };

            const IN_5: usize = [$($wire),+].len();
        }

        impl<'a $($(, $param: $crate::wire::Get<'a> + Default)+)?> $crate::wire::Layout<'a>
            for $name $(<$($param),+>)?
        {
            fn absent() -> Self {
                Self {
                    $($field: record!(@absent $($absent)?),)+
                    $($($new: Default::default(),)+)?
                }
            }

            #[inline(always)]
            fn get_5(
                cursor: &mut $crate::wire::Cursor<'a>,
            ) -> Result<Self, $crate::wire::Malformed> {
                Ok(Self {
                    $($field: $crate::wire::Get::get(cursor)?,)+
                    $($($new: Default::default(),)+)?
                })
            }

            #[inline(always)]
            fn get_6(
                cursor: &mut $crate::wire::Cursor<'a>,
            ) -> Result<Self, $crate::wire::Malformed> {
                Ok(Self {
                    $($field: $crate::wire::Get::get(cursor)?,)+
                    $($($new: $crate::wire::Get::get(cursor)?,)+)?
                })
            }

            fn get_one(
                &mut self,
                index: usize,
                cursor: &mut $crate::wire::Cursor<'a>,
            ) -> Result<(), $crate::wire::Malformed> {
                let mut at = 0;
                $(
                    if index == at {
                        self.$field = $crate::wire::Get::get(cursor)?;
                        return Ok(());
                    }
                    at += 1;
                )+
                $($(
                    if index == at {
                        self.$new = $crate::wire::Get::get(cursor)?;
                        return Ok(());
                    }
                    at += 1;
                )+)?
                debug_assert!(index < at, "no field {index} in {}", stringify!($name));
                Ok(())
            }
        }

        impl $(<$($param: $crate::wire::IntoOwned),+>)? $crate::wire::IntoOwned
            for $name $(<$($param),+>)?
        {
            type Owned = $name $(<$($param::Owned),+>)?;

            #[inline]
            fn into_owned(self) -> Self::Owned {
                $name {
                    $($field: $crate::wire::IntoOwned::into_owned(self.$field),)+
                    $($($new: $crate::wire::IntoOwned::into_owned(self.$new),)+)?
                }
            }
        }
    };
    (@absent) => { Default::default() };
    (@absent $absent:literal) => {
        $crate::wire::Get::get(&mut $crate::wire::Cursor::new($absent, 0, 0)).unwrap_or_default()
    };
}

/// Makes a record usable as a value inside another record. Such a record is the same in all versions
/// of the schema.
macro_rules! nested {
    ($($name:ident $(<$($param:ident),+>)?),+) => {$(
        impl<'a $($(, $param)+)?> $crate::wire::Get<'a> for $name $(<$($param),+>)?
        where
            Self: $crate::wire::Layout<'a>,
        {
            const SHAPE: $crate::wire::Shape =
                $crate::wire::Shape::Record(<$name as $crate::wire::Fields>::FIELDS);

            #[inline(always)]
            fn get(
                cursor: &mut $crate::wire::Cursor<'a>,
            ) -> Result<Self, $crate::wire::Malformed> {
                $crate::wire::Layout::get_5(cursor)
            }
        }
    )+};
}

/// Defines an enum with its schema symbols, in the order of the schema.
macro_rules! symbols {
    (
        $(#[$meta:meta])*
        $name:ident { $($(#[$vmeta:meta])* $variant:ident = $symbol:literal,)+ }
        $(reads $($index:literal)|+ as $fallback:ident)?
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            #[default]
            $($(#[$vmeta])* $variant,)+
        }

        impl $name {
            /// The symbols in the order of the schema.
            pub const SYMBOLS: &'static [&'static str] = &[$($symbol),+];

            const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The symbol as written in the schema.
            #[must_use]
            pub fn symbol(self) -> &'static str {
                Self::SYMBOLS[self as usize]
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.symbol())
            }
        }

        impl $crate::wire::Put for $name {
            #[inline]
            fn put<O: $crate::wire::Out>(&self, out: &mut O) {
                $crate::wire::put_long(out, *self as i64);
            }
        }

        $crate::wire::plain!($name);

        impl $crate::wire::Get<'_> for $name {
            const SHAPE: $crate::wire::Shape = $crate::wire::Shape::Enum(Self::SYMBOLS);

            #[inline]
            fn get(
                cursor: &mut $crate::wire::Cursor<'_>,
            ) -> Result<Self, $crate::wire::Malformed> {
                let index = cursor.long()?;
                match usize::try_from(index).ok().and_then(|i| Self::ALL.get(i)) {
                    Some(&value) => Ok(value),
                    $(None if matches!(index, $($index)|+) => Ok(Self::$fallback),)?
                    None => Err($crate::wire::Malformed::Symbol(index)),
                }
            }
        }
    };
}

/// Defines a set of bit flags over an `int` field.
macro_rules! flags {
    (
        $(#[$meta:meta])*
        $name:ident { $($(#[$fmeta:meta])* $flag:ident = $value:expr,)+ }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub i32);

        impl $name {
            $($(#[$fmeta])* pub const $flag: Self = Self($value);)+

            /// No flag.
            pub const NONE: Self = Self(0);

            /// The single flags with their names, by rising value.
            pub const NAMES: &'static [(&'static str, Self)] =
                &[$((stringify!($flag), Self::$flag)),+];

            /// The value as it stands in the record.
            #[must_use]
            pub const fn bits(self) -> i32 {
                self.0
            }

            /// Whether all flags of `other` are set.
            #[must_use]
            pub const fn contains(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }

            /// Whether any flag of `other` is set.
            #[must_use]
            pub const fn intersects(self, other: Self) -> bool {
                self.0 & other.0 != 0
            }

            /// Whether no flag is set.
            #[must_use]
            pub const fn is_empty(self) -> bool {
                self.0 == 0
            }

            /// The flags of either.
            #[must_use]
            pub const fn union(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }

            /// The flags of `self` that are not in `other`.
            #[must_use]
            pub const fn without(self, other: Self) -> Self {
                Self(self.0 & !other.0)
            }
        }

        impl From<i32> for $name {
            fn from(bits: i32) -> Self {
                Self(bits)
            }
        }

        impl From<$name> for i32 {
            fn from(flags: $name) -> Self {
                flags.0
            }
        }

        impl std::ops::BitOr for $name {
            type Output = Self;

            fn bitor(self, other: Self) -> Self {
                self.union(other)
            }
        }

        impl std::ops::BitOrAssign for $name {
            fn bitor_assign(&mut self, other: Self) {
                *self = self.union(other);
            }
        }

        impl $crate::wire::Put for $name {
            #[inline]
            fn put<O: $crate::wire::Out>(&self, out: &mut O) {
                self.0.put(out);
            }
        }

        $crate::wire::plain!($name);

        impl $crate::wire::Get<'_> for $name {
            const SHAPE: $crate::wire::Shape = $crate::wire::Shape::Int;

            #[inline(always)]
            fn get(
                cursor: &mut $crate::wire::Cursor<'_>,
            ) -> Result<Self, $crate::wire::Malformed> {
                $crate::wire::Get::get(cursor).map(Self)
            }
        }
    };
}

pub(super) use {flags, nested, record, symbols};

// SPDX-License-Identifier: Apache-2.0
//! Avro's binary encoding: the primitives under [`crate::encode`] and [`crate::decode`].
//!
//! Source of the rules: Apache Avro specification 1.11, "Binary encoding". Integers are zigzag
//! varints, strings and lists are preceded by a count, a union by the index of its branch.

mod cursor;
mod get;
mod list;
mod out;
mod owned;
mod put;
mod shape;

pub(crate) use cursor::Cursor;
pub use cursor::Malformed;
pub(crate) use get::Get;
pub use list::{Items, List, TextMap};
pub(crate) use out::Out;
pub(crate) use out::{LARGE, Room, SMALL};
pub use owned::IntoOwned;
pub(crate) use owned::plain;
pub(crate) use put::Put;
pub(crate) use put::put_long;
pub use put::{NulList, Text, TextList};
pub(crate) use shape::{Fields, Layout, PutAs, Shape};

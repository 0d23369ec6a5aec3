// SPDX-License-Identifier: Apache-2.0
//! Events as text: tables for people, JSON and CSV for programs.
//!
//! Columns and fields are the [attributes](crate::attribute) under the names that the reference's
//! printer gives them. The default columns are the reference's with two deliberate differences:
//! times are written as UTC to the nanosecond instead of as a count of nanoseconds (the column
//! `ts_uts` still has that), and the return value is shown. What else differs stands in
//! `docs/print.md`.
//!
//! On a terminal, the columns of free text share the width there is; what does not fit is cut and
//! the cut is marked with "..". Numbers and times are never cut; a line that cannot be made narrow
//! enough is longer than the terminal. Written to anything else, nothing is cut. Control characters
//! in names, which could steer a terminal, are written as escapes.

mod cell;
mod colour;
mod column;
mod csv;
mod digits;
mod json;
mod layout;
#[cfg(feature = "parquet")]
mod parquet;
mod printer;
mod python;
mod reference;
mod statistics;
mod table;
mod time;
mod top;

pub use cell::{escaped, width};
pub use column::{Column, UnknownColumn};
pub use csv::Csv;
pub use json::{Json, Layout};
#[cfg(feature = "parquet")]
pub use parquet::{COLUMNS_VERSION, Parquet};
pub use printer::{Format, Printer, UnknownFormat};
pub use reference::{Reference, ReferenceFormat};
pub use statistics::Statistics;
pub use table::{Options, Table};
pub use time::Times;

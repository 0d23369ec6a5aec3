// SPDX-License-Identifier: Apache-2.0
//! Events as a readable table.
//!
//! Columns have the names of the reference's printer. The default set is the reference's with two
//! deliberate differences: times are written as UTC to the nanosecond instead of as a count of
//! nanoseconds (the column `ts_uts` still has that), and the return value is shown.
//!
//! On a terminal, the columns of free text share the width there is; what does not fit is cut and
//! the cut is marked with "..". Numbers and times are never cut; a line that cannot be made narrow
//! enough is longer than the terminal. Written to anything else, nothing is cut. Control characters
//! in names, which could steer a terminal, are written as escapes.

mod cell;
mod column;
mod columns;
mod ops;
mod table;
mod time;

pub use column::{Column, UnknownColumn, Value};
pub use columns::COLUMNS;
pub use ops::op_text;
pub use table::{Options, Table};

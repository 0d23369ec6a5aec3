// SPDX-License-Identifier: Apache-2.0
//! What the crate promises, tested from outside.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod attribute;
mod borrowed;
mod captures;
mod container;
mod damage;
mod diff;
mod encode;
mod export;
mod expression;
mod fastavro;
mod find;
mod output_file;
#[cfg(feature = "parquet")]
mod parquet;
mod print;
mod reference;
mod resume;
mod schema;
mod schema_6;
mod support;
mod values;
mod versions;

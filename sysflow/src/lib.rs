// SPDX-License-Identifier: Apache-2.0
//! The SysFlow format: records, container files, printing.
//!
//! A SysFlow trace is an Avro container file of records: *entities* (processes, files, containers)
//! and the *events* and *flows* that refer to them. This crate has
//!
//! * [`record`]: the records of schema version 5 as Rust types,
//! * [`encode`]: records to bytes, without allocation or copies,
//! * [`decode`]: bytes to records, without allocation or copies,
//! * [`write`](mod@write): container files that are good however their writer ends,
//! * [`read`]: traces of all schema versions to records, safe for any input,
//! * [`resolve`]: events together with their process, files and container,
//! * [`attribute`]: what can be said of an event, by name,
//! * [`expression`]: conditions on events in a filter language,
//! * [`print`](mod@print): events as a table, JSON or CSV,
//! * [`diff`]: what differs between two traces,
//! * [`schema`]: the schema itself.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use sysflow::print::{Options as PrintOptions, Table};
//! use sysflow::read::Reader;
//! use sysflow::record::{Header, ObjectState, Oid, OpFlags, Process, ProcessEvent, SCHEMA_VERSION};
//! use sysflow::resolve::Events;
//! use sysflow::write::{Options, OutputFile};
//!
//! # let dir = tempfile::tempdir()?;
//! let path = dir.path().join("trace.sf");
//! let oid = Oid { create_ts: 1_700_000_000_000_000_000, hpid: 4711 };
//!
//! let mut file = OutputFile::create(&path, Options::default())?;
//! file.header(&Header { version: SCHEMA_VERSION, exporter: "web1", ip: "", filename: "trace.sf" })?;
//! // Text may be borrowed or owned.
//! file.write(Process::<&str, &[&str]> {
//!     state: ObjectState::Created,
//!     oid,
//!     exe: "/bin/ls",
//!     exe_args: "-l",
//!     ..Process::default()
//! })?;
//! file.write(ProcessEvent::<&[&str]> {
//!     proc_oid: oid,
//!     ts: oid.create_ts,
//!     tid: 4711,
//!     op_flags: OpFlags::EXEC,
//!     ..ProcessEvent::default()
//! })?;
//! assert_eq!(file.finish()?.records, 3);
//!
//! let mut events = Events::new(Reader::open(&path)?);
//! let mut table = Table::new(PrintOptions::default());
//! let mut text = Vec::new();
//! while let Some(event) = events.next_event()? {
//!     assert_eq!(event.process.map(|process| process.exe.as_str()), Some("/bin/ls"));
//!     table.write_event(&mut text, &event)?;
//! }
//! assert!(String::from_utf8(text)?.contains("2023-11-14T22:13:20.000000000Z  PE  /bin/ls"));
//! # Ok(())
//! # }
//! ```

pub mod attribute;
pub mod decode;
pub mod diff;
pub mod encode;
pub mod expression;
pub mod print;
pub mod read;
pub mod record;
pub mod resolve;
pub mod schema;
mod wire;
pub mod write;

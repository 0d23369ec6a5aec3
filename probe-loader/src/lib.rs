// SPDX-License-Identifier: Apache-2.0
//! Chooses, loads and checks a `SysFlow` driver and hands out its rings.
//!
//! ```text
//! Driver::open ── kmod or eBPF ── rings() ── Ring::peek ── Record::decode
//! ```
//!
//! Two drivers speak one ABI ([`abi`]): the loadable kernel module and the
//! eBPF programs. [`Driver::open`](driver::Driver::open) picks one; from then
//! on nothing depends on which it is.

pub mod abi;
pub mod counters;
pub mod doctor;
pub mod driver;
pub mod ebpf;
pub mod kmod;
pub mod record;
pub mod ring;
pub mod selection;
pub mod sizing;
pub mod status;

pub use counters::Counters;
pub use driver::Driver;
pub use ebpf::tasks::Tasks;
pub use record::Record;
pub use ring::Ring;
pub use selection::Selection;

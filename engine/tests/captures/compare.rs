// SPDX-License-Identifier: Apache-2.0
//! Lists of records compared: as multisets, and in their order.

use std::collections::BTreeMap;

use sysflow::record::{OpFlags, Record};

/// The record as text, without what may differ: the name of the output file.
fn told(record: &Record) -> String {
    match record {
        Record::Header(header) => format!("{} {} {}", header.version, header.exporter, header.ip),
        other => format!("{other:?}"),
    }
}

/// Records that are in one list only, with how often: positive in the first.
pub(crate) fn difference(ours: &[Record], theirs: &[Record]) -> BTreeMap<String, i64> {
    let mut all = BTreeMap::new();
    for record in ours {
        *all.entry(told(record)).or_insert(0) += 1;
    }
    for record in theirs {
        *all.entry(told(record)).or_insert(0) -= 1;
    }
    all.retain(|_, count| *count != 0);
    all
}

/// Whether the record is one of a flush, which has no order: an end of a flow
/// that was cut off, told by its end time.
fn flushed(record: &Record) -> Option<i64> {
    match record {
        Record::FileFlow(flow) if flow.op_flags.contains(OpFlags::TRUNCATE) => Some(flow.end_ts),
        Record::NetworkFlow(flow) if flow.op_flags.contains(OpFlags::TRUNCATE) => Some(flow.end_ts),
        _ => None,
    }
}

/// The records in order, each flush sorted.
pub(crate) fn ordered(records: &[Record]) -> Vec<String> {
    let mut lines = Vec::with_capacity(records.len());
    for flush in records.chunk_by(|a, b| flushed(a).is_some() && flushed(a) == flushed(b)) {
        let from = lines.len();
        lines.extend(flush.iter().map(told));
        lines[from..].sort();
    }
    lines
}

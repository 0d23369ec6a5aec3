// SPDX-License-Identifier: Apache-2.0
//! A long trace, grown from short real ones.
//!
//! The real traces are read one after the other, without their headers, and taken as one day. The
//! long trace is that day again and again: in each round all times, and with them the identities of
//! processes, are a day later. So each round has its own processes, described again with their
//! arguments and environments, and the same files and containers, as on a host that restarts its
//! services every day. Nothing else is changed: sizes, texts and the mix of records are the real
//! ones.

use std::path::{Path, PathBuf};

use sysflow::read::Reader;
use sysflow::record::{Header, Oid, Record};

/// Nanoseconds in a day.
const DAY: i64 = 86_400_000_000_000;

/// The directory of the captures of the `SysFlow` project, if it is there: `SYSFLOW_CAPTURES`, else
/// `../shared/captures` beside the workspace.
#[must_use]
pub fn captures() -> Option<PathBuf> {
    let root = std::env::var_os("SYSFLOW_CAPTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/captures"),
        PathBuf::from,
    );
    root.is_dir().then_some(root)
}

/// The real traces below `captures`, of all schema versions, as one day.
///
/// # Errors
/// When one cannot be read.
pub fn day(captures: &Path) -> Result<Vec<Record>, sysflow::read::Error> {
    let mut records = Vec::new();
    for dir in ["collector", "traces"] {
        for path in sysflow::read::find(captures.join(dir))? {
            if path.extension().is_none_or(|extension| extension != "sf") {
                continue;
            }
            for record in Reader::open(&path)? {
                match record? {
                    Record::Header(_) => {}
                    record => records.push(record),
                }
            }
        }
    }
    Ok(records)
}

/// A header, and then days until there are at least `count` records.
#[must_use]
pub fn grow(day: &[Record], count: usize) -> Vec<Record> {
    let header = Header { version: 5, exporter: "grown".to_owned(), ..Header::default() };
    let mut records = Vec::with_capacity(count + day.len());
    records.push(Record::Header(header));
    let mut late = 0;
    while records.len() < count && !day.is_empty() {
        records.extend(day.iter().cloned().map(|record| later(record, late)));
        late += DAY;
    }
    records
}

/// The record with all its times, and the identities that have times in them, moved.
fn later(mut record: Record, by: i64) -> Record {
    let move_oid = |oid: &mut Oid| oid.create_ts += by;
    match &mut record {
        Record::Header(_) | Record::Container(_) => {}
        Record::Process(process) => {
            move_oid(&mut process.oid);
            process.poid.iter_mut().for_each(move_oid);
            process.ts += by;
        }
        Record::File(file) => file.ts += by,
        Record::Pod(pod) => pod.ts += by,
        Record::K8sEvent(event) => event.ts += by,
        Record::ProcessEvent(event) => {
            move_oid(&mut event.proc_oid);
            event.ts += by;
        }
        Record::FileEvent(event) => {
            move_oid(&mut event.proc_oid);
            event.ts += by;
        }
        Record::NetworkEvent(event) => {
            move_oid(&mut event.proc_oid);
            event.ts += by;
        }
        Record::NetworkFlow(flow) => {
            move_oid(&mut flow.proc_oid);
            flow.ts += by;
            flow.end_ts += by;
        }
        Record::FileFlow(flow) => {
            move_oid(&mut flow.proc_oid);
            flow.ts += by;
            flow.end_ts += by;
        }
        Record::ProcessFlow(flow) => {
            move_oid(&mut flow.proc_oid);
            flow.ts += by;
            flow.end_ts += by;
        }
    }
    record
}

#[cfg(test)]
mod tests {
    use sysflow::record::{NetworkFlow, Process};

    use super::*;

    #[test]
    fn every_day_has_its_own_processes() {
        let oid = Oid { create_ts: 5, hpid: 7 };
        let process = Process { oid, poid: Some(oid), ..<Process>::default() };
        let flow = NetworkFlow { proc_oid: oid, ts: 6, end_ts: 9, ..NetworkFlow::default() };
        let records = grow(&[process.into(), flow.into()], 5);
        assert_eq!(records.len(), 5);
        let Record::Process(second) = &records[3] else { panic!("no process") };
        assert_eq!(second.oid, Oid { create_ts: 5 + DAY, hpid: 7 });
        assert_eq!(second.poid, Some(second.oid));
        let Record::NetworkFlow(second) = &records[4] else { panic!("no flow") };
        assert_eq!((second.ts, second.end_ts), (6 + DAY, 9 + DAY));
        assert_eq!(second.proc_oid.create_ts, 5 + DAY);
    }
}

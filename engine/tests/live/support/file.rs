// SPDX-License-Identifier: Apache-2.0
//! Files that a capture wrote, and what holds for every one of them.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use sysflow::read::{Error, Reader};
use sysflow::record::{Foid, Oid, Record};

/// All records of a complete file.
pub(crate) fn read(path: &Path) -> Vec<Record> {
    Reader::open(path).and_then(Iterator::collect).unwrap_or_else(|error| panic!("{error}"))
}

/// The records of a file that may have been cut off, and what the reader says
/// about its end.
pub(crate) fn read_what_there_is(path: &Path) -> (Vec<Record>, Option<Error>) {
    let reader = Reader::open(path).unwrap_or_else(|error| panic!("{error}"));
    let (mut records, mut end) = (Vec::new(), None);
    for record in reader {
        match record {
            Ok(record) => records.push(record),
            Err(error) => end = Some(error),
        }
    }
    (records, end)
}

/// Checks that a file can be understood from its beginning: a header first,
/// and every process, parent, file and container before its first use. Times
/// do not run backwards within a record.
pub(crate) fn assert_self_contained(records: &[Record]) {
    let mut known = Known::default();
    for (index, record) in records.iter().enumerate() {
        assert_eq!(index == 0, matches!(record, Record::Header(_)), "record {index}: {record:?}");
        known.note(record).unwrap_or_else(|what| panic!("record {index}: {what}: {record:?}"));
    }
}

#[derive(Default)]
struct Known {
    processes: HashSet<Oid>,
    files: HashMap<Foid, String>,
    containers: HashSet<String>,
}

impl Known {
    fn note(&mut self, record: &Record) -> Result<(), &'static str> {
        let need = |known: bool, what| if known { Ok(()) } else { Err(what) };
        match record {
            Record::Container(container) => {
                self.containers.insert(container.id.clone());
            }
            Record::Process(process) => {
                let parent = process.poid.is_none_or(|oid| self.processes.contains(&oid));
                need(parent, "its parent comes later or never")?;
                self.need_container(process.container_id.as_ref())?;
                self.processes.insert(process.oid);
            }
            Record::File(file) => {
                self.need_container(file.container_id.as_ref())?;
                let id = Foid::of(file.container_id.as_deref(), file.path.as_bytes());
                let utf8 = !file.path.contains('\u{fffd}');
                need(!utf8 || id == file.oid, "its id is not the hash of its path")?;
                self.files.insert(file.oid, file.path.clone());
            }
            Record::ProcessEvent(event) => {
                need(self.processes.contains(&event.proc_oid), "its process is unknown")?;
            }
            Record::FileFlow(flow) => {
                need(self.processes.contains(&flow.proc_oid), "its process is unknown")?;
                need(self.files.contains_key(&flow.file_oid), "its file is unknown")?;
                need(flow.ts <= flow.end_ts, "it ends before it begins")?;
            }
            Record::NetworkFlow(flow) => {
                need(self.processes.contains(&flow.proc_oid), "its process is unknown")?;
                need(flow.ts <= flow.end_ts, "it ends before it begins")?;
            }
            _ => {}
        }
        Ok(())
    }

    fn need_container(&self, id: Option<&String>) -> Result<(), &'static str> {
        match id {
            Some(id) if !self.containers.contains(id) => Err("its container is unknown"),
            _ => Ok(()),
        }
    }
}

/// Paths of the files of a capture.
pub(crate) fn paths(records: &[Record]) -> HashMap<Foid, (String, i32)> {
    let files = records.iter().filter_map(|record| match record {
        Record::File(file) => Some((file.oid, (file.path.clone(), file.restype.0))),
        _ => None,
    });
    files.collect()
}

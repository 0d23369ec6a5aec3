// SPDX-License-Identifier: Apache-2.0
//! mpm-event-full, whose expected records an older library made (0.10.3). What
//! differs is what `docs/captures.md` lists, and nothing else: where the
//! records are changed by its rules, they are the same.

use engine::scap::Options;
use sysflow::record::{Oid, Record};

use super::compare::{difference, ordered};
use super::convert::{captures, converted, expected};

/// The runc process that makes the container, as the older library knows it
/// from its child's events; a newer one does not.
const UNKNOWN_PARENT: Oid = Oid { create_ts: 0, hpid: 10301 };

/// The container's first process is made with `CLONE_PARENT`: by the event of
/// its maker in the older library, by its own in newer ones.
const BY_ITS_MAKER: Oid = Oid { create_ts: 1_555_011_816_575_383_601, hpid: 10310 };
const BY_ITSELF: Oid = Oid { create_ts: 1_555_011_816_575_567_972, hpid: 10310 };

/// Who made it: its parent in the older library, while in newer ones it has
/// the parent that the clone call gave it, which is not known.
const MAKER: Oid = Oid { create_ts: 1_555_011_816_574_023_069, hpid: 10309 };

/// A record of the older library as a newer one would have made it. None: it
/// would not have.
fn as_newer(mut record: Record) -> Option<Record> {
    let renamed = |oid: &mut Oid| {
        if *oid == BY_ITS_MAKER {
            *oid = BY_ITSELF;
        }
    };
    match &mut record {
        Record::Process(p) if p.oid == UNKNOWN_PARENT => return None,
        Record::Process(p) => {
            if p.poid == Some(UNKNOWN_PARENT) || (p.oid == BY_ITS_MAKER && p.poid == Some(MAKER)) {
                p.poid = None;
            }
            p.poid.iter_mut().for_each(renamed);
            renamed(&mut p.oid);
        }
        Record::ProcessEvent(e) => renamed(&mut e.proc_oid),
        Record::FileFlow(f) => renamed(&mut f.proc_oid),
        Record::NetworkFlow(f) => renamed(&mut f.proc_oid),
        Record::FileEvent(e) => renamed(&mut e.proc_oid),
        _ => {}
    }
    Some(record)
}

#[test]
fn every_difference_is_one_of_the_older_library() {
    let Some(folder) = captures() else { return };
    let theirs: Vec<_> =
        expected(&folder, "mpm-event-full").into_iter().filter_map(as_newer).collect();
    let ours = converted(&folder, "mpm-event-full", &Options::default());
    let differing = difference(&ours.records, &theirs);
    for (record, count) in &differing {
        eprintln!("{} {record}", if *count > 0 { "ours  " } else { "theirs" });
    }
    assert!(differing.is_empty(), "{} records differ", differing.len());
    let (a, b) = (ordered(&ours.records), ordered(&theirs));
    if let Some(at) = a.iter().zip(&b).position(|(a, b)| a != b) {
        panic!("differs in order at record {at}:\nours   {}\ntheirs {}", a[at], b[at]);
    }
}

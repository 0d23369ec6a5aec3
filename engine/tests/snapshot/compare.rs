// SPDX-License-Identifier: Apache-2.0
//! What a scan finds, and whether /proc says the same.

use std::collections::HashMap;

use engine::scan::{Part, Source, scan};
use engine::snapshot::{Found, ProcFs, Span};

use crate::roles::Actor;

/// A clock tick of /proc, ns.
const TICK: u64 = 10_000_000;

/// How processes were learnt.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) by_kernel: u64,
    pub(crate) from_proc: u64,
}

pub(crate) fn scanned(source: &Source) -> (Vec<Found>, Span) {
    let (sender, receiver) = crossbeam::channel::unbounded();
    scan(source, 1, &sender);
    drop(sender);
    let (mut all, mut ended) = (Vec::new(), None);
    for part in receiver {
        match part {
            Part::Found(found, _) => all.extend(found),
            Part::End(span, _) => ended = Some(span),
        }
    }
    let span = ended.expect("a scan ends");
    assert!(span.whole);
    (all, span)
}

fn by_pid(found: Vec<Found>) -> HashMap<u32, Found> {
    let count = found.len();
    let map: HashMap<_, _> = found.into_iter().map(|process| (process.pid, process)).collect();
    assert_eq!(map.len(), count, "no process is told twice");
    map
}

/// Whether a kernel thread, whose name says what it does at the moment.
fn is_worker(process: &Found) -> bool {
    process.exe.starts_with("[kworker/")
}

/// Compares processes that were the same before and after in /proc: all actors
/// are among them.
pub(crate) fn compared(source: &Source, actors: &[(&str, Actor)]) -> Told {
    let mut proc = ProcFs::default();
    let before = by_pid(proc.all());
    let (found, span) = scanned(source);
    let found = by_pid(found);
    let after = by_pid(proc.all());
    let mut same = 0;
    for (pid, expected) in before.iter().filter(|(pid, process)| after.get(pid) == Some(process)) {
        let told = found.get(pid).unwrap_or_else(|| panic!("not told: {expected:?}"));
        let rounded = Found { start: told.start - told.start % TICK, ..told.clone() };
        if is_worker(expected) && is_worker(told) {
            continue;
        }
        assert_eq!(rounded, *expected);
        same += 1;
    }
    assert!(same >= actors.len(), "{same} processes are compared");
    for (name, actor) in actors {
        assert_eq!(before.get(&actor.pid()), after.get(&actor.pid()), "{name} keeps still");
        assert!(found.contains_key(&actor.pid()), "{name}");
    }
    // Nothing is told that is not there, but what began or ended meanwhile.
    let begun = before.values().map(|process| process.start).max().unwrap_or(0);
    let invented = found.values().find(|process| {
        process.start < begun
            && !before.contains_key(&process.pid)
            && !after.contains_key(&process.pid)
    });
    assert_eq!(invented, None);
    Told { by_kernel: span.told, from_proc: span.read }
}

// SPDX-License-Identifier: Apache-2.0
//! Both drivers at once on the same program: every scene of every test, when
//! `SYSFLOW_TEST_BOTH` is set and both can be had. Their records are the same,
//! but for what [`compare`] lists.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use probe_loader::abi::{SF_EXIT_LAST, SF_F_USER, SF_OP_CONNECT, SF_OP_EXIT, SF_OP_FORK, class_of};
use probe_loader::driver::{Choice, Driver, Kind, Options};

use crate::recording::{Collector, Event, Recording};

/// A fact that a scene sets in which others change names while they are read:
/// each driver tells what it found.
pub(crate) const RACING: &str = "racing";

const DESCRIBE: usize = 1;
const IO: usize = 5;

/// The other driver, to run beside the one that is tested.
pub(crate) fn other(than: Kind, ring_size: usize) -> Option<Driver> {
    std::env::var_os("SYSFLOW_TEST_BOTH")?;
    let choice = match than {
        Kind::Kmod => Choice::Ebpf,
        Kind::Ebpf => Choice::Kmod,
    };
    Some(Driver::open(choice, &Options { ring_size }).expect("the other driver"))
}

/// The process that a test looks at, and all that came of it.
fn family(events: &[Event], first: u32) -> HashSet<u32> {
    let mut family = HashSet::from([first]);
    for e in events {
        if e.op() == SF_OP_FORK && family.contains(&e.hdr().pid) {
            family.insert(e.as_fork().child_pid);
        }
    }
    family
}

/// A record without what each driver has of its own: its clock reading, its
/// sequence, and the key of its identities.
fn plain(e: &Event, key: u64) -> Vec<u64> {
    let mut words = e.words().to_vec();
    words[0] = 0;
    words[2] &= !0xffff_ffff;
    if class_of(e.hdr().op) == IO {
        words[6] = 0;
    }
    // The peer of a datagram socket of AF_UNIX can be freed meanwhile: a module
    // would have to lock it, and tells the name that the call gave.
    if e.op() == SF_OP_CONNECT && is_unix_datagram(e) {
        words[2] &= !(u64::from(SF_F_USER) << 56);
    }
    // Before 6.16 each looks by itself whether a thread is the last, and others
    // can end in between.
    if e.op() == SF_OP_EXIT {
        words[4] &= !(u64::from(SF_EXIT_LAST) << 32);
    }
    if e.file().is_some_and(|file| file != 0) {
        words[3] ^= key;
    }
    words
}

fn is_unix_datagram(e: &Event) -> bool {
    let tuple = e.tuple();
    (i32::from(tuple.family), i32::from(tuple.type_)) == (libc::AF_UNIX, libc::SOCK_DGRAM)
}

/// Records of a family by thread, each in its order; descriptions by
/// themselves, because each ring is told a file once.
struct Told<'a> {
    threads: BTreeMap<u32, Vec<&'a Event>>,
    descriptions: BTreeSet<Vec<u64>>,
}

fn told<'a>(events: &'a [Event], family: &HashSet<u32>, key: u64) -> Told<'a> {
    let mut told = Told { threads: BTreeMap::new(), descriptions: BTreeSet::new() };
    for e in events.iter().filter(|e| family.contains(&e.hdr().pid)) {
        if class_of(e.hdr().op) == DESCRIBE {
            told.descriptions.insert(plain(e, key));
        } else {
            told.threads.entry(e.hdr().tid).or_default().push(e);
        }
    }
    told
}

/// What hides identities of one driver from the other's: the same for all.
fn key_between(ours: &Told<'_>, theirs: &Told<'_>) -> u64 {
    let pairs = ours.threads.values().flatten().zip(theirs.threads.values().flatten());
    pairs
        .filter_map(|(a, b)| Some((a.file()?, b.file()?)))
        .find(|(a, b)| *a != 0 && *b != 0)
        .map_or(0, |(a, b)| a ^ b)
}

/// Compares what two drivers told of the same run.
pub(crate) fn compare(recording: &Recording, other: Collector) {
    if recording.has_fact(RACING) {
        return;
    }
    let mut events = other.events;
    events.sort_by_key(|e| e.hdr().ts);
    let family = family(&recording.events, recording.pid);
    let ours = told(&recording.events, &family, 0);
    let theirs = told(&events, &family, 0);
    let key = key_between(&ours, &theirs);
    let theirs = told(&events, &family, key);
    for (tid, mine) in &ours.threads {
        let none = Vec::new();
        let its = theirs.threads.get(tid).unwrap_or(&none);
        for (a, b) in mine.iter().zip(its) {
            assert_eq!(
                plain(a, 0),
                plain(b, key),
                "thread {tid}:\n{:?}\n{:?}",
                a.record(),
                b.record()
            );
        }
        assert_eq!(mine.len(), its.len(), "records of thread {tid}");
    }
    let lacking: Vec<_> = ours.descriptions.symmetric_difference(&theirs.descriptions).collect();
    assert!(lacking.is_empty(), "described by one driver only: {lacking:x?}");
}

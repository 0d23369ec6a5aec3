// SPDX-License-Identifier: Apache-2.0
//! Every field of every record, in order but for what a flush leaves open.

use engine::scap::Options;

use super::compare::{difference, ordered};
use super::convert::{captures, converted, expected};

fn exact(name: &str) {
    let Some(folder) = captures() else { return };
    let theirs = expected(&folder, name);
    let ours = converted(&folder, name, &Options::default());
    let differing = difference(&ours.records, &theirs);
    for (record, count) in differing.iter().take(20) {
        eprintln!("{} {record}", if *count > 0 { "ours  " } else { "theirs" });
    }
    assert!(differing.is_empty(), "{} records differ in {name}", differing.len());
    let (a, b) = (ordered(&ours.records), ordered(&theirs));
    if let Some(at) = a.iter().zip(&b).position(|(a, b)| a != b) {
        panic!("{name} differs in order at record {at}:\nours   {}\ntheirs {}", a[at], b[at]);
    }
    let c = &ours.counts;
    assert_eq!(c.events, c.passed + c.used + c.incomplete + c.unknown, "{c:?}");
    assert_eq!(ours.engine.records + 1, theirs.len() as u64);
}

macro_rules! captures {
    ($($test:ident = $name:literal;)+) => {$(
        #[test]
        fn $test() {
            exact($name);
        }
    )+};
}

captures! {
    alpine = "alpine";
    ls = "ls";
    rename = "rename";
    mpm_event_cold = "mpm-event-cold";
    files = "files";
    tcp_client_server = "tcp-client-server";
}

// SPDX-License-Identifier: Apache-2.0
//! What is known of the captures of the SysFlow project: how much of what is in them.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use engine::scap::file::{Block, DescriptorObject, Reader};

/// The captures, or none and a message.
pub(crate) fn captures(test: &str) -> Option<PathBuf> {
    let root = std::env::var_os("SYSFLOW_CAPTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/captures"),
        PathBuf::from,
    );
    if root.is_dir() {
        return Some(root);
    }
    // Not through the test harness, which would hide it.
    let line =
        format!("skipped: {test}: no captures at {}; set SYSFLOW_CAPTURES\n", root.display());
    let _ = std::io::stderr().write_all(line.as_bytes());
    None
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    events: u64,
    without_cpu_times: u64,
    threads: u64,
    lists: u64,
    named_files: u64,
    late: u64,
}

/// Type of the periodic events of a CPU's times.
const PROCINFO: u16 = 234;

fn read(path: &Path) -> Found {
    let mut reader = Reader::open(path).unwrap();
    let (mut found, mut last) = (Found::default(), 0);
    while let Some(block) = reader.next_block().unwrap_or_else(|error| panic!("{error}")) {
        match block {
            Block::Event(event) => {
                found.events += 1;
                found.without_cpu_times += u64::from(event.kind != PROCINFO);
                found.late += u64::from(event.ts < last);
                last = event.ts;
                assert_eq!(event.params.iter().count(), event.params.len());
                for (index, value) in event.params.iter().enumerate() {
                    assert_eq!(event.params.get(index), Some(value));
                }
                assert_eq!(event.params.get(event.params.len()), None);
            }
            Block::Processes(list) => found.threads += list.count() as u64,
            Block::Descriptors(list) => {
                found.lists += 1;
                let files = list.entries.filter(
                    |fd| matches!(&fd.object, DescriptorObject::File { path, .. } if !path.is_empty()),
                );
                found.named_files += files.count() as u64;
            }
            Block::Machine(machine) => assert!(machine.cpus > 0 && !machine.host_name.is_empty()),
            Block::Users(list) => assert!(list.count() > 20),
            Block::Interfaces(list) => assert!(list.count() > 0),
            Block::Section(section) => assert_eq!((section.major, section.minor), (1, 2)),
        }
    }
    assert_eq!(reader.counts().events, found.events);
    assert_eq!((reader.counts().sections, reader.counts().unknown_blocks), (1, 0));
    assert_eq!(reader.consumed(), path.metadata().unwrap().len());
    found
}

#[test]
fn everything_in_the_captures_is_found() {
    let Some(root) = captures("everything_in_the_captures_is_found") else { return };
    for (name, events, without_cpu_times, threads) in [
        ("alpine", 8840, 832, 503),
        ("tcp-client-server", 2302, 176, 131),
        ("files", 2186, 206, 201),
        ("mpm-event-cold", 3507, 2669, 303),
        ("mpm-event-full", 35860, 34683, 206),
        ("ls", 2936, 1627, 246),
        ("rename", 4525, 381, 356),
    ] {
        let found = read(&root.join("collector").join(name).with_extension("scap"));
        assert_eq!(
            (found.events, found.without_cpu_times, found.threads, found.lists),
            (events, without_cpu_times, threads, threads),
            "{name}"
        );
        // Events are in the order of their time.
        assert!(found.named_files > 100 && found.late == 0, "{name}: {found:?}");
    }
}

#[test]
fn a_compressed_capture_is_read() {
    let Some(root) = captures("a_compressed_capture_is_read") else { return };
    let found = read(&root.join("single_ipv6_conn.scap"));
    assert_eq!((found.events, found.threads, found.lists), (1728, 154, 154));
}

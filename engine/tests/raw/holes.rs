// SPDX-License-Identifier: Apache-2.0
//! A recorder that does not keep up leaves out, counts, and marks where.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::stat::Mode;

use crate::support::{BEGUN, Host, operation, player};

/// Rounds of the capture; in each, the rings get some records.
fn rounds(host: &mut Host, now: &mut u64, count: u32) {
    for _ in 0..count {
        for step in 0..300 {
            *now += 1000;
            // Not to be compressed away.
            let mixed = now.wrapping_mul(6_364_136_223_846_793_005) >> 40;
            assert!(host.writer.put(step % 3, &operation(*now, 2 + mixed as u32 % 5000, step)));
        }
        // Everything is older than the margin of the merge.
        *now += 100_000;
        host.drain(*now);
    }
}

#[test]
fn what_is_left_out_is_counted_and_the_rest_is_replayed() {
    let dir = tempfile::tempdir().expect("directory");
    let path = dir.path().join("pipe");
    nix::unistd::mkfifo(&path, Mode::S_IRWXU).expect("a pipe");
    // Nobody reads yet: the pipe takes 64 KiB, and the buffers what they hold.
    let (reader, both) = open(&path);
    let mut host = Host::new(&path, 2 << 20);
    drop(both);
    let mut now = BEGUN;
    rounds(&mut host, &mut now, 300);
    let before = now;
    // From here on somebody reads.
    let reading = std::thread::spawn(move || {
        let (mut reader, mut bytes) = (reader, Vec::new());
        reader.read_to_end(&mut bytes).expect("read");
        bytes
    });
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(60) && !resumed(&mut host, &mut now) {}
    rounds(&mut host, &mut now, 20);
    let (_, counts, ended) = host.finish();
    let bytes = reading.join().expect("reader");

    assert!(ended.error.is_none() && ended.holes > 0 && ended.missed > 0, "{ended:?}");
    assert_eq!(ended.records + ended.missed, counts.events);
    let mut player = player(bytes).expect("a recording");
    while player.step(|_| ()).expect("no damage").is_some() {}
    let later = player.now() > before;
    let (_, _, played) = player.finish();
    assert!(later, "what came after the hole is there");
    assert_eq!(played.events, ended.records);
    assert_eq!((played.holes, played.damaged), (ended.holes, 0));
    assert!(played.missing >= ended.missed * 24, "{played:?}");
    assert_eq!(played.end.expect("an end").missed, ended.missed);
}

/// Lets a little happen. Returns whether the recorder keeps up again.
fn resumed(host: &mut Host, now: &mut u64) -> bool {
    let before = host.tap.records();
    rounds(host, now, 1);
    std::thread::sleep(Duration::from_millis(5));
    host.tap.records() > before
}

/// The end of a pipe that is read, and one for both directions, so that neither
/// end waits for the other to be opened.
fn open(path: &Path) -> (File, File) {
    let both = File::options().read(true).write(true).open(path).expect("both ends");
    (File::open(path).expect("a reader"), both)
}

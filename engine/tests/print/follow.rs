// SPDX-License-Identifier: Apache-2.0
//! Following what grows.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::time::{Duration, SystemTime};

use crate::support::{Follower, bytes, ends, trace};

const NOTHING: (bool, String) = (true, String::new());

#[test]
fn a_file_is_followed_while_it_grows_in_pieces_of_any_size() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.sf");
    let whole = bytes(0..9);
    let first = ends(&whole)[2] + 9; // inside the next block
    let mut file = File::create(&path).unwrap();
    file.write_all(&whole[..first]).unwrap();
    let mut follower = Follower::new(&path);
    follower.expect(0..1);
    for piece in whole[first..].chunks(7) {
        file.write_all(piece).unwrap();
    }
    follower.expect(1..9);
    follower.interrupt();
    assert_eq!(follower.end(), NOTHING);
}

/// What is written to a closed file later is read as well; the end is inside a block.
#[test]
fn a_file_that_is_opened_again_is_followed_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.sf");
    let whole = bytes(0..4);
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    let mut follower = Follower::new(&path);
    follower.expect(0..3);
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(&whole[whole.len() - 1..]).unwrap();
    drop(file);
    follower.expect(3..4);
    follower.interrupt();
    assert_eq!(follower.end(), NOTHING);
}

/// The following ends with the capture.
#[test]
fn a_capture_is_followed_until_it_has_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.sf");
    let partial = dir.path().join(".a.sf.partial");
    let whole = bytes(0..6);
    let first = ends(&whole)[2] + 9;
    let mut follower = Follower::new(&path); // there is nothing yet
    let mut file = File::create(&partial).unwrap();
    file.write_all(&whole[..first]).unwrap();
    follower.expect(0..1);
    file.write_all(&whole[first..]).unwrap();
    fs::rename(&partial, &path).unwrap();
    follower.expect(1..6);
    assert_eq!(follower.end(), NOTHING);
}

#[test]
fn new_files_of_a_directory_are_read_once_however_they_come() {
    let dir = tempfile::tempdir().unwrap();
    // Old enough to be done: it is read before those that may grow.
    let old = trace(dir.path(), "1700000001.sf", 0..2);
    let hours_ago = SystemTime::now() - Duration::from_secs(7200);
    OpenOptions::new().append(true).open(old).unwrap().set_modified(hours_ago).unwrap();
    trace(dir.path(), "1700000002.sf", 2..4);
    let mut follower = Follower::new(dir.path());
    follower.expect(0..4);
    // As the reference collector writes: under its name, which need not end with ".sf".
    let mut file = File::create(dir.path().join("1700000003")).unwrap();
    let whole = bytes(4..8);
    for piece in whole.chunks(3) {
        file.write_all(piece).unwrap();
    }
    follower.expect(4..8);
    drop(file);
    // As this program does.
    let partial = dir.path().join(".1700000004.sf.partial");
    fs::write(&partial, bytes(8..10)).unwrap();
    follower.expect(8..10);
    fs::rename(&partial, dir.path().join("1700000004.sf")).unwrap();
    // From elsewhere, complete.
    let elsewhere = dir.path().join("below");
    fs::create_dir(&elsewhere).unwrap();
    let moved = trace(&elsewhere, "x.sf", 10..12);
    fs::rename(moved, dir.path().join("1700000005.sf")).unwrap();
    follower.expect(10..12);
    // No traces.
    fs::write(dir.path().join("1700000004.sf.stats.json"), "{}\n").unwrap();
    fs::write(dir.path().join(".hidden.sf"), bytes(90..91)).unwrap();
    trace(dir.path(), "1700000006.sf", 12..13);
    follower.expect(12..13);
    follower.interrupt();
    assert_eq!(follower.end(), NOTHING);
}

#[test]
fn traces_that_grow_at_the_same_time_are_both_followed() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (bytes(0..2), bytes(10..12));
    // One of them is there at the start, the other not.
    let mut first = File::create(dir.path().join("1.sf")).unwrap();
    first.write_all(&one[..one.len() - 5]).unwrap();
    trace(dir.path(), "9.sf", 90..91); // the newest
    let mut follower = Follower::new(dir.path());
    let both = [follower.next().unwrap(), follower.next().unwrap()];
    assert!(both.contains(&0) && both.contains(&90), "{both:?}");
    let mut second = File::create(dir.path().join("2.sf")).unwrap();
    second.write_all(&two[..two.len() - 5]).unwrap();
    follower.expect(10..11);
    first.write_all(&one[one.len() - 5..]).unwrap();
    follower.expect(1..2);
    second.write_all(&two[two.len() - 5..]).unwrap();
    follower.expect(11..12);
    follower.interrupt();
    assert_eq!(follower.end(), NOTHING);
}

#[test]
fn a_reader_that_goes_ends_it_quietly() {
    let dir = tempfile::tempdir().unwrap();
    trace(dir.path(), "a.sf", 0..2);
    let mut follower = Follower::new(dir.path());
    follower.expect(0..2);
    let (success, said) = follower.leave(); // and nothing more is written
    assert!(success && said.is_empty(), "{said}");
}

#[test]
fn what_is_damaged_is_told_and_the_rest_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    trace(dir.path(), "0.sf", 90..91);
    let mut follower = Follower::new(dir.path());
    follower.expect(90..91); // now it watches
    let whole = bytes(0..2);
    fs::write(dir.path().join("1.sf"), &whole[..ends(&whole)[2] + 3]).unwrap();
    follower.expect(0..1);
    trace(dir.path(), "2.sf", 5..6);
    follower.expect(5..6);
    follower.interrupt();
    let (success, said) = follower.end();
    assert!(!success && said.contains("1.sf\": the file ends inside a block"), "{said}");
}

/// It sleeps: the kernel wakes it.
#[test]
fn waiting_takes_no_time_of_the_processor() {
    let dir = tempfile::tempdir().unwrap();
    trace(dir.path(), "a.sf", 0..1);
    let mut follower = Follower::new(dir.path());
    follower.expect(0..1);
    let stat = || {
        let path = format!("/proc/{}/stat", follower.child.id());
        let stat = fs::read_to_string(path).unwrap();
        let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };
    std::thread::sleep(Duration::from_millis(300)); // lets it fall asleep
    let before = stat();
    std::thread::sleep(Duration::from_secs(1));
    assert!(stat() - before <= 2, "ticks of 10 ms");
    follower.interrupt();
    assert_eq!(follower.end(), NOTHING);
}

// SPDX-License-Identifier: Apache-2.0
//! Descriptors: what they stand for, and paths.

use capture_writer::Values;
use capture_writer::lists::Descriptor;

use super::{none, story, told};

const OPEN: i32 = 128;
const READ: i32 = 256;
const WRITE: i32 = 512;
const CLOSE: i32 = 1024;
const TRUNCATE: i32 = 2048;
const MMAP: i32 = 8192;

#[test]
fn relative_names_start_from_the_directory_that_was_gone_to() {
    let (mut s, _) = story();
    s.open(100, 3, "a/../b", 1).close(100, 3);
    s.call(100, 94, &none(), &Values::new().i64(0).text("/srv/x"));
    s.open(100, 3, "c", 1).close(100, 3);
    s.open(100, 3, "/etc", 0x401);
    s.call(100, 96, &Values::new().i64(3), &Values::new().i64(0));
    s.open(100, 4, "passwd", 1).close(100, 4);
    // Failed: nothing changes.
    s.call(100, 94, &none(), &Values::new().i64(-2).text("/no"));
    // openat below a descriptor, below an unknown one, and below the directory.
    for (fd, dir) in [(5, 3), (6, 77), (7, -100)] {
        let exit = Values::new().i64(fd).i64(dir).text("d").u32(1).u32(0).u32(0).u64(0);
        s.call(100, 306, &none(), &exit);
    }
    let out = told(s);
    let paths: Vec<_> = out.flows().into_iter().map(|(path, ..)| path).collect();
    assert_eq!(
        paths[..3],
        ["/home/b", "/srv/x/c", "/etc/passwd"],
        "closed ones come first, in order"
    );
    for path in ["/etc/d", "<UNKNOWN>d", "/etc"] {
        assert!(paths.contains(&path.to_owned()), "{path} in {paths:?}");
    }
}

#[test]
fn what_was_asked_for_wins_over_what_was_told_at_the_end() {
    let (mut s, _) = story();
    let enter = Values::new().text("/asked").u32(0x7).u32(0);
    let exit = Values::new().i64(3).text("/told").u32(0x4001).u32(0).u32(0).u64(0);
    s.call(100, 2, &enter, &exit);
    let enter = Values::new().text("<NA>").u32(0x7).u32(0);
    s.call(100, 2, &enter, &exit);
    let out = told(s);
    let flows = out.file_flows();
    let found: Vec<_> = flows.iter().map(|f| (out.path(f.file_oid), f.open_flags.bits())).collect();
    assert!(found.contains(&("/asked", 0x4007)), "{found:?}");
    assert!(found.contains(&("/told", 0x4001)), "{found:?}");
}

#[test]
fn a_second_number_is_a_flow_of_its_own() {
    let (mut s, _) = story();
    s.open(100, 3, "/a", 1).dup(100, 3, 10).read(100, 10, 5).close(100, 3).close(100, 10);
    // F_DUPFD is a copy too, F_GETFL is none.
    s.open(100, 3, "/b", 1);
    s.call(100, 150, &Values::new().i64(3).u8(1), &Values::new().i64(11));
    s.call(100, 150, &Values::new().i64(3).u8(4), &Values::new().i64(12));
    s.close(100, 11).close(100, 12);
    let out = told(s);
    let a = "/a".to_owned();
    let b = "/b".to_owned();
    assert_eq!(
        out.flows(),
        [
            (a.clone(), 3, OPEN | CLOSE),
            (a, 10, READ | CLOSE),
            (b.clone(), 11, CLOSE),
            (b, 3, OPEN | TRUNCATE),
        ]
    );
}

#[test]
fn a_close_that_fails_keeps_the_descriptor() {
    let (mut s, _) = story();
    s.open(100, 3, "/a", 1);
    s.call(100, 4, &Values::new().i64(3), &Values::new().i64(-4));
    s.read(100, 3, 1);
    let out = told(s);
    let a = "/a".to_owned();
    assert_eq!(out.flows(), [(a.clone(), 3, OPEN | CLOSE), (a, 3, READ | TRUNCATE)]);
}

#[test]
fn a_number_given_anew_while_it_is_closed_is_the_new_file() {
    let (mut s, shell) = story();
    let other = s.spawn(&shell, 101);
    s.open(100, 3, "/old", 1);
    s.event(100, 4, &Values::new().i64(3));
    s.open(other.tid, 3, "/new", 1);
    s.event(100, 5, &Values::new().i64(0));
    s.read(other.tid, 3, 7);
    let out = told(s);
    let read: Vec<_> = out.flows().into_iter().filter(|(.., ops)| ops & READ != 0).collect();
    assert_eq!(read, [("/new".to_owned(), 3, READ | TRUNCATE)]);
}

#[test]
fn an_end_without_its_beginning_has_no_descriptor() {
    let (mut s, _) = story();
    s.open(100, 3, "/a", 1);
    s.event(100, 7, &Values::new().i64(5).bytes(b"hello"));
    // Another call was entered last.
    s.event(100, 6, &Values::new().i64(3).u32(5));
    s.event(100, 8, &Values::new().i64(3).u32(5));
    s.event(100, 7, &Values::new().i64(5).bytes(b"hello"));
    let out = told(s);
    assert_eq!(out.flows(), [("/a".to_owned(), 3, OPEN | TRUNCATE)]);
    assert_eq!(out.counts.incomplete, 2);
}

#[test]
fn maps_count_when_they_are_entered() {
    let (mut s, _) = story();
    s.open(100, 3, "/lib/x", 1);
    let map = |fd: i64| Values::new().u64(0).u64(4096).u32(1).u32(2).i64(fd).u64(0);
    s.call(100, 160, &map(3), &Values::new().i64(-12).u32(0).u32(0).u32(0));
    s.call(100, 160, &map(-1), &Values::new().i64(0).u32(0).u32(0).u32(0));
    let out = told(s);
    assert_eq!(out.flows(), [("/lib/x".to_owned(), 3, OPEN | MMAP | TRUNCATE)]);
}

#[test]
fn what_was_open_before_is_known_and_pipes_of_the_capture_have_no_name() {
    let (mut s, _) = story();
    s.descriptor(100, Descriptor::file(0, 3, "/dev/pts/0"));
    s.descriptor(100, Descriptor::named(1, 7, "pipe:[77]"));
    s.descriptor(100, Descriptor::named(5, 12, "[eventpoll]"));
    s.read(100, 0, 1).write(100, 1, 1).write(100, 5, 8);
    s.call(100, 60, &none(), &Values::new().i64(0).i64(6).i64(7).u64(99));
    s.write(100, 7, 1);
    let out = told(s);
    let mut flows = out.flows();
    flows.sort();
    assert_eq!(
        flows,
        [
            (String::new(), 7, WRITE | TRUNCATE),
            ("/dev/pts/0".to_owned(), 0, READ | TRUNCATE),
            ("pipe:[77]".to_owned(), 1, WRITE | TRUNCATE),
        ]
    );
}

#[test]
fn a_child_has_copies_of_its_parents_descriptors() {
    let (mut s, shell) = story();
    s.open(100, 3, "/a", 1);
    let child = s.fork(&shell, 200);
    s.close(100, 3).read(child.tid, 3, 4);
    let mut run = child.clone();
    s.exec(&mut run, "/bin/cat", &["a"]);
    s.read(200, 3, 4).close(200, 3).exit(200, 0);
    let out = told(s);
    let a = "/a".to_owned();
    assert_eq!(out.flows(), [(a.clone(), 3, OPEN | CLOSE), (a, 3, READ | CLOSE)]);
    assert_eq!(out.file_flows()[1].proc_oid.hpid, 200);
    assert_eq!(out.file_flows()[1].num_r_recv_bytes, 8, "exec keeps descriptors");
}

#[test]
fn threads_use_the_table_of_their_process_and_end_each_others_flows() {
    let (mut s, shell) = story();
    let other = s.spawn(&shell, 101);
    s.open(100, 3, "/a", 1).read(other.tid, 3, 1).close(100, 3);
    s.open(other.tid, 4, "/b", 1).read(100, 4, 1).exit(other.tid, 0);
    let out = told(s);
    let (a, b) = ("/a".to_owned(), "/b".to_owned());
    assert_eq!(
        out.flows(),
        [
            (a.clone(), 3, READ | TRUNCATE),
            (a, 3, OPEN | CLOSE),
            // The flow of the first thread ends with that of the exiting one.
            (b.clone(), 4, READ | TRUNCATE),
            (b, 4, OPEN | TRUNCATE),
        ]
    );
}

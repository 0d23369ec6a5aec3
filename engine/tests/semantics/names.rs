// SPDX-License-Identifier: Apache-2.0
//! Operations on names, users, maps and namespaces.

use probe_loader::Record;
use probe_loader::abi::*;
use sysflow::record::{self, FileEvent, ObjectState, OpFlags, RestType};

use super::world::{World, at};

fn path_record(w: &mut World, op: u32, ret: i32, paths: [&str; 2]) {
    let h = w.hdr(10, 10, op);
    let record = sf_rec_path { h, ret, ..sf_rec_path::default() };
    w.apply(&Record::Path(&record, paths.map(str::as_bytes)));
}

fn call_record(w: &mut World, op: u32, ret: i64, arg: [u64; 3]) {
    let h = w.hdr(10, 10, op);
    w.apply(&Record::Call(&sf_rec_call { h, ret, arg }));
}

fn events(all: &[record::Record]) -> Vec<&FileEvent> {
    let all = all.iter();
    all.filter_map(|r| if let record::Record::FileEvent(e) = r { Some(e) } else { None }).collect()
}

#[test]
fn operations_on_names_are_events_with_one_file_or_two() {
    let mut w = World::new();
    w.fork(1, 10);
    path_record(&mut w, SF_OP_MKDIR, 0, ["/a/./b//c/", ""]);
    path_record(&mut w, SF_OP_RENAME, 0, ["/x/../old", "/new"]);
    path_record(&mut w, SF_OP_SYMLINK, 0, ["../target", "/link"]);
    path_record(&mut w, SF_OP_UNLINK, -libc::ENOENT, ["/gone", ""]);
    path_record(&mut w, SF_OP_CHMOD, 0, ["/new", ""]);
    let out = w.finish();
    out.check();
    let events = events(&out.all);
    let told: Vec<_> = events
        .iter()
        .map(|e| {
            let second = e.new_file_oid.map(|oid| out.path(oid));
            (e.op_flags, out.path(e.file_oid), second, e.ret)
        })
        .collect();
    assert_eq!(
        told,
        [
            (OpFlags::MKDIR, "/a/b/c/", None, 0),
            (OpFlags::RENAME, "/old", Some("/new"), 0),
            (OpFlags::SYMLINK, "../target", Some("/link"), 0),
            (OpFlags::UNLINK, "/gone", None, -libc::ENOENT),
        ]
    );
    let file = |path: &str| {
        let found = out.all.iter().find_map(|r| match r {
            record::Record::File(f) if f.path == path => Some((f.state, f.restype)),
            _ => None,
        });
        found.expect("the file is written")
    };
    assert_eq!(file("/a/b/c/"), (ObjectState::Created, RestType::DIRECTORY));
    assert_eq!(file("/old"), (ObjectState::Reup, RestType::UNKNOWN));
    assert_eq!(file("/new"), (ObjectState::Created, RestType::UNKNOWN));
    assert_eq!(out.counts.untold, 1, "chmod has no record, and is counted");
}

#[test]
fn a_new_user_is_told_with_the_process_and_by_an_event() {
    let mut w = World::new();
    w.fork(1, 10);
    call_record(&mut w, SF_OP_SETUID, 0, [500, 500, 500]);
    call_record(&mut w, SF_OP_SETUID, -i64::from(libc::EPERM), [0, u64::from(SF_ID_NONE), 0]);
    let out = w.finish();
    out.check();
    let uids: Vec<_> = out
        .processes()
        .iter()
        .filter(|p| p.oid.hpid == 10)
        .map(|p| (p.state, p.uid, p.user_name.clone()))
        .collect();
    assert_eq!(
        uids,
        [
            (ObjectState::Created, 0, "root".to_owned()),
            (ObjectState::Modified, 500, "<NA>".to_owned()),
            (ObjectState::Modified, 500, "<NA>".to_owned()),
        ]
    );
    let told: Vec<_> = out
        .process_events()
        .into_iter()
        .filter(|e| e.op_flags == OpFlags::SETUID)
        .map(|e| (e.args, e.ret))
        .collect();
    assert_eq!(told, [(vec!["<NA>".to_owned()], 0), (vec!["root".to_owned()], -libc::EPERM)]);
}

#[test]
fn maps_and_namespaces_mark_the_flow_of_their_descriptor() {
    let mut w = World::new();
    w.fork(1, 10);
    w.open(at(10, 3), 0xf, "/lib/x");
    let h = w.hdr(10, 10, SF_OP_MMAP);
    let fd = sf_rec_fd { h, file: 0xf, fd: 3, ret: 0 };
    w.apply(&Record::Map(&sf_rec_mmap { fd, ..sf_rec_mmap::default() }));
    w.close(at(10, 3));
    w.open(at(10, 4), 0xe, "/proc/1/ns/net");
    call_record(&mut w, SF_OP_SETNS, 0, [4, 0, 0]);
    call_record(&mut w, SF_OP_SETNS, 0, [9, 0, 0]);
    let out = w.finish();
    out.check();
    let told: Vec<_> =
        out.file_flows().iter().map(|f| (out.path(f.file_oid).to_owned(), f.op_flags)).collect();
    let (open, end) = (OpFlags::OPEN, OpFlags::TRUNCATE);
    assert_eq!(
        told,
        [
            ("/lib/x".to_owned(), open | OpFlags::MMAP | OpFlags::CLOSE),
            ("/proc/1/ns/net".to_owned(), open | OpFlags::SETNS | end),
        ]
    );
    assert_eq!(out.counts.undescribed, 1);
}

#[test]
fn a_range_of_descriptors_is_closed_at_once() {
    let mut w = World::new();
    w.fork(1, 10);
    for fd in 3..7 {
        w.open(at(10, fd), 0xf0 + fd as u64, "/a");
    }
    call_record(&mut w, SF_OP_CLOSE_RANGE, 0, [4, 5, 0]);
    call_record(&mut w, SF_OP_CLOSE_RANGE, 0, [6, u64::from(u32::MAX), 4]);
    let out = w.finish();
    out.check();
    let closed: Vec<_> = out
        .file_flows()
        .iter()
        .filter(|f| f.op_flags.contains(OpFlags::CLOSE))
        .map(|f| f.fd)
        .collect();
    assert_eq!(closed, [4, 5]);
}

#[test]
fn a_new_directory_shows_in_the_next_record_of_the_process() {
    let mut w = World::new();
    w.fork(1, 10);
    path_record(&mut w, SF_OP_CHDIR, 0, ["/srv", ""]);
    path_record(&mut w, SF_OP_CHDIR, -libc::ENOENT, ["/no", ""]);
    w.begin_file();
    w.open(at(10, 3), 0xf, "/a");
    let out = w.finish();
    let last = out.processes().into_iter().rfind(|p| p.oid.hpid == 10).expect("written again");
    assert_eq!(last.cwd, "/srv/");
}

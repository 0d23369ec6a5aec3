// SPDX-License-Identifier: Apache-2.0
//! mkdir, rename and their kin, in all versions of their events.

use capture_writer::{Scenario, Values};
use sysflow::record::{ObjectState, OpFlags, Record, RestType};

use super::super::convert::Converted;
use super::{none, story, told};

fn events(out: &Converted) -> Vec<(OpFlags, String, Option<String>, i32)> {
    let path = |oid| out.path(oid).to_owned();
    let all = out.file_events();
    all.iter().map(|e| (e.op_flags, path(e.file_oid), e.new_file_oid.map(path), e.ret)).collect()
}

/// A call whose paths its exit event tells.
fn left(s: &mut Scenario, kind: u16, exit: &Values) {
    s.call(100, kind, &none(), exit);
}

/// A call of an older capture, whose enter event tells its paths.
fn entered(s: &mut Scenario, kind: u16, enter: &Values) {
    s.call(100, kind, enter, &Values::new().i64(0));
}

#[test]
fn one_path_is_one_file() {
    let (mut s, _) = story();
    s.open(100, 9, "/dir", 0x401);
    left(&mut s, 276, &Values::new().i64(0).text("a/./b"));
    left(&mut s, 304, &Values::new().i64(0).i64(9).text("c").u32(0));
    left(&mut s, 304, &Values::new().i64(-17).i64(-100).text("/d").u32(0));
    left(&mut s, 278, &Values::new().i64(0).text("/home/../e/"));
    left(&mut s, 300, &Values::new().i64(-2).text("/f"));
    left(&mut s, 302, &Values::new().i64(0).i64(77).text("g").u32(0));
    entered(&mut s, 98, &Values::new().text("/h").u32(0));
    entered(&mut s, 100, &Values::new().text("/i"));
    entered(&mut s, 108, &Values::new().text("/j"));
    entered(&mut s, 110, &Values::new().i64(9).text("k"));
    let out = told(s);
    let want = [
        (OpFlags::MKDIR, "/home/a/b", 0),
        (OpFlags::MKDIR, "/dir/c", 0),
        (OpFlags::MKDIR, "/d", -17),
        (OpFlags::RMDIR, "/e/", 0),
        (OpFlags::UNLINK, "/f", -2),
        (OpFlags::UNLINK, "g", 0),
        (OpFlags::MKDIR, "/h", 0),
        (OpFlags::RMDIR, "/i", 0),
        (OpFlags::UNLINK, "/j", 0),
        (OpFlags::UNLINK, "/dir/k", 0),
    ];
    let want: Vec<_> =
        want.iter().map(|(op, path, ret)| (*op, (*path).to_owned(), None, *ret)).collect();
    assert_eq!(events(&out), want);
}

#[test]
fn two_paths_are_two_files() {
    let (mut s, _) = story();
    s.open(100, 9, "/dir", 0x401);
    left(&mut s, 174, &Values::new().i64(0).text("a").text("/b"));
    left(&mut s, 176, &Values::new().i64(0).i64(9).text("a").i64(-100).text("b"));
    left(&mut s, 318, &Values::new().i64(0).i64(9).text("x").i64(9).text("y").u32(0));
    left(&mut s, 308, &Values::new().i64(-1).text("/a").text("/b"));
    left(&mut s, 310, &Values::new().i64(0).i64(9).text("x").i64(9).text("y").u32(0));
    left(&mut s, 178, &Values::new().i64(0).text("../t").text("l"));
    left(&mut s, 180, &Values::new().i64(0).text("../t").i64(9).text("l"));
    entered(&mut s, 104, &Values::new().text("/o").text("/n"));
    entered(&mut s, 106, &Values::new().i64(9).text("o").i64(9).text("n"));
    let out = told(s);
    let want = [
        (OpFlags::RENAME, "/home/a", "/b", 0),
        (OpFlags::RENAME, "/dir/a", "/home/b", 0),
        (OpFlags::RENAME, "/dir/x", "/dir/y", 0),
        (OpFlags::LINK, "/a", "/b", -1),
        (OpFlags::LINK, "/dir/x", "/dir/y", 0),
        (OpFlags::SYMLINK, "/t", "/home/l", 0),
        (OpFlags::SYMLINK, "../t", "/dir/l", 0),
        (OpFlags::LINK, "/o", "/n", 0),
        (OpFlags::LINK, "/dir/o", "/dir/n", 0),
    ];
    let want: Vec<_> = want
        .iter()
        .map(|(op, one, two, ret)| (*op, (*one).to_owned(), Some((*two).to_owned()), *ret))
        .collect();
    assert_eq!(events(&out), want);
}

#[test]
fn a_file_has_the_type_and_state_of_its_first_use() {
    let (mut s, _) = story();
    left(&mut s, 300, &Values::new().i64(0).text("/a"));
    s.open(100, 3, "/a", 1);
    left(&mut s, 276, &Values::new().i64(0).text("/d"));
    left(&mut s, 174, &Values::new().i64(0).text("/old").text("/new"));
    let out = told(s);
    let files: Vec<_> = out
        .records
        .iter()
        .filter_map(|r| if let Record::File(f) = r { Some(f) } else { None })
        .map(|f| (f.path.as_str(), f.restype, f.state))
        .collect();
    assert_eq!(
        files,
        [
            ("/a", RestType::UNKNOWN, ObjectState::Created),
            ("/d", RestType::DIRECTORY, ObjectState::Created),
            ("/old", RestType::UNKNOWN, ObjectState::Reup),
            ("/new", RestType::UNKNOWN, ObjectState::Created),
        ]
    );
}

#[test]
fn without_a_directory_a_path_stays_relative() {
    let (mut s, _) = story();
    // A thread that was not known has no directory.
    s.call(9, 300, &none(), &Values::new().i64(0).text("./x/../y"));
    let out = told(s);
    assert_eq!(events(&out), [(OpFlags::UNLINK, "./x/../y".to_owned(), None, 0)]);
}

// SPDX-License-Identifier: Apache-2.0
//! Clone and exec in all their versions: which parameters there are.

use capture_writer::{Scenario, Values};
use engine::scap::Options;
use engine::scap::file::Reader;

use super::super::convert::convert;
use super::{none, story, told};

const ID: &str = "b199b3b57988aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// What all versions begin with: result, program, arguments, ids.
fn head(result: i64, tid: i64) -> Values {
    let program = Values::new().i64(result).text("prog").texts(&["-a", "b"]);
    program.i64(tid).i64(tid).i64(100).text("").i64(1024)
}

fn sizes(values: Values) -> Values {
    values.u64(0).u64(0).u32(0).u32(0).u32(0)
}

fn clone(s: &mut Scenario, kind: u16, result: i64, tid: u64) {
    let mut values = head(result, tid as i64);
    if kind > 15 {
        values = sizes(values);
    }
    if kind > 185 {
        values = values.text("prog");
    }
    if kind >= 223 {
        values = values.texts(&[&format!("cpu=/docker/{ID}")]);
    }
    values = values.u32(0).u32(500).u32(501);
    if kind >= 223 {
        values = values.i64(tid as i64).i64(tid as i64);
    }
    s.event(tid, kind, &values);
}

#[test]
fn all_versions_of_clone_make_a_process() {
    for kind in [15, 157, 183, 185, 217, 219, 221, 223, 225, 227, 335] {
        let (mut s, _) = story();
        s.event(100, kind - 1, &none());
        clone(&mut s, kind, 200, 100);
        clone(&mut s, kind, 0, 200);
        let out = told(s);
        assert_eq!(out.process_events().len(), 2, "{kind}");
        let child = out.processes().into_iter().find(|p| p.oid.hpid == 200).expect("a child");
        assert_eq!((child.uid, child.gid), (500, 501), "{kind}");
        assert_eq!((child.exe.as_str(), child.exe_args.as_str()), ("/bin/sh", "-a b"), "{kind}");
        assert_eq!(child.container_id.is_some(), kind >= 223, "{kind}");
        assert_eq!(child.cwd, "/home/", "{kind}");
    }
}

#[test]
fn all_versions_of_exec_start_a_program() {
    for kind in [13u16, 155, 173, 215, 231, 283, 289, 293, 331] {
        let (mut s, _) = story();
        let enter = match kind {
            289 | 293 => Values::new().text("bin/prog"),
            331 => Values::new().i64(-100).text("bin/prog").u32(0),
            _ => none(),
        };
        s.event(100, kind - 1, &enter);
        let mut exit = head(0, 100);
        if kind > 13 {
            exit = sizes(exit);
        }
        if kind >= 215 {
            exit = exit.text("prog");
        }
        if kind >= 231 {
            exit = exit.texts(&[&format!("cpu=/docker/{ID}")]);
        }
        if kind >= 173 {
            exit = exit.texts(&["A=1", "B=2"]);
        }
        if kind >= 283 {
            exit = exit.u32(34816);
        }
        s.event(100, kind, &exit);
        let out = told(s);
        let p = out.processes().into_iter().find(|p| p.oid.hpid == 100).expect("the process");
        let exe = if kind >= 289 { "/home/bin/prog" } else { "/bin/sh" };
        assert_eq!((p.exe.as_str(), p.exe_args.as_str()), (exe, "-a b"), "{kind}");
        assert_eq!(p.env.len(), if kind >= 173 { 2 } else { 0 }, "{kind}");
        assert_eq!((p.tty, p.container_id.is_some()), (kind >= 283, kind >= 231), "{kind}");
        assert_eq!(out.process_events().len(), 1, "{kind}");
    }
}

#[test]
fn an_exec_tells_its_user_and_path_if_it_can() {
    let (mut s, _) = story();
    let exit = sizes(head(0, 100)).text("prog").texts(&[]).texts(&[]).u32(0).i64(100).u32(0);
    let exit = exit.u32(0).u64(0).u64(0).u64(0).u64(0).u64(0).u64(0).u32(7).text("/real/prog");
    s.call(100, 292, &Values::new().text("/link"), &exit);
    let out = told(s);
    let p = out.processes().into_iter().find(|p| p.oid.hpid == 100).expect("the process");
    assert_eq!((p.exe.as_str(), p.uid), ("/real/prog", 7));
}

#[test]
fn events_of_newer_types_are_counted_and_passed_over() {
    let (mut s, _) = story();
    s.event(100, 450, &none()).open(100, 3, "/a", 1);
    let out = told(s);
    assert_eq!((out.counts.unknown, out.file_flows().len()), (1, 1));
}

#[test]
fn two_captures_in_one_file_do_not_know_each_others_threads() {
    let one = |path: &str| {
        let (mut s, _) = story();
        s.open(100, 3, path, 1);
        s.finish()
    };
    let both = [one("/a"), one("/b")].concat();
    let out = convert(
        Reader::new(std::io::Cursor::new(both), "both").expect("captures"),
        &Options::default(),
    );
    assert_eq!((out.counts.sections, out.file_flows().len()), (2, 2));
}

#[test]
fn no_parameters_are_no_reason_to_fail() {
    for kind in 0..430 {
        let (mut s, _) = story();
        s.open(100, 3, "/a", 1);
        for tid in [100, 0, 7, u64::MAX] {
            s.event(tid, kind, &none());
            s.event(tid, kind, &Values::new().i64(3));
            s.event(tid, kind, &Values::new().i64(-3).i64(3).absent().i64(i64::MAX));
        }
        let out = told(s);
        let c = out.counts;
        assert_eq!(c.events, c.passed + c.used + c.incomplete + c.unknown, "{kind}");
    }
}

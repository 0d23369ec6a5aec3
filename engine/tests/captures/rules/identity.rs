// SPDX-License-Identifier: Apache-2.0
//! Processes: identity, parents, state, users, containers.

use capture_writer::Values;
use capture_writer::lists::{Process as Listed, User};
use sysflow::record::{ObjectState, Oid, OpFlags, Record};

use super::{START, none, story, told};

const ID: &str = "b199b3b57988aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

#[test]
fn a_child_has_the_time_of_its_makers_event() {
    let (mut s, shell) = story();
    let before = s.now();
    s.fork(&shell, 200);
    let out = told(s);
    let child = out.processes().into_iter().find(|p| p.oid.hpid == 200).expect("the child");
    assert_eq!(child.oid.create_ts, (before + 1_000) as i64);
    assert_eq!((child.state, child.ts), (ObjectState::Created, (before + 2_000) as i64));
    assert_eq!(child.poid, Some(Oid { create_ts: 0, hpid: 100 }));
    let told: Vec<_> = out.process_events().iter().map(|e| (e.tid, e.ret)).collect();
    assert_eq!(told, [(100, 200), (200, 0)]);
    // Ancestors come first: init, the shell, the child.
    let order: Vec<_> = out.processes().iter().map(|p| p.oid.hpid).collect();
    assert_eq!(order, [1, 100, 200]);
}

#[test]
fn in_a_pid_namespace_the_childs_own_event_counts() {
    let (mut s, shell) = story();
    let inside = Listed { vtid: 1, vpid: 1, ..Listed::new(300, 100, "/bin/init") };
    s.thread(inside.clone());
    let _ = shell;
    let before = s.now();
    let child = s.fork(&inside, 301);
    let out = told(s);
    let child = out.processes().into_iter().find(|p| p.oid.hpid == child.pid as i64);
    let child = child.expect("the child");
    assert_eq!(child.oid.create_ts, (before + 2_000) as i64);
    assert!(out.processes().iter().any(|p| p.oid.hpid == 300 && p.entry));
}

#[test]
fn threads_that_are_not_known_share_one_identity_until_they_exec() {
    let (mut s, _) = story();
    s.event(7, 6, &Values::new().i64(3).u32(1));
    s.event(7, 7, &Values::new().i64(1).bytes(b"x"));
    s.exit(7, 0);
    let mut later = Listed::new(8, 100, "/bin/x");
    s.exec(&mut later, "/bin/x", &["-v"]);
    let out = told(s);
    let unknown = out.processes().into_iter().find(|p| p.oid == Oid { create_ts: 0, hpid: -1 });
    let unknown = unknown.expect("the unknown process");
    assert_eq!((unknown.exe.as_str(), unknown.uid), ("<NA>", -1));
    assert_eq!((unknown.user_name.as_str(), unknown.poid), ("<NA>", None));
    let run = out.processes().into_iter().find(|p| p.oid.hpid == 8).expect("the program");
    assert_eq!((run.state, run.oid.create_ts), (ObjectState::Created, 0));
    assert_eq!(run.poid, Some(Oid { create_ts: 0, hpid: 100 }));
    assert_eq!((run.exe.as_str(), run.exe_args.as_str()), ("/bin/x", "-v"));
}

#[test]
fn exec_tells_the_process_again_also_when_it_fails() {
    let (mut s, shell) = story();
    let mut child = s.fork(&shell, 200);
    s.exec(&mut child, "/bin/ls", &["-l", "a b"]);
    let failed = Values::new().i64(-2).text("ls").bytes(b"-l\0").i64(200).i64(200).i64(100);
    s.call(200, 292, &Values::new().text("/no"), &failed);
    let out = told(s);
    let told: Vec<_> = out
        .processes()
        .into_iter()
        .filter(|p| p.oid.hpid == 200)
        .map(|p| (p.state, p.exe, p.exe_args))
        .collect();
    let ls = || ("/bin/ls".to_owned(), "-l a b".to_owned());
    assert_eq!(
        told[1..],
        [(ObjectState::Modified, ls().0, ls().1), (ObjectState::Modified, ls().0, ls().1),]
    );
    assert_eq!(told[0].0, ObjectState::Created);
    let ret: Vec<_> = out
        .process_events()
        .iter()
        .filter(|e| e.op_flags == OpFlags::EXEC)
        .map(|e| e.ret)
        .collect();
    assert_eq!(ret, [0, -2]);
}

#[test]
fn a_user_is_named_as_the_capture_tells() {
    let (mut s, shell) = story();
    s.user(User::User(500, 500, "anna".into()));
    s.user(User::Group(500, "staff".into()));
    let setuid = |s: &mut capture_writer::Scenario, uid: u32, ret: i64| {
        s.call(100, 198, &Values::new().u32(uid), &Values::new().i64(ret));
    };
    let _ = shell;
    s.call(100, 200, &Values::new().u32(500), &Values::new().i64(0));
    setuid(&mut s, 500, 0);
    setuid(&mut s, 7, -1);
    let resuid = Values::new().u32(u32::MAX).u32(8).u32(u32::MAX);
    s.call(100, 192, &resuid, &Values::new().i64(0));
    let out = told(s);
    let events = out.process_events();
    let told: Vec<_> = events.iter().map(|e| (e.args.clone(), e.ret)).collect();
    assert_eq!(
        told,
        [(vec!["anna".to_owned()], 0), (vec!["<NA>".to_owned()], -1), (vec![String::new()], 0)]
    );
    let shell: Vec<_> = out
        .processes()
        .into_iter()
        .filter(|p| p.oid.hpid == 100)
        .map(|p| (p.state, p.uid, p.user_name, p.gid, p.group_name))
        .collect();
    let anna =
        |uid, name: &str| (ObjectState::Modified, uid, name.to_owned(), 500, "staff".to_owned());
    let first = (ObjectState::Reup, 500, "anna".to_owned(), 500, "staff".to_owned());
    assert_eq!(shell, [first, anna(500, "anna"), anna(8, "<NA>")]);
}

#[test]
fn a_container_is_told_before_what_lives_in_it_and_again_when_more_is_known() {
    let (mut s, _) = story();
    let cgroups = format!("cpu=/\0memory=/docker/{ID}\0").into_bytes();
    let inside = |pid| Listed {
        cgroups: cgroups.clone(),
        vtid: 1,
        vpid: 1,
        ..Listed::new(pid, 1, "/bin/a")
    };
    s.thread(inside(300)).thread(inside(301));
    s.open(300, 3, "/a", 1);
    let json = r#"{"container":{"id":"b199b3b57988","name":"web","image":"httpd","imagetag":"2.4","imageid":"27167a","type":7,"privileged":true}}"#;
    s.event(u64::MAX, 272, &Values::new().text(json));
    s.open(301, 3, "/b", 1);
    let out = told(s);
    let told: Vec<_> = out
        .records
        .iter()
        .filter_map(|r| if let Record::Container(c) = r { Some(c) } else { None })
        .map(|c| {
            (
                c.id.as_str(),
                c.name.as_str(),
                c.image.as_str(),
                c.container_type.symbol(),
                c.privileged,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("b199b3b57988", "incomplete", "incomplete:incomplete", "CT_DOCKER", false),
            ("b199b3b57988", "web", "httpd:2.4", "CT_CONTAINERD", true),
        ]
    );
    let p = out.processes().into_iter().find(|p| p.oid.hpid == 301).expect("the process");
    assert_eq!(p.container_id.as_deref(), Some("b199b3b57988"));
}

#[test]
fn an_exit_tells_the_wait_status_and_orphans_get_another_parent() {
    let (mut s, shell) = story();
    let child = s.fork(&shell, 200);
    s.fork(&child, 201);
    s.exit(200, 256);
    s.wait(5_000_000_000);
    let mut orphan = Listed { pid: 201, tid: 201, ..child };
    s.exec(&mut orphan, "/bin/x", &[]);
    s.fork(&orphan, 202);
    let out = told(s);
    let exit = out.process_events().into_iter().find(|e| e.op_flags == OpFlags::EXIT);
    assert_eq!(exit.map(|e| (e.tid, e.ret)), Some((200, 256)));
    let orphan = out.processes().into_iter().find(|p| p.oid.hpid == 201).expect("the orphan");
    assert_eq!(orphan.poid.map(|p| p.hpid), Some(200), "told before its parent ended");
    let last = out.processes().into_iter().find(|p| p.oid.hpid == 202).expect("its child");
    assert_eq!(last.poid.map(|p| p.hpid), Some(201));
}

#[test]
fn a_number_that_is_used_again_is_another_process() {
    let (mut s, shell) = story();
    s.fork(&shell, 200);
    s.open(200, 3, "/a", 1);
    s.wait(4_000_000_000);
    // The exit of 200 was lost.
    s.fork(&shell, 200);
    s.open(200, 3, "/b", 1);
    let out = told(s);
    let oids: Vec<_> = out.file_flows().iter().map(|f| f.proc_oid).collect();
    assert_eq!(oids.len(), 2);
    assert!(oids[0] != oids[1] && oids.iter().all(|oid| oid.hpid == 200));
    assert!(oids.iter().all(|oid| oid.create_ts > START as i64));
}

#[test]
fn a_failed_clone_is_told_by_its_caller() {
    let (mut s, _) = story();
    s.event(100, 222, &none());
    s.event(100, 223, &Values::new().i64(-11).text("sh").bytes(b"").i64(100).i64(100).i64(1));
    let out = told(s);
    let told: Vec<_> = out.process_events().iter().map(|e| (e.tid, e.ret)).collect();
    assert_eq!(told, [(100, -11)]);
}

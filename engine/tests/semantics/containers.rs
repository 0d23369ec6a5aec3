// SPDX-License-Identifier: Apache-2.0
//! Names of containers, which come later than their first record.

use sysflow::record::Record;

use crate::world::World;

const ID: &str = "c010f5a08549";

fn cgroup() -> String {
    format!("/docker/{ID}{}", "a".repeat(52))
}

/// Names in records of containers, each with the number of records before it.
fn names(records: &[Record]) -> Vec<(usize, String)> {
    let named = records.iter().enumerate().filter_map(|(at, record)| match record {
        Record::Container(container) => Some((at, container.name.clone())),
        _ => None,
    });
    named.collect()
}

fn processes(records: &[Record], exe: &str) -> Vec<usize> {
    let is_it = |record: &Record| matches!(record, Record::Process(process) if process.exe == exe);
    records.iter().enumerate().filter(|(_, record)| is_it(record)).map(|(at, _)| at).collect()
}

#[test]
fn a_container_is_asked_for_once_and_written_again_with_its_name() {
    let mut world = World::new();
    world.find_in(10, &cgroup());
    world.find_in(11, &cgroup());
    assert_eq!(world.new_containers(), [ID]);
    world.find_in(12, &cgroup());
    assert_eq!(world.new_containers(), [""; 0]);
    // What refers to it was written, and may not be again in this file: the name comes at once.
    world.container_told(ID, "web");
    let told = world.finish().all;
    let names = names(&told);
    let named: Vec<&str> = names.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(named, ["incomplete", "web"]);
    let Record::Container(last) = &told[names[1].0] else { panic!("a container") };
    assert_eq!((last.id.as_str(), last.image.as_str()), (ID, "nginx:1.27"));
    assert!(names[0].0 < processes(&told, "/bin/server")[0], "before what refers to it");
}

#[test]
fn a_name_that_is_known_is_in_the_first_record_of_each_file() {
    let mut world = World::new();
    world.find_in(10, &cgroup());
    world.begin_file();
    // Nothing in this file refers to it so far.
    world.container_told(ID, "web");
    world.find_in(11, &cgroup());
    world.begin_file();
    world.find_in(12, &cgroup());
    let names = names(&world.finish().all);
    let named: Vec<&str> = names.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(named, ["incomplete", "web", "web"]);
}

#[test]
fn what_is_told_of_a_container_that_nobody_knows_is_nothing() {
    let mut world = World::new();
    world.container_told(ID, "web");
    assert_eq!(names(&world.finish().all), []);
}

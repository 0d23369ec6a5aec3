// SPDX-License-Identifier: Apache-2.0
//! All versions of all blocks.

use std::io::Cursor;

use capture_writer::lists::{Descriptor, Interface, Process, Tail, User};
use capture_writer::{EventBlock, Values, Writer};
use engine::scap::file::{
    Block, DescriptorEntry, DescriptorObject, Problem, Reader, Section, UserEntry,
};
use proptest::prelude::*;

/// A capture with these blocks after its beginning.
pub(crate) fn capture(fill: impl FnOnce(&mut Writer<Vec<u8>>)) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    writer.section().unwrap();
    fill(&mut writer);
    writer.into_inner()
}

pub(crate) fn reader(bytes: Vec<u8>) -> Reader {
    Reader::new(Cursor::new(bytes), "memory").unwrap()
}

/// Gives `look` the only block after the beginning.
fn only<T>(bytes: Vec<u8>, look: impl FnOnce(Block<'_>) -> T) -> T {
    let mut reader = reader(bytes);
    assert!(matches!(reader.next_block(), Ok(Some(Block::Section(_)))));
    let seen = look(reader.next_block().unwrap().unwrap());
    assert!(matches!(reader.next_block(), Ok(None)));
    seen
}

fn process(tid: u64, text: &str) -> Process {
    Process {
        tid,
        comm: text.to_owned(),
        args: format!("{text}\0b\0").into_bytes(),
        env: format!("A={text}\0").into_bytes(),
        cgroups: format!("cpu=/{text}\0").into_bytes(),
        cwd: format!("/{text}"),
        flags: 0x2001,
        uid: 7,
        gid: 8,
        vtid: 9,
        tty: 34816,
        loginuid: 1000,
        ..Process::new(tid + 1, tid + 2, &format!("/bin/{text}"))
    }
}

fn tail() -> impl Strategy<Value = Tail> {
    prop_oneof![Just(Tail::Nothing), Just(Tail::Login), Just(Tail::Capabilities), Just(Tail::Full)]
}

proptest! {
    #[test]
    fn processes_of_all_versions_are_read(
        version in 1..=9_u8,
        list in prop::collection::vec((1..1_u64 << 40, "[a-z]{0,9}", tail()), 0..9),
    ) {
        let list: Vec<Process> = list
            .into_iter()
            .map(|(tid, text, tail)| Process { tail, ..process(tid, &text) })
            .collect();
        let bytes = capture(|w| w.processes(version, &list).unwrap());
        only(bytes, |block| {
            let Block::Processes(found) = block else { panic!("{block:?}") };
            assert_eq!(found.clone().count(), list.len());
            for (found, told) in found.zip(&list) {
                let since = |from: u8| version >= from;
                let v9 = |yes: bool| version == 9 && yes;
                let (full, short) = (told.tail == Tail::Full, told.tail == Tail::Nothing);
                assert_eq!(
                    (found.tid, found.pid, found.ptid),
                    (told.tid, told.pid, told.ptid)
                );
                assert_eq!(found.comm, told.comm.as_bytes());
                assert_eq!(found.exe, told.exe.as_bytes());
                assert_eq!(found.exepath, since(7).then_some(told.exepath.as_bytes()));
                assert_eq!(found.args, told.args);
                assert_eq!(found.cwd, told.cwd.as_bytes());
                assert_eq!((found.flags, found.uid, found.gid), (0x2001, 7, 8));
                assert_eq!(found.env, if since(3) { &told.env[..] } else { &[] });
                assert_eq!(found.vtid, since(4).then_some(9));
                assert_eq!(found.vpid, since(4).then_some(told.vpid));
                assert_eq!(found.cgroups, if since(4) { &told.cgroups[..] } else { &[] });
                assert_eq!(found.root, if since(5) { &b"/"[..] } else { &[] });
                assert_eq!(found.tty, v9(full).then_some(34816));
                assert_eq!(found.loginuid, v9(!short).then_some(1000));
                assert_eq!(found.pgid, v9(full).then_some(told.vpid));
            }
        });
    }

    #[test]
    fn events_of_all_shapes_are_read(
        values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..9),
        (cpu, ts, tid) in any::<(u16, u64, u64)>(),
        flags in any::<u32>(),
        shape in 0..4_usize,
        kind in any::<u16>(),
    ) {
        let shape = [
            EventBlock::V2,
            EventBlock::V2Flags(flags),
            EventBlock::V2Large,
            EventBlock::V2LargeFlags(flags),
        ][shape];
        let params = values.iter().fold(Values::new(), |all, one| all.bytes(one));
        let bytes = capture(|w| w.event(shape, (cpu, ts, tid), kind, &params).unwrap());
        only(bytes, |block| {
            let Block::Event(event) = block else { panic!("{block:?}") };
            assert_eq!((event.cpu, event.ts, event.tid, event.kind), (cpu, ts, tid, kind));
            let with = matches!(shape, EventBlock::V2Flags(_) | EventBlock::V2LargeFlags(_));
            assert_eq!(event.flags, if with { flags } else { 0 });
            assert_eq!(event.params.iter().collect::<Vec<_>>(), values);
            assert_eq!((event.params.len(), event.params.is_empty()), (values.len(), values.is_empty()));
            for (index, value) in values.iter().enumerate() {
                assert_eq!(event.params.get(index), Some(&value[..]));
            }
            assert_eq!(event.params.get(values.len()), None);
        });
    }
}

#[test]
fn a_parameter_may_be_large() {
    let json = vec![b'{'; 300_000];
    let params = Values::new().bytes(&json).u8(7);
    let bytes = capture(|w| w.event(EventBlock::V2Large, (0, 1, 0), 324, &params).unwrap());
    only(bytes, |block| {
        let Block::Event(event) = block else { panic!("{block:?}") };
        assert_eq!(event.params.get(0), Some(&json[..]));
        assert_eq!(event.params.get(1), Some(&[7][..]));
    });
}

#[test]
fn old_events_have_the_parameters_that_add_up() {
    // open's exit has six parameters today and had four once.
    let four = Values::new().i64(3).text("/etc/passwd").u32(1).u32(0);
    let six = four.clone().u32(0x801).u64(12);
    for params in [four, six] {
        for shape in [EventBlock::V1, EventBlock::V1Flags(5)] {
            let bytes = capture(|w| w.event(shape, (1, 2, 3), 3, &params).unwrap());
            only(bytes, |block| {
                let Block::Event(event) = block else { panic!("{block:?}") };
                assert_eq!(event.params.len(), params.len());
                assert_eq!(event.params.get(1), Some(&b"/etc/passwd\0"[..]));
            });
        }
    }
    // Nobody can use the parameters of a type that nobody knows.
    let bytes = capture(|w| w.event(EventBlock::V1, (1, 2, 3), 999, &Values::new().u8(1)).unwrap());
    only(bytes, |block| {
        let Block::Event(event) = block else { panic!("{block:?}") };
        assert!((event.kind, event.params.is_empty()) == (999, true));
    });
}

#[test]
fn descriptors_of_both_versions_are_read() {
    let list = [
        Descriptor::file(3, 0x4001, "/var/log/a"),
        Descriptor::named(4, 2, "/tmp"),
        Descriptor::ipv4(5, ([10, 0, 0, 1], 4711), ([10, 0, 0, 2], 80)),
        Descriptor::ipv4_server(6, ([0, 0, 0, 0], 22)),
        Descriptor { fd: 7, kind: 8, payload: unix("/run/s") },
        Descriptor { fd: 8, kind: 4, payload: [vec![6; 32], vec![1, 0, 2, 0, 3]].concat() },
        Descriptor { fd: 9, kind: 6, payload: [vec![6; 16], vec![1, 0, 2]].concat() },
        Descriptor::named(10, 12, "[eventpoll]"),
    ];
    for version in [1, 2] {
        let bytes = capture(|w| w.descriptors(version, 42, &list).unwrap());
        let seen = only(bytes, |block| {
            let Block::Descriptors(found) = block else { panic!("{block:?}") };
            assert_eq!(found.tid, 42);
            found.entries.map(|entry| format!("{entry:?}")).collect::<Vec<_>>()
        });
        assert_eq!(seen.len(), list.len());
        let dev = (version == 2).then_some(0x0801);
        let object = DescriptorObject::File { flags: 0x4001, path: b"/var/log/a", dev };
        let file = DescriptorEntry { fd: 3, ino: 1003, kind: 16, object };
        assert_eq!(seen[0], format!("{file:?}"));
        assert!(
            seen[2].contains("source: [10, 0, 0, 1], destination: [10, 0, 0, 2]"),
            "{}",
            seen[2]
        );
        assert!(seen[2].contains("source_port: 4711, destination_port: 80, l4: 2"), "{}", seen[2]);
        assert!(seen[3].contains("Ipv4Server(End { address: [0, 0, 0, 0], port: 22, l4: 2 })"));
        assert!(seen[4].contains("Unix { source: 1, destination: 2,"), "{}", seen[4]);
        assert!(seen[6].contains("port: 1, l4: 2"), "{}", seen[6]);
    }
}

fn unix(path: &str) -> Vec<u8> {
    let mut payload = [1_u64.to_le_bytes(), 2_u64.to_le_bytes()].concat();
    payload.extend(u16::try_from(path.len()).unwrap().to_le_bytes());
    payload.extend(path.as_bytes());
    payload
}

#[test]
fn a_descriptor_of_unknown_kind_is_left_out() {
    let unknown = Descriptor { fd: 4, kind: 99, payload: vec![1, 2, 3] };
    let list = [Descriptor::named(3, 7, "p"), unknown, Descriptor::named(5, 7, "q")];
    let bytes = capture(|w| w.descriptors(2, 42, &list).unwrap());
    let seen = only(bytes, |block| {
        let Block::Descriptors(found) = block else { panic!("{block:?}") };
        found.entries.map(|entry| entry.fd).collect::<Vec<_>>()
    });
    assert_eq!(seen, [3, 5]);
    // Where only its fields tell its length, it ends the list.
    let mut reader = reader(capture(|w| w.descriptors(1, 42, &list).unwrap()));
    reader.next_block().unwrap();
    assert!(
        matches!(reader.next_block(), Ok(Some(Block::Descriptors(d))) if d.entries.clone().count() == 1)
    );
    let error = reader.next_block().unwrap_err();
    assert!(matches!(error.problem, Problem::Body("descriptor")), "{error}");
}

#[test]
fn users_and_interfaces_of_both_versions_are_read() {
    let users = [User::User(5, 6, "eve".to_owned()), User::Group(6, "staff".to_owned())];
    let interfaces = [
        Interface { name: "lo".to_owned(), address: vec![127, 0, 0, 1] },
        Interface { name: "eth0".to_owned(), address: vec![9; 16] },
    ];
    for version in [1, 2] {
        let bytes = capture(|w| w.users(version, &users).unwrap());
        only(bytes, |block| {
            let Block::Users(mut found) = block else { panic!("{block:?}") };
            let (name, home, shell) = (&b"eve"[..], &b"/home/eve"[..], &b"/bin/sh"[..]);
            assert_eq!(found.next(), Some(UserEntry::User { uid: 5, gid: 6, name, home, shell }));
            assert_eq!(found.next(), Some(UserEntry::Group { gid: 6, name: b"staff" }));
            assert_eq!(found.next(), None);
        });
        let bytes = capture(|w| w.interfaces(version, &interfaces).unwrap());
        only(bytes, |block| {
            let Block::Interfaces(found) = block else { panic!("{block:?}") };
            let found: Vec<_> = found.map(|one| (one.name, one.address, one.link_speed)).collect();
            let (v4, v6) = ([127, 0, 0, 1], [9; 16]);
            let lo: (&[u8], &[u8], _) = (b"lo", &v4, Some(1000));
            assert_eq!(found, [lo, (b"eth0", &v6, Some(1000))]);
        });
    }
}

#[test]
fn the_machine_and_the_version_are_told() {
    let bytes = capture(|w| w.machine(3, "tester").unwrap());
    let mut reader = reader(bytes);
    let section = Section { major: 1, minor: 2 };
    assert!(matches!(reader.next_block(), Ok(Some(Block::Section(found))) if found == section));
    let Ok(Some(Block::Machine(machine))) = reader.next_block() else { panic!("no machine") };
    assert_eq!((machine.cpus, machine.host_name), (3, &b"tester"[..]));
}

#[test]
fn very_old_numbers_are_known() {
    let bytes = capture(|w| {
        w.processes(1, &[Process::new(1, 0, "/sbin/init")]).unwrap();
        w.event(EventBlock::V1, (0, 1, 1), 4, &Values::new().i64(3)).unwrap();
    });
    let renumbered: Vec<u8> = bytes
        .chunks(4)
        .flat_map(|word| match word {
            [0x02, 0x02, 0, 0] => &[0xCD, 0xAB, 0x00, 0x80],
            [0x04, 0x02, 0, 0] => &[0xCD, 0xAB, 0x10, 0x80],
            other => other,
        })
        .copied()
        .collect();
    assert_ne!(bytes, renumbered);
    let mut reader = reader(renumbered);
    reader.next_block().unwrap();
    assert!(
        matches!(reader.next_block(), Ok(Some(Block::Processes(list))) if list.clone().count() == 1)
    );
    assert!(matches!(reader.next_block(), Ok(Some(Block::Event(event))) if event.kind == 4));
}

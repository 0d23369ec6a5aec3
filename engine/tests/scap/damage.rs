// SPDX-License-Identifier: Apache-2.0
//! Damage: what comes before it is given, then it is told once, with its place.

use capture_writer::lists::{Descriptor, Process, User};
use capture_writer::{EventBlock, Scenario, Values, Writer};
use engine::scap::file::{Block, Error, Limits, Problem, Reader};
use proptest::prelude::*;

use super::versions::{capture, reader};

/// Everything that a reader gives, as text, and how it ends.
fn drain(mut reader: Reader) -> (Vec<String>, Option<Error>) {
    let mut given = Vec::new();
    let end = loop {
        match reader.next_block() {
            Ok(Some(block)) => given.push(match block {
                Block::Processes(list) => format!("{:?}", list.collect::<Vec<_>>()),
                Block::Users(list) => format!("{:?}", list.collect::<Vec<_>>()),
                Block::Interfaces(list) => format!("{:?}", list.collect::<Vec<_>>()),
                Block::Descriptors(list) => format!("{:?}", list.entries.collect::<Vec<_>>()),
                other => format!("{other:?}"),
            }),
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    assert!(matches!(reader.next_block(), Ok(None)), "nothing comes after the end");
    (given, end)
}

fn sample() -> Vec<u8> {
    let mut scenario = Scenario::new(1_000_000_000);
    let shell = Process::new(100, 1, "/bin/sh");
    scenario.thread(Process::new(1, 0, "/sbin/init")).thread(shell.clone());
    scenario.descriptor(100, Descriptor::file(0, 1, "/dev/tty"));
    scenario.user(User::User(0, 0, "root".to_owned()));
    let mut child = scenario.fork(&shell, 101);
    scenario.exec(&mut child, "/bin/cat", &["a"]).open(101, 3, "/a", 1).read(101, 3, 100);
    scenario.close(101, 3).exit(101, 0);
    scenario.finish()
}

/// Where blocks begin, and the end.
fn borders(bytes: &[u8]) -> Vec<usize> {
    let mut borders = vec![0];
    while let Some(len) = bytes.get(borders[borders.len() - 1] + 4..) {
        let Some(len) = len.first_chunk() else { break };
        borders.push(borders[borders.len() - 1] + u32::from_le_bytes(*len) as usize);
    }
    borders
}

proptest! {
    #[test]
    fn a_cut_capture_gives_what_is_whole(part in 0.0..1.0_f64) {
        let bytes = sample();
        let cut = (bytes.len() as f64 * part) as usize;
        let (whole, end) = drain(reader(bytes.clone()));
        assert!(end.is_none());
        let (given, end) = drain(reader(bytes[..cut].to_vec()));
        let borders = borders(&bytes);
        let blocks = borders.iter().filter(|&&border| border > 0 && border <= cut).count();
        assert_eq!(given, whole[..blocks]);
        match end {
            None => assert!(borders[1..].contains(&cut)),
            Some(Error { problem: Problem::Empty, .. }) => assert_eq!(cut, 0),
            Some(Error { problem: Problem::Truncated, offset, .. }) => {
                assert_eq!(offset, borders[blocks] as u64);
            }
            Some(other) => assert!(cut < 12, "{other}"),
        }
    }

    #[test]
    fn a_changed_byte_does_no_harm_before_it(at in 0.0..1.0_f64, change in 1..=255_u8) {
        let mut bytes = sample();
        let (whole, _) = drain(reader(bytes.clone()));
        let borders = borders(&bytes);
        let at = (bytes.len() as f64 * at) as usize;
        bytes[at] ^= change;
        let (given, end) = drain(reader(bytes.clone()));
        let before = borders.iter().filter(|&&border| border > 0 && border <= at).count();
        assert!(given.len() >= before && given[..before] == whole[..before]);
        if let Some(error) = end {
            assert!(error.offset <= bytes.len() as u64);
        }
    }

    #[test]
    fn any_bytes_come_to_an_end(head in any::<bool>(), mut bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        if head {
            bytes.splice(..0, capture(|_| {}));
        }
        drain(reader(bytes));
    }
}

#[test]
fn unknown_blocks_are_skipped_and_counted() {
    let event = |w: &mut Writer<Vec<u8>>| {
        w.event(EventBlock::V2, (0, 1, 1), 4, &Values::new().i64(3)).unwrap();
    };
    let bytes = capture(|w| {
        w.block(0x300, &[1, 2, 3]).unwrap();
        event(w);
        w.block(0x301, &vec![7; 700_000]).unwrap();
        event(w);
    });
    let mut reader = reader(bytes.clone());
    while reader.next_block().unwrap().is_some() {}
    let counts = reader.counts();
    assert_eq!((counts.events, counts.unknown_blocks, counts.unknown_type), (2, 2, Some(0x300)));
    // The length at their end is looked at all the same.
    let mut damaged = bytes;
    let end = borders(&damaged)[4];
    damaged[end - 1] ^= 1;
    let (given, error) = drain(super::versions::reader(damaged));
    let error = error.unwrap();
    assert!(matches!(error.problem, Problem::Trailer { .. }), "{error}");
    assert_eq!((given.len(), error.events), (2, 1));
}

#[test]
fn entries_before_a_damaged_one_are_given() {
    let list = [Process::new(1, 0, "/sbin/init"), Process::new(2, 1, "/bin/sh")];
    let bytes = capture(|w| {
        w.processes(9, &list).unwrap();
        w.event(EventBlock::V2, (0, 1, 1), 4, &Values::new().i64(3)).unwrap();
    });
    let second = bytes.windows(8).position(|bytes| bytes == 2_u64.to_le_bytes()).unwrap() - 4;
    let mut damaged = bytes;
    damaged[second] = 200;
    damaged[second + 1] = 200;
    let (given, error) = drain(reader(damaged));
    let error = error.unwrap();
    assert_eq!(given.len(), 2);
    assert!(given[1].contains("tid: 1,") && !given[1].contains("tid: 2,"), "{}", given[1]);
    assert_eq!(error.offset, second as u64);
    assert!(error.to_string().contains("damaged block: its process does not fit"), "{error}");
}

#[test]
fn what_is_no_capture_is_told_so() {
    let mut big = capture(|w| w.machine(1, "s390x").unwrap());
    for word in big.chunks_mut(4) {
        word.reverse();
    }
    let mut newer = capture(|_| {});
    newer[12] = 2;
    let pcapng = capture(|w| w.block(1, &[0; 8]).unwrap());
    for (bytes, expected) in [
        (Vec::new(), "the file is empty"),
        (b"Obj\x01 and so on".to_vec(), "it is a SysFlow trace, which sysflow print shows"),
        (b"\xD4\xC3\xB2\xA1\0\0\0\0\0\0\0\0".to_vec(), "it is a capture of network packets"),
        (pcapng, "it is a capture of network packets"),
        (b"\xFD7zXZ\0 and so on".to_vec(), "compressed with xz; decompress it first"),
        (b"hello".to_vec(), "it does not begin with a section header"),
        (big, "from a big-endian machine, which is not supported"),
        (newer, "format version 2.2; versions 1.x are supported"),
    ] {
        let (_, error) = drain(reader(bytes));
        let error = error.unwrap().to_string();
        assert!(error.starts_with("\"memory\": ") && error.ends_with(expected), "{error}");
    }
    let error = Reader::open("/no/such/file").unwrap_err().to_string();
    assert!(error.starts_with("cannot open \"/no/such/file\": No such file"), "{error}");
}

#[test]
fn a_block_beyond_the_limit_is_refused() {
    let bytes = capture(|w| {
        let params = Values::new().bytes(&[0; 5000]);
        w.event(EventBlock::V2, (0, 1, 1), 4, &params).unwrap();
    });
    let limits = Limits { block: 4096, ..Limits::default() };
    let reader = Reader::with_limits(std::io::Cursor::new(bytes), "memory", limits).unwrap();
    let (given, error) = drain(reader);
    assert_eq!(given.len(), 1);
    let error = error.unwrap().to_string();
    assert!(error.contains("block of 5044 bytes, more than the limit of 4096"), "{error}");
}

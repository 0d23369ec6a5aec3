// SPDX-License-Identifier: Apache-2.0
//! Damaged recordings give what came before the damage, and one error.

use engine::raw::{Problem, Reader};
use probe_loader::abi::SF_SCHEMA_VERSION;

use crate::support::{BEGUN, Host, operation, player};

/// A recording of several blocks, and how many events it has.
fn recording() -> (Vec<u8>, u64) {
    let dir = tempfile::tempdir().expect("directory");
    let path = dir.path().join("r.sfr");
    let mut host = Host::new(&path, 4 << 20);
    let mut now = BEGUN;
    for round in 0..4 {
        for step in 0..25 {
            now += 1000;
            host.writer.put(step % 3, &operation(now, 2 + step % 3, round * 25 + step));
        }
        now += 1_000_000;
        host.drain(now);
        host.second(now);
    }
    let (_, counts, ended) = host.finish();
    assert_eq!(ended.error, None);
    (std::fs::read(&path).expect("a recording"), counts.events)
}

/// Events that a replay gives, how far it got, and what is wrong.
fn replayed(bytes: Vec<u8>) -> (u64, bool, Option<engine::raw::Error>) {
    let mut player = match player(bytes) {
        Ok(player) => player,
        Err(error) => return (0, false, Some(error)),
    };
    let error = loop {
        match player.step(|_| ()) {
            Ok(Some(_)) => {}
            Ok(None) => break None,
            Err(error) => {
                assert!(matches!(player.step(|_| ()), Ok(None)), "nothing comes after an error");
                break Some(error);
            }
        }
    };
    let (_, _, played) = player.finish();
    (played.events, played.end.is_some(), error)
}

#[test]
fn a_recording_can_be_cut_anywhere() {
    let (whole, events) = recording();
    assert!(matches!(replayed(whole.clone()), (all, true, None) if all == events));
    let mut before = 0;
    let mut at_blocks = 0;
    for len in 0..whole.len() {
        let (found, ended, error) = replayed(whole[..len].to_vec());
        assert!(found >= before && found <= events && !ended, "{len} bytes");
        before = found;
        match error {
            // Between two blocks: nothing says that more was to come.
            None => at_blocks += 1,
            Some(error) => assert!(error.offset <= len as u64, "{error}"),
        }
    }
    // After the start, and after each second.
    assert_eq!((before, at_blocks), (events, 5));
}

#[test]
fn no_changed_byte_goes_unseen() {
    let (whole, events) = recording();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        let (found, ended, error) = replayed(bytes);
        assert!(found <= events);
        // API version, minor versions and the reserved word are for newer
        // programs to change.
        let harmless = matches!(at, 8 | 9 | 12 | 13 | 16..24);
        assert!(harmless == error.is_none(), "byte {at}: {error:?}");
        assert!(harmless || !ended, "byte {at}");
    }
}

/// What a reader says of a recording with another word at a place of its head.
fn with_word(at: usize, word: u32) -> (Problem, String) {
    let mut bytes = recording().0;
    bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
    let error = Reader::new(std::io::Cursor::new(bytes), "r.sfr").err().expect("an error");
    let told = error.to_string();
    (error.problem, told)
}

#[test]
fn other_versions_are_refused_in_words() {
    let (problem, told) = with_word(8, 2 << 16);
    assert!(matches!(problem, Problem::Format(_)));
    assert!(told.contains("format 2.0") && told.contains("use a newer sysflow program"), "{told}");
    let (problem, told) = with_word(12, SF_SCHEMA_VERSION + (1 << 16));
    assert!(matches!(problem, Problem::Schema(_)));
    assert!(told.starts_with("\"r.sfr\": its driver spoke schema 2."), "{told}");
    let (problem, told) = with_word(0, 0);
    assert!(matches!(problem, Problem::Foreign));
    assert_eq!(told, "\"r.sfr\": not a recording of sysflow record --raw");
}

mod lies {
    //! Blocks that are whole and say what cannot be.

    use engine::clock::Clock;
    use engine::raw::{Meta, Records, Writer};
    use probe_loader::abi::SF_API_VERSION;

    use super::*;

    fn error(write: impl FnOnce(&mut Writer<Vec<u8>>)) -> String {
        let meta = Meta {
            rings: 2,
            ring_size: 65536,
            clock: Clock::with_offsets(0, 0),
            ..Meta::default()
        };
        let versions = (SF_API_VERSION, SF_SCHEMA_VERSION);
        let mut writer = Writer::new(Vec::new(), versions, 1, &meta, &[]).expect("memory");
        write(&mut writer);
        let bytes = writer.finish(&engine::raw::End::default()).expect("memory");
        let (_, _, error) = replayed(bytes);
        error.map_or(String::new(), |error| error.to_string())
    }

    #[test]
    fn what_cannot_be_is_an_error_and_no_panic() {
        let records = |ring, position| {
            move |writer: &mut Writer<Vec<u8>>| {
                let bytes = operation(BEGUN, 7, 0);
                writer.records(&Records { ring, position, bytes: &bytes }).expect("memory");
                writer.records(&Records { ring: 0, position: 8, bytes: &bytes }).expect("memory");
            }
        };
        assert!(error(records(2, 0)).contains("number of a ring"));
        assert!(error(records(0, 0)).contains("position in a ring"));
        assert_eq!(error(records(1, u64::MAX - 7)), "", "positions go round");
        let round = |end| {
            move |writer: &mut Writer<Vec<u8>>| {
                let bytes = operation(BEGUN, 7, 0);
                writer.records(&Records { ring: 0, position: 0, bytes: &bytes }).expect("memory");
                writer.round(BEGUN, &[end]).expect("memory");
            }
        };
        assert!(error(round((0, 4096))).contains("end of a round"));
        assert!(error(round((9, 0))).contains("number of a ring"));
        let much = |writer: &mut Writer<Vec<u8>>| {
            let bytes = vec![0; 70_000];
            writer.records(&Records { ring: 0, position: 0, bytes: &bytes }).expect("memory");
        };
        assert!(error(much).contains("row of records"));
        // Records that are none are counted, and what follows is replayed.
        let none = |writer: &mut Writer<Vec<u8>>| {
            writer.records(&Records { ring: 0, position: 0, bytes: &[0; 64] }).expect("memory");
            writer.round(BEGUN, &[(0, 64)]).expect("memory");
        };
        assert_eq!(error(none), "");
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Blocks that are whole, with bodies that are not what they were: nothing that
//! they say makes a replay panic.

use std::io::Cursor;

use probe_loader::Counters;
use probe_loader::abi::{Plain, SF_API_VERSION, SF_OP_CLOSE, SF_SCHEMA_VERSION, sf_hdr, sf_rec_fd};
use sysflow::encode::Encode;

use super::block::{Packer, Unpacker};
use super::words::Words;
use super::{End, HEAD, Meta, Reader, Recording, Records, Second, Writer};
use crate::Settings;
use crate::clock::Clock;
use crate::sink::Sink;
use crate::snapshot::Found;

struct Nowhere;

impl Sink for Nowhere {
    fn put(&mut self, _: impl Encode) {}
}

fn recording() -> Vec<u8> {
    let clock = Clock::with_offsets(5, 7);
    let meta = Meta { rings: 2, ring_size: 65536, begun: 1, clock, ..Meta::default() };
    let found = Found { pid: 7, start: 1, exe: "/bin/x".into(), ..Found::default() };
    let versions = (SF_API_VERSION, SF_SCHEMA_VERSION);
    let found = std::slice::from_ref(&found);
    let mut writer = Writer::new(Vec::new(), versions, 1, &meta, found).expect("memory");
    let h = sf_hdr { ts: 9, pid: 8, tid: 8, len: 40, op: SF_OP_CLOSE as u8, ..sf_hdr::default() };
    let close = sf_rec_fd { h, fd: 3, ..sf_rec_fd::default() };
    writer.lookup(8, Some(&found[0])).expect("memory");
    let records = |position| Records { ring: 1, position, bytes: close.bytes() };
    writer.records(&records(0)).expect("memory");
    writer.round(10, &[(1, 40)]).expect("memory");
    writer.hole(&[(1, 80)]).expect("memory");
    writer.records(&records(120)).expect("memory");
    let cpus = vec![Counters::default(); 2];
    let second = Second { now: 11, clock, cpus: cpus.clone(), kept: Counters::default() };
    writer.second(&second).expect("memory");
    writer.finish(&End { cpus, ..End::default() }).expect("memory")
}

/// Plays a recording to its end or to its error. Returns the events and
/// whether it was whole.
fn played(bytes: Vec<u8>) -> (u64, bool) {
    let reader = Reader::new(Cursor::new(bytes), "memory").expect("a head");
    let Ok(recording) = Recording::open(reader) else { return (0, false) };
    let mut player = recording.play(Settings::default(), Nowhere);
    while let Ok(Some(_)) = player.step(|_| ()) {}
    let (_, _, played) = player.finish();
    (played.events, played.end.is_some())
}

#[test]
fn no_body_makes_a_replay_panic() {
    let whole = recording();
    assert_eq!(played(whole.clone()), (2, true));
    let (mut unpacker, mut body) = (Unpacker::new().expect("memory"), Words::default());
    let mut input = &whole[HEAD..];
    unpacker.next(&mut input, &mut body).expect("a block");
    assert!(input.is_empty(), "there is one block");
    let mut packer = Packer::new(1).expect("memory");
    let mut harmless = 0;
    for at in 0..body.len() {
        let bits = [0x01, 0x80, 0xff][at % 3];
        body.bytes_mut()[at] ^= bits;
        let block = packer.block(body.bytes()).expect("packed");
        let (events, ended) = played([&whole[..HEAD], block].concat());
        harmless += usize::from(ended && events == 2);
        body.bytes_mut()[at] ^= bits;
    }
    assert!(harmless > 0 && harmless < body.len(), "{harmless}");
}

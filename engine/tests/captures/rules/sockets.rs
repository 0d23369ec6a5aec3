// SPDX-License-Identifier: Apache-2.0
//! Sockets: roles, protocols, names.

use std::net::Ipv4Addr;

use capture_writer::lists::Descriptor;
use capture_writer::{Scenario, Values};
use engine::scap::Options;
use sysflow::schema::Version;

use super::super::convert::Converted;
use super::{none, story, told, told_with};

const HERE: ([u8; 4], u16) = ([10, 0, 0, 1], 4000);
const THERE: ([u8; 4], u16) = ([10, 0, 0, 2], 53);

fn tuple(from: ([u8; 4], u16), to: ([u8; 4], u16)) -> Vec<u8> {
    let mut out = vec![2];
    for (address, port) in [from, to] {
        out.extend(address);
        out.extend(port.to_le_bytes());
    }
    out
}

fn tuple6(from: [u8; 16], to: [u8; 16]) -> Vec<u8> {
    let mut out = vec![10];
    for (address, port) in [(from, 4000u16), (to, 80)] {
        out.extend(address);
        out.extend(port.to_le_bytes());
    }
    out
}

/// socket(domain, type, 0) = fd.
fn socket(s: &mut Scenario, fd: i64, domain: u32, type_: u32) {
    let enter = Values::new().u32(domain).u32(type_).u32(0);
    s.call(100, 18, &enter, &Values::new().i64(fd));
}

/// Ports, protocol, descriptor and operations.
fn flows(out: &Converted) -> Vec<(i32, i32, i32, i32, i32)> {
    let flows = out.network_flows();
    flows.iter().map(|f| (f.sport, f.dport, f.proto, f.fd, f.op_flags.bits())).collect()
}

const ACCEPT: i32 = 32;
const CONNECT: i32 = 64;
const READ: i32 = 256;
const WRITE: i32 = 512;
const CLOSE: i32 = 1024;
const TRUNCATE: i32 = 2048;
const SHUTDOWN: i32 = 4096;

#[test]
fn the_source_is_the_client_on_both_sides() {
    let (mut s, _) = story();
    s.connect(100, 3, (HERE, THERE)).write(100, 3, 5);
    s.call(100, 36, &Values::new().i64(3).u8(2), &Values::new().i64(0));
    s.close(100, 3);
    s.accept(100, 4, (THERE, HERE)).read(100, 4, 5).close(100, 4);
    let out = told(s);
    assert_eq!(
        flows(&out),
        [
            (4000, 53, 6, 3, CONNECT | WRITE | SHUTDOWN | CLOSE),
            (53, 4000, 6, 4, ACCEPT | READ | CLOSE),
        ]
    );
    assert_eq!(Ipv4Addr::from(out.network_flows()[0].sip), Ipv4Addr::new(10, 0, 0, 1));
}

#[test]
fn a_connection_in_progress_counts_and_a_failed_one_has_no_ends() {
    let (mut s, _) = story();
    socket(&mut s, 3, 2, 1);
    let exit = Values::new().i64(-115).bytes(&tuple(HERE, THERE)).i64(3);
    s.call(100, 22, &Values::new().i64(3), &exit);
    socket(&mut s, 4, 2, 1);
    s.call(100, 22, &Values::new().i64(4), &Values::new().i64(-111).bytes(b"").i64(4));
    s.close(100, 3).close(100, 4);
    let out = told(s);
    assert_eq!(flows(&out), [(4000, 53, 6, 3, CONNECT | CLOSE), (0, 0, -1, 4, CONNECT | CLOSE)]);
}

#[test]
fn datagrams_bring_their_ends() {
    let (mut s, _) = story();
    // A client that is not connected.
    socket(&mut s, 3, 2, 2);
    let send = Values::new().i64(3).u32(9).bytes(&tuple(HERE, THERE));
    s.call(100, 30, &send, &Values::new().i64(9).bytes(b"question!"));
    let answer = Values::new().i64(9).bytes(b"answer!!!").bytes(&tuple(THERE, HERE));
    s.call(100, 34, &Values::new().i64(3).u32(9), &answer);
    // A server that is bound.
    socket(&mut s, 4, 2, 2);
    let mut address = vec![2];
    address.extend(HERE.0);
    address.extend(HERE.1.to_le_bytes());
    s.call(100, 20, &Values::new().i64(4), &Values::new().i64(0).bytes(&address));
    let question = Values::new().i64(3).u32(3).bytes(b"abc").bytes(&tuple(THERE, HERE));
    s.call(100, 52, &Values::new().i64(4), &question);
    let out = told(s);
    let mut told = flows(&out);
    told.sort_by_key(|flow| flow.3);
    assert_eq!(
        told,
        [(4000, 53, 17, 3, READ | WRITE | TRUNCATE), (53, 4000, 17, 4, READ | TRUNCATE)]
    );
}

#[test]
fn a_send_on_an_unknown_descriptor_is_a_datagram_socket() {
    let (mut s, _) = story();
    let send = Values::new().i64(8).u32(9).bytes(&tuple(HERE, THERE));
    s.call(100, 30, &send, &Values::new().i64(9).bytes(b"question!"));
    let out = told(s);
    assert_eq!(flows(&out), [(4000, 53, 17, 8, WRITE | TRUNCATE)]);
}

#[test]
fn of_connections_from_before_the_listening_end_is_the_server() {
    let (mut s, _) = story();
    let web = ([10, 0, 0, 1], 80);
    s.descriptor(100, Descriptor::ipv4_server(3, web));
    s.descriptor(100, Descriptor::ipv4(4, web, THERE));
    s.descriptor(100, Descriptor::ipv4(5, HERE, THERE));
    s.read(100, 3, 0).read(100, 4, 1).read(100, 5, 1);
    let out = told(s);
    let mut told = flows(&out);
    told.sort_by_key(|flow| flow.3);
    assert_eq!(told, [(53, 80, 6, 4, READ | TRUNCATE), (4000, 53, 6, 5, READ | TRUNCATE)]);
    assert_eq!(out.engine.silent, 1, "a listening socket has no flow");
}

#[test]
fn ipv6_counts_unless_it_stands_for_ipv4_or_the_schema_has_a_place() {
    let mut mapped = [0; 16];
    mapped[10..].copy_from_slice(&[0xff, 0xff, 10, 0, 0, 1]);
    let mut own = [0; 16];
    own[0] = 0x20;
    let work = || {
        let (mut s, _) = story();
        for (fd, to) in [(3, mapped), (4, own)] {
            let exit = Values::new().i64(fd).bytes(&tuple6(mapped, to)).u8(0).u32(0).u32(0);
            s.call(100, 388, &Values::new().u32(0), &exit);
            s.read(100, fd, 1);
        }
        s
    };
    let out = told(work());
    assert_eq!(flows(&out), [(4000, 80, 6, 3, ACCEPT | READ | TRUNCATE)]);
    assert_eq!(out.engine.ipv6, 2);
    let six = told_with(work(), &Options { schema: Version::V6, ..Options::default() });
    assert_eq!(six.engine.ipv6, 0);
    assert_eq!(six.engine.records, out.engine.records + 1);
}

#[test]
fn unix_sockets_are_files_with_the_name_of_their_ends() {
    let (mut s, _) = story();
    socket(&mut s, 3, 1, 1);
    let mut ends = vec![1];
    ends.extend(0xabcu64.to_le_bytes());
    ends.extend(0xdefu64.to_le_bytes());
    ends.extend(b"/run/bus\0");
    s.call(100, 22, &Values::new().i64(3), &Values::new().i64(0).bytes(&ends));
    s.write(100, 3, 5).close(100, 3);
    // A connect that fails leaves the text that was formatted last.
    socket(&mut s, 4, 1, 1);
    s.call(100, 22, &Values::new().i64(4), &Values::new().i64(-2).bytes(b""));
    s.close(100, 4);
    s.call(100, 198, &Values::new().u32(77), &Values::new().i64(0));
    socket(&mut s, 5, 1, 1);
    s.call(100, 22, &Values::new().i64(5), &Values::new().i64(-2).bytes(b""));
    s.close(100, 5);
    let out = told(s);
    let name = "abc->def /run/bus".to_owned();
    assert_eq!(
        out.flows(),
        [
            (name.clone(), 3, CONNECT | WRITE | CLOSE),
            (name, 4, CONNECT | CLOSE),
            ("77".to_owned(), 5, CONNECT | CLOSE),
        ]
    );
}

#[test]
fn a_failed_accept_and_an_accept_without_ends_are_nothing() {
    let (mut s, _) = story();
    s.call(100, 248, &Values::new().u32(0), &Values::new().i64(-11).bytes(b"").u8(0));
    s.call(100, 248, &Values::new().u32(0), &Values::new().i64(3).bytes(b"").u8(0));
    s.read(100, 3, 1);
    s.call(100, 82, &none(), &Values::new().i64(1));
    let out = told(s);
    assert!(flows(&out).is_empty() && out.flows().is_empty());
}

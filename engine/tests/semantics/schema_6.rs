// SPDX-License-Identifier: Apache-2.0
//! What schema version 6 has a place for.

use probe_loader::abi::{SF_OP_ACCEPT, SF_OP_RECV, SF_OP_SEND, SF_OP_SOCKET, sf_tuple};
use sysflow::record::{File, Ip4, Ip6, Loss, Record, address_of};
use sysflow::schema::Version;

use super::world::{World, at, v4};

const SERVER: [u8; 16] = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const CLIENT: [u8; 16] = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];

fn v6(kind: i32, local: u16, remote: u16) -> sf_tuple {
    let family = libc::AF_INET6 as u16;
    sf_tuple { family, laddr: SERVER, raddr: CLIENT, ..v4(kind, local, remote) }
}

#[test]
fn flows_over_ipv6_have_their_addresses() {
    let mut w = World::with_schema(Version::V6);
    w.sock(SF_OP_ACCEPT, at(1, 5), 0xd, v6(libc::SOCK_STREAM, 80, 50_000));
    w.io(SF_OP_RECV, at(1, 5), 0xd, 9);
    w.sock(SF_OP_SOCKET, at(1, 6), 0xe, v6(libc::SOCK_DGRAM, 0, 0));
    w.sock_io(SF_OP_SEND, at(1, 6), 0xe, 10, v6(libc::SOCK_DGRAM, 40_000, 53));
    w.sock(SF_OP_ACCEPT, at(1, 7), 0xf, v4(libc::SOCK_STREAM, 80, 50_000));
    let out = w.finish();
    out.check();
    assert_eq!(out.counts.ipv6, 0);
    let mut flows = out.network_flows();
    flows.sort_by_key(|flow| flow.fd);
    let ends: Vec<_> = flows
        .iter()
        .map(|f| (f.fd, address_of(f.sip, f.sip6), f.sport, address_of(f.dip, f.dip6), f.dport))
        .collect();
    let (server, client, local) = (SERVER.into(), CLIENT.into(), [127, 0, 0, 1].into());
    assert_eq!(
        ends,
        [
            (5, client, 50_000, server, 80),
            (6, server, 40_000, client, 53),
            (7, local, 50_000, local, 80),
        ]
    );
    assert_eq!((flows[0].sip, flows[0].sip6), (Ip4(0), Some(Ip6(CLIENT))));
    assert_eq!(flows[2].sip6, None);
}

fn files(records: &[Record]) -> Vec<&File> {
    let files = records.iter().filter_map(|record| match record {
        Record::File(file) => Some(file),
        _ => None,
    });
    files.collect()
}

#[test]
fn files_have_their_inodes_and_are_told_again_when_those_change() {
    let run = |schema| {
        let mut w = World::with_schema(schema);
        for (file, inode) in [(0xa, 77), (0xb, 77), (0xc, 78)] {
            w.open_on(at(1, 3), file, "/log", (8 << 20 | 1, inode));
            w.close(at(1, 3));
        }
        w.finish().all
    };
    let all = run(Version::V6);
    let found: Vec<_> = files(&all).iter().map(|f| (f.path.as_str(), f.dev, f.ino)).collect();
    assert_eq!(found, [("/log", 0x801, 77), ("/log", 0x801, 78)]);
    assert_eq!(files(&run(Version::V5)).len(), 1);
}

#[test]
fn losses_are_flows_of_the_recorder() {
    let mut w = World::with_schema(Version::V6);
    w.fork(1, 10);
    let loss = Loss { cpu: 1, seen: 5, ring_full: 5, ..Loss::default() };
    w.put_loss(10, loss);
    let all = w.finish().all;
    let Some(Record::ProcessFlow(flow)) = all.last() else { panic!("{all:?}") };
    assert_eq!((flow.proc_oid.hpid, flow.loss), (10, Some(loss)));
    assert_eq!(flow.end_ts - flow.ts, 1_000_000_000);
    assert!(flow.op_flags.is_empty() && flow.num_threads_cloned == 0);
    let process = |r: &Record| matches!(r, Record::Process(p) if p.oid == flow.proc_oid);
    assert!(all.iter().any(process), "the recorder is described before");
}

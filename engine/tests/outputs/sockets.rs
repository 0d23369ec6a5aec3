// SPDX-License-Identifier: Apache-2.0
//! A stream to a reader that is slow, goes away, or is not there yet.

use std::os::fd::{AsFd as _, AsRawFd as _, FromRawFd as _, OwnedFd};
use std::path::Path;

use engine::output::{Cause, Ended};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, Backlog, MsgFlags, SockFlag, SockType, UnixAddr, accept, bind, listen, recv,
    socket as new_socket,
};
use sysflow::decode::Decoder;
use sysflow::record::Record;
use sysflow::schema::Version;

use crate::known;
use crate::machine::{Machine, files, socket, until};

/// Who reads.
pub(crate) struct Listener(OwnedFd);

/// One connection to it.
pub(crate) struct Connection {
    fd: OwnedFd,
    records: Vec<Record>,
}

impl Listener {
    pub(crate) fn at(path: &Path) -> Self {
        let flags = SockFlag::SOCK_CLOEXEC;
        let fd = new_socket(AddressFamily::Unix, SockType::SeqPacket, flags, None).expect("socket");
        let address = UnixAddr::new(path).expect("address");
        bind(fd.as_raw_fd(), &address).expect("bind");
        listen(&fd, Backlog::new(4).expect("backlog")).expect("listen");
        Self(fd)
    }

    /// A connection, if one waits or comes within a moment.
    pub(crate) fn accept_now(&self) -> Option<Connection> {
        let mut fds = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        let ready = poll(&mut fds, PollTimeout::from(20_u8)).expect("poll");
        (ready > 0).then(|| self.accept())
    }

    fn accept(&self) -> Connection {
        let fd = accept(self.0.as_raw_fd()).expect("accept");
        // SAFETY: accept has just made it for us alone.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Connection { fd, records: Vec::new() }
    }
}

impl Connection {
    /// Reads a packet, which is one record. None at the end, or, with
    /// `DONTWAIT`, where none waits.
    fn read(&mut self, flags: MsgFlags) -> Option<()> {
        // As much as the reference's reader takes.
        let mut packet = [0; 16 * 1024];
        let size = recv(self.fd.as_raw_fd(), &mut packet, flags).ok().filter(|size| *size > 0)?;
        let mut bytes = &packet[..size];
        let record = Decoder::new(Version::V5).decode(&mut bytes).expect("a record");
        assert!(bytes.is_empty(), "one record in a packet");
        self.records.push(record.expect("a known type").into_owned());
        Some(())
    }

    /// Reads a packet if one is there. Returns whether there was.
    pub(crate) fn read_now(&mut self) -> bool {
        self.read(MsgFlags::MSG_DONTWAIT).is_some()
    }

    /// The reader leaves. What it got.
    pub(crate) fn end(self) -> Vec<Record> {
        self.records
    }

    pub(crate) fn read_all(&mut self) -> usize {
        while self.read(MsgFlags::empty()).is_some() {}
        self.records.len()
    }
}

#[test]
fn a_reader_gets_the_header_and_every_record() {
    let dir = tempfile::tempdir().expect("directory");
    let path = dir.path().join("sock");
    let listener = Listener::at(&path);
    let reader = std::thread::spawn(move || {
        let mut connection = listener.accept();
        connection.read_all();
        connection.records
    });
    let file = dir.path().join("x.sf");
    let mut machine = Machine::new(&[socket(&path, 1 << 20), files(&file, None, None)]);
    for _ in 0..10 {
        machine.rounds(20);
        machine.pass(1.0);
    }
    let ended = machine.finish().remove(0);
    let records = reader.join().expect("reader");
    known::assert_self_contained(&records);
    let mut same = known::read(&file);
    // Only the header's file name differs.
    same[0] = records[0].clone();
    assert!(records == same);
    assert_eq!(ended.numbers.missing(), 0);
    assert_eq!((ended.numbers.connections, ended.numbers.failing), (1, false));
}

#[test]
fn who_comes_late_gets_what_waited() {
    let dir = tempfile::tempdir().expect("directory");
    let path = dir.path().join("sock");
    let mut machine = Machine::new(&[socket(&path, 1 << 20)]);
    machine.rounds(50);
    machine.pass(1.0);
    until("the output looks for a reader in vain", || machine.numbers(0).failing);
    let listener = Listener::at(&path);
    let reader = std::thread::spawn(move || {
        let mut connection = listener.accept();
        connection.read_all();
        connection.records
    });
    until("the output connects", || machine.numbers(0).connections == 1);
    machine.rounds(1);
    let ended = machine.finish().remove(0);
    let records = reader.join().expect("reader");
    known::assert_self_contained(&records);
    assert_eq!(records.len() as u64, ended.numbers.handed.total() + 1);
}

#[test]
fn each_reader_can_start_with_what_it_gets() {
    let dir = tempfile::tempdir().expect("directory");
    let path = dir.path().join("sock");
    let listener = Listener::at(&path);
    let mut machine = Machine::new(&[socket(&path, 1 << 20)]);
    let mut got = 0;
    for round in 1..=3 {
        machine.rounds(10);
        machine.pass(1.0);
        let mut connection = listener.accept();
        (0..10).for_each(|_| connection.read(MsgFlags::empty()).expect("a record"));
        machine.settle(0);
        while connection.read(MsgFlags::MSG_DONTWAIT).is_some() {}
        known::assert_self_contained(&connection.records);
        got += connection.records.len() as u64 - 1;
        // The reader dies.
        drop(connection);
        machine.rounds(10);
        machine.pass(1.0);
        until("the output sees that", || machine.numbers(0).shed_total() > 0);
        machine.settle(0);
        assert_eq!(machine.numbers(0).connections, round);
        // It asked for a new run.
        machine.pass(1.0);
    }
    drop(listener);
    let ended = machine.finish().remove(0);
    assert!(ended.numbers.failing && ended.is_whole(), "readers come and go");
    let numbers = ended.numbers;
    assert_eq!(numbers.written.total(), got);
    let lost = numbers.shed[Cause::NoReader as usize];
    assert_eq!(lost.total(), numbers.shed_total());
    assert!(lost.each().count() >= 3, "by type: {lost}");
}

#[test]
fn what_waited_for_a_reader_that_died_is_not_for_the_next() {
    let dir = tempfile::tempdir().expect("directory");
    let path = dir.path().join("sock");
    let listener = Listener::at(&path);
    let mut machine = Machine::new(&[socket(&path, 1 << 20)]);
    machine.round();
    machine.pass(1.0);
    let mut first = listener.accept();
    first.read(MsgFlags::empty()).expect("the header");
    // The socket is full, and batches wait in the queue.
    while machine.queued(0) < 100_000 {
        machine.rounds(100);
        machine.pass(0.1);
    }
    drop(first);
    until("the output sees that", || machine.numbers(0).shed_total() > 0);
    machine.pass(0.1);
    machine.rounds(100);
    let reader = std::thread::spawn(move || {
        let mut second = listener.accept();
        second.read_all();
        second.records
    });
    machine.pass(0.1);
    until("the next reader gets something", || machine.numbers(0).connections == 2);
    machine.finish();
    let records = reader.join().expect("reader");
    assert!(records.len() > 100);
    known::assert_self_contained(&records);
}

#[test]
fn a_stalled_reader_stalls_nobody_else_and_finds_no_dangling_reference() {
    let dir = tempfile::tempdir().expect("directory");
    let (path, file) = (dir.path().join("sock"), dir.path().join("x.sf"));
    let listener = Listener::at(&path);
    let mut machine = Machine::new(&[socket(&path, 100_000), files(&file, None, None)]);
    // Nobody reads: the socket's buffer fills, then the queue.
    while machine.numbers(0).shed_total() == 0 {
        machine.rounds(100);
        machine.pass(0.1);
        machine.settle(1);
    }
    assert!(machine.queued(0) <= 100_000);
    machine.rounds(1000);
    // It wakes up and reads on.
    let mut connection = listener.accept();
    let reader = std::thread::spawn(move || {
        connection.read_all();
        connection.records
    });
    machine.settle(0);
    machine.pass(5.0);
    let before = machine.numbers(0);
    machine.rounds(100);
    let ended = machine.finish();
    let (numbers, all) = (&ended[0].numbers, &ended[1].numbers);
    assert_eq!(numbers.shed_total(), before.shed_total(), "the new run is whole");
    assert!(numbers.written.total() > before.written.total());
    assert_eq!(numbers.shed_total(), numbers.shed[Cause::NoRoom as usize].total());
    let records = reader.join().expect("reader");
    known::assert_self_contained(&records);
    assert_eq!(numbers.written.total() + 1, records.len() as u64);
    assert_eq!((all.missing(), all.written.total()), (0, all.handed.total()));
    known::assert_self_contained(&known::read(&file));
}

#[test]
fn in_a_hurry_what_waits_is_given_up_and_counted() {
    let dir = tempfile::tempdir().expect("directory");
    let path = dir.path().join("sock");
    let listener = Listener::at(&path);
    let mut machine = Machine::new(&[socket(&path, 1 << 20)]);
    machine.round();
    machine.pass(1.0);
    let mut connection = listener.accept();
    while machine.queued(0) < 500_000 {
        machine.rounds(100);
        machine.pass(0.1);
    }
    // One that takes a record now and then would be waited for.
    let mut looks = 0;
    let ended = machine.finish_unless(|| {
        connection.read_now();
        looks += 1;
        looks > 10
    });
    assert_eq!(looks, 11, "asked until there is a hurry, and no more");
    let Ended { numbers, stuck, .. } = &ended[0];
    assert!(!ended[0].is_whole());
    assert!(*stuck && numbers.written.total() > 0, "{numbers:?}");
    let failed = numbers.shed[Cause::Failed as usize].total();
    assert!(failed > 0 && failed == numbers.shed_total(), "{numbers:?}");
}

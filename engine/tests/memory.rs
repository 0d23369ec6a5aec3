// SPDX-License-Identifier: Apache-2.0
//! The memory of a conversion does not grow with the length of the capture.

use std::io::{self, Read};

use capture_writer::Scenario;
use capture_writer::lists::Process;
use counting_allocator::{Counting, live};
use engine::scap::file::Reader;
use engine::scap::{Converter, Options};
use engine::sink::Sink;
use sysflow::encode::Encode;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Counts records and keeps none.
struct Counted(u64);

impl Sink for Counted {
    fn put(&mut self, _: impl Encode) {
        self.0 += 1;
    }
}

const SECOND: u64 = 1_000_000_000;

/// A story that goes on for a number of rounds, made while it is read.
struct Endless<F> {
    scenario: Scenario,
    round: F,
    rounds: u64,
    done: u64,
    piece: Vec<u8>,
    at: usize,
}

impl<F: FnMut(&mut Scenario, u64)> Read for Endless<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.piece.len() && self.done < self.rounds {
            (self.round)(&mut self.scenario, self.done);
            self.done += 1;
            self.piece = self.scenario.take();
            self.at = 0;
        }
        let len = buffer.len().min(self.piece.len() - self.at);
        buffer[..len].copy_from_slice(&self.piece[self.at..self.at + len]);
        self.at += len;
        Ok(len)
    }
}

/// Live bytes until this part of the rounds, in their last tenth, and the records.
fn grown(
    early: f64,
    rounds: u64,
    round: impl FnMut(&mut Scenario, u64) + Send + 'static,
) -> (usize, usize, u64) {
    let mut scenario = Scenario::new(1_600_000_000 * SECOND);
    scenario.thread(Process::new(1, 0, "/sbin/init")).thread(Process::new(100, 1, "/bin/sh"));
    let input = Endless { scenario, round, rounds, done: 0, piece: Vec::new(), at: 0 };
    let mut reader = Reader::new(input, "memory").expect("memory is read");
    let mut converter = Converter::new(&Options::default(), Counted(0));
    let mut marks = Vec::new();
    let mut passed = 0;
    while let Some(block) = reader.next_block().expect("a good capture") {
        converter.block(&block);
        let now = converter.counts().events;
        if now >= passed {
            passed = now + 1000;
            marks.push(live());
        }
    }
    let early =
        marks[..(marks.len() as f64 * early) as usize].iter().copied().max().expect("a long story");
    let late = marks[marks.len() - marks.len() / 10..].iter().copied().max().expect("the same");
    let (sink, _, _) = converter.finish();
    (early, late, sink.0)
}

/// What may be added over the length of a story: the room of tables that were full by chance.
const SLACK: usize = 256 * 1024;

#[test]
fn processes_that_come_and_go_leave_nothing() {
    let mut pid = 1000;
    let (early, late, records) = grown(0.1, 30_000, move |scenario, _| {
        let shell = Process::new(100, 1, "/bin/sh");
        pid = if pid < 60_000 { pid + 1 } else { 1000 };
        let mut child = scenario.fork(&shell, pid);
        scenario.exec(&mut child, &format!("/bin/tool{}", pid % 50), &["a", "b"]);
        scenario.open(pid, 3, "/etc/passwd", 1).read(pid, 3, 100).close(pid, 3);
        scenario.exit(pid, 0).wait(SECOND);
    });
    assert!(records > 100_000, "{records}");
    assert!(late <= early + SLACK, "{early} bytes became {late}");
}

// Names are kept until there are more than 65,536 that nobody uses: a file that is used again needs
// no second description.
#[test]
fn files_that_are_seen_once_leave_nothing() {
    let (early, late, records) = grown(0.7, 200_000, |scenario, round| {
        scenario.open(100, 3, &format!("/tmp/some/folder/{round}"), 1).read(100, 3, 10);
        scenario.close(100, 3).wait(SECOND / 100);
    });
    assert!(records > 200_000, "{records}");
    // Between two clearings it grows by the names of a clearing.
    assert!(late <= early + 8 * SLACK, "{early} bytes became {late}");
}

#[test]
fn connections_that_are_never_closed_leave_nothing() {
    let (early, late, records) = grown(0.8, 170_000, |scenario, round| {
        let port = 1024 + (round % 60_000) as u16;
        let connection = (([10, 0, 0, 1], port), ([10, 0, 0, 2], 80));
        // The number is used again: what it was before is closed without being told.
        scenario.connect(100, 4, connection).write(100, 4, 10).wait(SECOND);
    });
    assert!(records > 170_000, "{records}");
    assert!(late <= early + SLACK, "{early} bytes became {late}");
}

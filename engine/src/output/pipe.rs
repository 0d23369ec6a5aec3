// SPDX-License-Identifier: Apache-2.0
//! A container file on standard output.

use std::fs::File;
use std::io::{self, IsTerminal as _, Write};
use std::os::fd::AsFd as _;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use sysflow::write::Writer;

use super::batch::{Batch, Encoded, Kinds};
use super::queue::{Fresh, Queue};
use super::tally::Cause;
use super::worker::{Hand, Target};
use super::{Common, Error};
use crate::account::Account;

/// A write of so much does not block once a pipe is ready for it (`PIPE_BUF`).
const PIECE: usize = 4096;

/// Standard output, which may be a pipe that nobody reads: what is written
/// waits for it, but not when the capture is over.
struct Patient {
    file: File,
    /// Known once the thread runs.
    queue: OnceLock<Arc<Queue>>,
}

impl Write for Patient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut patience = 10;
        loop {
            let mut fds = [PollFd::new(self.file.as_fd(), PollFlags::POLLOUT)];
            if poll(&mut fds, PollTimeout::from(100_u8))? > 0 {
                return self.file.write(&bytes[..bytes.len().min(PIECE)]);
            }
            // An end is waited for 1 s without a byte taken.
            patience -= i32::from(self.queue.get().is_some_and(|queue| queue.ended().is_some()));
            if patience == 0 {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

pub(super) struct PipeTarget {
    writer: Writer<Patient>,
    closed: bool,
    /// Records that the writer took and has not written.
    pending: Kinds,
    bytes: u64,
}

impl PipeTarget {
    /// Takes standard output.
    pub(super) fn stdout(common: &Common) -> Result<Self, Error> {
        if io::stdout().is_terminal() {
            return Err(Error::Terminal);
        }
        let file = io::stdout().as_fd().try_clone_to_owned().map_err(Error::Stdout)?;
        Self::new(file.into(), common).map_err(Error::Stdout)
    }

    fn new(file: File, common: &Common) -> io::Result<Self> {
        let mut writer = Writer::new(Patient { file, queue: OnceLock::new() }, &common.options)?;
        writer.write(&common.header)?;
        writer.flush_block()?;
        Ok(Self { writer, closed: false, pending: Kinds::default(), bytes: 0 })
    }

    fn put(&mut self, record: Encoded<'_>, hand: &Hand) -> io::Result<()> {
        hand.tally.write_one(record.kind);
        self.pending.add(record.kind);
        self.writer.write(record)
    }

    /// Nobody takes anything any more.
    fn close(&mut self, error: &io::Error, hand: &Hand) {
        self.closed = true;
        hand.tally.lose(&std::mem::take(&mut self.pending));
        hand.queue.close();
        hand.broke(&format_args!("cannot write to standard output: {error}"));
    }
}

impl Target for PipeTarget {
    fn fresh(&mut self, _: Fresh, _: &Hand) {}

    fn batch(&mut self, batch: &Batch, hand: &Hand) {
        let mut left = batch.kinds();
        if !self.closed {
            let _ = self.writer.get_ref().queue.set(Arc::clone(&hand.queue));
            let done = batch.records().try_for_each(|record| {
                left.0[record.kind as usize] -= 1;
                self.put(record, hand)
            });
            // A reader waits for what there is.
            match done.and_then(|()| self.writer.flush_block()) {
                Ok(()) => {
                    self.pending = Kinds::default();
                    let bytes = self.writer.bytes();
                    hand.tally.add_bytes(bytes - std::mem::replace(&mut self.bytes, bytes));
                }
                Err(error) => self.close(&error, hand),
            }
        }
        hand.shed(Cause::Failed, &left);
    }

    fn idle(&mut self, _: Instant, _: &Hand) -> Option<Instant> {
        None
    }

    fn end(&mut self, _: &Arc<Account>, _: &Hand) {}
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::thread::JoinHandle;
    use std::time::Duration;

    use sysflow::read::Reader;
    use sysflow::record::{FileFlow, Header};
    use sysflow::schema::Version;
    use sysflow::write::Options;

    use super::super::batch::Pool;
    use super::super::queue::Item;
    use super::super::tally::Tally;
    use super::super::worker;
    use super::*;

    /// The output to a pipe, its other end, and its thread.
    fn begun() -> (Arc<Queue>, Arc<Tally>, File, JoinHandle<()>) {
        let (reader, writer) = io::pipe().expect("pipe");
        let common = Common {
            options: Options::default(),
            header: Header { version: 5, ..Header::default() },
            flush: Duration::from_secs(1),
            driver: String::new(),
        };
        let writer = std::os::fd::OwnedFd::from(writer);
        let target = PipeTarget::new(writer.into(), &common).expect("an empty pipe takes a header");
        let (queue, tally) = (Arc::new(Queue::new(1 << 20)), Arc::new(Tally::default()));
        let hand = Hand { name: "-".into(), queue: Arc::clone(&queue), tally: Arc::clone(&tally) };
        let thread = std::thread::spawn(move || worker::work(Box::new(target), &hand));
        queue.read_by(thread.thread());
        (queue, tally, std::os::fd::OwnedFd::from(reader).into(), thread)
    }

    /// Offers a full batch. Returns its records.
    fn offer(queue: &Queue) -> u64 {
        let mut batch = Batch::new(&Arc::new(Pool::new(1)));
        // Not to be compressed away.
        let mut ts = 1_u64;
        while !batch.push(Version::V5, FileFlow { ts: ts.cast_signed(), ..FileFlow::default() }) {
            ts = ts.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        }
        let records = batch.kinds().total();
        queue.push(Item::Batch(Arc::new(batch))).expect("room");
        records
    }

    #[test]
    fn a_reader_gets_a_container_file() {
        let (queue, tally, mut reader, thread) = begun();
        let records = offer(&queue) + offer(&queue);
        queue.end(Arc::default());
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).expect("read");
        thread.join().expect("thread");
        let found = Reader::new(&bytes[..], "pipe").expect("a file").map(|r| r.expect("a record"));
        assert_eq!(found.count() as u64, records + 1);
        assert_eq!((tally.get().written.total(), tally.get().missing()), (records, 0));
        assert!(!queue.is_closed());
    }

    #[test]
    fn a_reader_that_leaves_closes_the_output() {
        let (queue, tally, reader, thread) = begun();
        drop(reader);
        let records = offer(&queue) + offer(&queue);
        queue.end(Arc::default());
        thread.join().expect("thread");
        assert!(queue.is_closed() && tally.get().failing);
        assert_eq!(tally.get().missing(), records);
    }

    #[test]
    fn a_reader_that_does_not_read_does_not_hold_up_the_end() {
        let (queue, tally, reader, thread) = begun();
        let records = (0..8).map(|_| offer(&queue)).sum::<u64>();
        queue.end(Arc::default());
        thread.join().expect("thread");
        let numbers = tally.get();
        assert!(numbers.written.total() + numbers.shed_total() == records && numbers.missing() > 0);
        drop(reader);
    }
}

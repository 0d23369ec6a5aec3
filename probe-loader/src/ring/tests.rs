// SPDX-License-Identifier: Apache-2.0
//! Both ends of the ring against each other: the C writer and this reader.

use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;
use ring_writer::Rings;

use super::*;
use crate::abi::{SF_OP_EXEC, SF_OP_FORK, SF_OP_READ, SF_OP_UNLINK, class_of};

const SIZE: usize = 65536;

/// A record of `len` bytes whose body is made of `mark`.
fn record(op: u8, len: usize, ts: u64, mark: u8) -> Vec<u8> {
    let mut bytes = vec![mark; len];
    let hdr = sf_hdr { ts, pid: 7, tid: 8, seq: 0, len: len as u16, op, flags: 0 };
    bytes[..24].copy_from_slice(hdr.bytes());
    bytes
}

fn pair() -> (Rings, Ring) {
    let writer = Rings::new(2, SIZE).expect("memory for two rings");
    let reader = Ring::map(writer.fd(), 1, SIZE).expect("the ring maps");
    (writer, reader)
}

#[test]
fn a_record_arrives_as_it_was_written() {
    let (mut writer, mut reader) = pair();
    assert!(!reader.refresh());
    assert!(writer.put(1, &record(SF_OP_READ as u8, 64, 99, 0xab)));
    assert!(reader.refresh());
    let bytes = reader.peek().expect("one record").to_vec();
    let hdr = *sf_hdr::at(&bytes).expect("a header");
    assert_eq!((hdr.ts, hdr.pid, hdr.tid, hdr.seq, hdr.len), (99, 7, 8, 1, 64));
    assert!(bytes[24..].iter().all(|b| *b == 0xab));
    reader.advance();
    assert!(reader.peek().is_none());
    reader.release();
    assert!(reader.counters().balanced());
}

#[test]
fn another_ring_is_refused() {
    let writer = Rings::new(1, SIZE).expect("memory");
    assert!(matches!(
        Ring::map(writer.fd(), 0, SIZE * 2),
        Err(Error::Foreign { what: "size", .. })
    ));
    assert!(matches!(Ring::map(writer.fd(), 0, 4096), Err(Error::Foreign { .. })));
}

#[test]
fn a_full_ring_keeps_room_for_records_with_identity() {
    for flood in [SF_OP_READ, SF_OP_UNLINK] {
        leaves_the_reserve(flood as u8);
    }
}

fn leaves_the_reserve(flood: u8) {
    let (mut writer, mut reader) = pair();
    let io = record(flood, 64, 1, 0);
    let delivered = (0..2000).filter(|_| writer.put(1, &io)).count();
    assert_eq!(delivered, (SIZE - SIZE / 8) / 64, "it leaves an eighth free");
    let fork = record(SF_OP_FORK as u8, 72, 2, 0);
    let kept = (0..200).filter(|_| writer.put(1, &fork)).count();
    assert_eq!(kept, SIZE / 8 / 72, "the reserve is for records with identity");
    let counters = reader.counters();
    assert!(counters.balanced());
    assert_eq!(counters.lost[0][class_of(flood)], 2000 - delivered as u64);
    assert_eq!(counters.lost[0][class_of(SF_OP_FORK as u8)], 200 - kept as u64);

    let mut read = 0;
    reader.refresh();
    while reader.peek().is_some() {
        reader.advance();
        read += 1;
    }
    assert_eq!(read, delivered + kept);
    reader.release();
    assert!(writer.put(1, &io), "released room is used again");
}

#[test]
fn a_nonsense_tail_costs_records_and_nothing_else() {
    let (mut writer, reader) = pair();
    let io = record(SF_OP_READ as u8, 64, 1, 0);
    reader.maps.tail_word().store(1 << 40, Ordering::Relaxed);
    for _ in 0..3000 {
        writer.put(1, &io);
    }
    let counters = reader.counters();
    assert!(counters.balanced());
    assert!(counters.total_lost() > 0);
}

#[test]
fn the_reader_is_woken_at_the_fill_that_it_asked_for() {
    let (mut writer, mut reader) = pair();
    let io = record(SF_OP_READ as u8, 64, 1, 0);
    writer.put(1, &io);
    assert!(!writer.wants_wakeup(1));
    assert!(!reader.arm(128), "it is not there yet");
    assert!(!writer.wants_wakeup(1));
    writer.put(1, &io);
    assert!(writer.wants_wakeup(1));
    reader.disarm();
    assert!(!writer.wants_wakeup(1));
    assert!(reader.arm(128), "nothing more has to come");
    reader.disarm();
    assert!(reader.refresh());
}

#[test]
fn a_damaged_length_ends_the_batch_without_a_panic() {
    let (mut writer, mut reader) = pair();
    writer.put(1, &record(SF_OP_READ as u8, 64, 1, 0));
    reader.refresh();
    // Scribble over the length, as only a broken driver could.
    let at = reader.base.as_ptr() as usize + SF_RING_DATA as usize + 20;
    let again = Mapping::new(
        writer.fd(),
        1,
        stride(SIZE),
        stride(SIZE),
        ProtFlags::PROT_READ | ProtFlags::PROT_WRITE,
    )
    .expect("a second mapping");
    let offset = at - reader.base.as_ptr() as usize;
    // SAFETY: within the second mapping of the same ring.
    unsafe { again.base.as_ptr().add(offset).cast::<u16>().write(7) };
    assert!(reader.peek().is_none());
    assert_eq!(reader.damaged(), 1);
    writer.put(1, &record(SF_OP_READ as u8, 64, 2, 0));
    reader.refresh();
    assert_eq!(reader.peek_ts(), Some(2), "what follows is read");
}

/// Reads all that there is, and lends it.
fn lend(reader: &mut Ring) -> (Loan, Vec<u32>) {
    let mut places = Vec::new();
    reader.refresh();
    reader.walk_until(u64::MAX, |at, _| {
        places.push(at as u32);
        true
    });
    (reader.lend(), places)
}

#[test]
fn what_was_lent_stays_until_it_is_given_back() {
    let (mut writer, mut reader) = pair();
    let io = |ts| record(SF_OP_READ as u8, 64, ts, ts as u8);
    let (mut ts, mut loans) = (0, Vec::new());
    // Over the end of the ring, and until it is full.
    for _ in 0..3 {
        while writer.put(1, &io(ts)) {
            ts += 1;
            if ts % 100 == 0 {
                loans.push(lend(&mut reader));
            }
        }
        loans.push(lend(&mut reader));
        reader.release();
        assert!(!writer.put(1, &io(ts)), "a loan gives no room");
        let mut read = Vec::new();
        for (loan, places) in &loans {
            let records = places.iter().map(|at| loan.record(*at).expect("a record"));
            read.extend(records.map(|bytes| (sf_hdr::at(bytes).expect("header").ts, bytes[63])));
        }
        let last = ts - read.len() as u64;
        assert_eq!(read, (last..ts).map(|ts| (ts, ts as u8)).collect::<Vec<_>>());
        loans.drain(..).for_each(drop);
    }
    assert!(writer.put(1, &io(ts)), "room that was lent is used again");
    reader.refresh();
    assert_eq!(reader.peek_ts(), Some(ts));
}

#[test]
fn a_loan_holds_what_it_was_given_and_no_more() {
    let (mut writer, mut reader) = pair();
    for ts in 1..4 {
        writer.put(1, &record(SF_OP_READ as u8, 64, ts, 0));
    }
    reader.refresh();
    reader.walk_until(2, |_, _| true);
    let loan = reader.lend();
    assert_eq!(loan.len(), 128);
    assert!(loan.record(0).is_some() && loan.record(64).is_some());
    for wrong in [4, 63, 112, 128, 192, u32::MAX] {
        assert!(loan.record(wrong).is_none(), "{wrong}");
    }
    assert!(reader.lend().is_empty());
    assert_eq!(reader.peek_ts(), Some(3));
}

/// Room is given back in order or not at all: nothing that is lent is written to.
/// A loan hands out what it holds by time, as its ring does.
#[test]
fn a_loan_is_read_up_to_a_time() {
    let (mut writer, mut reader) = pair();
    for ts in [3, 5, 5, 9] {
        assert!(writer.put(1, &record(SF_OP_READ as u8, 64, ts, 0)));
    }
    let (mut loan, _) = lend(&mut reader);
    let mut times = Vec::new();
    let mut until = |limit| {
        let count = loan.drain_until(limit, |bytes| {
            times.push(sf_hdr::at(bytes).expect("a header").ts);
        });
        (count, loan.peek_ts())
    };
    assert_eq!(until(2), (0, Some(3)));
    assert_eq!(until(5), (3, Some(9)));
    assert_eq!(until(u64::MAX), (1, None));
    assert_eq!(until(u64::MAX), (0, None));
    assert_eq!(times, [3, 5, 5, 9]);
}

/// What was read can be read again, until it is lent.
#[test]
fn a_reader_goes_back_to_what_it_holds() {
    let (mut writer, mut reader) = pair();
    for ts in [3, 5] {
        assert!(writer.put(1, &record(SF_OP_READ as u8, 64, ts, 0)));
    }
    reader.refresh();
    assert_eq!(reader.walk_until(3, |_, _| true), Some(5));
    reader.rewind();
    assert_eq!((reader.peek_ts(), reader.held()), (Some(3), 0));
    assert_eq!(reader.walk_until(3, |_, _| true), Some(5));
    let _loan = reader.lend();
    reader.rewind();
    assert_eq!(reader.peek_ts(), Some(5));
}

#[test]
fn a_loan_that_comes_back_too_early_gives_no_room() {
    let (mut writer, mut reader) = pair();
    writer.put(1, &record(SF_OP_READ as u8, 64, 1, 1));
    let (first, _) = lend(&mut reader);
    while writer.put(1, &record(SF_OP_READ as u8, 64, 2, 2)) {}
    let (second, _) = lend(&mut reader);
    drop(second);
    reader.release();
    assert!(!writer.put(1, &record(SF_OP_READ as u8, 64, 3, 3)));
    assert_eq!(first.record(0).map(|bytes| bytes[63]), Some(1));
    drop(first);
    assert!(writer.put(1, &record(SF_OP_READ as u8, 64, 3, 3)), "the room of the first");
}

/// The ring outlives its reader as long as something of it is lent.
#[test]
fn a_loan_outlives_its_ring() {
    let (mut writer, mut reader) = pair();
    writer.put(1, &record(SF_OP_READ as u8, 64, 1, 9));
    let (loan, _) = lend(&mut reader);
    let gauge = reader.gauge();
    drop((reader, writer));
    assert_eq!(loan.record(0).map(|bytes| bytes[40]), Some(9));
    assert_eq!(gauge.counters().total_seen(), 1);
}

proptest! {
    /// Any sequence of writes and reads: every record is read once, in order,
    /// unchanged, or counted as lost, and the gaps in `seq` are the losses.
    #[test]
    fn nothing_is_lost_in_silence(steps in proptest::collection::vec((0u8..4, 3usize..4096), 1..400)) {
        let (mut writer, mut reader) = pair();
        let (mut written, mut read, mut gaps, mut seq) = (Vec::new(), Vec::new(), 0u64, 0u32);
        for (index, (what, words)) in steps.into_iter().enumerate() {
            if what == 0 {
                reader.refresh();
                while let Some(bytes) = reader.peek() {
                    let hdr = sf_hdr::at(bytes).expect("a header");
                    gaps += u64::from(hdr.seq - seq - 1);
                    seq = hdr.seq;
                    read.push((hdr.ts, bytes.len(), bytes.get(24).copied()));
                    reader.advance();
                }
                reader.release();
            } else {
                let op = [SF_OP_READ, SF_OP_FORK, SF_OP_EXEC][usize::from(what) - 1] as u8;
                let bytes = record(op, words * 8, index as u64, index as u8);
                if writer.put(1, &bytes) {
                    written.push((index as u64, bytes.len(), bytes.get(24).copied()));
                }
            }
        }
        reader.refresh();
        while let Some(bytes) = reader.peek() {
            let hdr = sf_hdr::at(bytes).expect("a header");
            gaps += u64::from(hdr.seq - seq - 1);
            seq = hdr.seq;
            read.push((hdr.ts, bytes.len(), bytes.get(24).copied()));
            reader.advance();
        }
        let counters = reader.counters();
        prop_assert!(counters.balanced());
        prop_assert_eq!(&read, &written);
        prop_assert_eq!(counters.delivered.iter().sum::<u64>(), read.len() as u64);
        let total = counters.total_seen();
        prop_assert_eq!(gaps + (total - u64::from(seq)), counters.total_lost());
    }
}

/// Writer and reader on two threads, the writer far ahead: sums and order hold.
#[test]
fn two_threads_agree() {
    let (mut writer, mut reader) = pair();
    let stop = AtomicBool::new(false);
    let count = if cfg!(miri) { 500 } else { 400_000u64 };
    let (mut last, mut got) = (0, 0u64);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 1..=count {
                let len = 24 + 8 * (n % 32) as usize;
                writer.put(1, &record(SF_OP_READ as u8, len, n, n as u8));
            }
            stop.store(true, Ordering::Release);
        });
        loop {
            let ended = stop.load(Ordering::Acquire);
            reader.refresh();
            while let Some(bytes) = reader.peek() {
                let ts = sf_hdr::at(bytes).expect("a header").ts;
                assert!(ts > last, "records come in order");
                assert_eq!(bytes.len() as u64, 24 + 8 * (ts % 32));
                assert!(bytes[24..].iter().all(|b| *b == ts as u8), "and whole");
                (last, got) = (ts, got + 1);
                reader.advance();
            }
            reader.release();
            if ended {
                break;
            }
        }
    });
    let counters = reader.counters();
    assert!(counters.balanced());
    assert_eq!(got, counters.total_told());
    assert_eq!(counters.total_seen(), count);
}

/// The whole records of a slice, as [`Ring::published`] describes it.
fn whole(bytes: &[u8], limit: usize) -> Vec<Vec<u8>> {
    let (mut at, mut records) = (0, Vec::new());
    while at < limit {
        let len = usize::from(u16::from_ne_bytes([bytes[at + 20], bytes[at + 21]]));
        records.push(bytes[at..at + len].to_vec());
        at += len;
    }
    records
}

proptest! {
    #[test]
    fn what_is_published_is_what_is_read(
        // Several laps, with records that cross the end of the ring.
        lens in proptest::collection::vec(3usize..1500, 100..400),
        look in 1usize..30,
    ) {
        let (mut writer, mut reader) = pair();
        let (mut copied, mut read) = (Vec::new(), Vec::new());
        for (index, len) in lens.iter().enumerate() {
            prop_assert!(writer.put(1, &record(SF_OP_READ as u8, len * 8, index as u64, index as u8)));
            let full = reader.head() - reader.position() + reader.held() > SIZE as u64 / 4;
            if index % look != 0 && !full && index + 1 != lens.len() {
                reader.refresh();
                continue;
            }
            reader.refresh();
            let mut at = reader.position();
            while at != reader.head() {
                let (bytes, limit) = reader.published(at);
                let found = whole(bytes, limit);
                prop_assert!(!found.is_empty());
                at += found.iter().map(|record| record.len() as u64).sum::<u64>();
                copied.extend(found);
            }
            prop_assert!(reader.published(at).0.is_empty());
            prop_assert!(reader.published(at + 8).0.is_empty(), "not written yet");
            while let Some(bytes) = reader.peek() {
                read.push(bytes.to_vec());
                reader.advance();
            }
            reader.release();
        }
        prop_assert_eq!(read.len(), lens.len());
        prop_assert!(copied == read);
    }
}

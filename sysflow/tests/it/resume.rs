// SPDX-License-Identifier: Apache-2.0
//! Reading goes on behind damage, and what was skipped is told.

use sysflow::read::{Gap, Reader};
use sysflow::record::{FileFlow, Record};
use sysflow::write::{Codec, Options};

use crate::damage::{boundaries, outcome};
use crate::support::file_of;

/// What a reader that resumes makes of the bytes: records, and what was skipped.
pub(crate) fn resumed(bytes: &[u8]) -> (Vec<Record>, Vec<Gap>) {
    let (mut records, mut gaps) = (Vec::new(), Vec::new());
    let Ok(mut reader) = Reader::new(bytes, "damaged") else { return (records, gaps) };
    loop {
        match reader.next_record() {
            Ok(Some(record)) => records.push(record),
            Ok(None) => return (records, gaps),
            Err(error) => {
                let gap = reader.resume().unwrap().expect("damage in memory can be skipped");
                assert_eq!(gap.offset, error.offset);
                assert!(gap.bytes > 0 && gap.offset + gap.bytes <= bytes.len() as u64);
                gaps.push(gap);
            }
        }
    }
}

fn numbered(count: i64) -> Vec<FileFlow> {
    (0..count).map(|ts| FileFlow { ts, ..FileFlow::default() }).collect()
}

/// The numbers of the records, which [`numbered`] gave them.
fn numbers(records: &[Record]) -> Vec<i64> {
    let number = |record: &Record| match record {
        Record::FileFlow(flow) => Some(flow.ts),
        _ => None,
    };
    records.iter().filter_map(number).collect()
}

#[test]
fn damage_anywhere_costs_no_more_than_its_block_and_the_next() {
    for &codec in Codec::ALL {
        let options = Options { codec, block_bytes: 300, ..Options::default() };
        let good = file_of(&options, &numbered(60));
        let ends = boundaries(&good);
        let by_block: Vec<Vec<i64>> =
            ends.iter().map(|&end| numbers(&outcome(&good[..end]).0)).collect();
        for at in ends[0]..good.len() {
            let mut bytes = good.clone();
            bytes[at] ^= 0x55;
            let hit = ends.iter().filter(|&&end| end <= at).count();
            let found = numbers(&resumed(&bytes).0);
            let before = &by_block[hit - 1];
            let after = by_block.get(hit + 1).map_or(60, Vec::len);
            assert!(found.starts_with(before), "{codec} damaged at {at}");
            let rest: Vec<i64> = (after as i64..60).collect();
            assert!(found.ends_with(&rest), "{codec} damaged at {at}: {found:?}");
        }
    }
}

#[test]
fn what_is_skipped_is_told() {
    let options = Options { codec: Codec::Snappy, block_bytes: 300, ..Options::default() };
    let mut bytes = file_of(&options, &numbered(60));
    let ends = boundaries(&bytes);
    bytes[ends[2] - 18] ^= 1; // in the checksum
    let (records, gaps) = resumed(&bytes);
    let [gap] = gaps[..] else { panic!("{gaps:?}") };
    assert_eq!((gap.offset, gap.bytes), (ends[1] as u64, (ends[2] - ends[1]) as u64));
    assert_eq!(gap.records, Some(61 - records.len() as u64));
    let text = format!("skipped {} bytes at byte {} with ", gap.bytes, gap.offset);
    assert!(gap.to_string().starts_with(&text), "{gap}");

    let cut = &bytes[..ends[3] - 5];
    let (_, gaps) = resumed(cut);
    let last = gaps.last().unwrap();
    assert_eq!((last.offset + last.bytes, last.records), (cut.len() as u64, None));
}

#[test]
fn a_good_file_has_nothing_to_skip() {
    let bytes = file_of(&Options::default(), &numbered(10));
    let mut reader = Reader::new(&bytes[..], "good").unwrap();
    assert_eq!(reader.resume().unwrap(), None);
    assert_eq!(reader.by_ref().count(), 11);
    assert_eq!(reader.resume().unwrap(), None);
}

#[test]
fn zeros_of_a_crashed_file_system_are_skipped_to_the_end() {
    let options = Options { block_bytes: 300, ..Options::default() };
    let good = file_of(&options, &numbered(60));
    let mut bytes = good.clone();
    bytes.extend(vec![0; 300_000]);
    let (records, gaps) = resumed(&bytes);
    assert_eq!(numbers(&records).len(), 60);
    assert_eq!(gaps.iter().map(|gap| gap.bytes).sum::<u64>(), 300_000);
}

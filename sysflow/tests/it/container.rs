// SPDX-License-Identifier: Apache-2.0
//! Container files: what is written is read, by us and by others.

use std::io::{self, Write};

use proptest::prelude::*;
use sysflow::record::{FileFlow, Record};
use sysflow::write::{Codec, Options, Writer};

use crate::support::{file_of, header, oracle, read_bytes, strategy};

fn options() -> impl Strategy<Value = Options> {
    let codec = prop::sample::select(Codec::ALL);
    (codec, prop::option::of(0u32..24), 1usize..3000).prop_map(|(codec, level, block_bytes)| {
        Options { codec, level, block_bytes, ..Options::default() }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_written_is_read(
        options in options(), records in prop::collection::vec(strategy::record(), 0..60),
    ) {
        let bytes = file_of(&options, &records);
        let mut expected = vec![Record::Header(header())];
        expected.extend(records);
        prop_assert_eq!(&read_bytes(&bytes), &expected);

        let theirs: Result<Vec<_>, _> = apache_avro::Reader::new(&bytes[..]).unwrap().collect();
        let expected: Vec<_> = expected.iter().map(oracle::value).collect();
        prop_assert_eq!(theirs.unwrap(), expected);
    }

    #[test]
    fn a_file_of_another_writer_is_read(
        codec in prop::sample::select(Codec::ALL),
        records in prop::collection::vec(strategy::record(), 1..40),
    ) {
        let schema = oracle::schema();
        let codec = match codec {
            Codec::Null => apache_avro::Codec::Null,
            Codec::Snappy => apache_avro::Codec::Snappy,
            Codec::Zstandard => apache_avro::Codec::Zstandard(Default::default()),
            _ => apache_avro::Codec::Deflate(Default::default()),
        };
        let mut writer = apache_avro::Writer::with_codec(&schema, Vec::new(), codec).unwrap();
        for record in &records {
            writer.append_value(oracle::value(record)).unwrap();
        }
        prop_assert_eq!(read_bytes(&writer.into_inner().unwrap()), records);
    }
}

/// Notes the size of each write.
#[derive(Default)]
struct Pieces(Vec<Vec<u8>>);

impl Write for Pieces {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.0.push(data.to_vec());
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_block_is_closed_at_its_size_and_stored_in_one_piece() {
    let options = Options { codec: Codec::Null, block_bytes: 1000, ..Options::default() };
    let mut writer = Writer::new(Pieces::default(), &options).unwrap();
    writer.write(header()).unwrap();
    for ts in 0..200 {
        writer.write(FileFlow { ts, ..FileFlow::default() }).unwrap();
    }
    let pieces = writer.finish().unwrap().0;
    let sync = &pieces[0][pieces[0].len() - 16..];
    let blocks = &pieces[1..];
    assert!(blocks.len() > 5);
    assert!(blocks.iter().all(|block| block.ends_with(sync)));
    let largest = 1000 + 40 + 4 + 16; // a record crosses the line; count, size, marker
    let (last, full) = blocks.split_last().unwrap();
    assert!(full.iter().all(|block| (1000..=largest).contains(&block.len())));
    assert!(last.len() <= largest);
}

#[test]
fn codecs_have_the_names_of_the_avro_specification() {
    let names: Vec<_> = Codec::ALL.iter().map(|codec| codec.name()).collect();
    assert_eq!(names, ["null", "deflate", "snappy", "zstandard"]);
    assert!(Codec::ALL.iter().all(|codec| codec.to_string().parse() == Ok(*codec)));
    let error = "lzo".parse::<Codec>().unwrap_err().to_string();
    assert_eq!(error, "unknown codec \"lzo\"; known are null, deflate, snappy and zstandard");
}

#[test]
fn sync_markers_differ() {
    let marker = || {
        let file = file_of::<Record>(&Options::default(), &[]);
        file[file.len() - 16..].to_vec()
    };
    assert_ne!(marker(), marker());
}

#[test]
fn the_first_record_must_be_a_header() {
    let mut writer = Writer::new(Vec::new(), &Options::default()).unwrap();
    let error = writer.write(FileFlow::default()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    assert_eq!(writer.records(), 0);
    writer.write(header()).unwrap();
    writer.write(FileFlow::default()).unwrap();
    assert_eq!(writer.records(), 2);
}

/// Refuses everything while closed, like a full disk with a careful owner.
struct Gate {
    data: Vec<u8>,
    open: bool,
}

impl Write for &mut Gate {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if !self.open {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.data.extend_from_slice(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Shares the gate between the test and the writer.
struct Shared(std::rc::Rc<std::cell::RefCell<Gate>>);

impl Write for Shared {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        (&mut *self.0.borrow_mut()).write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_cannot_be_stored_is_kept_and_what_is_refused_is_counted() {
    let gate = std::rc::Rc::new(std::cell::RefCell::new(Gate { data: Vec::new(), open: true }));
    let options = Options { block_bytes: 500, ..Options::default() };
    let mut writer = Writer::new(Shared(gate.clone()), &options).unwrap();
    writer.write(header()).unwrap();
    writer.flush_block().unwrap();
    gate.borrow_mut().open = false;

    let flow = |ts| FileFlow { ts, ..FileFlow::default() };
    let mut accepted = 0;
    let error = loop {
        accepted += 1;
        if let Err(error) = writer.write(flow(accepted)) {
            break error;
        }
    };
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert_eq!(writer.stalled(), Some(io::ErrorKind::StorageFull));
    for _ in 0..10 {
        writer.write(flow(-1)).unwrap_err();
    }
    assert_eq!((writer.refused(), writer.pending()), (10, accepted.cast_unsigned()));
    writer.flush_block().unwrap_err();

    gate.borrow_mut().open = true;
    writer.flush_block().unwrap();
    writer.write(flow(accepted + 1)).unwrap();
    writer.finish().unwrap();
    let records = read_bytes(&gate.borrow().data);
    let times: Vec<i64> = records
        .iter()
        .filter_map(|record| match record {
            Record::FileFlow(flow) => Some(flow.ts),
            _ => None,
        })
        .collect();
    assert_eq!(times, (1..=accepted + 1).collect::<Vec<_>>());
}

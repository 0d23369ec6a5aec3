// SPDX-License-Identifier: Apache-2.0
//! Damaged, cut off and hostile files: what is good is read, the rest is one error.

use proptest::prelude::*;
use sysflow::read::{Error, Limits, Problem, Reader};
use sysflow::record::{FileFlow, Record};
use sysflow::write::{Codec, Options};

use crate::resume::resumed;
use crate::support::{capture, file_of, read_bytes};

/// What a reader makes of the bytes: records, then perhaps an error.
pub(crate) fn outcome(bytes: &[u8]) -> (Vec<Record>, Option<Error>) {
    let mut reader = match Reader::new(bytes, "damaged") {
        Ok(reader) => reader,
        Err(error) => return (Vec::new(), Some(error)),
    };
    let mut records = Vec::new();
    loop {
        match reader.next_record() {
            Ok(Some(record)) => records.push(record),
            Ok(None) => return (records, None),
            Err(error) => {
                assert!(matches!(reader.next_record(), Ok(None)), "something after the error");
                return (records, Some(error));
            }
        }
    }
}

/// Where blocks end, found from the sync marker.
pub(crate) fn boundaries(bytes: &[u8]) -> Vec<usize> {
    let sync = &bytes[bytes.len() - 16..];
    bytes.windows(16).enumerate().filter(|(_, w)| *w == sync).map(|(at, _)| at + 16).collect()
}

fn cut_everywhere(bytes: &[u8]) {
    let whole = read_bytes(bytes);
    let ends = boundaries(bytes);
    let mut most = 0;
    for cut in 0..bytes.len() {
        let (records, error) = outcome(&bytes[..cut]);
        assert!(whole.starts_with(&records), "cut at {cut} gives other records");
        assert!(records.len() >= most, "cut at {cut} gives fewer records than before");
        most = records.len();
        assert_eq!(error.is_none(), ends.contains(&cut), "cut at {cut}: {error:?}");
        if let Some(error) = error {
            assert!(error.offset <= cut as u64);
        }
    }
    assert_eq!(most, whole.len(), "all but the sync marker gives all records");
}

#[test]
fn a_real_trace_cut_at_every_byte() {
    let Some(path) = capture("damage", "traces/httpd.sf") else { return };
    cut_everywhere(&std::fs::read(path).unwrap());
}

#[test]
fn a_file_of_many_blocks_cut_at_every_byte() {
    let flows: Vec<_> = (0..60).map(|ts| FileFlow { ts, ..FileFlow::default() }).collect();
    for &codec in Codec::ALL {
        let options = Options { codec, block_bytes: 300, ..Options::default() };
        cut_everywhere(&file_of(&options, &flows));
    }
}

#[test]
fn a_wrong_sync_marker_is_an_error_at_its_block() {
    let flows: Vec<_> = (0..60).map(|ts| FileFlow { ts, ..FileFlow::default() }).collect();
    let options = Options { codec: Codec::Null, block_bytes: 300, ..Options::default() };
    let mut bytes = file_of(&options, &flows);
    let ends = boundaries(&bytes);
    bytes[ends[2] - 1] ^= 1;
    let (records, error) = outcome(&bytes);
    let error = error.unwrap();
    assert!(matches!(error.problem, Problem::Sync), "{error}");
    assert_eq!(error.offset, ends[1] as u64);
    assert_eq!(error.records, records.len() as u64);
    assert!(error.to_string().contains("\"damaged\""), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn mutations_of_a_file_never_panic(
        codec in prop::sample::select(Codec::ALL),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        head in any::<bool>(),
    ) {
        let flows: Vec<_> = (0..40).map(|ts| FileFlow { ts, ..FileFlow::default() }).collect();
        let mut bytes = file_of(&Options { codec, block_bytes: 400, ..Options::default() }, &flows);
        let from = if head { 0 } else { boundaries(&bytes)[0] };
        for (at, value) in changes {
            let at = from + at.index(bytes.len() - from);
            bytes[at] = value;
        }
        outcome(&bytes);
        resumed(&bytes);
    }

    #[test]
    fn any_bytes_after_a_head_never_panic(tail in prop::collection::vec(any::<u8>(), 0..400)) {
        let options = Options { codec: Codec::Null, ..Options::default() };
        let mut bytes = file_of::<Record>(&options, &[]);
        bytes.truncate(boundaries(&bytes)[0]);
        bytes.extend(tail);
        outcome(&bytes);
    }
}

#[test]
fn mutations_of_real_traces_never_panic() {
    for name in ["traces/httpd.sf", "traces/files-v1.sf", "traces/bh-1634481738.sf"] {
        let Some(path) = capture("damage", name) else { return };
        let good = std::fs::read(path).unwrap();
        // A fixed walk over places and values: a failure can be repeated.
        for step in 0..2000usize {
            let mut bytes = good.clone();
            let at = step.wrapping_mul(2_654_435_761) % bytes.len();
            bytes[at] = bytes[at].wrapping_add((step % 255 + 1) as u8);
            outcome(&bytes);
        }
    }
}

/// A varint.
fn long(value: i64) -> Vec<u8> {
    let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
    let mut bytes = Vec::new();
    while rest >= 0x80 {
        bytes.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
    bytes
}

/// A file whose only block is `data` with that count.
fn with_block(codec: Codec, count: i64, data: &[u8]) -> Vec<u8> {
    let options = Options { codec, ..Options::default() };
    let mut bytes = file_of::<Record>(&options, &[]);
    bytes.truncate(boundaries(&bytes)[0]);
    let sync = bytes[bytes.len() - 16..].to_vec();
    bytes.extend(long(count));
    bytes.extend(long(data.len() as i64));
    bytes.extend(data);
    bytes.extend(sync);
    bytes
}

fn problem(bytes: &[u8]) -> Problem {
    outcome(bytes).1.expect("an error").problem
}

#[test]
fn a_decompression_bomb_stops_at_the_limit() {
    let zeros = vec![0; 4 << 20];
    for &codec in &Codec::ALL[1..] {
        let bomb = with_block(codec, 1 << 40, &packed(codec, &zeros));
        assert!(bomb.len() < 250_000);
        let limits = Limits { block: 1 << 20, ..Limits::default() };
        let mut reader = Reader::with_limits(&bomb[..], "bomb", limits).unwrap();
        let error = reader.next_record().unwrap_err();
        assert!(matches!(error.problem, Problem::Limit { limit: 0x10_0000, .. }), "{error}");
    }
}

/// `data` as one block of the codec.
fn packed(codec: Codec, data: &[u8]) -> Vec<u8> {
    match codec {
        Codec::Snappy => {
            let mut packed = snap::raw::Encoder::new().compress_vec(data).unwrap();
            packed.extend(crc32fast::hash(data).to_be_bytes());
            packed
        }
        Codec::Zstandard => zstd::bulk::compress(data, 3).unwrap(),
        _ => {
            use std::io::Write as _;
            let level = flate2::Compression::best();
            let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), level);
            deflate.write_all(data).unwrap();
            deflate.finish().unwrap()
        }
    }
}

#[test]
fn snappy_data_are_held_against_their_checksum() {
    let mut data = packed(Codec::Snappy, b"\x08\0\0\0\0\0\0\0");
    assert_eq!(outcome(&with_block(Codec::Snappy, 1, &data)).0.len(), 1);
    *data.last_mut().unwrap() ^= 1;
    let (records, error) = outcome(&with_block(Codec::Snappy, 1, &data));
    assert!(records.is_empty());
    assert!(matches!(error.unwrap().problem, Problem::Checksum));
    // Eight gigabytes in two bytes.
    let claim = [&[0xff, 0xff, 0xff, 0xff, 0x0f][..], &[0; 6]].concat();
    assert!(matches!(problem(&with_block(Codec::Snappy, 1, &claim)), Problem::Compression));
}

#[test]
fn several_zstandard_frames_are_one_block() {
    let frames = [packed(Codec::Zstandard, b"\x08\0\0\0"), packed(Codec::Zstandard, b"\0\0\0\0")];
    let (records, error) = outcome(&with_block(Codec::Zstandard, 1, &frames.concat()));
    assert_eq!((records.len(), error.is_none()), (1, true));
}

#[test]
fn claims_beyond_the_data_are_refused() {
    // A block of 2^62 bytes.
    let mut bytes = with_block(Codec::Null, 1, b"");
    let at = *boundaries(&bytes).first().unwrap();
    bytes.truncate(at);
    bytes.extend(long(1));
    bytes.extend(long(1 << 62));
    assert!(matches!(problem(&bytes), Problem::Limit { .. }));
    // A negative count of records.
    assert!(matches!(problem(&with_block(Codec::Null, -5, b"")), Problem::Count(-5)));
    // A header whose exporter has 2^40 bytes.
    let header = [&[0, 10][..], &long(1 << 40), b"abc"].concat();
    assert!(matches!(problem(&with_block(Codec::Null, 1, &header)), Problem::Record(_)));
    // A process event with 2^40 arguments.
    let event = [&[8, 0, 0, 0, 0, 0][..], &long(1 << 40), b"\0\0"].concat();
    assert!(matches!(problem(&with_block(Codec::Null, 1, &event)), Problem::Record(_)));
    // Fewer records than data.
    let two = [&[8, 0, 0, 0, 0, 0, 0, 0][..]; 2].concat();
    assert!(matches!(problem(&with_block(Codec::Null, 1, &two)), Problem::Surplus(8)));
}

#[test]
fn list_items_are_limited_per_record() {
    let args = vec![String::new(); 2000];
    let event = sysflow::record::ProcessEvent { args, ..Default::default() };
    let bytes = file_of(&Options::default(), &[event]);
    let limits = Limits { items: 1999, ..Limits::default() };
    let reader = Reader::with_limits(&bytes[..], "many", limits).unwrap();
    assert!(matches!(reader.last(), Some(Err(Error { problem: Problem::Record(_), .. }))));
    assert_eq!(read_bytes(&bytes).len(), 2);
}

#[test]
fn values_without_bytes_do_not_cost_time() {
    // Each of a million records of one byte would visit 20000 fields, or loop over 2^20 items.
    let nulls: Vec<_> =
        (0..20_000).map(|i| format!(r#"{{"name":"n{i}","type":"null"}}"#)).collect();
    let list = r#"{"name":"list","type":{"type":"array","items":"null"}}"#;
    let schema = format!(
        r#"{{"type":"record","name":"SysFlow","fields":[{{"name":"rec","type":[
            {{"type":"record","name":"SFHeader","fields":[{}]}},
            {{"type":"record","name":"Other","fields":[{list}]}}]}}]}}"#,
        nulls.join(",")
    );
    let mut bytes = with_schema(&schema);
    let data = [vec![0; 1 << 20], [vec![2], long(1 << 20), vec![0; 1 << 20]].concat()].concat();
    bytes.extend(long((1 << 21) - 1));
    bytes.extend(long(data.len() as i64));
    bytes.extend(data);
    bytes.extend([7; 16]);
    let (records, error) = outcome(&bytes);
    assert!(error.is_some());
    assert!(records.len() >= 1 << 20);
}

/// A head with that schema.
fn with_schema(schema: &str) -> Vec<u8> {
    let mut bytes = b"Obj\x01\x02\x16avro.schema".to_vec();
    bytes.extend(long(schema.len() as i64));
    bytes.extend(schema.as_bytes());
    bytes.push(0);
    bytes.extend([7; 16]);
    bytes
}

#[test]
fn hostile_schemas_are_errors() {
    let nested = format!("{}\"int\"{}", r#"{"type":"array","items":"#.repeat(100), "}".repeat(100));
    let record = |of: &str| {
        format!(r#"{{"type":"record","name":"SysFlow","fields":[{{"name":"rec","type":{of}}}]}}"#)
    };
    let recursive = r#"[{"type":"record","name":"SFHeader","fields":[
        {"name":"x","type":["null","SFHeader"]}]}]"#;
    let wrong = r#"[{"type":"record","name":"SFHeader","fields":[
        {"name":"version","type":"string"}]}]"#;
    let other = r#"[{"type":"record","name":"Bird","fields":[]}]"#;
    for schema in [
        "",
        "null",
        "[]",
        "7",
        "{}",
        "\"string\"",
        &nested,
        &"[".repeat(100_000),
        &record("\"nothing\""),
        &record("\"int\""),
        &record("[]"),
        &record(other),
        &record(wrong),
        &record(recursive),
        &record(&format!("[{nested}]")),
    ] {
        let problem = problem(&with_schema(schema));
        assert!(matches!(problem, Problem::Schema(_)), "{schema}: {problem}");
    }
}

#[test]
fn what_is_no_container_file_is_told_so() {
    for bytes in [&b""[..], b"Obj", b"\x7fELF\x02\x01\x01", b"{\"type\": \"FF\"}"] {
        assert!(matches!(problem(bytes), Problem::NotAvro));
    }
}

// SPDX-License-Identifier: Apache-2.0
//! The format: records to bytes and back, beside apache-avro; and `sysflow print` as a whole.
//!
//! `cargo build --release -p engine && cargo bench -p benches --bench format`
//!
//! Everything that is compared runs in turns in the same samples, so that a noisy machine is as noisy
//! for all, and counts time on a CPU. The table after each group has the fastest run and the median.

mod avro;
mod turns;

use std::fs::File;
use std::hint::black_box;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use apache_avro::{Reader as AvroReader, Schema};
use benches::trace;
use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use sysflow::encode::Encode;
use sysflow::read::Reader;
use sysflow::record::{FileFlow, Foid, Ip4, NetworkFlow, Oid, OpFlags, Record};
use sysflow::schema::Version;
use sysflow::write::{Codec, Options, Writer};
use turns::Turns;

/// Records of the long trace.
const RECORDS: usize = 1_000_000;

/// Records for the slow ways of apache-avro, whose values take a kilobyte each.
const FEW: usize = 50_000;

/// A block, as files have it.
const BLOCK: usize = 80_000;

fn records() -> Option<Vec<Record>> {
    let Some(captures) = trace::captures() else {
        eprintln!("skipped: no captures; set SYSFLOW_CAPTURES");
        return None;
    };
    let day = trace::day(&captures).unwrap_or_else(|error| panic!("{error}"));
    Some(trace::grow(&day, RECORDS))
}

fn file_of(records: &[Record], codec: Codec) -> Vec<u8> {
    let options = Options { codec, ..Options::default() };
    let mut writer = Writer::new(Vec::new(), &options).expect("memory");
    records.iter().for_each(|record| writer.write(record).expect("memory"));
    writer.finish().expect("memory")
}

fn schema() -> Schema {
    Schema::parse_str(Version::V5.text()).expect("our schema")
}

/// One flow, as a capture makes them all day.
fn flows(c: &mut Criterion) {
    let proc_oid = Oid { create_ts: 1_700_000_000_123_456_789, hpid: 4711 };
    let ts = 1_700_000_100_123_456_789;
    let op_flags = OpFlags::CONNECT | OpFlags::READ_RECV | OpFlags::WRITE_SEND | OpFlags::CLOSE;
    let network = NetworkFlow {
        proc_oid,
        ts,
        tid: 4711,
        op_flags,
        end_ts: ts + 1_000_000_000,
        sip: Ip4(0x0100_007f),
        sport: 50_000,
        dip: Ip4(0x0100_007f),
        dport: 443,
        proto: 6,
        fd: 9,
        num_r_recv_ops: 12,
        num_w_send_ops: 11,
        num_r_recv_bytes: 40_960,
        num_w_send_bytes: 1024,
        ..NetworkFlow::default()
    };
    let file = FileFlow {
        proc_oid,
        ts,
        tid: 4711,
        op_flags,
        end_ts: ts + 1_000_000_000,
        file_oid: Foid([0xa5; 20]),
        fd: 9,
        num_r_recv_ops: 12,
        num_r_recv_bytes: 40_960,
        ..FileFlow::default()
    };
    let mut turns = Turns::new("flow to bytes");
    turns.add("network", RECORDS, || many(&network));
    turns.add("file", RECORDS, || many(&file));
    run(c, "flow to bytes", turns);
}

/// Encodes a record again and again, block by block.
fn many(record: &impl Encode) {
    let mut out = Vec::with_capacity(2 * BLOCK);
    for _ in 0..RECORDS {
        if out.len() > BLOCK {
            out.clear();
        }
        black_box(record).encode(&mut out);
    }
    black_box(&out);
}

fn encode(c: &mut Criterion) {
    let Some(records) = records() else { return };
    let mirrors: Vec<avro::SysFlow> = records.iter().map(avro::SysFlow::from).collect();
    let schema = schema();
    let writer = GenericDatumWriter::builder(&schema).human_readable(false).build();
    let writer = writer.expect("a writer");
    let unchecked = GenericDatumWriter::builder(&schema).validate(false).build();
    let unchecked = unchecked.expect("a writer");
    let mut out = Vec::with_capacity(2 * BLOCK);
    let values: Vec<Value> = records[..FEW]
        .iter()
        .zip(&mirrors)
        .map(|(record, mirror)| {
            let mut theirs = Vec::new();
            writer.write_ser(&mut theirs, mirror).expect("it fits the schema");
            let mut ours = Vec::new();
            record.encode(&mut ours);
            // Maps have no order.
            assert!(ours == theirs || matches!(record, Record::Pod(_)), "{record:?}");
            let reader = GenericDatumReader::builder(&schema).build().expect("a reader");
            reader.read_value(&mut &theirs[..]).expect("a value")
        })
        .collect();

    let mut turns = Turns::new("encode");
    turns.add("ours", records.len(), || {
        let mut out = Vec::with_capacity(2 * BLOCK);
        for record in &records {
            if out.len() > BLOCK {
                out.clear();
            }
            record.encode(&mut out);
        }
        black_box(&out);
    });
    turns.add("apache-avro, serde", mirrors.len(), || {
        let mut out = Vec::with_capacity(2 * BLOCK);
        for mirror in &mirrors {
            if out.len() > BLOCK {
                out.clear();
            }
            writer.write_ser(&mut out, mirror).expect("it fits the schema");
        }
        black_box(&out);
    });
    turns.add("apache-avro, values", values.len(), || {
        for value in &values {
            if out.len() > BLOCK {
                out.clear();
            }
            unchecked.write_value_ref(&mut out, value).expect("it fits the schema");
        }
        black_box(&out);
    });
    run(c, "encode", turns);
}

fn decode(c: &mut Criterion) {
    let Some(records) = records() else { return };
    let file = file_of(&records, Codec::Null);
    let few = file_of(&records[..FEW], Codec::Null);
    let theirs = AvroReader::new(&file[..]).expect("a file").into_deser_iter::<avro::SysFlow>();
    for (theirs, record) in theirs.zip(&records).take(FEW) {
        assert_eq!(theirs.expect("a record"), avro::SysFlow::from(record));
    }
    let count = records.len();
    drop(records);

    let mut turns = Turns::new("decode");
    turns.add("ours, borrowed", count, || {
        let mut reader = Reader::new(&file[..], "memory").expect("a file");
        let done = reader.for_each_ref(|record| {
            black_box(record);
            ControlFlow::<()>::Continue(())
        });
        assert!(done.expect("good records").is_continue());
    });
    turns.add("ours, borrowed, moved", count, || {
        let mut reader = Reader::new(&file[..], "memory").expect("a file");
        while let Some(record) = reader.next_ref().expect("a record") {
            black_box(&record);
        }
    });
    turns.add("ours, owned", count, || {
        let mut reader = Reader::new(&file[..], "memory").expect("a file");
        while let Some(record) = reader.next_record().expect("a record") {
            black_box(&record);
        }
    });
    turns.add("apache-avro, serde", count, || {
        let reader = AvroReader::new(&file[..]).expect("a file");
        for record in reader.into_deser_iter::<avro::SysFlow>() {
            black_box(&record.expect("a record"));
        }
    });
    turns.add("apache-avro, values", FEW, || {
        for record in AvroReader::new(&few[..]).expect("a file") {
            black_box(&record.expect("a record"));
        }
    });
    run(c, "decode", turns);
}

/// The program, built for release beside this benchmark.
fn program() -> Option<PathBuf> {
    let exe = std::env::current_exe().ok()?;
    let program = exe.parent()?.parent()?.join("sysflow");
    if program.is_file() {
        return Some(program);
    }
    eprintln!("skipped: no {program:?}; cargo build --release -p engine");
    None
}

fn print(c: &mut Criterion) {
    let (Some(records), Some(program)) = (records(), program()) else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let files = [Codec::Null, Codec::Deflate].map(|codec| {
        let path = dir.path().join(format!("{codec}.sf"));
        std::fs::write(&path, file_of(&records, codec)).expect("room for the trace");
        (codec, path)
    });
    let all = records.len();
    drop(records);
    let run_on = |path: &Path, format: &str, out: Stdio| {
        let status = Command::new(&program)
            .args(["print", "--format", format])
            .arg(path)
            .stdout(out)
            .status()
            .expect("it runs");
        assert!(status.success());
    };
    let out = dir.path().join("out");
    run_on(&files[0].1, "jsonl", File::create(&out).expect("a file").into());
    let text = std::fs::read(&out).expect("what was printed");
    let rows = text.iter().filter(|byte| **byte == b'\n').count();
    eprintln!("print: {rows} rows of {all} records, {} bytes of jsonl", text.len());
    drop(text);
    std::fs::remove_file(&out).expect("it is ours");

    let mut turns = Turns::new("print (rows)");
    for (codec, path) in &files {
        for format in ["jsonl", "flatjson"] {
            let name = format!("{format}, {codec}");
            let run_on = &run_on;
            turns.add_program(&name, rows, move || run_on(path, format, Stdio::null()));
        }
    }
    run(c, "print", turns);
}

/// Runs all in turns, in the samples of one benchmark.
fn run(c: &mut Criterion, name: &str, mut turns: Turns<'_>) {
    let mut group = c.benchmark_group(name);
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group.throughput(Throughput::Elements(turns.elements() as u64));
    group.bench_function(turns.first().to_owned(), |b| b.iter_custom(|count| turns.take(count)));
    group.finish();
    turns.report();
}

criterion_group!(format, flows, encode, decode, print);
criterion_main!(format);

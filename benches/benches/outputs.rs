// SPDX-License-Identifier: Apache-2.0
//! What outputs cost the thread that captures: records to a file that it
//! compresses and writes itself, and to outputs that have threads.
//!
//! `cargo bench -p benches --bench outputs`
//!
//! CPU time of the calling thread for each record, from 9 interleaved runs, and
//! of the whole process.

use std::time::Duration;

use engine::account::Account;
use engine::output::{Common, Destination, Files, Keep, Outputs, Spec};
use engine::sink::{FileSink, Sink};
use nix::time::{ClockId, clock_gettime};
use sysflow::record::{FileFlow, Foid, Header, Oid, OpFlags, OpenFlags};
use sysflow::write::{Options, OutputFile};

const RECORDS: u32 = 500_000;
const RUNS: usize = 9;

fn header() -> Header {
    Header { version: 5, exporter: "bench".to_owned(), ..Header::default() }
}

/// Flows as a busy host has them.
fn put(sink: &mut impl Sink) {
    for n in 0..RECORDS {
        let at = 1_700_000_000_000_000_000 + i64::from(n) * 12_345;
        let process = i64::from(n % 97);
        sink.put(FileFlow {
            proc_oid: Oid { create_ts: 1_690_000_000_000_000_000 + process, hpid: 1000 + process },
            ts: at,
            tid: 1000 + process,
            op_flags: OpFlags::OPEN | OpFlags::READ_RECV | OpFlags::CLOSE,
            open_flags: OpenFlags(1),
            end_ts: at + 4321,
            file_oid: Foid([(n % 251) as u8; 20]),
            fd: 3 + (n % 5) as i32,
            num_r_recv_ops: 1,
            num_r_recv_bytes: i64::from(n % 4096),
            ..FileFlow::default()
        });
    }
}

fn read(clock: ClockId) -> Duration {
    clock_gettime(clock).map_or(Duration::ZERO, Duration::from)
}

/// CPU time of this thread, and of the process, that `work` took.
fn cost<T>(work: impl FnOnce() -> T, end: impl FnOnce(T)) -> [f64; 2] {
    let clocks = [ClockId::CLOCK_THREAD_CPUTIME_ID, ClockId::CLOCK_PROCESS_CPUTIME_ID];
    let [thread, process] = clocks.map(read);
    let worked = work();
    let here = read(clocks[0]) - thread;
    end(worked);
    let all = read(clocks[1]) - process;
    [here, all].map(|time| time.as_secs_f64() * 1e9 / f64::from(RECORDS))
}

fn alone(dir: &std::path::Path) -> [f64; 2] {
    let work = || {
        let file = OutputFile::create(&dir.join("alone"), Options::default()).expect("file");
        let mut sink = FileSink::new(file, &header()).expect("sink");
        put(&mut sink);
        sink
    };
    cost(work, |sink| drop(sink.into_file().finish().expect("finished")))
}

fn outputs(dir: &std::path::Path, number: usize) -> [f64; 2] {
    let spec = |n| {
        let files = Files {
            path: dir.join(format!("{number}.{n}")),
            every: None,
            size: None,
            keep: Keep::default(),
        };
        Spec { to: Destination::Files(files), buffer: 1 << 30 }
    };
    let specs: Vec<Spec> = (0..number).map(spec).collect();
    let flush = Duration::from_secs(5);
    let driver = String::new();
    let common = Common { options: Options::default(), header: header(), flush, driver };
    let work = || {
        let mut outputs = Outputs::open(&specs, &common).expect("outputs");
        put(&mut outputs);
        outputs
    };
    cost(work, |outputs| {
        let ended = outputs.finish(Account::default());
        assert!(ended.iter().all(|output| output.numbers.missing() == 0), "{ended:?}");
    })
}

fn main() {
    let dir = tempfile::tempdir().expect("directory");
    let names = ["one file, by the capture's thread", "one output", "two outputs", "four outputs"];
    let mut all: [[Vec<f64>; 2]; 4] = Default::default();
    for _ in 0..RUNS {
        let run = [
            alone(dir.path()),
            outputs(dir.path(), 1),
            outputs(dir.path(), 2),
            outputs(dir.path(), 4),
        ];
        for (rows, costs) in all.iter_mut().zip(run) {
            for (row, cost) in rows.iter_mut().zip(costs) {
                row.push(cost);
            }
        }
    }
    println!("ns for each record, min / median   here              process");
    for (name, rows) in names.iter().zip(&mut all) {
        let figures = rows.each_mut().map(|row| {
            row.sort_by(f64::total_cmp);
            format!("{:6.1} / {:6.1}", row[0], row[RUNS / 2])
        });
        println!("{name:34} {}   {}", figures[0], figures[1]);
    }
}

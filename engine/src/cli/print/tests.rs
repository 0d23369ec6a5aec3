// SPDX-License-Identifier: Apache-2.0
//! What the options do.

use std::path::Path;

use clap::Parser as _;
use sysflow::record::{FileFlow, Header};
use sysflow::write::{Options as WriteOptions, Writer};

use super::*;

#[derive(clap::Parser)]
struct Cli {
    #[command(flatten)]
    args: Args,
}

fn request(args: &[&str]) -> Result<Request, String> {
    let cli = Cli::try_parse_from([&["print"], args].concat());
    let args = cli.map_err(|error| error.to_string())?.args;
    Request::new(&args)
}

/// What is printed, and whether everything could be read.
fn print(args: &[&str]) -> (String, bool) {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let args = [args, &["--output", out.to_str().unwrap()]].concat();
    let code = request(&args).unwrap().run().unwrap();
    (std::fs::read_to_string(out).unwrap_or_default(), code == ExitCode::SUCCESS)
}

/// A trace of flows with these descriptors, in blocks of about ten.
fn trace(dir: &Path, name: &str, fds: std::ops::Range<i32>) -> PathBuf {
    let options = WriteOptions { block_bytes: 500, ..WriteOptions::default() };
    let mut writer = Writer::new(Vec::new(), &options).unwrap();
    writer.write(Header::<&str>::default()).unwrap();
    fds.for_each(|fd| writer.write(FileFlow { fd, ..FileFlow::default() }).unwrap());
    let path = dir.join(name);
    std::fs::write(&path, writer.finish().unwrap()).unwrap();
    path
}

#[test]
fn directories_are_printed_in_the_order_of_time_as_one_table() {
    let dir = tempfile::tempdir().unwrap();
    trace(dir.path(), "1700000002.sf", 10..12);
    trace(dir.path(), "old-1600000002.sf", 0..2);
    let path = dir.path().to_str().unwrap();
    let (text, whole) = print(&[path, "-c", "idx,file.fd", "--filter", "file.fd != 1"]);
    let cells: Vec<_> = text.split_whitespace().collect();
    assert_eq!(cells, ["Rec", "#", "FD", "0", "0", "1", "10", "2", "11"]);
    assert!(whole);
}

#[test]
fn damage_ends_a_trace_unless_it_is_to_be_skipped() {
    let dir = tempfile::tempdir().unwrap();
    let path = trace(dir.path(), "a.sf", 0..100);
    let mut bytes = std::fs::read(&path).unwrap();
    let half = bytes.len() - 200;
    bytes[half] ^= 0xff;
    std::fs::write(&path, bytes).unwrap();
    let last = |args: &[&str]| {
        let (text, whole) =
            print(&[&[path.to_str().unwrap(), "--format", "csv", "-c", "file.fd"], args].concat());
        assert!(!whole);
        text.lines().last().unwrap().to_owned()
    };
    assert_ne!(last(&[]), "99");
    assert_eq!(last(&["--skip-damaged"]), "99");
}

#[test]
fn what_cannot_be_read_does_not_stop_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let good = trace(dir.path(), "a.sf", 0..1);
    let empty = dir.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let args = ["/nowhere/x.sf", empty.to_str().unwrap(), good.to_str().unwrap()];
    let (text, whole) = print(&[&args[..], &["--format", "jsonl", "-c", "file.fd"]].concat());
    assert_eq!((text.as_str(), whole), ("{\"file\":{\"fd\":0}}\n", false));
}

#[test]
fn wrong_usage_is_told() {
    let wrong = |args: &[&str]| request(args).err().unwrap();
    assert!(wrong(&["x", "-f", "proc.nme = 1"]).ends_with("\n  ^^^^^^^^"));
    assert!(wrong(&["x", "-c", "ts,nope"]).starts_with("unknown field \"nope\""));
    assert!(wrong(&["x", "--utc", "--local"]).contains("cannot be used with"));
    assert!(wrong(&["x", "--stats", "--format", "csv"]).contains("cannot be used with"));
    assert!(wrong(&[]).contains("required"));
    assert!(request(&["--list-fields"]).is_ok());
    assert!(wrong(&["-", "--follow"]).starts_with("--follow is for files"));
}

#[test]
fn without_a_trace_nothing_is_written() {
    assert_eq!(print(&["/nowhere/x.sf"]), (String::new(), false));
    let dir = tempfile::tempdir().unwrap();
    let path = trace(dir.path(), "a.sf", 0..0);
    let (text, whole) = print(&[path.to_str().unwrap(), "-c", "type"]);
    assert_eq!((text.as_str(), whole), ("T\n", true));
}

#[test]
fn lists_of_fields_can_name_several_at_once() {
    let names = |list| {
        let columns = columns(Some(list), Format::Table).unwrap();
        columns.iter().map(Column::name).collect::<Vec<_>>()
    };
    assert_eq!(names("default, file.fd")[..2], ["idx", "ts"]);
    assert_eq!(names("default,file.fd").len(), Column::DEFAULT.len() + 1);
    assert_eq!(names("all").len(), 75);
}

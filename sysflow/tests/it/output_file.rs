// SPDX-License-Identifier: Apache-2.0
//! Files on disk: good under their name, or under the partial one, whatever happens.

use std::fs;
use std::io::{self, BufRead as _, BufReader};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use sysflow::read::{Problem, Reader};
use sysflow::record::{FileFlow, Record};
use sysflow::write::{Error, Options, OutputFile};
use tempfile::TempDir;

use crate::support::{header, read, skipped};

fn begin(path: &Path) -> OutputFile {
    let mut file = OutputFile::create(path, Options::default()).unwrap();
    file.header(&header()).unwrap();
    file
}

fn flow(ts: i64) -> FileFlow {
    FileFlow { ts, ..FileFlow::default() }
}

fn names(dir: &TempDir) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn the_name_appears_with_the_finished_file() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("trace.sf");
    let mut file = begin(&path);
    file.write(flow(1)).unwrap();
    assert_eq!(names(&dir), [".trace.sf.partial"]);
    let summary = file.finish().unwrap();
    assert_eq!(names(&dir), ["trace.sf"]);
    assert_eq!((summary.records, summary.refused), (2, 0));
    assert_eq!(summary.bytes, fs::metadata(&path).unwrap().len());
    assert_eq!(read(&path), [Record::Header(header()), flow(1).into()]);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o137, 0);
}

#[test]
fn an_older_file_stays_until_the_new_one_is_finished() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("trace.sf");
    begin(&path).finish().unwrap();
    let mut file = begin(&path);
    file.write(flow(1)).unwrap();
    file.flush_block().unwrap();
    assert_eq!(read(&path).len(), 1);
    file.finish().unwrap();
    assert_eq!(read(&path).len(), 2);

    begin(&path).discard().unwrap();
    assert_eq!((names(&dir), read(&path).len()), (vec!["trace.sf".to_owned()], 2));
}

#[test]
fn what_is_flushed_can_be_read_while_the_file_grows() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("trace.sf");
    let mut file = begin(&path);
    file.flush_block().unwrap();
    file.write(flow(1)).unwrap();
    let partial = file.partial().unwrap().to_owned();
    assert_eq!(read(&partial).len(), 1);
    file.flush_block().unwrap();
    assert_eq!(read(&partial).len(), 2);
    let error = Reader::open(&path).unwrap_err();
    assert!(matches!(&error.problem, Problem::Unfinished(found) if *found == partial), "{error}");
}

#[test]
fn a_dropped_file_keeps_what_it_had_as_partial() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("trace.sf");
    drop(OutputFile::create(&path, Options::default()).unwrap());
    assert_eq!(names(&dir), Vec::<String>::new(), "nothing to keep");
    let mut file = begin(&path);
    file.write(flow(1)).unwrap();
    drop(file);
    assert_eq!(read(&dir.path().join(".trace.sf.partial")).len(), 2);
}

#[test]
fn a_leftover_is_set_aside_not_destroyed() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("trace.sf");
    drop(begin(&path));
    let file = begin(&path);
    let aside = dir.path().join("trace.sf.interrupted");
    assert_eq!(file.interrupted(), Some(aside.as_path()));
    assert_eq!(read(&aside).len(), 1);
    file.finish().unwrap();
    assert_eq!(begin(&path).interrupted(), None);
}

#[test]
fn two_captures_do_not_share_a_file() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("trace.sf");
    let first = begin(&path);
    let error = OutputFile::create(&path, Options::default()).unwrap_err();
    assert!(matches!(error, Error::Busy { .. }), "{error}");
    first.finish().unwrap();
    begin(&path).finish().unwrap();
}

#[test]
fn a_link_is_followed_and_stays() {
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("real")).unwrap();
    let target = dir.path().join("real/trace.sf");
    fs::write(&target, "old").unwrap();
    let link = dir.path().join("link.sf");
    symlink(&target, &link).unwrap();
    begin(&link).finish().unwrap();
    assert!(link.is_symlink());
    assert_eq!(read(&target).len(), 1);
}

#[test]
fn a_device_is_written_to_not_replaced() {
    let file = begin(Path::new("/dev/null"));
    assert_eq!(file.partial(), None);
    file.finish().unwrap();
    assert!(!fs::metadata("/dev/null").unwrap().is_file());

    let mut file = OutputFile::create(Path::new("/dev/full"), Options::default());
    let error = file.as_mut().expect_err("the head cannot be written");
    assert_eq!(error.kind(), Some(io::ErrorKind::StorageFull));
    let text = error.to_string();
    assert!(text.contains("/dev/full") && text.contains("free space"), "{text}");
}

#[test]
fn errors_name_the_path_and_a_remedy() {
    let dir = TempDir::new().unwrap();
    let error = |path: PathBuf| OutputFile::create(&path, Options::default()).unwrap_err();
    let missing = error(dir.path().join("no/such/trace.sf")).to_string();
    assert!(missing.contains("no/such/trace.sf"), "{missing}");
    assert!(missing.contains("create the directory"), "{missing}");
    for path in [dir.path().to_owned(), dir.path().join("new/")] {
        let error = error(path);
        assert!(matches!(error, Error::IsDirectory { .. }), "{error}");
    }
    let long = error(dir.path().join("x".repeat(250))).to_string();
    assert!(long.contains("246 bytes"), "{long}");
    fs::write(dir.path().join("file"), "").unwrap();
    let inside = error(dir.path().join("file/trace.sf"));
    assert!(inside.to_string().contains("file/trace.sf"), "{inside}");

    let mut file = OutputFile::create(&dir.path().join("t"), Options::default()).unwrap();
    let error = file.write(flow(1)).unwrap_err();
    assert!(matches!(error, Error::NoHeader { .. }), "{error}");
}

/// Runs one test of this program again, as another process and under `shell`, with the path in its
/// environment. There the test does its other half.
fn again(test: &str, shell: &str, path: &Path) -> Child {
    Command::new("sh")
        .args(["-c", &format!("{shell} exec \"$0\" --exact {test} --nocapture")])
        .arg(std::env::current_exe().unwrap())
        .env("SYSFLOW_TEST_OTHER_HALF", path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn other_half() -> Option<PathBuf> {
    std::env::var_os("SYSFLOW_TEST_OTHER_HALF").map(PathBuf::from)
}

#[test]
fn after_kill_9_every_flushed_record_is_there() {
    if let Some(path) = other_half() {
        let mut file = begin(&path);
        for ts in 0.. {
            file.write(flow(ts)).unwrap();
            if ts % 100 == 99 {
                file.flush_block().unwrap();
                println!("\nflushed {}", ts + 1);
            }
        }
    }
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("trace.sf");
    let mut child = again("output_file::after_kill_9_every_flushed_record_is_there", "", &path);
    let mut flushed = 0;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        if let Some(count) = line.unwrap().strip_prefix("flushed ") {
            flushed = count.parse::<usize>().unwrap();
        }
        if flushed >= 1000 {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!path.exists());
    let mut reader = Reader::open(dir.path().join(".trace.sf.partial")).unwrap();
    // The kill may have cut a block in the middle of its write; all before must be there.
    let records: Vec<_> = reader.by_ref().map_while(Result::ok).collect();
    assert!(records.len() > flushed, "{} of {flushed}", records.len());
    assert_eq!(records[flushed], flow(flushed as i64 - 1).into());

    let file = begin(&path);
    assert!(file.interrupted().is_some(), "the lock of the dead process is gone");
}

#[test]
fn a_full_disk_leaves_a_readable_file_and_an_account_of_the_rest() {
    if let Some(path) = other_half() {
        return fill_the_disk(&path);
    }
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("trace.sf");
    // A limit of file size fails like a full disk: part of the last block is written.
    let shell = "trap '' XFSZ; ulimit -f 40;";
    let test = "output_file::a_full_disk_leaves_a_readable_file_and_an_account_of_the_rest";
    let output = again(test, shell, &path).wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let Some(line) = text.lines().find_map(|line| line.strip_prefix("stored ")) else {
        assert!(!output.status.success() || text.contains("0 passed"), "{text}");
        return skipped("full disk", "no file size limit here");
    };
    let stored: usize = line.parse().unwrap();
    assert!(output.status.success(), "{text}");
    let records = read(&path);
    assert_eq!(records.len(), stored);
    assert!(stored > 100);
    assert_eq!(records[stored - 1], flow(stored as i64 - 1).into());
    assert_eq!(names(&dir), ["trace.sf"]);
}

/// Writes until the file cannot grow, then on, then finishes.
fn fill_the_disk(path: &Path) {
    let options = Options { codec: sysflow::write::Codec::Null, ..Options::default() };
    let mut file = OutputFile::create(path, Options { block_bytes: 3000, ..options }).unwrap();
    file.header(&header()).unwrap();
    let mut ts = 0;
    let error = loop {
        ts += 1;
        if let Err(error) = file.write(flow(ts)) {
            break error;
        }
    };
    assert_eq!(error.kind(), Some(io::ErrorKind::FileTooLarge), "{error}");
    assert_eq!(file.bytes(), fs::metadata(file.partial().unwrap()).unwrap().len());
    let stored = read(file.partial().unwrap()).len();
    for _ in 0..5 {
        let error = file.write(flow(-1)).unwrap_err();
        assert!(matches!(error, Error::Stalled { .. }), "{error}");
    }
    file.flush_block().unwrap_err();
    let error = file.finish().unwrap_err();
    let Error::Incomplete { lost, .. } = &error else { panic!("{error}") };
    assert_eq!(*lost, ts.cast_unsigned() + 1 - stored as u64 + 5);
    println!("\nstored {stored}");
}

// SPDX-License-Identifier: Apache-2.0
//! Exit codes, files, pipes, and the other name.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use crate::support::{PROGRAM, print, text, trace};

#[test]
fn exit_codes_tell_what_happened() {
    let dir = tempfile::tempdir().unwrap();
    let good = trace(dir.path(), "a.sf", 0..3);
    let good = good.to_str().unwrap();
    let code = |args: &[&str]| print(args).status.code();
    assert_eq!(code(&[good]), Some(0));
    assert_eq!(code(&[good, "/nowhere.sf"]), Some(1));
    assert_eq!(code(&[good, "-f", "proc.nme = x"]), Some(2));
    assert_eq!(code(&[good, "--format", "nope"]), Some(2));
    assert_eq!(code(&[]), Some(2));
    assert_eq!(code(&[good, "--output", "/nowhere/x"]), Some(1));
}

/// No titles, no brackets: nothing, but the reason.
#[test]
fn a_missing_file_is_all_that_is_told() {
    for format in ["table", "json", "jsonl", "csv", "parquet"] {
        let output = print(&["--format", format, "/nowhere/x.sf"]);
        assert_eq!(text(&output.stdout), "", "{format}");
        let said = text(&output.stderr);
        assert!(said.contains("cannot open \"/nowhere/x.sf\"") && said.lines().count() == 1);
    }
}

#[test]
fn a_closed_pipe_ends_it_quietly() {
    let dir = tempfile::tempdir().unwrap();
    let path = trace(dir.path(), "a.sf", 0..20_000);
    let mut child = Command::new(PROGRAM)
        .args(["print", "--format", "csv"])
        .arg(path)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut some = [0; 100];
    child.stdout.take().unwrap().read_exact(&mut some).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}

#[test]
fn an_output_file_is_replaced_when_it_is_complete() {
    let dir = tempfile::tempdir().unwrap();
    let path = trace(dir.path(), "a.sf", 0..3);
    let out = dir.path().join("out.csv");
    fs::write(&out, "old").unwrap();
    let args = ["--format", "csv", "-c", "file.fd", "-o", out.to_str().unwrap()];
    // Nothing could be read: the old one stays.
    print(&[&args[..], &["/nowhere/x.sf"]].concat());
    assert_eq!(fs::read_to_string(&out).unwrap(), "old");
    print(&[&args[..], &[path.to_str().unwrap()]].concat());
    assert_eq!(fs::read_to_string(&out).unwrap(), "file.fd\r\n0\r\n1\r\n2\r\n");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_goes_to_a_file_or_a_pipe() {
    let dir = tempfile::tempdir().unwrap();
    let path = trace(dir.path(), "a.sf", 0..3);
    let out = dir.path().join("out.parquet");
    let args = ["--format", "parquet", path.to_str().unwrap()];
    assert!(print(&[&args[..], &["-o", out.to_str().unwrap()]].concat()).status.success());
    let file = fs::read(out).unwrap();
    assert_eq!((&file[..4], &file[file.len() - 4..]), (&b"PAR1"[..], &b"PAR1"[..]));
    assert_eq!(print(&args).stdout.len(), file.len());
}

/// Runs the program under its other name.
fn sysprint(args: &[&str]) -> (Option<i32>, String, String) {
    let dir = tempfile::tempdir().unwrap();
    let name = dir.path().join("sysprint");
    symlink(PROGRAM, &name).unwrap();
    let output = Command::new(name).args(args).output().unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn as_sysprint_it_takes_the_flags_of_the_reference() {
    let dir = tempfile::tempdir().unwrap();
    let path = trace(dir.path(), "a.sf", 0..2);
    let path = path.to_str().unwrap();
    let said = |args: &[&str]| {
        let (code, out, err) = sysprint(&[args, &[path]].concat());
        assert_eq!((code, err), (Some(0), String::new()));
        out
    };
    let json = said(&["-o", "json", "-c", "type,file.fd,net.proto"]);
    let line = |fd| {
        format!("{{\"type\": \"FF\", \"file\": {{\"fd\": {fd}}}, \"net\": {{\"proto\": \"\"}}}}\n")
    };
    assert_eq!(json, line(0) + &line(1));
    let table = said(&["-c", "type,file.fd"]);
    assert_eq!(
        table,
        "| Rec #  | T  |    FD |\n|-------:|----|------:|\n|      0 | FF |     0 |\n|      1 | FF |     1 |\n"
            .replace("| Rec #  |", "|  Rec # |")
    );
    let out = dir.path().join("out");
    assert_eq!(said(&["-o", "csv", "-A", "-f", "file.fd = 1", "-w", out.to_str().unwrap()]), "");
    let csv = fs::read_to_string(&out).unwrap();
    assert!(csv.starts_with("version,type,state,") && csv.lines().count() == 2, "{csv}");
    assert!(said(&["-K"]).contains("K8s EV Action") && said(&["-k"]).contains("Pod Name"));
    assert!(said(&["-l"]).contains("proc.exe"));
    assert_eq!(sysprint(&["-v"]).1, concat!(env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn as_sysprint_it_names_what_to_do_instead_of_s3() {
    let (code, out, err) = sysprint(&["-i", "s3", "bucket"]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(err.contains("aws s3 cp --recursive"), "{err}");
    assert_eq!(sysprint(&["-k", "-K", "x"]).0, Some(2));
}

// SPDX-License-Identifier: Apache-2.0
//! `sysflow config`, and where settings come from.

use std::process::Command;

use crate::{sysflow, told};

fn file(text: &str) -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sysflow.toml");
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (dir, path)
}

#[test]
fn every_problem_is_told_with_file_and_line() {
    let (_dir, path) = file("[capture]\nring-sise = 1\n\n[[output]]\nto = 'a'\nrotate = 'soon'\n");
    let (code, out, error) = told(&sysflow(["config", "check", &path]));
    assert_eq!((code, &*out), (1, ""));
    let lines: Vec<&str> = error.lines().collect();
    assert!(lines[0].starts_with(&format!("{path}:2: unknown key \"ring-sise\"")), "{error}");
    assert!(lines[1].starts_with(&format!("{path}:6: rotate: ")), "{error}");
    assert_eq!(lines.len(), 2);
    // Recording stumbles over the same.
    let (code, _, error) = told(&sysflow(["record", "--config", &path, "-w", "x"]));
    assert!(code == 1 && error.contains(&format!("{path}:2: ")), "{error}");
    // Also of what is selected.
    let (_dir, path) =
        file("[select]\nuid = [\n  0,\n  'nobody-at-all',\n]\nops = 'raed'\npids = 1\n");
    let (code, _, error) = told(&sysflow(["config", "check", &path]));
    let lines: Vec<&str> = error.lines().collect();
    assert!(code == 1 && lines.len() == 3, "{error}");
    assert_eq!(lines[0], format!("{path}:4: uid: no such user: \"nobody-at-all\""));
    assert!(lines[1].starts_with(&format!("{path}:6: ops: `raed` is no operation")), "{error}");
    assert!(lines[2].ends_with("in [select]; known are ops, pid, uid, cgroup"), "{error}");
    let (code, _, error) = told(&sysflow(["config", "check", "/no/such.toml"]));
    assert!(code == 1 && error.contains("/no/such.toml"), "{error}");
}

#[test]
fn what_is_shown_is_a_file_with_the_same_settings() {
    let (dir, path) = file(
        "[records]\nexporter = '7'\nfile-only = false\n[[output]]\nto = 'a\"b/'\nkeep-age = '7d'\n\
         [[output]]\nto = '-'\n[select]\nops = '!io, read'\npid = 1\n\
         cgroup = ['/a', '/cpu,cpuacct/b']\n[metrics]\nlisten = '127.0.0.1:9400'\n",
    );
    assert_eq!(
        told(&sysflow(["config", "check", &path])),
        (0, format!("{path}: good\n"), String::new())
    );
    let shown = Command::new(env!("CARGO_BIN_EXE_sysflow"))
        .args([
            "config", "show", "--config", &path, "-G", "60", "--uid", "root", "--uid", "007,8-9",
        ])
        .env("FILE_ONLY", "1")
        .output()
        .unwrap();
    let (code, out, error) = told(&shown);
    assert_eq!(code, 0, "{error}");
    let line = |start: &str| out.lines().find(|line| line.starts_with(start)).unwrap_or_default();
    assert!(line("rotate = 60 ").ends_with("# option"), "{out}");
    assert!(line("file-only = true ").ends_with("# environment: FILE_ONLY"), "{out}");
    assert!(line("exporter = \"7\"").ends_with(&format!("# {path}:2")), "{out}");
    assert!(line("ring-total = \"256M\"").ends_with("# default"), "{out}");
    for list in [
        "ops = [\"!io\", \"read\"] ",
        "pid = [1] ",
        "uid = [\"root\", 7, \"8-9\"] ",
        "cgroup = [\"/a\", \"/cpu,cpuacct/b\"] ",
    ] {
        assert!(!line(list).is_empty(), "{list}: {out}");
    }
    let again = dir.path().join("again.toml");
    std::fs::write(&again, &out).unwrap();
    let again = again.to_str().unwrap();
    let (code, second, error) = told(&sysflow(["config", "show", "--config", again]));
    assert_eq!(code, 0, "{error}");
    let settings = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split(" #").next().unwrap().trim_end().to_owned()).collect()
    };
    assert_eq!(settings(&second), settings(&out));
}

#[test]
fn without_an_output_there_is_nothing_to_do() {
    let (_dir, path) = file("[capture]\nring-size = '64K'\n");
    let (code, _, error) = told(&sysflow(["record", "--config", &path]));
    assert!(code == 2 && error.starts_with("error: ") && error.contains("-w"), "{error}");
    let (code, _, error) = told(&sysflow(["record", "-r", "a", "-w", "-"]));
    assert!(code == 2 && error.contains("one file or folder"), "{error}");
}

// SPDX-License-Identifier: Apache-2.0
//! Tables on a terminal.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::process::Command;

use nix::pty::{Winsize, openpty};

use crate::support::{PROGRAM, text, trace};

/// What the program writes to a terminal of that width, and what it says elsewhere.
fn on_terminal(
    width: u16,
    path: &Path,
    args: &[&str],
    environment: &[(&str, &str)],
) -> (String, String) {
    let size = Winsize { ws_row: 50, ws_col: width, ws_xpixel: 0, ws_ypixel: 0 };
    let pty = openpty(&size, None).unwrap();
    let mut command = Command::new(PROGRAM);
    command
        .arg("print")
        .args(args)
        .arg(path)
        .stdout(pty.slave)
        .stderr(std::process::Stdio::piped());
    command.env("TERM", "xterm").env_remove("NO_COLOR").envs(environment.iter().copied());
    let child = command.spawn().unwrap();
    drop(command); // and the end of the terminal in it
    let mut shown = Vec::new();
    let _ = File::from(pty.master).read_to_end(&mut shown); // an error is the end of a terminal
    let said = text(&child.wait_with_output().unwrap().stderr);
    (text(&shown).replace("\r\n", "\n"), said)
}

#[test]
fn lines_fit_and_what_has_no_room_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = trace(dir.path(), "a.sf", 0..3);
    for width in [80, 100, 132, 160, 250] {
        let (shown, said) = on_terminal(width, &path, &["--color", "never"], &[]);
        assert_eq!(shown.lines().count(), 4);
        assert!(shown.lines().all(|line| line.len() <= width.into()), "{width}: {shown}");
        assert_eq!(said.contains("no room on this terminal for proc.tid"), width < 168, "{said}");
    }
    let (shown, said) = on_terminal(80, &path, &["-c", "default", "--color", "never"], &[]);
    assert!(shown.contains("Cont ID") && said.is_empty(), "{said}");
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let dir = tempfile::tempdir().unwrap();
    let path = trace(dir.path(), "a.sf", 0..1);
    let has = |args: &[&str], environment: &[(&str, &str)]| {
        on_terminal(100, &path, args, environment).0.contains('\x1b')
    };
    assert!(has(&[], &[]) && has(&[], &[("NO_COLOR", "")]));
    assert!(!has(&[], &[("NO_COLOR", "1")]) && !has(&[], &[("TERM", "dumb")]));
    assert!(has(&["--color", "always"], &[("NO_COLOR", "1")]));
    let elsewhere = |args: &[&str]| text(&crate::support::print(args).stdout).contains('\x1b');
    let path = path.to_str().unwrap();
    assert!(!elsewhere(&[path]) && elsewhere(&[path, "--color", "always"]));
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_is_not_for_terminals() {
    let dir = tempfile::tempdir().unwrap();
    let path = trace(dir.path(), "a.sf", 0..1);
    let (shown, said) = on_terminal(80, &path, &["--format", "parquet"], &[]);
    assert!(shown.is_empty() && said.contains("name a file with --output"), "{said}");
}

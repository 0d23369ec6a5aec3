// SPDX-License-Identifier: Apache-2.0
//! `sysflow top` on this host: as text, on a terminal, and of a recorder elsewhere.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, Termios, tcgetattr};
use nix::unistd::{Pid, write};

use crate::support::recorder::{Recorder, sysflow};
use crate::support::{Lab, skipped, until, workload};

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).expect("text")
}

/// Numbers of the first columns of the row that ends with `name`.
fn numbers(table: &str, name: &str) -> Vec<u64> {
    let row = table.lines().find(|line| line.trim_end().ends_with(name));
    let row = row.unwrap_or_else(|| panic!("no row of {name} in {table}"));
    row.split_whitespace().map_while(|word| word.parse().ok()).collect()
}

/// Someone who writes to a file and reads nothing, until it is dropped.
struct Writer(Child);

impl Writer {
    fn start(file: &std::path::Path) -> Self {
        let script = r#"while :; do printf 0123456789 > "$1"; sleep 0.01; done"#;
        let mut command = Command::new("sh");
        Self(command.args(["-c", script, "writer"]).arg(file).spawn().expect("sh"))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn text_has_what_happened() {
    let Some(lab) = Lab::enter("top as text") else { return };
    let file = lab.path("written");
    let _writer = Writer::start(&file);
    let name = file.to_str().expect("text");
    let output = sysflow()
        .args(["top", "--driver", lab.driver(), "-d", "1", "-n", "4", "--rows", "5"])
        .args(["--filter", &format!("file.path = '{name}'")])
        .output()
        .expect("sysflow");
    let told = text(&output);
    let looks: Vec<&str> = told.split("sysflow top").skip(1).collect();
    assert_eq!(looks.len(), 4, "{told}");
    let mut all = 0;
    for look in &looks[1..] {
        let files = look.split("FILE\n").nth(1).expect("a table of files");
        let [read, written, ops] = numbers(files, name)[..] else { panic!("three: {files}") };
        assert!(read == 0 && ops > 0, "{told}");
        all += written;
        // Nothing else passes the filter.
        let rows = files.trim_end().lines().take_while(|line| !line.is_empty());
        assert_eq!(rows.count(), 1, "{told}");
    }
    // The shell's flow of writing is told once a second, in one look or in the
    // next: no two looks are without it.
    assert!(all > 0, "{told}");
    assert!(looks[1].contains("lost") && looks[1].contains("of a CPU"), "{told}");
}

#[test]
fn a_reader_that_has_enough_ends_it() {
    let Some(lab) = Lab::enter("top and a pipe") else { return };
    let mut top = sysflow()
        .args(["top", "--driver", lab.driver(), "-d", "1"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("sysflow");
    drop(top.stdout.take());
    until("it ends", || top.try_wait().expect("wait").is_some());
    assert!(top.wait().expect("wait").success());
}

/// A `sysflow top` on a terminal of 100 columns and 30 rows.
struct Screen {
    top: Child,
    master: OwnedFd,
    slave: OwnedFd,
    before: Termios,
    shown: Receiver<String>,
    seen: String,
}

impl Screen {
    fn open(args: &[&str]) -> Self {
        let size = Winsize { ws_row: 30, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(&size, None).expect("pseudo terminal");
        let before = tcgetattr(&pty.slave).expect("attributes");
        let end = || Stdio::from(pty.slave.try_clone().expect("descriptor"));
        let mut command = sysflow();
        command.arg("top").args(args).env("TERM", "xterm").env_remove("NO_COLOR");
        let top = command.stdin(end()).stdout(end()).stderr(end()).spawn().expect("sysflow");
        let (send, shown) = channel();
        let mut screen = File::from(pty.master.try_clone().expect("descriptor"));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = screen.read(&mut buffer) {
                let _ = send.send(String::from_utf8_lossy(&buffer[..n]).into_owned());
            }
        });
        let (master, slave) = (pty.master, pty.slave);
        Self { top, master, slave, before, shown, seen: String::new() }
    }

    /// Waits until it has shown that, from here on.
    fn shows(&mut self, what: &str) {
        self.seen.clear();
        until(what, || {
            self.seen.extend(self.shown.try_iter());
            self.seen.contains(what)
        });
    }

    fn press(&self, keys: &str) {
        write(self.master.as_fd(), keys.as_bytes()).expect("pressed");
    }

    fn raw(&self) -> bool {
        !tcgetattr(&self.slave).expect("attributes").local_flags.contains(LocalFlags::ICANON)
    }

    /// Waits for its end: the terminal is as before, with its first screen and a cursor.
    fn ended_well(mut self) {
        until("it ends", || self.top.try_wait().expect("wait").is_some());
        assert!(self.top.wait().expect("wait").success());
        std::thread::sleep(Duration::from_millis(100));
        self.seen.extend(self.shown.try_iter());
        let now = tcgetattr(&self.slave).expect("attributes");
        assert_eq!(now.local_flags, self.before.local_flags);
        assert_eq!(now.input_flags, self.before.input_flags);
        assert_eq!(now.output_flags, self.before.output_flags);
        for end in ["\x1b[?1049l", "\x1b[?25h"] {
            assert!(self.seen.contains(end), "no {end:?} at its end");
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.top.kill();
        let _ = self.top.wait();
    }
}

#[test]
fn a_terminal_is_as_before_however_it_ends() {
    let Some(lab) = Lab::enter("top on a terminal") else { return };
    let args = ["--driver", lab.driver(), "-d", "1"];
    let mut screen = Screen::open(&args);
    screen.shows("COMMAND");
    assert!(screen.raw());
    screen.press("2");
    screen.shows("FILE");
    screen.press("h");
    screen.shows("turn the order round");
    screen.press("hq");
    screen.ended_well();

    let mut screen = Screen::open(&args);
    screen.shows("COMMAND");
    screen.press("\x03");
    screen.ended_well();

    let mut screen = Screen::open(&args);
    screen.shows("COMMAND");
    let pid = Pid::from_raw(screen.top.id().cast_signed());
    kill(pid, Signal::SIGTERM).expect("signal");
    screen.ended_well();
}

#[test]
fn a_recorder_is_shown_by_its_socket_and_its_files() {
    let Some(lab) = Lab::enter("top of a recorder") else { return };
    let socket = lab.path("sock");
    let from = format!("unix:{}", socket.display());
    let recorder = Recorder::start(&lab, "x.sf", &["-w", &from, "--export-interval", "0.5"]);
    let written = lab.path("written");
    let _writer = Writer::start(&written);
    let name = written.to_str().expect("text");
    let filter = format!("file.path = '{name}'");
    for from in [from.as_str(), lab.path("x.sf").to_str().expect("text")] {
        // A recorder looks for a reader each 30 s at most.
        let mut top = sysflow()
            .args(["top", "--from", from, "-d", "1", "--table", "files", "--filter", &filter])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("sysflow");
        let mut out = top.stdout.take().expect("stdout");
        let (mut seen, mut buffer) = (String::new(), [0; 4096]);
        until("the file is shown", || {
            let n = out.read(&mut buffer).expect("stdout");
            seen.push_str(&String::from_utf8_lossy(&buffer[..n]));
            assert!(n > 0, "it ended: {seen}");
            seen.lines().any(|line| line.ends_with(name))
        });
        let pid = Pid::from_raw(top.id().cast_signed());
        kill(pid, Signal::SIGINT).expect("signal");
        drop(out);
        let ended = top.wait_with_output().expect("wait");
        let told = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(ended.status.success(), "{told}");
    }
    assert!(!socket.exists(), "the socket goes with who listened");
    drop(workload::run(&["flood", "rounds", "1"]));
    // Nobody reads its socket any more, which it tells; its file is whole.
    let ended = recorder.interrupt();
    assert!(ended.told.contains("the reader at") && ended.file.is_file(), "{}", ended.told);
}

#[test]
fn where_another_capture_has_the_driver_the_way_to_show_it_is_told() {
    let Some(lab) = Lab::enter("top of a busy driver") else { return };
    if lab.driver() != "kmod" {
        return skipped("top of a busy driver", "only the module serves one capture at a time");
    }
    let recorder = Recorder::start(&lab, "x.sf", &[]);
    let output = sysflow().args(["top", "--driver", "kmod", "-n", "1"]).output().expect("sysflow");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("in use by another process") && told.contains("--from"), "{told}");
    recorder.interrupt().well();
}

#[test]
fn what_is_wrong_is_told_before_anything_is_shown() {
    let Some(lab) = Lab::enter("top, wrong usage") else { return };
    for (args, code, word) in [
        (&["--filter", "type ="][..], 2, "the filter is wrong"),
        (&["-d", "0.1"], 2, "at least a second"),
        (&["--rows", "0"], 2, "at least 1"),
        (&["-n", "0"], 2, "0"),
        (&["--sort", "colour"], 2, "colour"),
        (&["--from", "unix:/a", "--from", "b"], 2, "alone"),
        (&["--from", "/no such folder/x.sf"], 1, "no such folder"),
        (&["--from", "unix:/no such folder/x"], 1, "no such folder"),
    ] {
        let output = sysflow().arg("top").args(args).output().expect("sysflow");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {told}");
        assert!(told.contains(word) && output.stdout.is_empty(), "{args:?}: {told}");
    }
    drop(lab);
}

// SPDX-License-Identifier: Apache-2.0
//! Another program that captures, with a driver of its own.
//!
//! It is told to print a line for each `mkdir(2)`: such a line is the sign
//! that its driver is attached and delivers.

use std::io::{self, BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long it may take to begin, and to end.
const PATIENCE: Duration = Duration::from_secs(120);

/// Names the number of events that sysdig's driver did not deliver, with `-v`.
const DROPS: &str = "Driver Drops:";

/// The peer and how it is started.
pub struct Peer {
    command: Vec<String>,
    running: Option<Running>,
    /// Events that its driver lost, over all its runs.
    pub drops: u64,
}

struct Running {
    child: Child,
    heard: Arc<AtomicBool>,
    /// Reads its output, and gives what it says of itself.
    output: JoinHandle<io::Result<()>>,
    words: JoinHandle<io::Result<String>>,
}

impl Peer {
    /// A peer that `command` starts.
    #[must_use]
    pub fn new(command: Vec<String>) -> Self {
        Self { command, running: None, drops: 0 }
    }

    /// Starts it, and returns when it captures.
    ///
    /// # Errors
    /// When it cannot be started, or ends.
    pub fn attach(&mut self) -> io::Result<()> {
        let (program, args) =
            self.command.split_first().ok_or_else(|| io::Error::other("no peer is named"))?;
        let mut child = Command::new(program)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let heard = Arc::new(AtomicBool::new(false));
        let gone = || io::Error::other("the peer has no output");
        let stdout = child.stdout.take().ok_or_else(gone)?;
        let mut stderr = child.stderr.take().ok_or_else(gone)?;
        let sign = Arc::clone(&heard);
        let output = thread::spawn(move || listen(BufReader::new(stdout), &sign));
        let words = thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).map(|_| text)
        });
        let running = self.running.insert(Running { child, heard, output, words });
        running.wait_for_sign()
    }

    /// Ends it.
    ///
    /// # Errors
    /// When it does not end well.
    pub fn detach(&mut self) -> io::Result<()> {
        let Some(mut running) = self.running.take() else { return Ok(()) };
        let pid = libc::pid_t::try_from(running.child.id()).map_err(io::Error::other)?;
        // SAFETY: a number, of a child that was not waited for yet.
        unsafe { libc::kill(pid, libc::SIGINT) };
        running.child.wait()?;
        let broken = |_| io::Error::other("a thread that listens to the peer has failed");
        running.output.join().map_err(broken)??;
        let words = running.words.join().map_err(broken)??;
        self.drops += drops(&words)
            .ok_or_else(|| io::Error::other(format!("the peer tells no drops: {words}")))?;
        Ok(())
    }
}

impl Running {
    fn wait_for_sign(&mut self) -> io::Result<()> {
        let begun = Instant::now();
        let dir: PathBuf = std::env::temp_dir().join(format!("sign-{}", std::process::id()));
        while !self.heard.load(Ordering::Relaxed) {
            if self.child.try_wait()?.is_some() || begun.elapsed() > PATIENCE {
                return Err(io::Error::other("the peer does not capture"));
            }
            std::fs::create_dir(&dir)?;
            std::fs::remove_dir(&dir)?;
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

fn listen(mut output: impl BufRead, heard: &AtomicBool) -> io::Result<()> {
    let mut line = String::new();
    while output.read_line(&mut line)? > 0 {
        heard.store(true, Ordering::Relaxed);
        line.clear();
    }
    Ok(())
}

fn drops(words: &str) -> Option<u64> {
    let number = words.split_once(DROPS)?.1;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_are_read_from_what_sysdig_says() {
        assert_eq!(drops("Driver Events:50\nDriver Drops:7\nElapsed"), Some(7));
        assert_eq!(drops("Driver Events:50"), None);
    }

    #[test]
    fn a_peer_that_ends_is_an_error() {
        let mut peer = Peer::new(vec!["true".to_owned()]);
        assert!(peer.attach().is_err());
        assert!(Peer::new(Vec::new()).attach().is_err());
    }
}

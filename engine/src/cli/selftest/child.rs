// SPDX-License-Identifier: Apache-2.0
//! The process that makes the known calls: this program once more, because the
//! drivers never tell of the recorder itself. A line on its standard input asks
//! for something, a line on its standard output says that it is done.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use super::each;

/// How often each of the calls is made.
pub(super) const ROUNDS: u32 = 50;

/// Calls that are timed together: their records fit the smallest ring.
const TIMED: u32 = 800;

const MEASURE: &str = "measure";
const CALLS: &str = "calls";

pub(super) struct Child {
    process: std::process::Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
    file: PathBuf,
}

impl Child {
    pub(super) fn begin() -> io::Result<Self> {
        let file = scratch();
        let mut process = Command::new(std::env::current_exe()?)
            .args(["selftest", "--calls"])
            .arg(&file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(ask), Some(answers)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(io::Error::other("no pipes"));
        };
        Ok(Self { process, ask, answers: BufReader::new(answers), file })
    }

    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    /// The file that the calls are made on.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    fn tell(&mut self, what: &str) -> anyhow::Result<String> {
        writeln!(self.ask, "{what}")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        anyhow::ensure!(!answer.is_empty(), "the process that makes the calls has ended");
        Ok(answer)
    }

    /// Nanoseconds of a call: the least of so many measurements.
    pub(super) fn measure(&mut self, times: usize) -> anyhow::Result<f64> {
        let mut least = f64::MAX;
        for _ in 0..times {
            least = least.min(self.tell(MEASURE)?.trim().parse()?);
        }
        Ok(least)
    }

    /// Has each known call made [`ROUNDS`] times.
    pub(super) fn make_calls(&mut self) -> anyhow::Result<()> {
        self.tell(CALLS).map(drop)
    }

    pub(super) fn end(self) -> anyhow::Result<()> {
        let Self { mut process, ask, answers, .. } = self;
        drop((ask, answers));
        anyhow::ensure!(process.wait()?.success(), "the process that makes the calls has failed");
        Ok(())
    }
}

/// A name of its own, as the kernel knows it: without symbolic links.
fn scratch() -> PathBuf {
    let folder = std::env::temp_dir();
    let folder = folder.canonicalize().unwrap_or(folder);
    folder.join(format!(".sysflow-selftest-{}", std::process::id()))
}

/// The other side.
pub(super) fn work(path: &Path) -> anyhow::Result<()> {
    let zero = File::open("/dev/zero")?;
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        match line?.as_str() {
            MEASURE => writeln!(out, "{}", measure(&zero)?)?,
            CALLS => {
                calls(path)?;
                writeln!(out, "done")?;
            }
            other => anyhow::bail!("`{other}` cannot be done"),
        }
        out.flush()?;
    }
    Ok(())
}

fn measure(zero: &File) -> io::Result<f64> {
    let begun = Instant::now();
    for _ in 0..TIMED {
        zero.read_at(&mut [0], 0)?;
    }
    Ok(each(begun.elapsed(), TIMED))
}

fn calls(path: &Path) -> io::Result<()> {
    let made = (0..ROUNDS).try_for_each(|_| {
        let file =
            File::options().create(true).read(true).write(true).truncate(false).open(path)?;
        file.write_at(b"known", 0)?;
        file.read_at(&mut [0; 8], 0)?;
        Ok(())
    });
    let removed = fs::remove_file(path);
    made.and(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calls_leave_nothing() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("file");
        calls(&path).expect("made");
        assert!(!path.exists());
        assert!(measure(&File::open("/dev/zero").expect("open")).expect("read") > 0.0);
    }
}

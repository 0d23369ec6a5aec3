// SPDX-License-Identifier: Apache-2.0
//! The files of an output that begins new ones: their names, and how long they
//! are kept.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How long finished files are kept. The one that grows is never removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// Files older than this are removed.
    pub age: Option<Duration>,
    /// The oldest files are removed until the others have this many bytes.
    pub size: Option<u64>,
}

impl Keep {
    fn anything(self) -> bool {
        self.age.is_none() && self.size.is_none()
    }
}

/// Files `PREFIX` + seconds since 1970 in a directory.
#[derive(Debug)]
pub(super) struct Series {
    dir: PathBuf,
    /// "trace.sf.", or nothing if the path is a directory.
    prefix: OsString,
    /// The last second that was given away.
    last: u64,
}

/// A finished file of a series.
#[derive(Debug)]
struct Finished {
    path: PathBuf,
    second: u64,
    size: u64,
    modified: SystemTime,
}

/// Whether the path names a directory: it ends with a slash.
pub(super) fn is_dir(path: &Path) -> bool {
    path.as_os_str().as_bytes().ends_with(b"/")
}

/// A name with something behind it.
fn with(name: &Path, suffix: &str) -> PathBuf {
    let mut name = name.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The counters beside a file.
pub(super) fn stats_of(file: &Path) -> PathBuf {
    with(file, ".stats.json")
}

impl Series {
    /// The series that a path stands for.
    pub(super) fn new(path: &Path) -> Self {
        if is_dir(path) {
            return Self { dir: path.to_owned(), prefix: OsString::new(), last: 0 };
        }
        let mut prefix = path.file_name().unwrap_or_default().to_owned();
        prefix.push(".");
        let dir = path.parent().unwrap_or(Path::new("")).to_owned();
        Self { dir, prefix, last: 0 }
    }

    /// The name of the file that begins now: one that no file has, so that
    /// none is overwritten, and that sorts behind those before it.
    pub(super) fn next(&mut self, now: u64) -> PathBuf {
        let mut second = now.max(self.last + 1);
        while self.name(second).symlink_metadata().is_ok() {
            second += 1;
        }
        self.last = second;
        self.name(second)
    }

    fn name(&self, second: u64) -> PathBuf {
        let mut name = self.prefix.clone();
        name.push(second.to_string());
        self.dir.join(name)
    }

    /// The directory, as it can be opened.
    fn dir(&self) -> &Path {
        if self.dir.as_os_str().is_empty() { Path::new(".") } else { &self.dir }
    }

    /// The second of a file of this series: what is left of its name between
    /// `before` and `after`.
    fn second(&self, name: &OsStr, before: &str, after: &str) -> Option<u64> {
        let rest = name.as_bytes().strip_prefix(before.as_bytes())?;
        let rest = rest.strip_prefix(self.prefix.as_bytes())?;
        let digits = rest.strip_suffix(after.as_bytes())?;
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        std::str::from_utf8(digits).ok()?.parse().ok()
    }

    /// Gives what interrupted captures left another name, under which it is
    /// kept as long as the other files. Returns those names.
    pub(super) fn set_aside(&self) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.dir())? {
            let name = entry?.file_name();
            let Some(second) = self.second(&name, ".", ".partial") else { continue };
            let partial = self.dir.join(&name);
            // A capture that goes on holds a lock on its file.
            let Ok(file) = File::open(&partial) else { continue };
            if file.try_lock().is_err() {
                continue;
            }
            let aside = with(&self.name(second), ".interrupted");
            fs::rename(&partial, &aside)?;
            found.push(aside);
        }
        Ok(found)
    }

    /// Removes what need not be kept. Returns how many files.
    pub(super) fn tidy(&self, keep: Keep, now: SystemTime) -> io::Result<u64> {
        if keep.anything() {
            return Ok(0);
        }
        let mut files = self.finished()?;
        files.sort_by(|a, b| (a.second, &a.path).cmp(&(b.second, &b.path)));
        let mut left: u64 = files.iter().map(|file| file.size).sum();
        let mut removed = 0;
        for file in files {
            let age = now.duration_since(file.modified).unwrap_or_default();
            let old = keep.age.is_some_and(|limit| age > limit);
            if !old && keep.size.is_none_or(|limit| left <= limit) {
                continue;
            }
            fs::remove_file(&file.path)?;
            let _ = fs::remove_file(stats_of(&file.path));
            left -= file.size;
            removed += 1;
        }
        Ok(removed)
    }

    fn finished(&self) -> io::Result<Vec<Finished>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(self.dir())? {
            let entry = entry?;
            let name = entry.file_name();
            let second =
                self.second(&name, "", "").or_else(|| self.second(&name, "", ".interrupted"));
            let Some(second) = second else { continue };
            // Not through symbolic links: those are somebody else's.
            let Ok(meta) = entry.metadata() else { continue };
            if meta.is_file() {
                let modified = meta.modified()?;
                files.push(Finished { path: entry.path(), second, size: meta.len(), modified });
            }
        }
        Ok(files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(dir: &Path, name: &str, size: usize, age: u64) {
        let path = dir.join(name);
        fs::write(&path, vec![0; size]).expect("written");
        let then = SystemTime::now() - Duration::from_secs(age);
        let file = File::options().append(true).open(path).expect("opened");
        file.set_modified(then).expect("set");
    }

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).expect("read");
        let name = |e: io::Result<fs::DirEntry>| e.expect("entry").file_name().into_string();
        let mut names: Vec<_> = entries.map(|e| name(e).expect("text")).collect();
        names.sort();
        names
    }

    #[test]
    fn names_are_those_of_the_reference_and_never_taken() {
        let dir = tempfile::tempdir().expect("directory");
        let mut series = Series::new(&dir.path().join("t.sf"));
        touch(dir.path(), "t.sf.1001", 1, 0);
        assert_eq!(series.next(1000), dir.path().join("t.sf.1000"));
        assert_eq!(series.next(1000), dir.path().join("t.sf.1002"), "1001 is there");
        assert_eq!(series.next(900), dir.path().join("t.sf.1003"), "the clock stepped back");
        let mut folder = Series::new(&dir.path().join(""));
        assert_eq!(folder.next(7), dir.path().join("7"));
    }

    #[test]
    fn the_oldest_go_first_and_nothing_else() {
        let dir = tempfile::tempdir().expect("directory");
        for (name, age) in [("t.10", 300), ("t.9", 400), ("t.11", 200), ("t.12", 100)] {
            touch(dir.path(), name, 100, age);
        }
        touch(dir.path(), "t.9.stats.json", 5, 400);
        touch(dir.path(), "t.8.interrupted", 50, 500);
        for other in ["t", "t.", "t.x", "u.1", ".t.13.partial", "t.1.gz"] {
            touch(dir.path(), other, 1000, 9999);
        }
        let others = [".t.13.partial", "t", "t.", "t.1.gz", "t.x", "u.1"];
        let series = Series::new(&dir.path().join("t"));
        let now = SystemTime::now();
        assert_eq!(series.tidy(Keep::default(), now).expect("nothing to do"), 0);
        let size = Keep { size: Some(300), age: None };
        assert_eq!(series.tidy(size, now).expect("tidied"), 2);
        let left: Vec<_> =
            names(dir.path()).into_iter().filter(|n| !others.contains(&&**n)).collect();
        assert_eq!(left, ["t.10", "t.11", "t.12"]);
        let age = Keep { age: Some(Duration::from_secs(150)), size: None };
        assert_eq!(series.tidy(age, now).expect("tidied"), 2);
        let left: Vec<_> =
            names(dir.path()).into_iter().filter(|n| !others.contains(&&**n)).collect();
        assert_eq!(left, ["t.12"]);
        assert_eq!(names(dir.path()).len(), 1 + others.len());
    }

    #[test]
    fn what_was_interrupted_is_kept_under_another_name() {
        let dir = tempfile::tempdir().expect("directory");
        touch(dir.path(), ".t.5.partial", 1, 0);
        touch(dir.path(), ".t.6.partial", 1, 0);
        let grows = File::open(dir.path().join(".t.6.partial")).expect("opened");
        grows.lock().expect("locked");
        let series = Series::new(&dir.path().join("t"));
        assert_eq!(series.set_aside().expect("done"), [dir.path().join("t.5.interrupted")]);
        assert_eq!(names(dir.path()), [".t.6.partial", "t.5.interrupted"]);
    }
}

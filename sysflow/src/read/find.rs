// SPDX-License-Identifier: Apache-2.0
//! The traces in a directory.

use std::cmp::Ordering;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::{Error, Problem};

/// The traces that `path` stands for: itself, or what is in it if it is a directory.
///
/// A directory is not searched recursively. Its traces are the files named `*.sf` and those that
/// begin like a container file, whatever their names; hidden files, among them those that a capture
/// is still writing, are left out. They come in the order of their times, and by name where those
/// are equal. The time is the last number in the file name that can be one, which is how captures
/// name the files of a series: 10 digits are seconds since the Unix epoch, 13 milliseconds,
/// 16 microseconds, 19 nanoseconds. A file without such a number has its time of modification.
///
/// # Errors
/// [`Problem::Open`] if the directory cannot be read. A path that does not exist is left to
/// [`Reader::open`](super::Reader::open), which knows how to explain it.
pub fn find(path: impl AsRef<Path>) -> Result<Vec<PathBuf>, Error> {
    let path = path.as_ref();
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = list(path).map_err(|source| Error {
        path: path.to_owned(),
        offset: 0,
        records: 0,
        problem: Problem::Open(source),
    })?;
    found.sort_by(|a, b| match a.0.cmp(&b.0) {
        Ordering::Equal => a.1.cmp(&b.1),
        order => order,
    });
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// The traces with their times in nanoseconds.
fn list(dir: &Path) -> io::Result<Vec<(u128, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let (name, path) = (entry.file_name(), entry.path());
        let name = name.to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        match fs::metadata(&path) {
            Ok(meta) if meta.is_file() && (name.ends_with(".sf") || begins_like_one(&path)) => {
                let modified = || meta.modified().ok()?.duration_since(UNIX_EPOCH).ok();
                let time = time_in(&name).or(modified().map(|time| time.as_nanos()));
                found.push((time.unwrap_or(0), path));
            }
            // Gone since, or a dangling link.
            _ => {}
        }
    }
    Ok(found)
}

fn begins_like_one(path: &Path) -> bool {
    let mut magic = [0; 4];
    File::open(path).and_then(|mut file| file.read_exact(&mut magic)).is_ok()
        && magic == *b"Obj\x01"
}

/// The last number in `name` that can be a time, in nanoseconds.
fn time_in(name: &str) -> Option<u128> {
    let numbers = name.split(|c: char| !c.is_ascii_digit());
    let time = |digits: &str| {
        let unit = match digits.len() {
            10 => 1_000_000_000,
            13 => 1_000_000,
            16 => 1000,
            19 => 1,
            _ => return None,
        };
        Some(digits.parse::<u128>().ok()? * unit)
    };
    numbers.filter_map(time).next_back()
}

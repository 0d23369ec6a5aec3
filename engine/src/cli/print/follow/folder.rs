// SPDX-License-Identifier: Apache-2.0
//! Which files of a directory are traces that are to be followed.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::inotify::{AddWatchFlags, InotifyEvent};
use sysflow::read::find;

use super::tail::Shared;

/// A trace to read.
pub(super) struct Start {
    pub(super) path: PathBuf,
    /// None if it is opened when its turn comes.
    pub(super) file: Option<File>,
    /// Its number among the files followed.
    pub(super) id: usize,
    /// Whether it does not grow.
    pub(super) complete: bool,
}

/// What happened to a file.
pub(super) struct Change {
    name: OsString,
    mask: AddWatchFlags,
    /// Connects the two names of a file that is renamed.
    cookie: u32,
}

impl From<&InotifyEvent> for Change {
    fn from(event: &InotifyEvent) -> Self {
        let name = event.name.clone().unwrap_or_default();
        Self { name, mask: event.mask, cookie: event.cookie }
    }
}

/// What is known of a name in the directory.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    /// A trace that is or was read.
    Trace(usize),
    /// No trace.
    Other,
}

/// A directory, or one file in it.
pub(super) struct Folder {
    dir: PathBuf,
    /// The only file that is followed.
    only: Option<OsString>,
    names: HashMap<OsString, Known>,
    /// The number and cookie of the file renamed last.
    renamed: Option<(u32, usize)>,
    gone: bool,
}

impl Folder {
    pub(super) fn of(path: &Path) -> Self {
        let whole = path.is_dir();
        let parent = || match path.parent() {
            Some(dir) if !dir.as_os_str().is_empty() => dir.to_owned(),
            _ => PathBuf::from("."),
        };
        Self {
            dir: if whole { path.to_owned() } else { parent() },
            only: if whole { None } else { path.file_name().map(OsStr::to_owned) },
            names: HashMap::new(),
            renamed: None,
            gone: false,
        }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether something may still come: of a directory always, of a file until it has.
    pub(super) fn waits(&self) -> bool {
        !self.gone && (self.only.is_none() || self.names.is_empty())
    }

    /// What is there and not known yet.
    pub(super) fn scan(&mut self, shared: &Shared) -> io::Result<Vec<Start>> {
        let mut traces = Vec::new();
        match &self.only {
            Some(name) => {
                traces.extend([name.clone(), partial_of(name)].map(|name| self.dir.join(name)));
                traces.retain(|path| path.exists());
                traces.truncate(1);
            }
            None => {
                let found = find(&self.dir).map_err(|error| io::Error::other(error.to_string()))?;
                traces.extend(found);
                // Those of a writer without partial files may still grow: the newest, and what was
                // written to of late.
                let newest = traces.pop();
                let (fresh, traces): (Vec<_>, Vec<_>) =
                    traces.into_iter().partition(|path| is_fresh(path));
                let complete: Vec<_> = self.take(traces, true, shared);
                let partial = fs::read_dir(&self.dir)?.filter_map(|entry| Some(entry.ok()?.path()));
                let growing: Vec<_> = Vec::into_iter(fresh)
                    .chain(newest)
                    .chain(
                        partial
                            .filter(|path| is_partial(name(path)) && is_trace(path) == Some(true)),
                    )
                    .collect();
                let growing = self.take(growing, false, shared);
                return Ok(complete.into_iter().chain(growing).collect());
            }
        }
        Ok(self.take(traces, false, shared))
    }

    fn take(&mut self, paths: Vec<PathBuf>, complete: bool, shared: &Shared) -> Vec<Start> {
        let start = |path: PathBuf| {
            let name = name(&path).to_owned();
            if self.names.contains_key(&name) {
                return None;
            }
            // What may be renamed is opened now.
            let file = if complete { None } else { File::open(&path).ok() };
            let id = shared.add(complete);
            self.names.insert(name, Known::Trace(id));
            Some(Start { path, file, id, complete })
        };
        paths.into_iter().filter_map(start).collect()
    }

    /// Takes note of a change. Returns a trace that it began.
    pub(super) fn change(&mut self, change: &Change, shared: &Shared) -> Option<Start> {
        let Change { name, mask, cookie } = change;
        let is = |flags: AddWatchFlags| mask.intersects(flags);
        if is(AddWatchFlags::IN_DELETE_SELF
            | AddWatchFlags::IN_MOVE_SELF
            | AddWatchFlags::IN_IGNORED)
        {
            self.gone = true;
            for known in self.names.values() {
                complete(*known, shared);
            }
            return None;
        }
        let known = self.names.get(name).copied();
        if is(AddWatchFlags::IN_DELETE | AddWatchFlags::IN_MOVED_FROM) {
            let known = known?;
            complete(known, shared);
            // A file that was waited for does not come back.
            if self.only.is_none() || is(AddWatchFlags::IN_MOVED_FROM) {
                self.names.remove(name);
            }
            if let (Known::Trace(id), true) = (known, is(AddWatchFlags::IN_MOVED_FROM)) {
                self.renamed = Some((*cookie, id));
            }
            return None;
        }
        if is(AddWatchFlags::IN_MOVED_TO) {
            return self.arrived(name, *cookie, shared);
        }
        match known {
            Some(Known::Trace(id)) => {
                // In a directory, a writer that closes a file is done with it; a file that is
                // followed alone may be written to again.
                if is(AddWatchFlags::IN_CLOSE_WRITE) && self.only.is_none() {
                    shared.complete(id);
                } else {
                    shared.changed(id);
                }
                None
            }
            Some(Known::Other) => None,
            None => self.begin(name, is(AddWatchFlags::IN_CLOSE_WRITE), shared),
        }
    }

    /// A file got this name.
    fn arrived(&mut self, name: &OsStr, cookie: u32, shared: &Shared) -> Option<Start> {
        if let Some(known) = self.names.remove(name) {
            complete(known, shared); // replaced
        }
        if let Some((from, id)) = self.renamed.take()
            && from == cookie
        {
            // It was read under its former name. A file alone may be back under that.
            if self.only.as_deref().is_none_or(|only| only == name) {
                self.names.insert(name.to_owned(), Known::Trace(id));
            }
            return None;
        }
        self.begin(name, true, shared)
    }

    /// A name that was not known: follows it if it is a trace.
    fn begin(&mut self, name: &OsStr, written: bool, shared: &Shared) -> Option<Start> {
        let path = self.dir.join(name);
        let wanted = match &self.only {
            Some(only) => *name == **only || *name == *partial_of(only),
            None => match is_trace(&path) {
                Some(wanted) => wanted,
                None if written => false,
                None => return None, // too short to tell
            },
        };
        if !wanted {
            if self.only.is_none() {
                self.names.insert(name.to_owned(), Known::Other);
            }
            return None;
        }
        let complete = written && self.only.is_none();
        let mut start = self.take(vec![path], complete, shared).pop()?;
        if start.file.is_none() {
            start.file = File::open(&start.path).ok();
        }
        Some(start)
    }
}

fn complete(known: Known, shared: &Shared) {
    if let Known::Trace(id) = known {
        shared.complete(id);
    }
}

fn name(path: &Path) -> &OsStr {
    path.file_name().unwrap_or_default()
}

/// The name of a file while a capture writes it.
fn partial_of(name: &OsStr) -> OsString {
    let mut partial = OsString::from(".");
    partial.push(name);
    partial.push(".partial");
    partial
}

/// Whether a capture may be writing a trace under this name. Output of this program has such names
/// as well, but is no trace.
fn is_partial(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.starts_with(b".") && name.ends_with(b".partial")
}

/// A trace that was written to this recently may still be written to. Collectors write at least
/// when they begin the next file, which is after five minutes by default.
const FRESH: Duration = Duration::from_secs(600);

fn is_fresh(path: &Path) -> bool {
    let modified = fs::metadata(path).and_then(|meta| meta.modified());
    modified.is_ok_and(|modified| modified.elapsed().is_ok_and(|age| age < FRESH))
}

/// Whether the file is a trace by its name or first bytes; none if it has too few of them.
fn is_trace(path: &Path) -> Option<bool> {
    let name = name(path);
    let bytes = name.as_encoded_bytes();
    if bytes.starts_with(b".") && !is_partial(name) {
        return Some(false);
    }
    if bytes.ends_with(b".sf") {
        return Some(true);
    }
    let mut magic = [0; 4];
    let file = File::open(path).ok().filter(|_| path.is_file());
    match file {
        None => Some(false),
        Some(file) => file.read_exact_at(&mut magic, 0).is_ok().then(|| magic == *b"Obj\x01"),
    }
}

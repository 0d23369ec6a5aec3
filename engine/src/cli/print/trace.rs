// SPDX-License-Identifier: Apache-2.0
//! Traces into the sink.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use sysflow::read::{Error, Reader, find};
use sysflow::resolve::Events;

use super::progress::{Counted, Progress};
use super::sink::{Access, Sink};

/// Bytes read at a time.
pub(super) const BUFFER: usize = 64 * 1024;

/// Prints all traces that the paths stand for, one after the other. The error is that of the output;
/// traces that cannot be read to their end are named on standard error.
pub(super) fn all(paths: &[PathBuf], skip_damaged: bool, sink: &mut Sink) -> io::Result<()> {
    let mut traces = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            traces.push(path.clone());
            continue;
        }
        match find(path) {
            Ok(found) if found.is_empty() => sink.complain(&format!("no traces in {path:?}"))?,
            Ok(found) => traces.extend(found),
            Err(error) => sink.complain(&error.to_string())?,
        }
    }
    sink.progress.expect(&traces);
    for trace in &traces {
        if trace.as_os_str() == "-" {
            let input = BufReader::with_capacity(BUFFER, sink.progress.count(io::stdin()));
            one(Reader::new(input, "standard input"), skip_damaged, &mut *sink)?;
        } else {
            one(open(trace, &sink.progress), skip_damaged, &mut *sink)?;
        }
    }
    Ok(())
}

fn open(path: &Path, progress: &Progress) -> Result<Reader<BufReader<Counted<File>>>, Error> {
    match File::open(path) {
        Ok(file) => Reader::new(BufReader::with_capacity(BUFFER, progress.count(file)), path),
        Err(_) => Err(why(path)),
    }
}

/// Why a trace cannot be opened, as the reader explains it.
pub(super) fn why(path: &Path) -> Error {
    match Reader::open(path) {
        Err(error) => error,
        // It is there after all.
        Ok(_) => Error {
            path: path.to_owned(),
            offset: 0,
            records: 0,
            problem: sysflow::read::Problem::Open(io::ErrorKind::Interrupted.into()),
        },
    }
}

/// Prints one trace. The error is that of the output.
pub(super) fn one<R: BufRead>(
    reader: Result<Reader<R>, Error>,
    skip_damaged: bool,
    mut sink: impl Access,
) -> io::Result<()> {
    let mut events = match reader {
        Ok(reader) => Events::new(reader),
        Err(_) if sink.is_stopped() => return Ok(()),
        Err(error) => return sink.with(|sink| sink.complain(&error.to_string())),
    };
    sink.with(|sink| sink.opened = true);
    let mut last = 0;
    loop {
        match events.next_event() {
            Ok(Some(event)) => sink.with(|sink| sink.event(&event))?,
            Ok(None) => break,
            Err(_) if sink.is_stopped() => break,
            Err(error) => {
                sink.with(|sink| sink.complain(&error.to_string()))?;
                if !skip_damaged || !skip(&mut events, &mut sink)? {
                    break;
                }
            }
        }
        let records = events.reader().records();
        if records - last >= 1024 {
            sink.with(|sink| sink.progress.add(records - last));
            last = records;
        }
    }
    let rest = events.reader().records() - last;
    sink.with(|sink| {
        sink.progress.add(rest);
        sink.end_trace(&events)
    })
}

/// Goes on behind damage. Returns whether that is possible.
fn skip<R: BufRead>(events: &mut Events<R>, sink: &mut impl Access) -> io::Result<bool> {
    match events.resume() {
        Ok(Some(gap)) => {
            let path = events.reader().path();
            sink.with(|sink| sink.complain(&format!("{path:?}: {gap}")))?;
            Ok(true)
        }
        Ok(None) => Ok(false),
        Err(error) => sink.with(|sink| sink.complain(&error.to_string())).map(|()| false),
    }
}

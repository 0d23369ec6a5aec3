// SPDX-License-Identifier: Apache-2.0
//! The files that a conversion writes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::sink::{FileSink, Sink};
use sysflow::encode::Encode;
use sysflow::record::Header;
use sysflow::schema::Version;
use sysflow::write::{self, Error, OutputFile};

use crate::cli::args::Args;
use crate::cli::settings::Config;

const SECOND: u64 = 1_000_000_000;

/// Writes one file, or a series of them. A file begins with the first event that belongs to it: its
/// time is in the names of a series.
pub(super) struct Output {
    path: PathBuf,
    exporter: Option<String>,
    ip: String,
    schema: Version,
    /// Length of a file in the capture's time, ns.
    rotation: Option<u64>,
    file: Option<FileSink>,
    /// From this time on, a new file.
    next_file: u64,
    finished: Vec<write::Summary>,
}

impl Output {
    pub(super) fn new(
        args: &Args,
        config: &Config,
        path: PathBuf,
        every: Option<Duration>,
    ) -> Self {
        // The reference does not rotate when it reads a capture.
        let rotation = every.filter(|_| !args.compat);
        Self {
            path,
            exporter: config.exporter.clone(),
            ip: config.node_ip.clone(),
            schema: config.schema,
            rotation: rotation.map(|every| every.as_secs().max(1).saturating_mul(SECOND)),
            file: None,
            next_file: 0,
            finished: Vec::new(),
        }
    }

    /// Events of this time and later need [`Output::begin`].
    #[inline]
    pub(super) fn next_file(&self) -> u64 {
        self.next_file
    }

    /// The host that was captured; the first one counts. It is the exporter if no other is named.
    pub(super) fn came_from(&mut self, host: &[u8]) {
        if self.exporter.is_none() && !host.is_empty() {
            self.exporter = Some(String::from_utf8_lossy(host).into_owned());
        }
    }

    /// Whether there is a file.
    pub(super) fn begun(&self) -> bool {
        self.file.is_some()
    }

    /// Begins a file at this time, and ends the one before it. Returns whether there was one.
    pub(super) fn begin(&mut self, ts: u64) -> Result<bool, Error> {
        let second = ts / SECOND;
        self.next_file = match self.rotation {
            Some(length) => (second * SECOND).saturating_add(length),
            None => u64::MAX,
        };
        if self.file.is_some() && self.rotation.is_none() {
            return Ok(false);
        }
        let continues = self.file.is_some();
        self.end_file()?;
        let path = self.name(second);
        let header = Header {
            version: self.schema.number(),
            exporter: self.exporter.get_or_insert_with(own_name).clone(),
            ip: self.ip.clone(),
            filename: path.to_string_lossy().into_owned(),
        };
        let options = write::Options { schema: self.schema, ..write::Options::default() };
        let file = OutputFile::create(&path, options)?;
        if let Some(old) = file.interrupted() {
            eprintln!("an interrupted capture was kept as {}", old.display());
        }
        self.file = Some(FileSink::new(file, &header)?);
        Ok(continues)
    }

    /// The name of the file that begins at this second. That of a folder is told by the slash at
    /// its end, as with the reference.
    fn name(&self, second: u64) -> PathBuf {
        let base = self.path.as_os_str();
        let folder = is_folder(&self.path);
        if !folder && self.rotation.is_none() {
            return self.path.clone();
        }
        let mut name = base.to_owned();
        name.push(if folder { "" } else { "." });
        name.push(second.to_string());
        name.into()
    }

    fn end_file(&mut self) -> Result<(), Error> {
        if let Some(file) = self.file.take() {
            self.finished.push(file.into_file().finish()?);
        }
        Ok(())
    }

    /// The first error since the last call.
    pub(super) fn take_trouble(&mut self) -> Option<Error> {
        self.file.as_mut().and_then(FileSink::take_trouble)
    }

    /// Ends the last file. All files.
    pub(super) fn finish(&mut self) -> Result<Vec<write::Summary>, Error> {
        self.end_file()?;
        Ok(std::mem::take(&mut self.finished))
    }
}

/// Whether the path ends with a slash.
fn is_folder(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(b"/")
}

/// The exporter of a capture that does not tell its host.
fn own_name() -> String {
    nix::unistd::gethostname().map_or(String::new(), |name| name.to_string_lossy().into_owned())
}

impl Sink for Output {
    #[inline]
    fn put(&mut self, record: impl Encode) {
        // Records are made by events, and a file begins before an event.
        if let Some(file) = &mut self.file {
            file.put(record);
        }
    }
}

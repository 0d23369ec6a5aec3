// SPDX-License-Identifier: Apache-2.0
//! Rules of the reference that no capture at hand shows, as small stories.

mod descriptors;
mod identity;
mod names;
mod sockets;
mod switches;
mod versions;

use capture_writer::lists::Process as Listed;
use capture_writer::{Scenario, Values};
use engine::scap::Options;
use engine::scap::file::Reader;
use sysflow::record::{FileEvent, FileFlow, Foid, NetworkFlow, Process, ProcessEvent, Record};

use super::convert::{Converted, convert};

/// When the stories begin, ns.
pub(crate) const START: u64 = 1_700_000_000_000_000_000;

/// init, and a shell below it.
pub(crate) fn story() -> (Scenario, Listed) {
    let mut story = Scenario::new(START);
    let shell = Listed { cwd: "/home/".to_owned(), ..Listed::new(100, 1, "/bin/sh") };
    story.thread(Listed::new(1, 0, "/sbin/init")).thread(shell.clone());
    (story, shell)
}

pub(crate) fn told(story: Scenario) -> Converted {
    told_with(story, &Options::default())
}

pub(crate) fn told_with(story: Scenario, options: &Options) -> Converted {
    let bytes = std::io::Cursor::new(story.finish());
    convert(Reader::new(bytes, "story").expect("a capture"), options)
}

/// No parameters.
pub(crate) fn none() -> Values {
    Values::new()
}

macro_rules! pick {
    ($($name:ident = $kind:ident;)+) => {$(
        pub(crate) fn $name(&self) -> Vec<$kind> {
            let all = self.records.iter();
            all.filter_map(|r| if let Record::$kind(r) = r { Some(r.clone()) } else { None })
                .collect()
        }
    )+};
}

impl Converted {
    pick! {
        file_flows = FileFlow;
        network_flows = NetworkFlow;
        file_events = FileEvent;
        process_events = ProcessEvent;
        processes = Process;
    }

    pub(crate) fn path(&self, foid: Foid) -> &str {
        let found = self.records.iter().find_map(|r| match r {
            Record::File(file) if file.oid == foid => Some(file.path.as_str()),
            _ => None,
        });
        found.expect("a file is written before what refers to it")
    }

    /// Paths of file flows with their operations and descriptor.
    pub(crate) fn flows(&self) -> Vec<(String, i32, i32)> {
        let flows = self.file_flows();
        flows.iter().map(|f| (self.path(f.file_oid).to_owned(), f.fd, f.op_flags.bits())).collect()
    }
}

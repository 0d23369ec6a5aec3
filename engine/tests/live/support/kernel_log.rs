// SPDX-License-Identifier: Apache-2.0
//! The kernel's log from a moment on.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;

/// What a sound driver never makes the kernel say.
const ALARMS: [&str; 10] = [
    "WARNING:",
    "BUG:",
    "Oops",
    "Call Trace",
    "general protection",
    "rcu_sched",
    "rcu_preempt",
    "blocked for more than",
    "lockdep",
    "Kernel panic",
];

/// The log from the moment it was made.
pub(crate) struct KernelLog(File);

impl KernelLog {
    pub(crate) fn from_now() -> Self {
        let mut options = File::options();
        options.read(true).custom_flags(libc::O_NONBLOCK);
        let mut log = options.open("/dev/kmsg").expect("/dev/kmsg");
        log.seek(SeekFrom::End(0)).expect("end of the kernel log");
        Self(log)
    }

    /// Checks that there was no alarm since.
    pub(crate) fn assert_clean(&mut self) {
        let mut alarms = Vec::new();
        let mut record = [0; 8192];
        loop {
            match self.0.read(&mut record) {
                Ok(0) => break,
                Ok(n) => {
                    let line = String::from_utf8_lossy(&record[..n]).into_owned();
                    if ALARMS.iter().any(|alarm| line.contains(alarm)) {
                        alarms.push(line);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // Records that were overwritten before they were read.
                Err(error) if error.raw_os_error() == Some(libc::EPIPE) => {}
                Err(error) => panic!("/dev/kmsg: {error}"),
            }
        }
        assert!(alarms.is_empty(), "the kernel log has\n{}", alarms.concat());
    }
}

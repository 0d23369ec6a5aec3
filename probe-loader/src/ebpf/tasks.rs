// SPDX-License-Identifier: Apache-2.0
//! All processes of the host, told by the kernel's iterator of tasks
//! (`driver/bpf/tasks.bpf.c`): what /proc has of them, without its text. Works
//! beside either driver, since nothing is attached to anything.
//!
//! ```text
//! Tasks::open ── pass() ── Pass::next() ── Batch: Task, Task, ...
//! ```
//!
//! Needs Linux 5.18: iterators that may wait, and reading the memory of another
//! task.

mod record;

use std::io::{self, Read as _};

use libbpf_rs::{Iter, Link, Object, ObjectBuilder};

use super::{Aligned, log};
pub use record::{Batch, Damaged, Task};

static OBJECT: &Aligned<[u8]> = &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/tasks.bpf.o")));

/// The program of the object.
const PROGRAM: &str = "sf_task_tell";

/// What the kernel gives with one call at most: eight pages (`bpf_seq_read` of
/// `kernel/bpf/bpf_iter.c`).
const BUFFER: usize = 8 * 4096;

/// Why the kernel does not tell its tasks.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What eBPF needs is missing.
    #[error(transparent)]
    Missing(#[from] super::Error),
    /// The kernel has no such iterator, or refuses the program.
    #[error("the kernel does not take the iterator of tasks: {reason}")]
    Refused {
        /// libbpf's error.
        reason: String,
        /// What libbpf and the verifier said.
        log: String,
    },
}

/// The iterator, loaded. What it holds open works on when the process has given
/// up its capabilities (from Linux 5.19 on).
#[derive(Debug)]
pub struct Tasks {
    // Dropped first.
    link: Link,
    _object: Object,
    buffer: Vec<u8>,
}

impl Tasks {
    /// Loads the iterator.
    ///
    /// # Errors
    /// Where the process may not use eBPF, or the kernel has no such iterator.
    pub fn open() -> Result<Self, Error> {
        if OBJECT.0.is_empty() {
            return Err(super::Error::Machine.into());
        }
        super::kernel::check_privileges()?;
        let log = log::Capture::start();
        let refused = |error: libbpf_rs::Error| Error::Refused {
            reason: format!("{error:#}"),
            log: log.text(),
        };
        let object = ObjectBuilder::default()
            .name("sysflow_tasks")
            .and_then(|builder| builder.open_memory(&OBJECT.0))
            .and_then(libbpf_rs::OpenObject::load)
            .map_err(refused)?;
        let link = object
            .progs_mut()
            .find(|program| program.name() == PROGRAM)
            .ok_or(super::Error::Object(PROGRAM))?
            .attach()
            .map_err(refused)?;
        Ok(Self { link, _object: object, buffer: vec![0; BUFFER] })
    }

    /// Begins a pass over all tasks. One at a time: the program has memory for
    /// one reader.
    ///
    /// # Errors
    /// What the kernel says: `EPERM` on Linux 5.18 without `CAP_BPF`.
    pub fn pass(&mut self) -> io::Result<Pass<'_>> {
        let iter = Iter::new(&self.link).map_err(|error| {
            io::Error::new(io::ErrorKind::PermissionDenied, format!("{error:#}"))
        })?;
        Ok(Pass { iter, buffer: &mut self.buffer })
    }
}

/// A pass over all tasks. Processes that live throughout are all told; of one
/// that begins or ends meanwhile this is not said.
#[derive(Debug)]
pub struct Pass<'a> {
    iter: Iter,
    buffer: &'a mut Vec<u8>,
}

impl Pass<'_> {
    /// The next processes; none when all were told.
    ///
    /// # Errors
    /// What the kernel says; the pass cannot go on then.
    pub fn next_batch(&mut self) -> io::Result<Option<Batch<'_>>> {
        let len = loop {
            match self.iter.read(self.buffer) {
                // A million tasks in a row were threads: the kernel takes a breath.
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                    ) => {}
                other => break other?,
            }
        };
        Ok((len > 0).then(|| Batch::new(&self.buffer[..len])))
    }
}

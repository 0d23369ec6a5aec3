// SPDX-License-Identifier: Apache-2.0
//! The thread that packs and writes a recording.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crossbeam::queue::ArrayQueue;
use sysflow::write::{Error, NamedFile};

use super::block::Packer;

/// Between two attempts at what failed.
const RETRY: Duration = Duration::from_secs(1);

/// What the capture and the thread have in common. Bounded, without locks; the
/// capture never waits.
pub(super) struct Shared {
    /// Bodies of blocks on their way to the file.
    pub(super) full: ArrayQueue<Vec<u8>>,
    /// Memory of those that are written.
    pub(super) free: ArrayQueue<Vec<u8>>,
    /// Bytes of the file.
    pub(super) bytes: AtomicU64,
    /// Nothing comes any more. Set after the last body was added.
    pub(super) ended: AtomicBool,
    /// What was begun is to be removed.
    pub(super) discard: AtomicBool,
}

impl Shared {
    pub(super) fn new(slots: usize) -> Self {
        Self {
            full: ArrayQueue::new(slots),
            free: ArrayQueue::new(slots),
            bytes: AtomicU64::new(0),
            ended: AtomicBool::new(false),
            discard: AtomicBool::new(false),
        }
    }
}

/// Writes until the capture is over. What it returns was told already, unless
/// it comes from the end itself.
pub(super) fn work(mut file: NamedFile, mut packer: Packer, shared: &Shared) -> Result<(), Error> {
    let mut failed = None;
    loop {
        // In this order: what is seen to have ended is complete.
        let ended = shared.ended.load(Ordering::Acquire);
        match shared.full.pop() {
            Some(mut body) => {
                if failed.is_none() {
                    failed = store(&mut file, &mut packer, &body, shared).err();
                }
                body.clear();
                let _ = shared.free.push(body);
            }
            None if ended => break,
            None => std::thread::park_timeout(Duration::from_secs(3600)),
        }
    }
    if shared.discard.load(Ordering::Acquire) {
        return file.discard();
    }
    file.finish()?;
    failed.map_or(Ok(()), Err)
}

/// Packs and writes a block, however long it takes; but when the capture is
/// over, what fails is not tried again.
fn store(
    file: &mut NamedFile,
    packer: &mut Packer,
    body: &[u8],
    shared: &Shared,
) -> Result<(), Error> {
    let block = match packer.block(body) {
        Ok(block) => block,
        Err(source) => {
            return Err(Error::Io { action: "pack", path: file.path().to_owned(), source });
        }
    };
    let mut told = false;
    loop {
        let ended = shared.ended.load(Ordering::Acquire);
        match file.write(block) {
            Ok(()) => break,
            Err(error) if ended => return Err(error),
            Err(error) => {
                if !std::mem::replace(&mut told, true) {
                    log::error!("{error}");
                }
                std::thread::park_timeout(RETRY);
            }
        }
    }
    if told {
        log::warn!("the recording can be written again");
    }
    shared.bytes.store(file.bytes(), Ordering::Relaxed);
    Ok(())
}

// SPDX-License-Identifier: Apache-2.0
//! How the programs wake the reader: a small ring buffer map per CPU, in which
//! an entry means nothing but that it came.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use libbpf_rs::{MapCore, MapFlags, MapHandle, MapType, Object, RingBuffer, RingBufferBuilder};

use super::{Error, object_map};

/// Bytes of a bell: one page, the least that the kernel takes.
const SIZE: u32 = 4096;

pub(super) struct Bells {
    /// Waits on all of them.
    all: RingBuffer<'static>,
    bells: Vec<MapHandle>,
    /// The programs' way to them.
    outer: MapHandle,
}

impl Bells {
    /// Makes a bell for each CPU and gives them to the programs.
    pub(super) fn hang(object: &Object, cpus: u32) -> Result<Self, Error> {
        let failed = |error| Error::libbpf("make the wake-up maps", &error);
        let outer = MapHandle::try_from(&object_map(object, "bells")?).map_err(failed)?;
        let mut bells = Vec::new();
        for cpu in 0..cpus {
            let bell = create().map_err(failed)?;
            update(&outer, cpu, &bell).map_err(failed)?;
            bells.push(bell);
        }
        let mut builder = RingBufferBuilder::new();
        for bell in &bells {
            builder.add(bell, |_| 0).map_err(failed)?;
        }
        let all = builder.build().map_err(failed)?;
        Ok(Self { all, bells, outer })
    }

    /// Readable while a bell rang and was not acknowledged.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the descriptor belongs to `all`, which the borrow keeps.
        unsafe { BorrowedFd::borrow_raw(self.all.epoll_fd()) }
    }

    /// Takes note of every ring.
    pub(super) fn acknowledge(&mut self) {
        // The callback cannot fail, so neither can this.
        let _ = self.all.consume();
    }

    /// Returns when every program has ended that ran when this was called and
    /// that the kernel does not run preemptible: an update of a map of maps
    /// waits for them, so that nobody uses the old inner map.
    pub(super) fn wait_for_programs(&self) -> Result<(), Error> {
        let Some(bell) = self.bells.first() else { return Ok(()) };
        update(&self.outer, 0, bell)
            .map_err(|error| Error::libbpf("wait for running programs", &error))
    }
}

fn create() -> libbpf_rs::Result<MapHandle> {
    let opts = libbpf_sys::bpf_map_create_opts {
        sz: size_of::<libbpf_sys::bpf_map_create_opts>() as libbpf_sys::size_t,
        ..Default::default()
    };
    MapHandle::create(MapType::RingBuf, Some("sf_bell"), 0, 0, SIZE, &opts)
}

fn update(outer: &dyn MapCore, cpu: u32, bell: &MapHandle) -> libbpf_rs::Result<()> {
    let fd = bell.as_fd().as_raw_fd();
    outer.update(&cpu.to_ne_bytes(), &fd.to_ne_bytes(), MapFlags::ANY)
}

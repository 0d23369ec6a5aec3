// SPDX-License-Identifier: Apache-2.0
//! What this host has to capture with, looked up without changing anything.

use std::path::PathBuf;

use crate::driver::Kind;
use crate::kmod::{self, module};
use crate::{ebpf, kmod::can_build};

/// State of the kernel module.
#[derive(Debug)]
pub struct Module {
    /// It is in the kernel.
    pub loaded: bool,
    /// Whether this process could load one.
    pub loadable: Result<(), kmod::Error>,
    /// One that fits the running kernel.
    pub found: Result<PathBuf, kmod::Error>,
    /// Whether one could be built.
    pub buildable: Result<(), kmod::Error>,
    /// The kernel takes only signed ones.
    pub needs_signature: bool,
}

/// What there is to capture with.
#[derive(Debug)]
pub struct Status {
    /// The running kernel, `uname -r`.
    pub release: String,
    /// The kernel module.
    pub module: Module,
    /// Whether the eBPF programs can be used.
    pub ebpf: Result<(), ebpf::Error>,
}

impl Status {
    /// Looks.
    #[must_use]
    pub fn look() -> Self {
        Self {
            release: module::release(),
            module: Module {
                loaded: module::loaded(),
                loadable: module::can_load(),
                found: module::find(),
                buildable: can_build(),
                needs_signature: module::needs_signature(),
            },
            ebpf: ebpf::check(),
        }
    }

    /// The driver that [`Choice::Auto`](crate::driver::Choice::Auto) would
    /// take now.
    #[must_use]
    pub fn automatic(&self) -> Option<Kind> {
        let module = &self.module;
        if module.loaded || (module.loadable.is_ok() && module.found.is_ok()) {
            Some(Kind::Kmod)
        } else {
            self.ebpf.is_ok().then_some(Kind::Ebpf)
        }
    }
}

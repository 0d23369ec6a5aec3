// SPDX-License-Identifier: Apache-2.0
//! The kernel module: its device, and ([`module`]) how it gets into the kernel.
//!
//! `driver/include/sysflow/device.h` is the interface.

mod build;
mod cache;
mod device;
pub mod module;

use std::io;
use std::path::{Path, PathBuf};

pub use build::{build, built, can_build};
pub(crate) use build::{headers, in_path, wanted_compiler};
pub(crate) use device::Kmod;

use crate::driver;

/// Why the kernel module cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process captures.
    #[error("in use by another process (one capture at a time)")]
    Busy,
    /// The device may not be opened.
    #[error("no permission to open {device}: run as root or as the owner of the device")]
    Permission {
        /// The device.
        device: &'static str,
    },
    /// The module is loaded and its device is not there.
    #[error("the module is loaded and {device} does not exist: is devtmpfs mounted on /dev?")]
    NoDevice {
        /// The device.
        device: &'static str,
    },
    /// The loaded module is of another version.
    #[error(transparent)]
    Version(Box<driver::Error>),
    /// The device refused a command.
    #[error("{what}: {source}")]
    Device {
        /// What was asked of it.
        what: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// The rings would take too much memory.
    #[error("no memory for a ring of {size} bytes on each of {cpus} CPUs: ask for smaller ones")]
    Memory {
        /// Possible CPUs.
        cpus: u32,
        /// Bytes asked for.
        size: usize,
    },
    /// The running kernel takes no modules.
    #[error("modules cannot be loaded here: {0}")]
    Unsupported(&'static str),
    /// There is no module for the running kernel.
    #[error(
        "no sysflow.ko for kernel {release}: build it with `sysflow probe load`, or set \
         SYSFLOW_MODULE to its path"
    )]
    NotFound {
        /// `uname -r`.
        release: String,
    },
    /// A file is no kernel module.
    #[error("{path}: no kernel module")]
    NoModule {
        /// The file.
        path: PathBuf,
    },
    /// A module was built for another kernel.
    #[error("{} is built for kernel {built}, and {release} runs: build it again", path.display())]
    Foreign {
        /// The module.
        path: Box<Path>,
        /// Kernel release it was built for.
        built: Box<str>,
        /// `uname -r`.
        release: Box<str>,
    },
    /// The kernel did not take the module.
    #[error("cannot load {path}: {reason}")]
    Load {
        /// The module.
        path: PathBuf,
        /// What to do about it.
        reason: String,
    },
    /// The kernel did not let the module go.
    #[error("cannot unload the module: {0}")]
    Unload(String),
    /// Something is missing that building needs.
    #[error("missing {what}: install {package}")]
    Missing {
        /// A program, or the kernel's headers.
        what: String,
        /// The package that has it, with Debian's name.
        package: String,
    },
    /// The module's sources did not build.
    #[error("the module does not build for kernel {release}, see {}:\n{tail}", log.display())]
    Build {
        /// `uname -r`.
        release: Box<str>,
        /// The whole output.
        log: Box<Path>,
        /// Its end.
        tail: Box<str>,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

/// Turns an error on `path` into ours.
fn file_error(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { path, source }
}

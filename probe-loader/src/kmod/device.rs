// SPDX-License-Identifier: Apache-2.0
//! `/dev/sysflow`, open for one capture.

use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;

use super::{Error, module};
use crate::abi::{SF_STATE_CUT, sf_info, sf_selection, sf_setup};
use crate::driver::{Kind, Options, check_versions};
use crate::selection::Selection;

/// `SF_DEVICE` of device.h.
pub(super) const DEVICE: &str = "/dev/sysflow";

mod ioctl {
    //! The commands of device.h.
    use super::{sf_info, sf_selection, sf_setup};

    const MAGIC: u8 = 0xf5;

    nix::ioctl_read!(info, MAGIC, 1, sf_info);
    nix::ioctl_write_ptr!(setup, MAGIC, 2, sf_setup);
    nix::ioctl_none!(start, MAGIC, 3);
    nix::ioctl_none!(stop, MAGIC, 4);
    nix::ioctl_write_ptr!(select, MAGIC, 5, sf_selection);
}

/// The module, loaded and set up for a capture.
pub(crate) struct Kmod {
    fd: OwnedFd,
    cpus: u32,
}

impl Kmod {
    /// Opens the device, after loading the module when it is not loaded and
    /// one that fits is found, and makes the rings.
    ///
    /// # Errors
    /// Why the module cannot be used.
    pub(crate) fn open(options: &Options) -> Result<Self, Error> {
        let fd = match open_device() {
            Err(Error::NoDevice { .. }) if !module::loaded() => {
                module::load(&module::find()?)?;
                open_device()?
            }
            other => other?,
        };
        let mut kmod = Self { fd, cpus: 0 };
        let info = kmod.info()?;
        check_versions(Kind::Kmod, info.api_version, info.schema_version)
            .map_err(|e| Error::Version(Box::new(e)))?;
        kmod.cpus = info.nr_cpus;
        kmod.setup(options.ring_size)?;
        Ok(kmod)
    }

    fn info(&self) -> Result<sf_info, Error> {
        let mut info = sf_info::default();
        // SAFETY: the command writes one `sf_info` through the pointer, which
        // is valid for the call.
        command("cannot read the module's version", || unsafe {
            ioctl::info(self.fd.as_raw_fd(), &raw mut info)
        })?;
        Ok(info)
    }

    fn setup(&self, ring_size: usize) -> Result<(), Error> {
        let setup = sf_setup { ring_size: ring_size as u64, ..Default::default() };
        // SAFETY: the command reads one `sf_setup` through the pointer, which
        // is valid for the call.
        let made = command("cannot make the rings", || unsafe {
            ioctl::setup(self.fd.as_raw_fd(), &raw const setup)
        });
        match made {
            Err(Error::Device { source, .. }) if source.raw_os_error() == Some(libc::ENOMEM) => {
                Err(Error::Memory { cpus: self.cpus, size: ring_size })
            }
            other => other,
        }
    }

    /// Rings: one per possible CPU.
    pub(crate) fn cpus(&self) -> u32 {
        self.cpus
    }

    /// Ring `cpu` is mapped at `cpu * stride`.
    pub(crate) fn rings_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Readable while a ring is past its reader's `wake_at`.
    pub(crate) fn wakeup_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Sets what is told.
    ///
    /// # Errors
    /// When a process is not there, or the module is older than selections.
    pub(crate) fn select(&mut self, selection: &Selection) -> Result<(), Error> {
        // SAFETY: the command reads one `sf_selection` through the pointer,
        // which is valid for the call.
        let set = command("cannot set the selection", || unsafe {
            ioctl::select(self.fd.as_raw_fd(), selection.raw())
        });
        match set {
            Err(Error::Device { source, .. }) if source.raw_os_error() == Some(libc::ESRCH) => {
                Err(Error::NoProcess { pids: selection.roots().to_vec() })
            }
            Err(Error::Device { source, .. }) if source.raw_os_error() == Some(libc::ENOTTY) => {
                Err(Error::NoSelection)
            }
            other => other,
        }
    }

    /// Attaches the probes.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub(crate) fn start(&mut self) -> Result<(), Error> {
        // SAFETY: the command takes no argument.
        let done =
            command("cannot attach the probes", || unsafe { ioctl::start(self.fd.as_raw_fd()) });
        match done {
            Err(Error::Device { source, .. }) if source.raw_os_error() == Some(libc::ESHUTDOWN) => {
                Err(Error::SwitchedOff { switch: module::SWITCH })
            }
            other => other,
        }
    }

    /// Whether the module's switch ended what this capture had started.
    pub(crate) fn switched_off(&self) -> bool {
        self.info().is_ok_and(|info| info.state & SF_STATE_CUT != 0)
    }

    /// Detaches the probes; none runs any more when it returns.
    ///
    /// # Errors
    /// When the device does not answer.
    pub(crate) fn stop(&mut self) -> Result<(), Error> {
        // SAFETY: the command takes no argument.
        command("cannot detach the probes", || unsafe { ioctl::stop(self.fd.as_raw_fd()) })
    }
}

fn open_device() -> Result<OwnedFd, Error> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_CLOEXEC)
        .open(DEVICE)
        .map(OwnedFd::from)
        .map_err(|source| match source.raw_os_error() {
            Some(libc::ENOENT | libc::ENODEV | libc::ENXIO) => Error::NoDevice { device: DEVICE },
            Some(libc::EBUSY) => Error::Busy,
            Some(libc::EACCES | libc::EPERM) => Error::Permission { device: DEVICE },
            _ => Error::Device { what: "cannot open /dev/sysflow", source },
        })
}

/// Runs a command of the device, again when a signal came between.
fn command(
    what: &'static str,
    mut run: impl FnMut() -> nix::Result<libc::c_int>,
) -> Result<(), Error> {
    loop {
        match run() {
            Ok(_) => return Ok(()),
            Err(nix::Error::EINTR) => {}
            Err(e) => return Err(Error::Device { what, source: io::Error::from(e) }),
        }
    }
}

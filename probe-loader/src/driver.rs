// SPDX-License-Identifier: Apache-2.0
//! One capture through one driver, whichever it is.

use std::fmt;
use std::os::fd::BorrowedFd;

use crate::ebpf::{self, Ebpf};
use crate::kmod::{self, Kmod};
use crate::ring::{self, Gauge, Ring, valid_size};
use crate::selection::Selection;
use crate::{Counters, abi, sizing};

/// What to capture with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The kernel module where modules can be loaded and one fits, else eBPF.
    #[default]
    Auto,
    /// The kernel module or nothing.
    Kmod,
    /// eBPF or nothing.
    Ebpf,
}

/// The driver in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The loadable kernel module `sysflow`.
    Kmod,
    /// The eBPF programs.
    Ebpf,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Kmod => "kmod",
            Kind::Ebpf => "ebpf",
        })
    }
}

/// How to capture.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Bytes of data of each CPU's ring, a power of two, 64 KiB to 1 GiB.
    pub ring_size: usize,
}

impl Default for Options {
    /// What fits this host: 1 MiB per CPU, less where that is much of the
    /// memory ([`sizing`]).
    fn default() -> Self {
        Self { ring_size: sizing::Host::look().ring_size(sizing::TOTAL) }
    }
}

/// Why there is no capture.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A ring cannot have this size.
    #[error("ring size {0} is not a power of two between 64 KiB and 1 GiB")]
    RingSize(usize),
    /// The kernel module cannot be used.
    #[error("kernel module: {0}")]
    Kmod(#[from] kmod::Error),
    /// eBPF cannot be used.
    #[error("eBPF: {0}")]
    Ebpf(#[from] ebpf::Error),
    /// Neither can be used.
    #[error("no driver can be used here\n  kernel module: {kmod}\n  eBPF: {ebpf}")]
    None {
        /// Why not the module.
        kmod: Box<kmod::Error>,
        /// Why not eBPF.
        ebpf: Box<ebpf::Error>,
    },
    /// A ring could not be mapped.
    #[error(transparent)]
    Ring(#[from] ring::Error),
    /// The driver speaks another version of the ABI.
    #[error(
        "the {driver} driver speaks {what} {theirs}, this program {ours}; update the {side}",
        theirs = abi::version_text(*.theirs),
        ours = abi::version_text(*.ours)
    )]
    Version {
        /// Which driver.
        driver: Kind,
        /// "API" or "schema".
        what: &'static str,
        /// The driver's version.
        theirs: u32,
        /// This program's version.
        ours: u32,
        /// What is older, and to be updated.
        side: &'static str,
    },
}

/// Checks that this program speaks a driver's versions: equal majors (the
/// rule stands in `driver/include/sysflow/abi.h`).
///
/// # Errors
/// [`Error::Version`], which says which side is older.
pub(crate) fn check_versions(driver: Kind, api: u32, schema: u32) -> Result<(), Error> {
    for (what, theirs, ours) in
        [("API", api, abi::SF_API_VERSION), ("schema", schema, abi::SF_SCHEMA_VERSION)]
    {
        if theirs >> 16 != ours >> 16 {
            let side = if theirs < ours { "driver" } else { "sysflow program" };
            return Err(Error::Version { driver, what, theirs, ours, side });
        }
    }
    Ok(())
}

/// Whether a module is there and something is wrong with it.
fn worth_a_word(error: &kmod::Error) -> bool {
    use kmod::Error::{NoDevice, NotFound, Unsupported};
    !matches!(error, NotFound { .. } | Unsupported(_) | NoDevice { .. })
}

enum Backend {
    Kmod(Kmod),
    Ebpf(Box<Ebpf>),
}

/// A driver that is loaded and whose rings are mapped.
///
/// Dropping it stops the capture and releases the driver; so does the death
/// of the process.
pub struct Driver {
    // Dropped first: the mappings keep the driver's memory.
    rings: Vec<Ring>,
    backend: Backend,
    passed_over: Option<kmod::Error>,
}

impl Driver {
    /// Chooses a driver, loads it if need be and maps its rings. Nothing is
    /// recorded before [`Driver::start`].
    ///
    /// # Errors
    /// Why the driver, or with [`Choice::Auto`] every driver, cannot be used.
    pub fn open(choice: Choice, options: &Options) -> Result<Self, Error> {
        if !valid_size(options.ring_size) {
            return Err(Error::RingSize(options.ring_size));
        }
        let mut passed_over = None;
        let backend = match choice {
            Choice::Kmod => Backend::Kmod(Kmod::open(options)?),
            Choice::Ebpf => Backend::Ebpf(Ebpf::open(options)?.into()),
            Choice::Auto => match Kmod::open(options) {
                Ok(kmod) => Backend::Kmod(kmod),
                // Somebody captures with the module: say so rather than
                // start a second capture of another kind.
                Err(busy @ kmod::Error::Busy) => return Err(busy.into()),
                Err(kmod) => match Ebpf::open(options) {
                    Ok(ebpf) => {
                        passed_over = Some(kmod).filter(worth_a_word);
                        Backend::Ebpf(ebpf.into())
                    }
                    Err(ebpf) => {
                        return Err(Error::None { kmod: kmod.into(), ebpf: ebpf.into() });
                    }
                },
            },
        };
        let (fd, cpus) = match &backend {
            Backend::Kmod(kmod) => (kmod.rings_fd(), kmod.cpus()),
            Backend::Ebpf(ebpf) => (ebpf.rings_fd(), ebpf.cpus()),
        };
        let rings: Result<Vec<_>, _> =
            (0..cpus).map(|cpu| Ring::map(fd, cpu, options.ring_size)).collect();
        let rings = rings?;
        let driver = Self { rings, backend, passed_over };
        if let Some(ring) = driver.rings.first() {
            let (api, schema) = ring.versions();
            check_versions(driver.kind(), api, schema)?;
        }
        Ok(driver)
    }

    /// Why the kernel module, of which there is one, was not used by
    /// [`Choice::Auto`]. Nothing on a host that has none.
    #[must_use]
    pub fn passed_over(&self) -> Option<&kmod::Error> {
        self.passed_over.as_ref()
    }

    /// Which driver this is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self.backend {
            Backend::Kmod(_) => Kind::Kmod,
            Backend::Ebpf(_) => Kind::Ebpf,
        }
    }

    /// Sets what is told from now on, before or while it records; without it
    /// everything is. When it returns nothing is judged by an older selection,
    /// and records that were made by one can still be in the rings.
    ///
    /// # Errors
    /// When a process that it names is not there, or the driver cannot select.
    /// The older selection stays.
    pub fn select(&mut self, selection: &Selection) -> Result<(), Error> {
        match &mut self.backend {
            Backend::Kmod(kmod) => kmod.select(selection)?,
            Backend::Ebpf(ebpf) => ebpf.select(selection)?,
        }
        Ok(())
    }

    /// Starts recording.
    ///
    /// # Errors
    /// When the probes cannot be attached.
    pub fn start(&mut self) -> Result<(), Error> {
        match &mut self.backend {
            Backend::Kmod(kmod) => kmod.start()?,
            Backend::Ebpf(ebpf) => ebpf.start()?,
        }
        Ok(())
    }

    /// Stops recording. When it returns no probe runs, and the counters are
    /// final. What is in the rings can still be read.
    ///
    /// # Errors
    /// When the driver does not answer.
    pub fn stop(&mut self) -> Result<(), Error> {
        match &mut self.backend {
            Backend::Kmod(kmod) => kmod.stop()?,
            Backend::Ebpf(ebpf) => ebpf.stop()?,
        }
        Ok(())
    }

    /// Whether somebody has switched this capture off since it was started: by
    /// the module's parameter `capture`, or with
    /// [`ebpf::switch_off`]. Nothing is recorded then,
    /// nor counted; the rings keep what they had. A start after that, where it
    /// is allowed again, begins anew.
    #[must_use]
    pub fn switched_off(&self) -> bool {
        match &self.backend {
            Backend::Kmod(kmod) => kmod.switched_off(),
            Backend::Ebpf(ebpf) => ebpf.switched_off(),
        }
    }

    /// The rings, one per possible CPU.
    pub fn rings(&mut self) -> &mut [Ring] {
        &mut self.rings
    }

    /// What reads the counters of each CPU from elsewhere.
    #[must_use]
    pub fn gauges(&self) -> Vec<Gauge> {
        self.rings.iter().map(Ring::gauge).collect()
    }

    /// What was counted, one entry per CPU.
    #[must_use]
    pub fn counters(&self) -> Vec<Counters> {
        self.rings.iter().map(Ring::counters).collect()
    }

    /// Becomes readable when a ring passes the fill it was armed with
    /// ([`Ring::arm`]).
    #[must_use]
    pub fn wakeup_fd(&self) -> BorrowedFd<'_> {
        match &self.backend {
            Backend::Kmod(kmod) => kmod.wakeup_fd(),
            Backend::Ebpf(ebpf) => ebpf.wakeup_fd(),
        }
    }

    /// Takes note of a wake-up, so that [`Driver::wakeup_fd`] is not readable
    /// until the next.
    pub fn acknowledge_wakeup(&mut self) {
        if let Backend::Ebpf(ebpf) = &mut self.backend {
            ebpf.acknowledge_wakeup();
        }
    }

    /// What the kernel kept from the probes, and no ring could count: eBPF's
    /// recursion misses. Nothing with the module.
    #[must_use]
    pub fn kept(&self) -> Counters {
        match &self.backend {
            Backend::Kmod(_) => Counters::default(),
            Backend::Ebpf(ebpf) => ebpf.kept(),
        }
    }

    /// The whole accounting: the sum over the CPUs, and what the kernel kept
    /// from the probes.
    #[must_use]
    pub fn total(&self) -> Counters {
        self.counters().into_iter().sum::<Counters>() + self.kept()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_majors_are_spoken_whatever_the_minor() {
        let (api, schema) = (abi::SF_API_VERSION, abi::SF_SCHEMA_VERSION);
        assert!(check_versions(Kind::Kmod, api, schema).is_ok());
        assert!(check_versions(Kind::Ebpf, api + 7, schema + 1).is_ok());
    }

    #[test]
    fn a_foreign_version_is_refused_and_the_older_side_is_named() {
        let (api, schema) = (abi::SF_API_VERSION, abi::SF_SCHEMA_VERSION);
        let minor = |version: u32| version & 0xffff;
        let newer = check_versions(Kind::Kmod, api, schema + (1 << 16)).expect_err("newer");
        assert_eq!(
            newer.to_string(),
            format!(
                "the kmod driver speaks schema 2.{0}, this program 1.{0}; update the sysflow program",
                minor(schema)
            )
        );
        let older = check_versions(Kind::Kmod, api - (1 << 16), schema).expect_err("older");
        assert_eq!(
            older.to_string(),
            format!(
                "the kmod driver speaks API 0.{0}, this program 1.{0}; update the driver",
                minor(api)
            )
        );
    }

    #[test]
    fn a_ring_of_another_size_is_refused_before_anything_is_loaded() {
        for size in [0, 4096, 100_000, 1 << 31] {
            let error = Driver::open(Choice::Auto, &Options { ring_size: size }).map(|_| ());
            assert!(matches!(error, Err(Error::RingSize(_))), "{size}");
        }
    }
}

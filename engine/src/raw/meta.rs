// SPDX-License-Identifier: Apache-2.0
//! What a recording says of itself.

use nix::unistd::gethostname;
use probe_loader::Driver;
use serde_json::{Value, json};

use crate::clock::Clock;

/// Where, when and how it was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// Name of the recorded host.
    pub host: String,
    /// The driver: kmod or ebpf.
    pub driver: String,
    /// Release of the recorded host's kernel.
    pub kernel: String,
    /// Version of the program that recorded.
    pub program: String,
    /// Number of rings: possible CPUs.
    pub rings: u32,
    /// Bytes of data of each ring.
    pub ring_size: u64,
    /// The recorder's process id.
    pub pid: u32,
    /// When recording began, ns of the events' clock.
    pub begun: u64,
    /// The clocks as they were measured then.
    pub clock: Clock,
}

impl Meta {
    /// A recording that this process begins on this host.
    pub(crate) fn of_host(driver: &mut Driver, begun: u64, clock: Clock) -> Self {
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            host: gethostname().map_or(String::new(), |name| name.to_string_lossy().into_owned()),
            driver: driver.kind().to_string(),
            kernel: kernel.trim_end().to_owned(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            rings: driver.rings().len() as u32,
            ring_size: driver.rings().first().map_or(0, probe_loader::Ring::size),
            pid: std::process::id(),
            begun,
            clock,
        }
    }

    pub(super) fn to_json(&self) -> String {
        let (monotonic, boottime) = self.clock.offsets();
        json!({
            "host": self.host,
            "driver": self.driver,
            "kernel": self.kernel,
            "program": self.program,
            "rings": self.rings,
            "ring_size": self.ring_size,
            "pid": self.pid,
            "begun": self.begun,
            "monotonic": monotonic,
            "boottime": boottime,
        })
        .to_string()
    }

    pub(super) fn from_json(text: &[u8]) -> Option<Self> {
        let all: Value = serde_json::from_slice(text).ok()?;
        let text = |name: &str| Some(all.get(name)?.as_str()?.to_owned());
        let number = |name: &str| all.get(name)?.as_u64();
        let small = |name| u32::try_from(number(name)?).ok();
        let offset = |name: &str| all.get(name)?.as_i64();
        Some(Self {
            host: text("host")?,
            driver: text("driver")?,
            kernel: text("kernel").unwrap_or_default(),
            program: text("program").unwrap_or_default(),
            rings: small("rings").filter(|rings| (1..=super::MAX_RINGS).contains(rings))?,
            ring_size: number("ring_size")
                .filter(|size| usize::try_from(*size).is_ok_and(probe_loader::ring::valid_size))?,
            pid: small("pid")?,
            begun: number("begun")?,
            clock: Clock::with_offsets(offset("monotonic")?, offset("boottime")?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_says_comes_back() {
        let meta = Meta {
            host: "a \"b\" \u{fc}".to_owned(),
            driver: "ebpf".to_owned(),
            rings: 2,
            ring_size: 1 << 20,
            pid: 9,
            begun: u64::MAX,
            clock: Clock::with_offsets(i64::MIN, i64::MAX),
            ..Meta::default()
        };
        assert_eq!(Meta::from_json(meta.to_json().as_bytes()), Some(meta.clone()));
        for wrong in [Meta { rings: 0, ..meta.clone() }, Meta { ring_size: 1000, ..meta }] {
            assert_eq!(Meta::from_json(wrong.to_json().as_bytes()), None);
        }
        assert_eq!(Meta::from_json(b""), None);
    }
}

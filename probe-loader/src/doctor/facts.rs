// SPDX-License-Identifier: Apache-2.0
//! What is known of the host.

use std::fs;
use std::path::{Path, PathBuf};

use super::family::Family;
use super::signing::SigningFacts;
use crate::kmod::{self, module};
use crate::sizing::Host;
use crate::{ebpf, sizing};

/// `lockdown(7)`: what the kernel keeps root from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lockdown {
    /// Nothing.
    #[default]
    None,
    /// Changing the kernel: modules must be signed.
    Integrity,
    /// Reading the kernel too: eBPF programs cannot read its memory.
    Confidentiality,
}

impl Lockdown {
    /// Of the content of `/sys/kernel/security/lockdown`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        if text.contains("[integrity]") {
            Self::Integrity
        } else if text.contains("[confidentiality]") {
            Self::Confidentiality
        } else {
            Self::None
        }
    }
}

/// A module that could be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleFile {
    /// Where.
    pub path: PathBuf,
    /// Whether a signature is appended; of a compressed one it is not known,
    /// and taken for signed.
    pub signed: bool,
}

/// What building a module needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildFacts {
    /// The headers of the running kernel.
    pub headers: bool,
    /// make.
    pub make: bool,
    /// gcc, by whatever name the headers ask for.
    pub compiler: bool,
    /// That name, such as "gcc-12", where the headers tell it.
    pub wanted_compiler: Option<String>,
    /// Their folder, where the driver's sources are found.
    pub sources: Option<PathBuf>,
}

/// What there is of the kernel module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleFacts {
    /// It is in the kernel.
    pub loaded: bool,
    /// The kernel takes modules at all (`CONFIG_MODULES`).
    pub supported: bool,
    /// `kernel.modules_disabled` is set.
    pub disabled: bool,
    /// One that fits, or why what is there does not.
    pub found: Result<ModuleFile, String>,
    /// A file was named or is there, but does not fit (another vermagic).
    pub foreign: bool,
    /// What building one needs.
    pub build: BuildFacts,
}

/// The host as a capture meets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// `uname -r`.
    pub release: String,
    /// How the system's packages are called.
    pub family: Family,
    /// Effective capabilities, as a mask.
    pub capabilities: u64,
    /// The kernel module.
    pub module: ModuleFacts,
    /// What the kernel asks of modules.
    pub lockdown: Lockdown,
    /// Secure Boot, and keys.
    pub signing: SigningFacts,
    /// Whether the eBPF programs can be used, but for privileges; else why not.
    pub ebpf: Result<(), String>,
    /// Whether type information is there (`/sys/kernel/btf/vmlinux`).
    pub btf: bool,
    /// CPUs and memory.
    pub host: Host,
    /// Bytes of a ring that are asked for.
    pub ring_size: usize,
}

impl Facts {
    /// Looks at this host. `sources` are the driver's, where they are known;
    /// `ring_size` is what is asked for.
    #[must_use]
    pub fn gather(sources: Option<PathBuf>, ring_size: Option<usize>) -> Self {
        let release = module::release();
        let host = Host::look();
        let text = |file| fs::read_to_string(file).unwrap_or_default();
        Self {
            family: Family::parse(&text("/etc/os-release")),
            capabilities: capabilities(),
            module: module_facts(&release, sources),
            lockdown: Lockdown::parse(&text("/sys/kernel/security/lockdown")),
            signing: SigningFacts::gather(&release),
            ebpf: match ebpf::check() {
                // Judged by the capabilities themselves.
                Ok(()) | Err(ebpf::Error::Privileges { .. }) => Ok(()),
                Err(error) => Err(error.to_string()),
            },
            btf: Path::new("/sys/kernel/btf/vmlinux").exists(),
            ring_size: ring_size.unwrap_or_else(|| host.ring_size(sizing::TOTAL)),
            host,
            release,
        }
    }
}

fn module_facts(release: &str, sources: Option<PathBuf>) -> ModuleFacts {
    let found = module::find();
    let headers = kmod::headers(release);
    let wanted_compiler = kmod::wanted_compiler(&headers);
    ModuleFacts {
        loaded: module::loaded(),
        supported: Path::new("/proc/modules").exists(),
        disabled: module::flag("/proc/sys/kernel/modules_disabled"),
        foreign: matches!(found, Err(kmod::Error::Foreign { .. } | kmod::Error::NoModule { .. })),
        found: found.map_err(|error| error.to_string()).map(|path| {
            let signed = module::compressed(&path) || module::signed(&path).unwrap_or(false);
            ModuleFile { path, signed }
        }),
        build: BuildFacts {
            headers: headers.join("Makefile").exists(),
            make: kmod::in_path("make"),
            compiler: kmod::in_path("gcc") || wanted_compiler.as_deref().is_some_and(kmod::in_path),
            wanted_compiler,
            sources,
        },
    }
}

fn capabilities() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    mask.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lockdown_is_the_word_in_brackets() {
        assert_eq!(Lockdown::parse("[none] integrity confidentiality\n"), Lockdown::None);
        assert_eq!(Lockdown::parse("none [integrity] confidentiality\n"), Lockdown::Integrity);
        assert_eq!(
            Lockdown::parse("none integrity [confidentiality]\n"),
            Lockdown::Confidentiality
        );
        assert_eq!(Lockdown::parse(""), Lockdown::None);
    }

    #[test]
    fn looking_changes_nothing_and_needs_no_root() {
        let facts = Facts::gather(None, Some(65536));
        assert!(!facts.release.is_empty() && facts.host.cpus > 0);
        assert_eq!(facts.ring_size, 65536);
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Kernels that take signed modules only: which step comes next.
//!
//! A signature counts when its key is the kernel's own, or one that the
//! machine's owner has enrolled in the firmware's list (a MOK). So: make a key,
//! enrol it, sign the module.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::kmod::{self, module};

/// Where a key is looked for: DKMS's, Ubuntu's, and the one that
/// [`SigningFacts::next`] has made.
const KEYS: [(&str, &str); 3] = [
    ("/var/lib/dkms/mok.key", "/var/lib/dkms/mok.pub"),
    ("/var/lib/shim-signed/mok/MOK.priv", "/var/lib/shim-signed/mok/MOK.der"),
    (OWN_KEY, OWN_CERTIFICATE),
];
const OWN_KEY: &str = "/var/lib/sysflow-mok/mok.key";
const OWN_CERTIFICATE: &str = "/var/lib/sysflow-mok/mok.der";

/// Whether a key is in the firmware's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It is.
    Enrolled,
    /// It is not, or waits for the next boot.
    NotEnrolled,
    /// mokutil, which could tell, is not installed.
    Unknown,
}

/// A key to sign modules with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The private key.
    pub private: PathBuf,
    /// Its certificate, DER.
    pub certificate: PathBuf,
    /// Whether the firmware knows it.
    pub state: KeyState,
}

/// What the kernel asks of modules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningFacts {
    /// Secure Boot is on. None: the machine was not booted by UEFI.
    pub secure_boot: Option<bool>,
    /// `module.sig_enforce`.
    pub enforced: bool,
    /// A key, if there is one.
    pub key: Option<Key>,
    /// The kernel's own program for signing.
    pub sign_file: Option<PathBuf>,
}

impl SigningFacts {
    /// Looks.
    pub(super) fn gather(release: &str) -> Self {
        let sign_file = kmod::headers(release).join("scripts/sign-file");
        Self {
            secure_boot: secure_boot(),
            enforced: module::flag("/sys/module/module/parameters/sig_enforce"),
            key: KEYS.iter().map(|(k, c)| (Path::new(k), Path::new(c))).find_map(key),
            sign_file: sign_file.exists().then_some(sign_file),
        }
    }

    /// What to do next, so that the kernel takes `module`, which is there and
    /// `signed` or not. `release` is the running kernel's.
    #[must_use]
    pub fn next(&self, release: &str, module: &Path, signed: bool) -> String {
        if self.secure_boot != Some(true) {
            return "no key can be enrolled without Secure Boot: use eBPF, or boot without \
                    module.sig_enforce and lockdown= on the kernel's command line"
                .to_owned();
        }
        let Some(key) = &self.key else {
            return format!(
                "install -d -m 700 /var/lib/sysflow-mok && openssl req -new -x509 -newkey rsa:2048 \
                 -nodes -days 3650 -subj '/CN=SysFlow module/' -keyout {OWN_KEY} -outform DER \
                 -out {OWN_CERTIFICATE}"
            );
        };
        match key.state {
            KeyState::Unknown => "apt install mokutil".to_owned(),
            KeyState::NotEnrolled => format!(
                "mokutil --import {} && reboot, and confirm on the console",
                key.certificate.display()
            ),
            KeyState::Enrolled if signed => {
                "the module is signed with another key than the enrolled one: build it again with \
                 `sysflow probe load`"
                    .to_owned()
            }
            KeyState::Enrolled => match &self.sign_file {
                Some(program) => format!(
                    "{} sha256 {} {} {}",
                    program.display(),
                    key.private.display(),
                    key.certificate.display(),
                    module.display()
                ),
                None => format!("apt install linux-headers-{release}"),
            },
        }
    }
}

fn key((private, certificate): (&Path, &Path)) -> Option<Key> {
    let there = private.exists() && certificate.exists();
    there.then(|| Key {
        private: private.to_owned(),
        certificate: certificate.to_owned(),
        state: enrolled(certificate),
    })
}

/// What mokutil says of a certificate: its words, since its exit status has
/// changed between versions.
fn enrolled(certificate: &Path) -> KeyState {
    let asked =
        Command::new("mokutil").arg("--test-key").arg(certificate).stdin(Stdio::null()).output();
    match asked {
        Err(_) => KeyState::Unknown,
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            if String::from_utf8_lossy(&said).contains("is already enrolled") {
                KeyState::Enrolled
            } else {
                KeyState::NotEnrolled
            }
        }
    }
}

/// The firmware's variable: four bytes of attributes, then the value.
fn secure_boot() -> Option<bool> {
    const VARIABLE: &str =
        "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
    fs::read(VARIABLE).ok().map(|bytes| bytes.get(4) == Some(&1))
}

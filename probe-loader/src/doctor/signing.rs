// SPDX-License-Identifier: Apache-2.0
//! Kernels that take signed modules only: which step comes next.
//!
//! A signature counts when its key is the kernel's own, or one that the
//! machine's owner has enrolled in the firmware's list (a MOK). So: make a key,
//! enrol it, sign the module.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::facts::ModuleFile;
use super::family::Family;
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

/// What mokutil says to arguments: its words, since its exit status has changed
/// between versions. None where it is not installed.
type Mokutil<'a> = &'a dyn Fn(&[&OsStr]) -> Option<String>;

impl SigningFacts {
    /// Looks at this host.
    pub(super) fn gather(release: &str) -> Self {
        Self::look(Path::new("/"), &kmod::headers(release), &mokutil)
    }

    /// Looks at the files below `root`, which are this host's or a test's.
    fn look(root: &Path, headers: &Path, mokutil: Mokutil<'_>) -> Self {
        let sign_file = headers.join("scripts/sign-file");
        Self {
            secure_boot: secure_boot(root, mokutil),
            enforced: module::flag(root.join("sys/module/module/parameters/sig_enforce")),
            key: KEYS.iter().find_map(|(private, public)| key(root, private, public, mokutil)),
            sign_file: sign_file.exists().then_some(sign_file),
        }
    }

    /// What to do next, so that the kernel takes `module`, which is there.
    /// `release` is the running kernel's.
    #[must_use]
    pub fn next(&self, family: Family, release: &str, module: &ModuleFile) -> String {
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
            KeyState::Unknown => family.install("mokutil"),
            KeyState::NotEnrolled => format!(
                "mokutil --import {} && reboot, and confirm on the console",
                key.certificate.display()
            ),
            KeyState::Enrolled if module.signed => {
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
                    module.path.display()
                ),
                None => family.install(&family.headers(release)),
            },
        }
    }
}

fn mokutil(arguments: &[&OsStr]) -> Option<String> {
    let output = Command::new("mokutil").args(arguments).stdin(Stdio::null()).output().ok()?;
    let said = [output.stdout, output.stderr].concat();
    Some(String::from_utf8_lossy(&said).into_owned())
}

fn key(root: &Path, private: &str, certificate: &str, mokutil: Mokutil<'_>) -> Option<Key> {
    let below = |path: &str| root.join(path.trim_start_matches('/'));
    let (private, certificate) = (below(private), below(certificate));
    let there = private.exists() && certificate.exists();
    there.then(|| Key {
        state: match mokutil(&["--test-key".as_ref(), certificate.as_os_str()]) {
            None => KeyState::Unknown,
            Some(said) if said.contains("is already enrolled") => KeyState::Enrolled,
            Some(_) => KeyState::NotEnrolled,
        },
        private,
        certificate,
    })
}

/// The firmware's variable: four bytes of attributes, then the value. Where
/// efivarfs is not mounted mokutil may know, of the kernel's boot parameters.
fn secure_boot(root: &Path, mokutil: Mokutil<'_>) -> Option<bool> {
    const VARIABLE: &str =
        "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
    if !root.join("sys/firmware/efi").exists() {
        return None;
    }
    if let Ok(bytes) = fs::read(root.join(VARIABLE)) {
        return Some(bytes.get(4) == Some(&1));
    }
    let said = mokutil(&["--sb-state".as_ref()])?;
    match () {
        () if said.contains("SecureBoot enabled") => Some(true),
        () if said.contains("SecureBoot disabled") => Some(false),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A host's files, and what it would say of itself.
    struct Host(tempfile::TempDir);

    impl Host {
        fn new() -> Self {
            Self(tempfile::tempdir().expect("a folder"))
        }

        fn with(self, file: &str, bytes: &[u8]) -> Self {
            let path = self.0.path().join(file);
            fs::create_dir_all(path.parent().expect("below")).expect("a folder");
            fs::write(path, bytes).expect("written");
            self
        }

        fn secure_boot(self, value: u8) -> Self {
            let file = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
            self.with(file, &[6, 0, 0, 0, value])
        }

        fn key(self, private: &str, public: &str) -> Self {
            self.with(private, b"").with(public, b"")
        }

        /// The next step for a module that is there, without the root in paths.
        fn next(&self, said: Option<&str>, signed: bool) -> String {
            let facts = self.look(said);
            let module = ModuleFile { path: "/cache/sysflow.ko".into(), signed };
            let next = facts.next(Family::Debian, "6.1.0-56-amd64", &module);
            next.replace(&self.0.path().display().to_string(), "")
        }

        fn look(&self, said: Option<&str>) -> SigningFacts {
            let root = self.0.path();
            SigningFacts::look(root, &root.join("headers"), &|_| said.map(str::to_owned))
        }
    }

    #[test]
    fn secure_boot_is_the_variables_fifth_byte() {
        let of = |host: Host, said| host.look(said).secure_boot;
        assert_eq!(of(Host::new(), None), None);
        assert_eq!(of(Host::new().secure_boot(1), None), Some(true));
        assert_eq!(of(Host::new().secure_boot(0), None), Some(false));
        assert_eq!(of(Host::new().secure_boot(0), Some("SecureBoot enabled\n")), Some(false));
        // UEFI, and the variables are not mounted.
        let hidden = || Host::new().with("sys/firmware/efi/fw_platform_size", b"64\n");
        assert_eq!(of(hidden(), None), None);
        assert_eq!(of(hidden(), Some("SecureBoot enabled\n")), Some(true));
        assert_eq!(of(hidden(), Some("SecureBoot disabled\n")), Some(false));
        assert_eq!(of(hidden(), Some("Cannot determine secure boot state.\n")), None);
        let cut = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
        assert_eq!(of(Host::new().with(cut, &[6, 0]), None), Some(false));
    }

    #[test]
    fn enforcing_is_the_modules_parameter() {
        let file = "sys/module/module/parameters/sig_enforce";
        assert!(Host::new().with(file, b"Y\n").look(None).enforced);
        assert!(!Host::new().with(file, b"N\n").look(None).enforced);
        assert!(!Host::new().look(None).enforced);
    }

    /// Each state of a host, and exactly the command that comes next.
    #[test]
    fn each_state_has_its_next_command() {
        const NO: Option<&str> = Some("/var/lib/dkms/mok.pub is not enrolled\n");
        const YES: Option<&str> = Some("/var/lib/dkms/mok.pub is already enrolled\n");
        let without = Host::new().key("var/lib/dkms/mok.key", "var/lib/dkms/mok.pub");
        assert!(without.next(YES, false).starts_with("no key can be enrolled without Secure Boot"));

        let bare = Host::new().secure_boot(1);
        assert_eq!(
            bare.next(None, false),
            "install -d -m 700 /var/lib/sysflow-mok && openssl req -new -x509 -newkey rsa:2048 -nodes \
             -days 3650 -subj '/CN=SysFlow module/' -keyout /var/lib/sysflow-mok/mok.key -outform DER \
             -out /var/lib/sysflow-mok/mok.der"
        );
        // Half of a key is none.
        let half = Host::new().secure_boot(1).with("var/lib/dkms/mok.pub", b"");
        assert!(half.next(NO, false).contains("openssl req"));

        let host = Host::new().secure_boot(1).key("var/lib/dkms/mok.key", "var/lib/dkms/mok.pub");
        assert_eq!(host.next(None, false), "apt install mokutil");
        assert_eq!(
            host.next(NO, false),
            "mokutil --import /var/lib/dkms/mok.pub && reboot, and confirm on the console"
        );
        assert_eq!(host.next(YES, false), "apt install linux-headers-6.1.0-56-amd64");
        let host = host.with("headers/scripts/sign-file", b"");
        assert_eq!(
            host.next(YES, false),
            "/headers/scripts/sign-file sha256 /var/lib/dkms/mok.key /var/lib/dkms/mok.pub \
             /cache/sysflow.ko"
        );
        assert!(host.next(YES, true).contains("signed with another key"));
    }

    #[test]
    fn the_key_of_dkms_comes_before_others() {
        let host = Host::new()
            .secure_boot(1)
            .key("var/lib/shim-signed/mok/MOK.priv", "var/lib/shim-signed/mok/MOK.der");
        assert!(host.next(Some(""), false).contains("/var/lib/shim-signed/mok/MOK.der"));
        let host = host.key("var/lib/dkms/mok.key", "var/lib/dkms/mok.pub");
        assert!(host.next(Some(""), false).contains("/var/lib/dkms/mok.pub"));
    }
}

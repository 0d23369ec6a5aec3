// SPDX-License-Identifier: Apache-2.0
//! The module in the kernel: whether it can be loaded, which file fits,
//! loading and unloading.

use std::ffi::CStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::kmod::{DeleteModuleFlags, ModuleInitFlags, delete_module, finit_module};

use super::{Error, cache, file_error};

/// `SF_MODULE` of device.h.
const NAME: &CStr = c"sysflow";

/// `SF_MODULE_SWITCH` of device.h: 0 stops every capture with the module.
pub const SWITCH: &str = "/sys/module/sysflow/parameters/capture";

/// Names the module to load; comes before every other place.
pub const PATH_VARIABLE: &str = "SYSFLOW_MODULE";

/// Where modules are kept that this program builds, in a folder per kernel
/// release.
pub const CACHE: &str = "/var/cache/sysflow/kmod";

/// `CAP_SYS_MODULE` of linux/capability.h.
const CAP_SYS_MODULE: u32 = 16;

/// Ends the file of a signed module (`MODULE_SIG_STRING`).
const SIGNATURE: &[u8] = b"~Module signature appended~\n";

/// The running kernel's release, `uname -r`.
#[must_use]
pub fn release() -> String {
    fs::read_to_string("/proc/sys/kernel/osrelease")
        .map(|text| text.trim_end().to_owned())
        .unwrap_or_default()
}

/// Whether the module is in the kernel, or built into it.
#[must_use]
pub fn loaded() -> bool {
    Path::new("/sys/module/sysflow").exists()
}

/// Whether the running kernel takes modules from this process.
///
/// # Errors
/// [`Error::Unsupported`], why not.
pub fn can_load() -> Result<(), Error> {
    // Absent without CONFIG_MODULES; init_module(2) is ENOSYS then.
    if !Path::new("/proc/modules").exists() {
        return Err(Error::Unsupported("this kernel is built without loadable modules"));
    }
    if flag("/proc/sys/kernel/modules_disabled") {
        return Err(Error::Unsupported(
            "kernel.modules_disabled is set, and stays set until the next boot",
        ));
    }
    if !has_capability(CAP_SYS_MODULE) {
        return Err(Error::Unsupported("no CAP_SYS_MODULE: run as root, outside of a container"));
    }
    Ok(())
}

pub(crate) fn flag(path: impl AsRef<Path>) -> bool {
    fs::read_to_string(path).is_ok_and(|text| matches!(text.trim(), "1" | "Y"))
}

fn has_capability(number: u32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    effective
        .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
        .is_some_and(|bits| bits >> number & 1 == 1)
}

/// Whether only signed modules are taken: lockdown, or `module.sig_enforce`.
#[must_use]
pub fn needs_signature() -> bool {
    let lockdown = fs::read_to_string("/sys/kernel/security/lockdown").unwrap_or_default();
    lockdown.contains("[integrity]")
        || lockdown.contains("[confidentiality]")
        || flag("/sys/module/module/parameters/sig_enforce")
}

/// The module for the running kernel: named by `SYSFLOW_MODULE`, installed
/// under `/lib/modules`, or built before by this program.
///
/// # Errors
/// When there is none, or the one that was named does not fit.
pub fn find() -> Result<PathBuf, Error> {
    let release = release();
    if let Some(named) = std::env::var_os(PATH_VARIABLE) {
        let named = PathBuf::from(named);
        check(&named, &release)?;
        return Ok(named);
    }
    let installed = PathBuf::from("/lib/modules").join(&release);
    ["updates/dkms", "updates", "extra", "extra/sysflow"]
        .iter()
        .flat_map(|dir| ["", ".xz", ".zst", ".gz"].map(|end| format!("{dir}/sysflow.ko{end}")))
        .map(|file| installed.join(file))
        .chain(cached(&release))
        .find(|path| path.exists() && (compressed(path) || check(path, &release).is_ok()))
        .ok_or(Error::NotFound { release })
}

/// One that this program, or another of the same ABI, has built.
fn cached(release: &str) -> Option<PathBuf> {
    let dir = Path::new(CACHE).join(release);
    cache::speaks_our_abi(&dir).then(|| dir.join("sysflow.ko"))
}

pub(crate) fn compressed(path: &Path) -> bool {
    path.extension().is_none_or(|end| end != "ko")
}

/// Checks that a file is a module for the kernel `release`: the first word of
/// its version magic. The kernel checks the rest when it loads it.
///
/// # Errors
/// [`Error::Foreign`] when it is for another kernel.
pub fn check(path: &Path, release: &str) -> Result<(), Error> {
    let bytes = fs::read(path).map_err(file_error(path))?;
    let built = built_for(&bytes).ok_or_else(|| Error::NoModule { path: path.to_owned() })?;
    if built == release {
        Ok(())
    } else {
        Err(Error::Foreign { path: path.into(), built: built.into(), release: release.into() })
    }
}

/// The kernel release in a module's `.modinfo`, which is a list of
/// NUL-terminated `name=value`.
fn built_for(module: &[u8]) -> Option<String> {
    const KEY: &[u8] = b"\0vermagic=";
    if !module.starts_with(b"\x7fELF") {
        return None;
    }
    let at = module.windows(KEY.len()).position(|bytes| bytes == KEY)? + KEY.len();
    let value = module[at..].split(|&b| b == 0 || b == b' ').next()?;
    std::str::from_utf8(value).ok().map(str::to_owned)
}

/// Loads the module at `path`. One that is loaded already is left as it is.
///
/// # Errors
/// When the kernel takes no modules, or not this one.
pub fn load(path: &Path) -> Result<(), Error> {
    can_load()?;
    if compressed(path) {
        return modprobe(path);
    }
    check(path, &release())?;
    if needs_signature() && !signed(path)? {
        return Err(Error::Load {
            path: path.to_owned(),
            reason: "this kernel takes signed modules only (lockdown or sig_enforce): \
                     `sysflow doctor` tells the next step, or use eBPF"
                .to_owned(),
        });
    }
    let file = File::open(path).map_err(file_error(path))?;
    match finit_module(&file, c"", ModuleInitFlags::empty()) {
        Ok(()) | Err(nix::Error::EEXIST) => Ok(()),
        Err(errno) => Err(Error::Load { path: path.to_owned(), reason: load_failure(errno) }),
    }
}

pub(crate) fn signed(path: &Path) -> Result<bool, Error> {
    Ok(fs::read(path).map_err(file_error(path))?.ends_with(SIGNATURE))
}

/// modprobe unpacks what the kernel may not be able to.
fn modprobe(path: &Path) -> Result<(), Error> {
    let failed = |reason| Error::Load { path: path.to_owned(), reason };
    let output = Command::new("modprobe")
        .arg("sysflow")
        .output()
        .map_err(|e| failed(format!("modprobe: {e}; install kmod")))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }
}

fn load_failure(errno: nix::Error) -> String {
    match errno {
        nix::Error::EKEYREJECTED | nix::Error::ENOKEY => {
            "its signature is not accepted: `sysflow doctor` tells the next step, or use eBPF"
                .to_owned()
        }
        nix::Error::ENOEXEC => {
            "built for a kernel of another configuration (see dmesg): build it again".to_owned()
        }
        nix::Error::EPERM => "not permitted: run as root, outside of a container".to_owned(),
        nix::Error::ENOSYS => "this kernel is built without loadable modules".to_owned(),
        nix::Error::EINVAL | nix::Error::ENOENT | nix::Error::EOPNOTSUPP => {
            format!("it refuses this kernel ({}), see dmesg", errno.desc())
        }
        other => format!("{}, see dmesg", other.desc()),
    }
}

/// Takes the module out of the kernel.
///
/// # Errors
/// When it is not loaded, or a capture uses it.
pub fn unload() -> Result<(), Error> {
    delete_module(NAME, DeleteModuleFlags::O_NONBLOCK).map_err(|errno| {
        Error::Unload(match errno {
            nix::Error::ENOENT => "it is not loaded".to_owned(),
            nix::Error::EWOULDBLOCK | nix::Error::EBUSY => {
                format!("a capture uses it: end that first (or stop it: echo 0 > {SWITCH})")
            }
            nix::Error::EPERM => "not permitted: run as root".to_owned(),
            other => other.desc().to_owned(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn release_of_a_module_is_the_first_word_of_its_version_magic() {
        let module = b"\x7fELF....\0license=Dual MIT/GPL\0vermagic=6.1.0-56-amd64 SMP preempt \0";
        assert_eq!(built_for(module).as_deref(), Some("6.1.0-56-amd64"));
        assert_eq!(built_for(&module[1..]), None);
        assert_eq!(built_for(b"\x7fELF\0license=GPL\0"), None);
    }

    #[test]
    fn a_file_that_is_no_module_is_told_so() {
        let file = tempfile::NamedTempFile::new().expect("temporary file");
        fs::write(file.path(), "text").expect("write");
        assert!(matches!(check(file.path(), "6.1"), Err(Error::NoModule { .. })));
    }

    #[test]
    fn a_module_for_another_kernel_does_not_fit() {
        let file = tempfile::NamedTempFile::new().expect("temporary file");
        fs::write(file.path(), b"\x7fELF\0vermagic=5.10.0 SMP \0").expect("write");
        assert!(check(file.path(), "5.10.0").is_ok());
        let error = check(file.path(), "6.1.0").expect_err("foreign").to_string();
        assert!(error.contains("5.10.0") && error.contains("6.1.0"), "{error}");
    }
}

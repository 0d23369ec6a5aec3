// SPDX-License-Identifier: Apache-2.0
//! From facts to findings and remedies. Nothing is looked up here.

use super::facts::{Facts, Lockdown, ModuleFacts};
use super::{Diagnosis, Family, Finding, KeyState, State};
use crate::abi::SF_RING_SIZE_MIN;
use crate::driver::Kind;

/// Capabilities of `linux/capability.h`.
const CAP_SYS_MODULE: u32 = 16;
const CAP_SYS_ADMIN: u32 = 21;
const CAP_PERFMON: u32 = 38;
const CAP_BPF: u32 = 39;

/// What a ring can have at most with eBPF, and the part of the memory that the
/// module takes at most for all rings.
const EBPF_RING: usize = 1 << 28;
const MODULE_SHARE: u64 = 4;

fn good(subject: &'static str, text: impl Into<String>) -> Finding {
    Finding { subject, state: State::Good, text: text.into(), remedy: None }
}

fn hinders(subject: &'static str, text: impl Into<String>) -> Finding {
    Finding { subject, state: State::Hinders, text: text.into(), remedy: None }
}

fn fails(subject: &'static str, text: impl Into<String>) -> Finding {
    Finding { subject, state: State::Fails, text: text.into(), remedy: None }
}

impl Finding {
    fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

impl Facts {
    fn has(&self, capability: u32) -> bool {
        self.capabilities >> capability & 1 == 1
    }

    fn may_load_modules(&self) -> bool {
        self.has(CAP_SYS_MODULE)
    }

    fn may_load_programs(&self) -> bool {
        self.has(CAP_SYS_ADMIN) || (self.has(CAP_BPF) && self.has(CAP_PERFMON))
    }

    /// Whether the kernel takes signed modules only.
    fn wants_signature(&self) -> bool {
        self.lockdown != Lockdown::None || self.signing.enforced
    }

    /// Whether a module that is there is signed as the kernel wants it.
    fn is_signed_well(&self) -> bool {
        let Ok(file) = &self.module.found else { return false };
        let enrolled =
            self.signing.key.as_ref().is_none_or(|key| key.state != KeyState::NotEnrolled);
        !self.wants_signature() || (file.signed && enrolled)
    }

    fn module_usable(&self) -> bool {
        let module = &self.module;
        module.loaded
            || (module.supported
                && !module.disabled
                && self.may_load_modules()
                && self.is_signed_well())
    }

    fn ebpf_usable(&self) -> bool {
        self.may_load_programs()
            && self.btf
            && self.ebpf.is_ok()
            && self.lockdown != Lockdown::Confidentiality
            && self.ring_size <= EBPF_RING
    }
}

/// Judges what was gathered.
#[must_use]
pub fn examine(facts: &Facts) -> Diagnosis {
    let driver = if facts.module_usable() {
        Some(Kind::Kmod)
    } else {
        facts.ebpf_usable().then_some(Kind::Ebpf)
    };
    let mut findings = vec![privileges(facts), module(facts)];
    if could_build(facts) {
        findings.extend(building(facts));
    }
    findings.extend([signature(facts), ebpf(facts), memory(facts, driver)]);
    Diagnosis { findings, driver }
}

fn privileges(facts: &Facts) -> Finding {
    const SUBJECT: &str = "privileges";
    if facts.may_load_programs() {
        return good(SUBJECT, "enough to attach a driver");
    }
    let missing: Vec<_> = [(CAP_BPF, "CAP_BPF"), (CAP_PERFMON, "CAP_PERFMON")]
        .into_iter()
        .filter(|(capability, _)| !facts.has(*capability))
        .map(|(_, name)| name)
        .collect();
    fails(SUBJECT, format!("{} missing", missing.join(" and ")))
        .remedy("run it as root: sudo sysflow ...")
}

/// Whether a module would have to be built, and can be loaded then.
fn could_build(facts: &Facts) -> bool {
    let module = &facts.module;
    !module.loaded && module.supported && !module.disabled && module.found.is_err()
}

fn module(facts: &Facts) -> Finding {
    const SUBJECT: &str = "kernel module";
    let module = &facts.module;
    if module.loaded {
        return good(SUBJECT, "loaded");
    }
    if !module.supported {
        return hinders(SUBJECT, "this kernel is built without loadable modules");
    }
    if module.disabled {
        return hinders(SUBJECT, "kernel.modules_disabled is set")
            .remedy("reboot; it stays set until then");
    }
    if !facts.may_load_modules() {
        return hinders(SUBJECT, "CAP_SYS_MODULE missing")
            .remedy("run it as root, outside of a container");
    }
    match &module.found {
        Ok(file) => good(SUBJECT, format!("can be loaded: {}", file.path.display())),
        Err(why) if module.foreign => {
            hinders(SUBJECT, why.clone()).remedy("unset SYSFLOW_MODULE, then: sysflow probe load")
        }
        Err(_) => hinders(SUBJECT, format!("none is built for kernel {}", facts.release))
            .remedy("sysflow probe load"),
    }
}

/// What building needs, one finding for each that is missing.
fn building(facts: &Facts) -> Vec<Finding> {
    const SUBJECT: &str = "to build it";
    let Facts { release, family, module: ModuleFacts { build, .. }, .. } = facts;
    let mut missing = Vec::new();
    if !build.headers {
        missing.push(
            hinders(SUBJECT, format!("the headers of kernel {release} are missing"))
                .remedy(family.install(&family.headers(release))),
        );
    }
    if !build.make {
        missing.push(hinders(SUBJECT, "make is missing").remedy(family.install("make")));
    }
    if !build.compiler {
        let name = build.wanted_compiler.as_deref().unwrap_or("gcc");
        missing.push(hinders(SUBJECT, format!("{name} is missing")).remedy(family.install(name)));
    }
    if build.sources.is_none() {
        missing.push(hinders(SUBJECT, "the sources of the driver are not found").remedy(
            match family {
                Family::Debian => "install sysflow-dkms, or: sysflow probe load --sources DIR",
                _ => "sysflow probe load --sources DIR",
            },
        ));
    }
    if missing.is_empty() {
        missing.push(good(SUBJECT, "headers, make, a compiler and the sources are there"));
    }
    missing
}

fn signature(facts: &Facts) -> Finding {
    const SUBJECT: &str = "signature";
    let boot = match facts.signing.secure_boot {
        Some(true) => "Secure Boot is on",
        Some(false) => "Secure Boot is off",
        None => "no Secure Boot",
    };
    if !facts.wants_signature() {
        return good(SUBJECT, format!("not needed ({boot}, no lockdown)"));
    }
    let text = format!("only signed modules are taken ({boot}, lockdown {:?})", facts.lockdown)
        .to_lowercase();
    let text = text.replace("secure boot", "Secure Boot");
    match &facts.module.found {
        _ if facts.module.loaded => good(SUBJECT, text),
        // Nothing to sign yet: building it comes first.
        Err(_) => hinders(SUBJECT, text),
        Ok(_) if facts.is_signed_well() => good(SUBJECT, text + ", and it is signed"),
        Ok(file) => {
            hinders(SUBJECT, text).remedy(facts.signing.next(facts.family, &facts.release, file))
        }
    }
}

fn ebpf(facts: &Facts) -> Finding {
    const SUBJECT: &str = "eBPF";
    if facts.lockdown == Lockdown::Confidentiality {
        return hinders(SUBJECT, "lockdown keeps programs from reading the kernel's memory")
            .remedy("boot without lockdown=confidentiality");
    }
    if !facts.btf {
        return hinders(SUBJECT, "no type information at /sys/kernel/btf/vmlinux")
            .remedy("boot a kernel with CONFIG_DEBUG_INFO_BTF, or use the kernel module");
    }
    match &facts.ebpf {
        Ok(()) => good(SUBJECT, "the kernel has what the programs need"),
        Err(why) => hinders(SUBJECT, why.clone()),
    }
}

fn memory(facts: &Facts, driver: Option<Kind>) -> Finding {
    const SUBJECT: &str = "ring memory";
    let (host, size) = (facts.host, facts.ring_size);
    let taken = host.taken(size);
    let text = format!(
        "{} rings of {} take {} MiB, {} MiB are available",
        host.cpus,
        short(size),
        taken.div_ceil(1 << 20),
        host.available >> 20
    );
    let refused = driver == Some(Kind::Kmod) && taken > host.memory / MODULE_SHARE;
    let too_large = size > EBPF_RING && driver != Some(Kind::Kmod);
    if taken <= host.available && !refused && !too_large {
        return good(SUBJECT, text);
    }
    let room = host.available.min(host.memory / MODULE_SHARE);
    let mut fits = EBPF_RING.min(size);
    while fits > SF_RING_SIZE_MIN as usize && host.taken(fits) > room {
        fits /= 2;
    }
    if host.taken(fits) > room {
        return fails(SUBJECT, text).remedy("free memory, or add some");
    }
    fails(SUBJECT, text).remedy(format!("sysflow record --ring-size {} ...", short(fits)))
}

/// A ring's size as `--ring-size` takes it.
fn short(size: usize) -> String {
    if size >= 1 << 20 { format!("{}M", size >> 20) } else { format!("{}K", size >> 10) }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::doctor::{BuildFacts, Key, ModuleFile, SigningFacts};
    use crate::sizing::Host;

    const KO: &str = "/var/cache/sysflow/kmod/6.1.0-56-amd64/sysflow.ko";

    /// A host where everything is as it should be.
    fn sound() -> Facts {
        Facts {
            release: "6.1.0-56-amd64".to_owned(),
            family: Family::Debian,
            capabilities: u64::MAX,
            module: ModuleFacts {
                loaded: false,
                supported: true,
                disabled: false,
                found: Ok(ModuleFile { path: PathBuf::from(KO), signed: false }),
                foreign: false,
                build: BuildFacts {
                    headers: true,
                    make: true,
                    compiler: true,
                    wanted_compiler: Some("gcc-12".to_owned()),
                    sources: Some(PathBuf::from("/usr/src/sysflow")),
                },
            },
            lockdown: Lockdown::None,
            signing: SigningFacts {
                secure_boot: Some(false),
                enforced: false,
                key: None,
                sign_file: Some(PathBuf::from("/headers/scripts/sign-file")),
            },
            ebpf: Ok(()),
            btf: true,
            host: Host { cpus: 4, memory: 8 << 30, available: 4 << 30 },
            ring_size: 1 << 20,
        }
    }

    /// The remedies, and whether and with what a capture is possible.
    fn told(change: impl FnOnce(&mut Facts)) -> (Vec<String>, Option<Kind>, bool) {
        let mut facts = sound();
        change(&mut facts);
        let diagnosis = examine(&facts);
        let can = diagnosis.can_capture();
        let wrong = diagnosis.findings.iter().filter(|f| f.state != State::Good).count();
        let remedies: Vec<_> = diagnosis.findings.into_iter().filter_map(|f| f.remedy).collect();
        assert!(remedies.len() <= wrong, "a remedy without a problem");
        (remedies, diagnosis.driver, can)
    }

    #[test]
    fn a_sound_host_needs_nothing() {
        assert_eq!(told(|_| {}), (vec![], Some(Kind::Kmod), true));
    }

    #[test]
    fn without_privileges_there_is_no_capture() {
        let (remedies, driver, can) = told(|f| f.capabilities = 0);
        assert!(remedies[0].contains("sudo"), "{remedies:?}");
        assert_eq!((driver, can), (None, false));
        let few = 1 << CAP_BPF | 1 << CAP_PERFMON;
        assert_eq!(told(|f| f.capabilities = few).1, Some(Kind::Ebpf));
    }

    #[test]
    fn each_thing_that_building_lacks_has_its_package() {
        let (remedies, driver, can) = told(|f| {
            f.module.found = Err("none".to_owned());
            f.module.build.headers = false;
            f.module.build.make = false;
            f.module.build.compiler = false;
            f.module.build.sources = None;
        });
        assert_eq!(
            remedies,
            [
                "sysflow probe load",
                "apt install linux-headers-6.1.0-56-amd64",
                "apt install make",
                "apt install gcc-12",
                "install sysflow-dkms, or: sysflow probe load --sources DIR"
            ]
        );
        assert_eq!((driver, can), (Some(Kind::Ebpf), true));
    }

    #[test]
    fn remedies_are_commands_of_the_system() {
        let (remedies, ..) = told(|f| {
            f.family = Family::RedHat;
            f.release = "5.14.0-427.el9.x86_64".to_owned();
            f.module.found = Err("none".to_owned());
            f.module.build.headers = false;
            f.module.build.make = false;
        });
        assert_eq!(
            remedies,
            [
                "sysflow probe load",
                "dnf install kernel-devel-5.14.0-427.el9.x86_64",
                "dnf install make"
            ]
        );
        let (remedies, ..) = told(|f| {
            f.family = Family::RedHat;
            f.lockdown = Lockdown::Integrity;
            f.signing.secure_boot = Some(true);
            f.signing.key = Some(Key {
                private: "/k".into(),
                certificate: "/c".into(),
                state: KeyState::Unknown,
            });
        });
        assert_eq!(remedies, ["dnf install mokutil"]);
    }

    #[test]
    fn a_module_of_another_kernel_is_named() {
        let (remedies, driver, _) = told(|f| {
            f.module.found = Err("x.ko is built for kernel 5.10, and 6.1 runs".to_owned());
            f.module.foreign = true;
        });
        assert_eq!(remedies, ["unset SYSFLOW_MODULE, then: sysflow probe load"]);
        assert_eq!(driver, Some(Kind::Ebpf));
    }

    #[test]
    fn a_kernel_that_takes_no_modules_leaves_ebpf() {
        assert_eq!(told(|f| f.module.supported = false), (vec![], Some(Kind::Ebpf), true));
        let (remedies, driver, _) = told(|f| f.module.disabled = true);
        assert!(remedies[0].starts_with("reboot"), "{remedies:?}");
        assert_eq!(driver, Some(Kind::Ebpf));
    }

    /// From an unsigned module under Secure Boot to one that is loaded.
    #[test]
    fn secure_boot_is_gone_through_step_by_step() {
        let key = |state| {
            Some(Key { private: "/k/mok.key".into(), certificate: "/k/mok.pub".into(), state })
        };
        let step = |key: Option<Key>, signed| {
            let (remedies, driver, can) = told(|f| {
                f.lockdown = Lockdown::Integrity;
                f.signing.secure_boot = Some(true);
                f.signing.key = key;
                f.module.found = Ok(ModuleFile { path: PathBuf::from(KO), signed });
            });
            assert!(can);
            (remedies.concat(), driver)
        };
        let (make, driver) = step(None, false);
        assert!(make.contains("openssl req") && driver == Some(Kind::Ebpf), "{make}");
        assert_eq!(step(key(KeyState::Unknown), false).0, "apt install mokutil");
        let (enrol, _) = step(key(KeyState::NotEnrolled), false);
        assert!(enrol.starts_with("mokutil --import /k/mok.pub"), "{enrol}");
        assert_eq!(
            step(key(KeyState::Enrolled), false).0,
            format!("/headers/scripts/sign-file sha256 /k/mok.key /k/mok.pub {KO}")
        );
        assert_eq!(step(key(KeyState::Enrolled), true), (String::new(), Some(Kind::Kmod)));
    }

    #[test]
    fn enforced_signatures_without_secure_boot_are_a_matter_of_the_command_line() {
        let (remedies, driver, _) = told(|f| f.signing.enforced = true);
        assert!(remedies[0].contains("module.sig_enforce"), "{remedies:?}");
        assert_eq!(driver, Some(Kind::Ebpf));
    }

    #[test]
    fn what_ebpf_lacks_matters_where_there_is_no_module() {
        let (remedies, driver, can) = told(|f| {
            f.btf = false;
            f.module.supported = false;
        });
        assert!(remedies[0].contains("CONFIG_DEBUG_INFO_BTF"), "{remedies:?}");
        assert_eq!((driver, can), (None, false));
        let (_, driver, can) = told(|f| {
            f.lockdown = Lockdown::Confidentiality;
            f.signing.enforced = true;
        });
        assert_eq!((driver, can), (None, false));
        assert_eq!(told(|f| f.btf = false).1, Some(Kind::Kmod));
    }

    #[test]
    fn rings_that_do_not_fit_are_told_with_the_size_that_does() {
        let (remedies, _, can) = told(|f| f.ring_size = 1 << 30);
        assert_eq!(remedies, ["sysflow record --ring-size 256M ..."]);
        assert!(!can);
        let (remedies, ..) = told(|f| f.host.available = 1 << 20);
        assert_eq!(remedies, ["sysflow record --ring-size 128K ..."]);
        let (remedies, ..) = told(|f| f.host.available = 0);
        assert!(remedies[0].starts_with("free memory"), "{remedies:?}");
    }
}

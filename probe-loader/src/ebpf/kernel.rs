// SPDX-License-Identifier: Apache-2.0
//! What the running kernel can do, and what this process may.

use std::fs;
use std::io::Read;

use libbpf_rs::btf::{Btf, types};
use libbpf_rs::{ErrorKind, ObjectBuilder, ProgramInput};

use super::{Error, OBJECT};

const BTF: &str = "/sys/kernel/btf/vmlinux";
/// Oldest kernel: ring buffer maps.
const OLDEST: (u32, u32) = (5, 8);
/// From here on, programs on system call tracepoints run preemptible unless
/// they are classic ones.
const PREEMPTIBLE: (u32, u32) = (7, 0);

/// Environment variable that names a [`Form`] and so overrides the choice: to
/// test each, and to find out which one a kernel has trouble with.
const FORM: &str = "SYSFLOW_EBPF_FORM";

/// How the program for the exits of system calls attaches: see
/// `driver/bpf/sysflow.bpf.c`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// BTF tracepoint.
    Btf,
    /// Raw tracepoint.
    Raw,
    /// Classic tracepoint.
    Classic,
}

impl Form {
    /// Name of the program.
    pub(super) fn program(self) -> &'static str {
        match self {
            Form::Btf => "sf_sys_exit_btf",
            Form::Raw => "sf_sys_exit_raw",
            Form::Classic => "sf_sys_exit_classic",
        }
    }
}

/// What the programs have to know of the kernel.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) form: Form,
    /// Programs on raw tracepoints can be preempted.
    pub(super) preemptible: bool,
    /// `sched_process_exit` tells whether the group is dead.
    pub(super) exit_group_dead: bool,
    /// The tracepoints of `io_uring`, where they are as the programs know them.
    pub(super) uring: Option<Uring>,
}

impl Facts {
    /// Asks the kernel.
    pub(super) fn probe() -> Result<Self, Error> {
        let release = fs::read_to_string("/proc/sys/kernel/osrelease")
            .map_err(|error| Error::system("read the kernel release", &error))?;
        let version = parse_release(&release);
        if version < OLDEST {
            return Err(Error::Kernel { release: release.trim().to_owned() });
        }
        let no_btf = |reason: String| Error::Btf { path: BTF, reason };
        fs::metadata(BTF).map_err(|error| no_btf(error.to_string()))?;
        let btf = Btf::from_vmlinux().map_err(|error| no_btf(error.to_string()))?;
        let preemptible = version >= PREEMPTIBLE;
        let form = match forced_form()? {
            Some(form) => form,
            None if preemptible => Form::Classic,
            None if has_helper(&btf, "BPF_FUNC_get_current_task_btf") => Form::Btf,
            None => Form::Raw,
        };
        let exit_group_dead = tracepoint_args(&btf, "btf_trace_sched_process_exit") >= Some(2);
        let uring = Uring::probe(&btf);
        Ok(Self { form, preemptible, exit_group_dead, uring })
    }
}

/// How the kernel shows requests of `io_uring`. Before 6.0, where a completion
/// does not name its request, they are only counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Uring {
    /// The program for submissions.
    submit: &'static str,
    /// A completion is given as a whole.
    pub(super) by_cqe: bool,
}

impl Uring {
    fn probe(btf: &Btf<'_>) -> Option<Self> {
        let args = |name| tracepoint_args(btf, name);
        let submit = match args("btf_trace_io_uring_submit_req") {
            Some(1) => "sf_uring_submit_req",
            _ if args("btf_trace_io_uring_submit_sqe") == Some(2) => "sf_uring_submit_sqe",
            _ => return None,
        };
        let by_cqe = match args("btf_trace_io_uring_complete") {
            Some(3) => true,
            Some(7) => false,
            _ => return None,
        };
        Some(Self { submit, by_cqe })
    }

    /// The programs to attach.
    pub(super) fn programs(self) -> [&'static str; 2] {
        [self.submit, "sf_uring_done"]
    }
}

/// The form that the environment asks for.
fn forced_form() -> Result<Option<Form>, Error> {
    let Some(value) = std::env::var_os(FORM) else { return Ok(None) };
    match value.to_str() {
        Some("btf") => Ok(Some(Form::Btf)),
        Some("raw") => Ok(Some(Form::Raw)),
        Some("classic") => Ok(Some(Form::Classic)),
        _ => Err(Error::Form(value.to_string_lossy().into_owned())),
    }
}

/// Major and minor number; what cannot be read is newest.
fn parse_release(release: &str) -> (u32, u32) {
    let mut numbers = release
        .split(|c: char| !c.is_ascii_digit())
        .map(|number| number.parse().unwrap_or(u32::MAX));
    (numbers.next().unwrap_or(u32::MAX), numbers.next().unwrap_or(0))
}

fn has_helper(btf: &Btf<'_>, id: &str) -> bool {
    btf.type_by_name::<types::Enum<'_>>("bpf_func_id")
        .is_some_and(|ids| ids.iter().any(|member| member.name.is_some_and(|name| name == id)))
}

/// Number of a tracepoint's arguments, without the probe's own data.
fn tracepoint_args(btf: &Btf<'_>, name: &str) -> Option<usize> {
    let typedef = btf.type_by_name::<types::Typedef<'_>>(name)?;
    let pointer = libbpf_rs::btf::ReferencesType::referenced_type(&typedef);
    let proto = types::FuncProto::try_from(pointer.next_type()?).ok()?;
    proto.len().checked_sub(1)
}

/// Checks the capabilities without which loading fails with a bare EPERM.
pub(super) fn check_privileges() -> Result<(), Error> {
    const SYS_ADMIN: u32 = 21;
    let status = fs::read_to_string("/proc/self/status")
        .map_err(|error| Error::system("read /proc/self/status", &error))?;
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(u64::MAX);
    if effective >> SYS_ADMIN & 1 == 1 {
        return Ok(());
    }
    for (bit, missing) in [(39, "CAP_BPF"), (38, "CAP_PERFMON")] {
        if effective >> bit & 1 == 0 {
            return Err(Error::Privileges { missing });
        }
    }
    Ok(())
}

/// This thread group's id in the initial pid namespace, which is what the
/// programs compare with. In a container it is not what `getpid` says, so a
/// program is run once to ask.
pub(super) fn self_tgid() -> u32 {
    ask_tgid().unwrap_or_else(std::process::id)
}

fn ask_tgid() -> Option<u32> {
    let mut open = ObjectBuilder::default().open_memory(&OBJECT.0).ok()?;
    for mut program in open.progs_mut() {
        let wanted = program.name() == "sf_self";
        program.set_autoload(wanted);
    }
    for mut map in open.maps_mut() {
        if ["rings", "cpus", "bells", "inflight", "tree"].iter().any(|name| map.name() == *name) {
            map.set_autocreate(false).ok()?;
        }
    }
    let object = open.load().ok()?;
    let program = object.progs_mut().find(|program| program.name() == "sf_self")?;
    let output = program.test_run(ProgramInput::default()).ok()?;
    Some(output.return_value).filter(|tgid| *tgid != 0)
}

/// A key that hides kernel addresses.
pub(super) fn random_key() -> Result<u64, Error> {
    let mut key = [0; 8];
    fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut key))
        .map_err(|error| Error::system("read /dev/urandom", &error))?;
    Ok(u64::from_ne_bytes(key))
}

/// What may help when the kernel refuses the programs.
pub(super) fn load_hint(kind: ErrorKind, log: &str) -> String {
    let lockdown = fs::read_to_string("/sys/kernel/security/lockdown").unwrap_or_default();
    if lockdown.contains("[confidentiality]") {
        return "; kernel lockdown is `confidentiality`, which forbids programs to read kernel \
                memory: boot with lockdown=integrity"
            .to_owned();
    }
    match kind {
        ErrorKind::PermissionDenied => {
            "; a security policy (SELinux, a container's seccomp profile) may forbid bpf(2)"
                .to_owned()
        }
        ErrorKind::OutOfMemory => "; choose a smaller ring".to_owned(),
        _ if log.contains("PROG LOAD LOG") => {
            "; this kernel's verifier refuses the programs: use the kernel module, and report \
                what it says"
                .to_owned()
        }
        ErrorKind::TooBig => {
            "; this kernel takes no map values of this size: choose a ring of 1 MiB or less"
                .to_owned()
        }
        _ => String::new(),
    }
}

/// What may help when a program cannot be attached.
pub(super) fn attach_hint(program: &str) -> String {
    let traces = ["/sys/kernel/tracing/events", "/sys/kernel/debug/tracing/events"];
    if program == Form::Classic.program() && !traces.iter().any(|dir| fs::metadata(dir).is_ok()) {
        return "; tracefs is not mounted: mount -t tracefs nodev /sys/kernel/tracing".to_owned();
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::parse_release;

    #[test]
    fn releases_are_compared_by_number() {
        assert_eq!(parse_release("6.18.44-fc-v595\n"), (6, 18));
        assert_eq!(parse_release("5.10.0-8-amd64"), (5, 10));
        assert_eq!(parse_release("7.2-rc1"), (7, 2));
        assert!(parse_release("5.7.19") < super::OLDEST);
        assert!(parse_release("10.0.1") >= super::PREEMPTIBLE);
    }
}

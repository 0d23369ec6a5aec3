// SPDX-License-Identifier: Apache-2.0
//! The eBPF driver: `driver/bpf`, embedded in this program as an object file.
//!
//! ```text
//! open   privileges, kernel ─ configure ─ load (the verifier) ─ init rings
//! start  attach             stop  detach, wait until no program runs
//! ```
//!
//! The rings are one mmap-able array, an element per possible CPU, laid out as
//! the kernel module's mapping, so that [`Ring`](crate::Ring) reads both.

mod bells;
mod config;
mod info;
mod kernel;
mod log;
mod off;
mod prod;
mod select;
pub mod tasks;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use libbpf_rs::{Link, MapCore, MapFlags, Object, ObjectBuilder, OpenObject};

use crate::counters::Counters;
use crate::driver::Options;
use crate::ring::stride;
use crate::selection::Selection;
pub use off::switch_off;

use bells::Bells;
use config::Config;
use kernel::{Facts, Form, Uring};
use prod::ProdPage;
use select::Select;

/// Alignment that libelf expects of an object in memory.
#[repr(C, align(8))]
struct Aligned<T: ?Sized>(T);

static OBJECT: &Aligned<[u8]> =
    &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/sysflow.bpf.o")));

/// Largest ring: the verifier follows offsets in a map value up to 2^29.
const RING_SIZE_MAX: usize = 1 << 28;

/// The program that walks over all tasks.
const WALKER: &str = "sf_walk_tree";

/// Section of what the loader selects.
const SELECT_SECTION: &str = ".data.select";

/// Programs that are the same in every form.
const SCHED_PROGRAMS: [&str; 3] = ["sf_sched_exit", "sf_sched_fork", "sf_sched_exec"];

/// Why the driver cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The process may not load programs.
    #[error(
        "{missing} is missing; run as root, or grant CAP_BPF, CAP_PERFMON and CAP_SYS_RESOURCE"
    )]
    Privileges {
        /// The first capability that the process has not.
        missing: &'static str,
    },
    /// No programs exist for this machine.
    #[error("the programs are built for x86-64 only; use the kernel module")]
    Machine,
    /// The kernel lacks what the programs are built on.
    #[error("Linux {release} is too old: 5.8 or newer is needed")]
    Kernel {
        /// The running kernel.
        release: String,
    },
    /// The environment asks for an unknown form of attachment.
    #[error("SYSFLOW_EBPF_FORM is `{0}`; it can be btf, raw or classic")]
    Form(String),
    /// The kernel does not describe its types.
    #[error(
        "no type information at {path} ({reason}); \
         a kernel with CONFIG_DEBUG_INFO_BTF is needed, or the kernel module"
    )]
    Btf {
        /// Where it should be.
        path: &'static str,
        /// What happened.
        reason: String,
    },
    /// A ring of this size is too large for eBPF.
    #[error("a ring of {0} bytes is too large for eBPF, which takes up to 256 MiB per CPU")]
    RingSize(usize),
    /// The embedded object is not the one that this program was built with.
    #[error("the embedded object lacks {0}; rebuild sysflow")]
    Object(&'static str),
    /// The kernel refused the maps or the programs.
    #[error("cannot load the programs: {reason}{hint}{log}")]
    Load {
        /// libbpf's error.
        reason: String,
        /// What may help.
        hint: String,
        /// What libbpf and the verifier said.
        log: String,
    },
    /// A program was loaded and cannot be attached.
    #[error("cannot attach {program}: {reason}{hint}{log}")]
    Attach {
        /// Name in `driver/bpf/sysflow.bpf.c`.
        program: String,
        /// libbpf's error.
        reason: String,
        /// What may help.
        hint: String,
        /// What libbpf said.
        log: String,
    },
    /// Memory or descriptors that the driver needs could not be had.
    #[error("cannot {what}: {reason}")]
    System {
        /// What was tried.
        what: &'static str,
        /// The system's answer.
        reason: String,
    },
    /// A process that was to be selected is not there.
    #[error("process {pid} is not there")]
    NoProcess {
        /// The process.
        pid: u32,
    },
    /// A program still ran a second after it was detached.
    #[error("a program is still running on cpu {cpu} after it was detached")]
    Running {
        /// Where.
        cpu: u32,
    },
}

impl Error {
    fn system(what: &'static str, reason: &dyn std::fmt::Display) -> Self {
        Self::System { what, reason: reason.to_string() }
    }

    /// As [`Error::system`], with the chain of causes.
    fn libbpf(what: &'static str, error: &libbpf_rs::Error) -> Self {
        Self::System { what, reason: format!("{error:#}") }
    }
}

/// Checks, without loading anything, that the programs can be used here.
///
/// # Errors
/// Why not, and what helps.
pub fn check() -> Result<(), Error> {
    if OBJECT.0.is_empty() {
        return Err(Error::Machine);
    }
    kernel::check_privileges()?;
    Facts::probe().map(|_| ())
}

/// The programs, loaded, and their rings.
pub(crate) struct Ebpf {
    // Fields drop in this order: detach, then unmap, then unload.
    links: Vec<Link>,
    prods: Vec<ProdPage>,
    bells: Bells,
    select: Select,
    rings: OwnedFd,
    object: Object,
    form: Form,
    uring: Option<Uring>,
}

impl Ebpf {
    /// Loads the programs and makes their rings. Nothing is recorded yet.
    pub(crate) fn open(options: &Options) -> Result<Self, Error> {
        if OBJECT.0.is_empty() {
            return Err(Error::Machine);
        }
        if options.ring_size > RING_SIZE_MAX {
            return Err(Error::RingSize(options.ring_size));
        }
        kernel::check_privileges()?;
        let facts = Facts::probe()?;
        let cpus = possible_cpus()?;
        let log = log::Capture::start();
        let mut open = open_object(&log)?;
        let config = configure(&mut open, &facts, options, cpus, &log)?;
        let object = open.load().map_err(|error| log.load_error(&error))?;
        let bells = Bells::hang(&object, cpus)?;
        let select = {
            let control = section(&object, SELECT_SECTION)?;
            let marks = object_map(&object, "tree")?;
            Select::new(control.as_fd(), marks.as_fd())?
        };
        let rings = object_map(&object, "rings")?
            .as_fd()
            .try_clone_to_owned()
            .map_err(|error| Error::system("duplicate the rings' descriptor", &error))?;
        let prods: Result<Vec<_>, _> = (0..cpus)
            .map(|cpu| ProdPage::map(rings.as_fd(), cpu, stride(options.ring_size)))
            .collect();
        let prods = prods?;
        for prod in &prods {
            prod.init(&config, cpus);
        }
        Ok(Self {
            links: Vec::new(),
            prods,
            bells,
            select,
            rings,
            object,
            form: facts.form,
            uring: facts.uring,
        })
    }

    /// Rings, one per possible CPU.
    pub(crate) fn cpus(&self) -> u32 {
        u32::try_from(self.prods.len()).unwrap_or(u32::MAX)
    }

    /// The memory of the rings, from offset 0.
    pub(crate) fn rings_fd(&self) -> BorrowedFd<'_> {
        self.rings.as_fd()
    }

    /// Becomes readable when a program rang.
    pub(crate) fn wakeup_fd(&self) -> BorrowedFd<'_> {
        self.bells.fd()
    }

    /// Makes [`Ebpf::wakeup_fd`] unreadable until the next wake-up.
    pub(crate) fn acknowledge_wakeup(&mut self) {
        self.bells.acknowledge();
    }

    /// Attaches the programs.
    pub(crate) fn start(&mut self) -> Result<(), Error> {
        if !self.links.is_empty() {
            return Ok(());
        }
        let log = log::Capture::start();
        // Ends and births first: a process whose calls are seen has an end.
        let uring = self.uring.into_iter().flat_map(Uring::programs);
        let names = SCHED_PROGRAMS.into_iter().chain(uring).chain([self.form.program()]);
        let links: Result<Vec<_>, _> = names.map(|name| attach(&self.object, name, &log)).collect();
        self.links = links?;
        drop(log);
        // Births are seen from here on.
        self.change_selection(|select, hooks| select.again(hooks))?;
        self.switch(true)
    }

    /// Sets what is told.
    pub(crate) fn select(&mut self, selection: &Selection) -> Result<(), Error> {
        self.change_selection(|select, hooks| select.set(selection.raw(), hooks))
    }

    fn change_selection(
        &mut self,
        change: impl FnOnce(&mut Select, &select::Hooks<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (bells, object) = (&self.bells, &self.object);
        let hooks = select::Hooks {
            grace: &|| bells.wait_for_programs(),
            walker: &|| attach(object, WALKER, &log::Capture::start()),
        };
        change(&mut self.select, &hooks)
    }

    /// Detaches the programs and waits until none runs.
    pub(crate) fn stop(&mut self) -> Result<(), Error> {
        // A link lives on while a child has it that was forked just now, so
        // it is the switch that ends the capture.
        self.switch(false)?;
        self.links.clear();
        self.bells.wait_for_programs()?;
        // Programs that the kernel runs preemptible are not covered by that.
        self.prods.iter().try_for_each(ProdPage::wait_quiet)
    }

    /// Makes the programs record, or return at once (`sf_running`).
    fn switch(&self, on: bool) -> Result<(), Error> {
        section(&self.object, ".bss")?
            .update(&0u32.to_ne_bytes(), &u32::from(on).to_ne_bytes(), MapFlags::ANY)
            .map_err(|error| Error::libbpf("switch the programs", &error))
    }

    /// What the kernel kept from the programs because one was running already.
    pub(crate) fn kept(&self) -> Counters {
        let (mut tasks, mut calls) = (0, 0);
        for program in self.object.progs() {
            let misses = info::recursion_misses(program.as_fd());
            let scheduler = program.name().to_str().is_some_and(|n| SCHED_PROGRAMS.contains(&n));
            *if scheduler { &mut tasks } else { &mut calls } += misses;
        }
        Counters::kept(tasks, calls)
    }

    /// Whether another process switched this capture off.
    pub(crate) fn switched_off(&self) -> bool {
        let Ok(section) = section(&self.object, ".bss") else { return false };
        let value = section.lookup(&0u32.to_ne_bytes(), MapFlags::ANY);
        value.ok().flatten().as_deref() == Some(&off::CUT.to_ne_bytes())
    }
}

fn possible_cpus() -> Result<u32, Error> {
    libbpf_rs::num_possible_cpus()
        .map_err(|error| Error::libbpf("count the possible CPUs", &error))
        .and_then(|n| u32::try_from(n).map_err(|error| Error::system("count the CPUs", &error)))
}

fn open_object(log: &log::Capture) -> Result<OpenObject, Error> {
    ObjectBuilder::default()
        .name("sysflow")
        .and_then(|builder| builder.open_memory(&OBJECT.0))
        .map_err(|error| log.load_error(&error))
}

/// A section of variables.
fn section<'obj>(object: &'obj Object, name: &'static str) -> Result<libbpf_rs::Map<'obj>, Error> {
    object
        .maps()
        .find(|map| map.name().to_string_lossy().ends_with(name))
        .ok_or(Error::Object(name))
}

fn object_map<'obj>(
    object: &'obj Object,
    name: &'static str,
) -> Result<libbpf_rs::Map<'obj>, Error> {
    object.maps().find(|map| map.name() == name).ok_or(Error::Object(name))
}

/// Sizes the maps, sets the constants and chooses the programs.
fn configure(
    open: &mut OpenObject,
    facts: &Facts,
    options: &Options,
    cpus: u32,
    log: &log::Capture,
) -> Result<Config, Error> {
    let mut config = None;
    let value_size =
        u32::try_from(stride(options.ring_size)).map_err(|_| Error::RingSize(options.ring_size))?;
    let self_tgid = kernel::self_tgid();
    for mut map in open.maps_mut() {
        let name = map.name().to_string_lossy().into_owned();
        let sized = match name.as_str() {
            "rings" => map.set_value_size(value_size).and_then(|()| map.set_max_entries(cpus)),
            "cpus" | "bells" => map.set_max_entries(cpus),
            "tree" => map.set_max_entries(select::parts()),
            _ => Ok(()),
        };
        sized.map_err(|error| log.load_error(&error))?;
        if name.ends_with(config::SECTION) {
            let bytes = map.initial_value_mut().ok_or(Error::Object("its configuration"))?;
            let mut value = Config::read(bytes)?;
            value.ring_size = options.ring_size as u64;
            value.key = kernel::random_key()?;
            value.self_tgid = self_tgid;
            value.exit_group_dead = facts.exit_group_dead.into();
            value.guard_preempt = facts.preemptible.into();
            value.uring = facts.uring.map_or(0, |uring| {
                config::URING_HOOKED | if uring.by_cqe { config::URING_CQE } else { 0 }
            });
            value.write(bytes);
            config = Some(value);
        }
    }
    for mut program in open.progs_mut() {
        let name = program.name().to_string_lossy().into_owned();
        let wanted = SCHED_PROGRAMS.contains(&name.as_str())
            || name == WALKER
            || name == facts.form.program()
            || facts.uring.is_some_and(|uring| uring.programs().contains(&name.as_str()));
        program.set_autoload(wanted);
    }
    config.ok_or(Error::Object("its configuration"))
}

fn attach(object: &Object, name: &str, log: &log::Capture) -> Result<Link, Error> {
    let program = object
        .progs_mut()
        .find(|program| program.name() == name)
        .ok_or(Error::Object("a program"))?;
    program.attach().map_err(|error| Error::Attach {
        program: name.to_owned(),
        reason: format!("{error:#}"),
        hint: kernel::attach_hint(name),
        log: log.text(),
    })
}

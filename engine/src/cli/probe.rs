// SPDX-License-Identifier: Apache-2.0
//! `sysflow probe`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;
use probe_loader::kmod::{self, module};
use probe_loader::status::Status;

/// Look at, load and unload the drivers.
///
/// A capture loads what it needs by itself; the kernel module stays loaded
/// until it is unloaded here, the eBPF programs go with their capture.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say which drivers can be used here, and what hinders the others
    Status,
    /// Load the kernel module, and build it first if there is none
    Load(LoadArgs),
    /// Switch off captures that use eBPF, and unload the kernel module
    ///
    /// A capture that uses the module keeps it loaded; writing 0 to
    /// /sys/module/sysflow/parameters/capture ends it.
    Unload,
}

#[derive(clap::Args)]
struct LoadArgs {
    /// Module to load [default: the one installed or built for this kernel]
    #[arg(value_name = "FILE.ko")]
    module: Option<PathBuf>,

    /// Folder of the driver's sources, to build from
    #[arg(long, value_name = "DIR")]
    sources: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::Status => status(&mut io::stdout().lock()),
        Command::Load(args) => load(args),
        Command::Unload => unload(),
    }
}

/// Exit code 1: no driver can be used.
fn status(out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let status = Status::look();
    writeln!(out, "kernel         {}", status.release)?;
    let module = &status.module;
    let state = match (module.loaded, &module.loadable, &module.found, &module.buildable) {
        (true, ..) => "loaded".to_owned(),
        (_, Err(why), ..) => format!("cannot be used: {why}"),
        (_, Ok(()), Ok(path), _) => format!("can be loaded: {}", path.display()),
        (_, Ok(()), Err(_), Ok(())) => "can be built: sysflow probe load".to_owned(),
        (_, Ok(()), Err(_), Err(why)) => format!("cannot be built: {why}"),
    };
    writeln!(out, "kernel module  {state}")?;
    if module.needs_signature && !module.loaded {
        writeln!(out, "               this kernel takes signed modules only")?;
    }
    match &status.ebpf {
        Ok(()) => writeln!(out, "eBPF           can be used")?,
        Err(why) => writeln!(out, "eBPF           cannot be used: {why}")?,
    }
    match status.automatic() {
        Some(kind) => {
            writeln!(out, "a capture would use {kind}")?;
            Ok(ExitCode::SUCCESS)
        }
        None => {
            writeln!(out, "a capture would find no driver")?;
            Ok(ExitCode::FAILURE)
        }
    }
}

/// The captures of both drivers: those with eBPF are switched off without their help.
fn unload() -> anyhow::Result<ExitCode> {
    let switched = probe_loader::ebpf::switch_off()?;
    match switched {
        0 => {}
        1 => println!("switched off a capture with eBPF"),
        many => println!("switched off {many} captures with eBPF"),
    }
    if switched == 0 || module::loaded() {
        module::unload()?;
        println!("unloaded the kernel module");
    }
    Ok(ExitCode::SUCCESS)
}

fn load(args: &LoadArgs) -> anyhow::Result<ExitCode> {
    if module::loaded() {
        println!("loaded already");
        return Ok(ExitCode::SUCCESS);
    }
    module::can_load()?;
    let path = match (&args.module, &args.sources) {
        (Some(path), _) => path.clone(),
        (None, Some(sources)) => build(sources)?,
        (None, None) => match module::find() {
            Ok(path) if path.starts_with(module::CACHE) => renewed(path),
            Ok(path) => path,
            Err(kmod::Error::NotFound { .. }) => build(&default_sources()?)?,
            Err(other) => return Err(other.into()),
        },
    };
    module::load(&path)?;
    println!("loaded {}", path.display());
    Ok(ExitCode::SUCCESS)
}

/// The module that was built before, built again if its sources have changed
/// and are here.
fn renewed(path: PathBuf) -> PathBuf {
    let Ok(sources) = default_sources() else { return path };
    build(&sources).unwrap_or_else(|error| {
        eprintln!("{} is not of these sources, and used: {error}", path.display());
        path
    })
}

fn build(sources: &Path) -> anyhow::Result<PathBuf> {
    let cache = Path::new(module::CACHE);
    if let Some(module) = kmod::built(sources, cache)? {
        return Ok(module);
    }
    kmod::can_build()?;
    println!("building the module from {}", sources.display());
    Ok(kmod::build(sources, cache)?)
}

/// Where the sources are: installed for DKMS, installed with this program
/// (PREFIX/bin and PREFIX/src), or in the tree that it was built in.
pub(super) fn default_sources() -> anyhow::Result<PathBuf> {
    const FOLDER: &str = concat!("src/sysflow-", env!("CARGO_PKG_VERSION"));
    let program = std::env::current_exe().context("cannot tell where this program is")?;
    let above = |levels, folder: &str| program.ancestors().nth(levels).map(|at| at.join(folder));
    let mut places = vec![Path::new("/usr").join(FOLDER)];
    places.extend([above(2, FOLDER), above(3, "driver")].into_iter().flatten());
    places.dedup();
    let holds =
        |place: &&PathBuf| ["Kbuild", "kmod/Kbuild"].iter().any(|file| place.join(file).is_file());
    places.iter().find(holds).cloned().with_context(|| {
        let looked: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
        format!(
            "no sources of the driver in {}; name their folder with --sources",
            looked.join(" or ")
        )
    })
}

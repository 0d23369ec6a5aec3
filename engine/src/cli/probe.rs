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
    /// Unload the kernel module
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
        Command::Unload => {
            module::unload()?;
            println!("unloaded");
            Ok(ExitCode::SUCCESS)
        }
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

/// Where the sources are: installed, or in the tree that this program was
/// built in.
pub(super) fn default_sources() -> anyhow::Result<PathBuf> {
    let installed = PathBuf::from(concat!("/usr/src/sysflow-", env!("CARGO_PKG_VERSION")));
    let program = std::env::current_exe().context("cannot tell where this program is")?;
    let tree = program.ancestors().nth(3).map(|root| root.join("driver"));
    let places: Vec<PathBuf> = std::iter::once(installed).chain(tree).collect();
    places.iter().find(|place| place.join("kmod/Kbuild").is_file()).cloned().with_context(|| {
        let looked: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
        format!(
            "no sources of the driver in {}; name their folder with --sources",
            looked.join(" or ")
        )
    })
}

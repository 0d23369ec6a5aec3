// SPDX-License-Identifier: Apache-2.0
//! Building the module for the running kernel, in a folder of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::cache::{self, Stamp};
use super::module::release;
use super::{Error, file_error};

/// Whether what building needs is installed: the running kernel's headers,
/// make and a compiler.
///
/// # Errors
/// [`Error::Missing`], with the package to install.
pub fn can_build() -> Result<(), Error> {
    let release = release();
    if !headers(&release).join("Makefile").exists() {
        return Err(Error::Missing {
            what: format!("the headers of kernel {release}"),
            package: format!("linux-headers-{release}"),
        });
    }
    for program in ["make", "gcc"] {
        if !in_path(program) {
            return Err(Error::Missing { what: program.to_owned(), package: program.to_owned() });
        }
    }
    Ok(())
}

/// Where the headers of a kernel are.
pub(crate) fn headers(release: &str) -> PathBuf {
    PathBuf::from(format!("/lib/modules/{release}/build"))
}

/// Whether a program is installed.
pub(crate) fn in_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(program).is_file())
}

/// Builds the module from `sources` (the project's `driver` folder, or an
/// unpacked source package) in a folder of `cache` named by the running
/// kernel, and returns its path. One that was built there from the same sources
/// is taken as it is; those of kernels that are gone are removed.
///
/// # Errors
/// When something is missing, or the sources do not build.
pub fn build(sources: &Path, cache: &Path) -> Result<PathBuf, Error> {
    if let Some(module) = built(sources, cache)? {
        return Ok(module);
    }
    can_build()?;
    let release = release();
    let dir = cache.join(&release);
    let stamp = Stamp::of(&source_files(sources)?)?;
    cache::prune(cache, Path::new("/lib/modules"));
    Stamp::remove(&dir);
    copy_sources(sources, &dir)?;
    let mut make = Command::new("make");
    make.arg("-C").arg(headers(&release)).arg(format!("M={}", dir.display())).arg("modules");
    // The compiler of the kernel by its full name, where there is one.
    if wanted_compiler(&headers(&release)).is_some_and(|name| !in_path(&name)) {
        make.arg("CC=gcc");
    }
    let output = make.output().map_err(file_error(Path::new("make")))?;
    let mut text = output.stdout;
    text.extend_from_slice(&output.stderr);
    let log = dir.join("build.log");
    fs::write(&log, &text).map_err(file_error(&log))?;
    let module = dir.join("sysflow.ko");
    if output.status.success() && module.exists() {
        stamp.put(&dir)?;
        Ok(module)
    } else {
        let tail = tail(&String::from_utf8_lossy(&text)).into();
        Err(Error::Build { release: release.into(), log: log.into(), tail })
    }
}

/// The module for the running kernel that [`build`] has made from just these
/// sources in `cache`, if there is one.
///
/// # Errors
/// When the sources cannot be read.
pub fn built(sources: &Path, cache: &Path) -> Result<Option<PathBuf>, Error> {
    let release = release();
    let dir = cache.join(&release);
    let module = dir.join("sysflow.ko");
    let same = Stamp::of(&source_files(sources)?)?.stands_in(&dir);
    Ok((same && super::module::check(&module, &release).is_ok()).then_some(module))
}

/// The lines of a failed build that say why.
fn tail(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}

/// The compiler that a kernel was built with, by the name that its headers ask
/// for, such as "gcc-12".
pub(crate) fn wanted_compiler(headers: &Path) -> Option<String> {
    let config = fs::read_to_string(headers.join(".config")).ok()?;
    compiler_of(&config).map(str::to_owned)
}

fn compiler_of(config: &str) -> Option<&str> {
    let line = config.lines().find_map(|line| line.strip_prefix("CONFIG_CC_VERSION_TEXT=\""))?;
    line.split(' ').next()
}

/// The folders of a source tree, and what they are called where it is built.
fn source_folders(sources: &Path) -> [(PathBuf, &'static str); 3] {
    let (kmod, include) = if sources.join("Kbuild").exists() {
        (sources.to_owned(), sources.join("include"))
    } else {
        (sources.join("kmod"), sources.join("include"))
    };
    [
        (kmod.clone(), ""),
        (kmod.join("compat"), "compat"),
        (include.join("sysflow"), "include/sysflow"),
    ]
}

fn copy_sources(sources: &Path, dir: &Path) -> Result<(), Error> {
    for (from, name) in source_folders(sources) {
        let to = dir.join(name);
        fs::create_dir_all(&to).map_err(file_error(&to))?;
        for path in plain_files(&from)? {
            let target = to.join(path.file_name().unwrap_or_default());
            fs::copy(&path, &target).map_err(file_error(&target))?;
        }
    }
    Ok(())
}

/// Every file that is copied, always in the same order.
fn source_files(sources: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for (from, _) in source_folders(sources) {
        files.extend(plain_files(&from)?);
    }
    Ok(files)
}

/// The files of a folder that a build reads, sorted.
fn plain_files(from: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for entry in fs::read_dir(from).map_err(file_error(from))? {
        let path = entry.map_err(file_error(from))?.path();
        let name = path.file_name().unwrap_or_default();
        let source = path.extension().is_some_and(|end| end == "c" || end == "h");
        // What Kbuild makes beside the sources is of another kernel.
        let made = name == "probed.h" || name.to_string_lossy().ends_with(".mod.c");
        if (source && !made) || name == "Kbuild" || name == "Makefile" {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_copied_from_the_project_without_what_was_built() {
        let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("../driver");
        let to = tempfile::tempdir().expect("temporary folder");
        copy_sources(&driver, to.path()).expect("copied");
        for file in ["Kbuild", "main.c", "compat/control.c", "include/sysflow/abi.h"] {
            assert!(to.path().join(file).is_file(), "{file}");
        }
        assert!(!to.path().join("probed.h").exists());
        assert!(!to.path().join("sysflow.mod.c").exists());
    }

    #[test]
    fn a_copied_tree_can_be_copied_again() {
        let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("../driver");
        let first = tempfile::tempdir().expect("temporary folder");
        let second = tempfile::tempdir().expect("temporary folder");
        copy_sources(&driver, first.path()).expect("copied");
        copy_sources(first.path(), second.path()).expect("copied as a source package");
        assert!(second.path().join("include/sysflow/abi.h").is_file());
    }

    #[test]
    fn a_copy_has_the_stamp_of_its_original() {
        let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("../driver");
        let copy = tempfile::tempdir().expect("temporary folder");
        copy_sources(&driver, copy.path()).expect("copied");
        let stamp = |sources: &Path| Stamp::of(&source_files(sources).expect("files"));
        assert_eq!(stamp(&driver).expect("stamp"), stamp(copy.path()).expect("stamp"));
    }

    #[test]
    fn the_compiler_of_a_kernel_is_named_by_its_configuration() {
        let config = "CONFIG_X=y\nCONFIG_CC_VERSION_TEXT=\"gcc-12 (Debian 12.2.0-14) 12.2.0\"\n";
        assert_eq!(compiler_of(config), Some("gcc-12"));
        assert_eq!(compiler_of("CONFIG_X=y\n"), None);
    }

    #[test]
    fn a_module_is_used_again_while_its_sources_are_the_same() {
        let sources = tempfile::tempdir().expect("temporary folder");
        let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("../driver");
        copy_sources(&driver, sources.path()).expect("copied");
        let cache = tempfile::tempdir().expect("temporary folder");
        let there = || built(sources.path(), cache.path()).expect("sources");
        assert_eq!(there(), None);
        let dir = cache.path().join(release());
        fs::create_dir(&dir).expect("folder");
        let module = format!("\x7fELF\0vermagic={} SMP \0", release());
        fs::write(dir.join("sysflow.ko"), module).expect("module");
        let files = source_files(sources.path()).expect("files");
        Stamp::of(&files).expect("stamp").put(&dir).expect("stamp");
        assert_eq!(there(), Some(dir.join("sysflow.ko")));
        fs::write(sources.path().join("main.c"), "changed").expect("write");
        assert_eq!(there(), None);
    }
}

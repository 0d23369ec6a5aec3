// SPDX-License-Identifier: Apache-2.0
//! Building the module for the running kernel, in a folder of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

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

fn headers(release: &str) -> PathBuf {
    PathBuf::from(format!("/lib/modules/{release}/build"))
}

fn in_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(program).is_file())
}

/// Builds the module from `sources` (the project's `driver` folder, or an
/// unpacked source package) in a folder of `cache` named by the running
/// kernel, and returns its path.
///
/// # Errors
/// When something is missing, or the sources do not build.
pub fn build(sources: &Path, cache: &Path) -> Result<PathBuf, Error> {
    can_build()?;
    let release = release();
    let dir = cache.join(&release);
    copy_sources(sources, &dir)?;
    let output = Command::new("make")
        .arg("-C")
        .arg(headers(&release))
        .arg(format!("M={}", dir.display()))
        .arg("modules")
        .output()
        .map_err(file_error(Path::new("make")))?;
    let mut text = output.stdout;
    text.extend_from_slice(&output.stderr);
    let log = dir.join("build.log");
    fs::write(&log, &text).map_err(file_error(&log))?;
    let module = dir.join("sysflow.ko");
    if output.status.success() && module.exists() {
        Ok(module)
    } else {
        let tail = tail(&String::from_utf8_lossy(&text)).into();
        Err(Error::Build { release: release.into(), log: log.into(), tail })
    }
}

/// The lines of a failed build that say why.
fn tail(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}

fn copy_sources(sources: &Path, dir: &Path) -> Result<(), Error> {
    let (kmod, include) = if sources.join("Kbuild").exists() {
        (sources.to_owned(), sources.join("include"))
    } else {
        (sources.join("kmod"), sources.join("include"))
    };
    copy_files(&kmod, dir)?;
    copy_files(&kmod.join("compat"), &dir.join("compat"))?;
    copy_files(&include.join("sysflow"), &dir.join("include/sysflow"))
}

/// Copies the plain files of a folder that a build reads.
fn copy_files(from: &Path, to: &Path) -> Result<(), Error> {
    fs::create_dir_all(to).map_err(file_error(to))?;
    for entry in fs::read_dir(from).map_err(file_error(from))? {
        let path = entry.map_err(file_error(from))?.path();
        let name = path.file_name().unwrap_or_default();
        let source = path.extension().is_some_and(|end| end == "c" || end == "h");
        // What Kbuild makes beside the sources is of another kernel.
        let made = name == "probed.h" || name.to_string_lossy().ends_with(".mod.c");
        if (source && !made) || name == "Kbuild" || name == "Makefile" {
            let target = to.join(name);
            fs::copy(&path, &target).map_err(file_error(&target))?;
        }
    }
    Ok(())
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
}

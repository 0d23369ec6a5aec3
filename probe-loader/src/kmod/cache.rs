// SPDX-License-Identifier: Apache-2.0
//! Modules that were built here, in a folder per kernel release. A stamp beside
//! each says what it was built from, so that it is used again only for a
//! program of the same ABI, and built again when its sources have changed.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Error, file_error};
use crate::abi;

/// Name of the stamp.
const STAMP: &str = "built";

/// What a module is built from: `api 1.4 schema 1.7 sources 00f1...`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp(String);

impl Stamp {
    /// Of these sources, which the build reads.
    ///
    /// # Errors
    /// When one cannot be read.
    pub(super) fn of(files: &[PathBuf]) -> Result<Self, Error> {
        let mut hash = Fnv::default();
        for file in files {
            hash.add(file.file_name().unwrap_or_default().as_encoded_bytes());
            hash.add(&fs::read(file).map_err(file_error(file))?);
        }
        Ok(Self(format!("{} sources {:016x}\n", our_abi(), hash.0)))
    }

    /// Says in `dir` that its module is built of this.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn put(&self, dir: &Path) -> Result<(), Error> {
        let path = dir.join(STAMP);
        fs::write(&path, &self.0).map_err(file_error(&path))
    }

    /// Takes back what [`Stamp::put`] said, before the module changes.
    pub(super) fn remove(dir: &Path) {
        // When it cannot be removed, it cannot be written either.
        let _ = fs::remove_file(dir.join(STAMP));
    }

    /// Whether the module in `dir` is built of this.
    pub(super) fn stands_in(&self, dir: &Path) -> bool {
        dir.join("sysflow.ko").is_file()
            && fs::read_to_string(dir.join(STAMP)).is_ok_and(|text| text == self.0)
    }
}

/// Whether the module in `dir` was built for the ABI of this program.
pub(super) fn speaks_our_abi(dir: &Path) -> bool {
    fs::read_to_string(dir.join(STAMP)).is_ok_and(|text| text.starts_with(&(our_abi() + " ")))
}

fn our_abi() -> String {
    let [api, schema] = [abi::SF_API_VERSION, abi::SF_SCHEMA_VERSION].map(abi::version_text);
    format!("api {api} schema {schema}")
}

/// Removes from `cache` what was built for kernels that have no folder in
/// `installed` (`/lib/modules`) any more.
pub(super) fn prune(cache: &Path, installed: &Path) {
    let Ok(entries) = fs::read_dir(cache) else { return };
    for entry in entries.flatten() {
        let gone = entry.path().join(STAMP).exists() && !installed.join(entry.file_name()).exists();
        if gone {
            // It is in nobody's way.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// FNV-1a: no secret depends on it.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    /// Adds bytes, and where they end.
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().chain(&bytes.len().to_ne_bytes()) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("temporary folder");
        for (name, text) in files {
            fs::write(dir.path().join(name), text).expect("write");
        }
        dir
    }

    #[test]
    fn a_changed_source_makes_another_stamp() {
        let dir = folder_with(&[("a.c", "int a;"), ("b.c", "int b;"), ("sysflow.ko", "")]);
        let files = ["a.c", "b.c"].map(|name| dir.path().join(name));
        let before = Stamp::of(&files).expect("stamp");
        assert!(!before.stands_in(dir.path()), "nothing was built");
        before.put(dir.path()).expect("stamp");
        assert!(before.stands_in(dir.path()) && speaks_our_abi(dir.path()));
        fs::write(&files[1], "int c;").expect("write");
        let after = Stamp::of(&files).expect("stamp");
        assert!(!after.stands_in(dir.path()));
        Stamp::remove(dir.path());
        assert!(!before.stands_in(dir.path()) && !speaks_our_abi(dir.path()));
    }

    #[test]
    fn a_module_of_another_abi_is_not_ours() {
        let dir = folder_with(&[("built", "api 0.1 schema 0.1 sources 0\n"), ("sysflow.ko", "")]);
        assert!(!speaks_our_abi(dir.path()));
    }

    #[test]
    fn only_what_was_built_for_kernels_that_are_gone_is_removed() {
        let cache = tempfile::tempdir().expect("temporary folder");
        let installed = tempfile::tempdir().expect("temporary folder");
        for name in ["6.1.0-1", "6.1.0-2", "other"] {
            fs::create_dir(cache.path().join(name)).expect("folder");
        }
        for name in ["6.1.0-1", "6.1.0-2"] {
            fs::write(cache.path().join(name).join(STAMP), "").expect("stamp");
        }
        fs::create_dir(installed.path().join("6.1.0-2")).expect("folder");
        prune(cache.path(), installed.path());
        let left = ["6.1.0-1", "6.1.0-2", "other"].map(|n| cache.path().join(n).exists());
        assert_eq!(left, [false, true, true]);
    }
}

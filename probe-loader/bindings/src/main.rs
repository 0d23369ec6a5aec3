// SPDX-License-Identifier: Apache-2.0
//! Writes what is made of the ABI headers: `probe-loader/src/abi/generated.rs`
//! (bindgen) and `docs/coverage.md`. Run it after a change there; a test fails
//! until it was run.
//!
//! It is a package of its own so that it builds while `probe-loader` does not.

mod calls;
mod coverage;

use std::path::{Path, PathBuf};

const HEADERS: &str = "\
#include <sysflow/abi.h>
#include <sysflow/ring.h>
#include <sysflow/device.h>
";

/// The file's head, above what bindgen prints.
const HEAD: &str = "\
// SPDX-License-Identifier: Apache-2.0
// Made from driver/include/sysflow by `cargo run -p bindings`; do not edit.
";

fn output() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../src/abi/generated.rs")
}

fn include() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../driver/include")
}

fn coverage_output() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/coverage.md")
}

fn coverage() -> String {
    coverage::document(&include().join("sysflow"))
}

fn generate() -> Result<String, bindgen::BindgenError> {
    let body = bindgen::Builder::default()
        .header_contents("sysflow.h", HEADERS)
        .clang_arg(format!("-I{}", include().display()))
        .allowlist_item("(sf|SF)_.*")
        .blocklist_item("SF_IOC_.*")
        .default_enum_style(bindgen::EnumVariation::Consts)
        .prepend_enum_name(false)
        .generate_comments(false)
        .derive_default(true)
        .derive_eq(true)
        .use_core()
        .disable_header_comment()
        .generate()?;
    Ok(format!("{HEAD}\n{body}"))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    std::fs::write(output(), generate()?)?;
    std::fs::write(coverage_output(), coverage())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::calls::Calls;

    #[test]
    fn committed_bindings_are_current() {
        let committed = std::fs::read_to_string(super::output()).expect("the file is there");
        let fresh = super::generate().expect("bindgen reads the headers (Debian: libclang-dev)");
        assert!(committed == fresh, "the ABI headers changed; run: cargo run -p bindings");
    }

    #[test]
    fn committed_coverage_is_current() {
        let committed = std::fs::read_to_string(super::coverage_output()).expect("it is there");
        assert!(committed == super::coverage(), "the headers changed; run: cargo run -p bindings");
    }

    fn calls() -> Calls {
        let text = |name: &str| {
            let path = super::include().join("sysflow").join(name);
            std::fs::read_to_string(path).expect("a header")
        };
        Calls::read(&text("syscalls.h"), &text("names.h"), &text("unrecorded.h"))
    }

    #[test]
    fn a_call_stands_once_and_with_a_reason() {
        let calls = calls();
        assert!(calls.told.len() > 100 && calls.untold.len() > 100, "{calls:?}");
        assert_eq!(calls.twice, [""; 0], "told, and listed as not told");
        for reason in calls.untold.values() {
            assert!(calls.reasons.iter().any(|(known, _)| known == reason), "{reason}");
        }
    }

    /// The calls that the machine's own headers know.
    #[test]
    fn every_call_of_these_headers_is_classified() {
        let paths =
            ["/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "/usr/include/asm/unistd_64.h"];
        let Some(text) = paths.iter().find_map(|path| std::fs::read_to_string(path).ok()) else {
            eprintln!("skipped: no asm/unistd_64.h (Debian: linux-libc-dev)");
            return;
        };
        let calls = calls();
        let names = text.lines().filter_map(|line| line.strip_prefix("#define __NR_"));
        let names: Vec<_> = names.filter_map(|rest| rest.split_whitespace().next()).collect();
        let unknown: Vec<_> = names.iter().filter(|name| !calls.knows(name)).collect();
        assert!(names.len() > 300 && unknown.is_empty(), "not classified: {unknown:?}");
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Writes `probe-loader/src/abi/generated.rs`: what bindgen makes of the ABI
//! headers. Run it after a change there; a test fails until it was run.
//!
//! It is a package of its own so that it builds while `probe-loader` does not.

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

fn generate() -> Result<String, bindgen::BindgenError> {
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../driver/include");
    let body = bindgen::Builder::default()
        .header_contents("sysflow.h", HEADERS)
        .clang_arg(format!("-I{}", include.display()))
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
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn committed_bindings_are_current() {
        let committed = std::fs::read_to_string(super::output()).expect("the file is there");
        let fresh = super::generate().expect("bindgen reads the headers (Debian: libclang-dev)");
        assert!(committed == fresh, "the ABI headers changed; run: cargo run -p bindings");
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Looks for ISA-L, and compiles `src/igzip.c` against it. Without it the crate has nothing to
//! compress with, and says so.

/// The oldest version that this was tried with: that of Debian 12.
const OLDEST: &str = "2.30";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src/igzip.c");
    println!("cargo:rustc-check-cfg=cfg(isal)");
    match pkg_config::Config::new().atleast_version(OLDEST).probe("libisal") {
        Ok(found) => {
            println!("cargo:rustc-cfg=isal");
            cc::Build::new().file("src/igzip.c").includes(&found.include_paths).compile("igzip");
            // Behind what refers to it: archives are read in order.
            found.libs.iter().for_each(|name| println!("cargo:rustc-link-lib={name}"));
        }
        Err(_) => println!(
            "cargo:warning=ISA-L {OLDEST} or newer is not installed: traces are compressed by \
             libdeflate, which takes twice the time (Debian, Ubuntu: apt install libisal-dev)"
        ),
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Builds the C ring writer with the system's C compiler.

fn main() {
    println!("cargo:rerun-if-changed=src/writer.c");
    println!("cargo:rerun-if-changed=../../driver/include/sysflow");
    cc::Build::new()
        .file("src/writer.c")
        .include("../../driver/include")
        .std("gnu11")
        .opt_level(2)
        .flag("-Wall")
        .flag("-Wextra")
        .flag("-Werror")
        .compile("sf_ring_writer");
}

// SPDX-License-Identifier: Apache-2.0
//! Compiles the eBPF programs with clang: the driver, which `src/ebpf.rs` embeds,
//! and the iterator of tasks, for `src/ebpf/tasks.rs`.

#[path = "build/stack.rs"]
mod stack;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, exit};

const SOURCES: &str = "../driver/bpf";
const ABI: &str = "../driver/include";
const INSTALL: &str = "install it (Debian, Ubuntu: apt install clang llvm; Fedora: dnf install clang llvm) \
     or name it in the environment variable CLANG";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=build/stack.rs");
    println!("cargo:rerun-if-changed={SOURCES}");
    println!("cargo:rerun-if-changed={ABI}");
    println!("cargo:rerun-if-env-changed=CLANG");
    println!("cargo:rerun-if-env-changed=LLVM_STRIP");
    ["sysflow", "tasks"].into_iter().for_each(build);
}

/// Makes `NAME.bpf.o` of `driver/bpf/NAME.bpf.c`.
fn build(name: &str) {
    let object = PathBuf::from(variable("OUT_DIR")).join(format!("{name}.bpf.o"));
    // The programs read x86-64 registers; elsewhere the loader says so.
    if variable("CARGO_CFG_TARGET_ARCH") != "x86_64" {
        if let Err(error) = std::fs::write(&object, []) {
            fail(&format!("{}: {error}", object.display()));
        }
        return;
    }
    let clang = std::env::var_os("CLANG").unwrap_or_else(|| "clang".into());
    compile(&clang, name, &object);
    check_stack(&object);
    strip(&object);
}

fn fail(message: &str) -> ! {
    eprintln!("error: {message}");
    exit(1);
}

fn variable(name: &str) -> OsString {
    std::env::var_os(name).unwrap_or_else(|| fail(&format!("cargo did not set {name}")))
}

/// Compiles `driver/bpf/NAME.bpf.c`, with libbpf's headers of `libbpf-sys`.
fn compile(clang: &OsString, name: &str, object: &Path) {
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")).join("..");
    let root = root.canonicalize().unwrap_or(root);
    let mut command = Command::new(clang);
    command
        .args(["-target", "bpf", "-mcpu=v3", "-O2", "-g", "-D__TARGET_ARCH_x86"])
        .args(["-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter"])
        // The object, and with it the program, is the same wherever it is built.
        .arg(format!("-ffile-prefix-map={}=.", root.display()))
        .arg("-I")
        .arg(root.join("driver/include"))
        .arg("-I")
        .arg(variable("DEP_BPF_INCLUDE"));
    for dir in host_includes(clang) {
        command.arg("-idirafter").arg(dir);
    }
    let source = root.join(format!("driver/bpf/{name}.bpf.c"));
    command.arg("-c").arg(source).arg("-o").arg(object);
    match command.status() {
        Ok(status) if status.success() => {}
        Ok(status) => fail(&format!("{} of driver/bpf: {status}", clang.display())),
        Err(error) => fail(&format!(
            "{} is needed to compile the eBPF driver ({error}): {INSTALL}",
            clang.display()
        )),
    }
}

/// Refuses an object that an older kernel would refuse, with less to go by.
fn check_stack(object: &Path) {
    let elf = match std::fs::read(object) {
        Ok(elf) => elf,
        Err(error) => fail(&format!("{}: {error}", object.display())),
    };
    let Some(functions) = stack::functions(&elf).filter(|functions| !functions.is_empty()) else {
        fail(&format!("{}: no functions found to check the stack of", object.display()));
    };
    let chain = stack::deepest(&functions);
    if chain.bytes > stack::LIMIT {
        fail(&format!(
            "driver/bpf: a chain of calls takes {} bytes of stack, and kernels before 6.8 allow {}: {}; \
             keep less on the stack, or fewer functions on the way",
            chain.bytes,
            stack::LIMIT,
            chain.text(&functions)
        ));
    }
}

/// Where the host's clang finds `linux/bpf.h` and `asm/unistd_64.h`: for the
/// target bpf it does not look there by itself.
fn host_includes(clang: &OsString) -> Vec<PathBuf> {
    let output = match Command::new(clang).args(["-E", "-Wp,-v", "-xc", "/dev/null"]).output() {
        Ok(output) => output,
        Err(error) => fail(&format!(
            "{} is needed to compile the eBPF driver ({error}): {INSTALL}",
            clang.display()
        )),
    };
    String::from_utf8_lossy(&output.stderr)
        .lines()
        .filter_map(|line| line.strip_prefix(' '))
        .map(PathBuf::from)
        .filter(|dir| dir.is_dir())
        .collect()
}

/// Removes what only a debugger needs; BTF stays. Without `llvm-strip` the
/// object is larger and works as well.
fn strip(object: &Path) {
    let tool = std::env::var_os("LLVM_STRIP").unwrap_or_else(|| "llvm-strip".into());
    let done = Command::new(&tool).arg("-g").arg(object).status();
    if !done.is_ok_and(|status| status.success()) {
        println!("cargo:warning={} did not strip the eBPF object", tool.display());
    }
}

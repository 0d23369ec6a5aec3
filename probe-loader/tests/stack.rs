// SPDX-License-Identifier: Apache-2.0
//! The check of the eBPF programs' stack, which runs when they are built.

#[path = "../build/stack.rs"]
mod stack;

use stack::{Chain, Function, LIMIT, deepest, functions};

fn function(name: &str, frame: u32, calls: &[usize]) -> Function {
    Function { name: name.to_owned(), frame, calls: calls.to_vec() }
}

#[test]
fn frames_are_rounded_and_the_deepest_chain_is_named() {
    let all = [
        function("main", 152, &[1, 2]),
        function("leaf", 200, &[]),
        function("middle", 96, &[3]),
        function("end", 97, &[]),
        function("alone", 0, &[]),
    ];
    let chain = deepest(&all);
    assert_eq!(chain, Chain { bytes: 160 + 224, functions: vec![0, 1] });
    assert_eq!(chain.text(&all), "main (152) > leaf (200)");
}

#[test]
fn a_circle_ends() {
    let all = [function("a", 8, &[1]), function("b", 8, &[0])];
    assert!(deepest(&all).bytes >= 64);
    assert_eq!(deepest(&[]), Chain::default());
}

#[test]
fn what_is_no_object_has_no_functions() {
    for bytes in [&b""[..], b"\x7fELF", &[0x7f; 200], b"\x7fELF\x02\x01 too short"] {
        assert!(functions(bytes).is_none());
    }
}

/// The programs themselves, as far as this build has them.
#[test]
fn the_programs_keep_to_the_limit() {
    let object = std::fs::read(concat!(env!("OUT_DIR"), "/sysflow.bpf.o")).expect("built");
    if object.is_empty() {
        return;
    }
    let functions = functions(&object).expect("an object");
    let of = |name: &str| functions.iter().find(|f| f.name == name).expect("a function");
    // Known from the source: a program calls, and what it calls has a frame.
    assert!(!of("sf_sys_exit_btf").calls.is_empty());
    assert!(of("sf_sys_exit_btf").frame > 0 && of("sf_file_emit").frame > 0);
    let chain = deepest(&functions);
    assert!(chain.functions.len() >= 4 && chain.bytes <= LIMIT, "{}", chain.text(&functions));
}

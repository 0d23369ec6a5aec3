// SPDX-License-Identifier: Apache-2.0
//! Records encode to the bytes of an independent Avro implementation.

use apache_avro::writer::datum::GenericDatumWriter;
use proptest::prelude::*;
use sysflow::encode::{Encode, NulList};
use sysflow::record::{Process, ProcessEvent};

use crate::support::{oracle, strategy};

fn bytes(record: impl Encode) -> Vec<u8> {
    let mut out = Vec::new();
    record.encode(&mut out);
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn same_bytes_as_the_oracle(records in prop::collection::vec(strategy::record(), 1..8)) {
        let schema = oracle::schema();
        let writer = GenericDatumWriter::builder(&schema).build().unwrap();
        for record in &records {
            let theirs = writer.write_value_to_vec(oracle::value(record)).unwrap();
            prop_assert_eq!(bytes(record), theirs, "{:?}", record);
        }
    }

    #[test]
    fn who_owns_the_text_makes_no_difference(
        exe in ".*", args in prop::collection::vec("[^\0]*", 0..5), id in prop::option::of(".*"),
    ) {
        let owned = Process {
            exe: exe.clone(), container_id: id.clone(), env: args.clone(), ..Process::default()
        };
        let list: Vec<&str> = args.iter().map(String::as_str).collect();
        let borrowed = Process::<&str, &[&str]> {
            exe: &exe, container_id: id.as_deref(), env: &list, ..Process::default()
        };
        prop_assert_eq!(bytes(&owned), bytes(borrowed));

        let joined: String = args.iter().map(|arg| format!("{arg}\0")).collect();
        let owned = ProcessEvent { args, ..ProcessEvent::default() };
        let borrowed = ProcessEvent { args: NulList(&joined), ..ProcessEvent::default() };
        prop_assert_eq!(bytes(owned), bytes(borrowed));
    }
}

#[test]
fn encoding_does_not_allocate_when_there_is_room() {
    let mut out = Vec::with_capacity(4096);
    let before = out.as_ptr();
    let env = ["A=1", "B=2"];
    let process = Process::<&str, &[&str]> { exe: "/bin/ls", env: &env, ..Process::default() };
    for _ in 0..20 {
        process.encode(&mut out);
    }
    assert_eq!((before, out.capacity()), (out.as_ptr(), 4096));
}

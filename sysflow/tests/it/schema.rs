// SPDX-License-Identifier: Apache-2.0
//! Our schema file is schema version 5.

use apache_avro::Schema;
use sysflow::read::Reader;
use sysflow::schema::TEXT;

use crate::support::capture;

/// Walks two schemas side by side; the canonical form alone would not compare defaults.
fn same(ours: &serde_json::Value, theirs: &serde_json::Value, at: &str) {
    use serde_json::Value as Json;
    match (ours, theirs) {
        (Json::Object(a), Json::Object(b)) => {
            let keys = |o: &serde_json::Map<String, Json>| o.keys().cloned().collect::<Vec<_>>();
            assert_eq!(keys(a), keys(b), "attributes at {at}");
            for (key, value) in a {
                same(value, &b[key], &format!("{at}/{}", a.get("name").unwrap_or(&key[..].into())));
            }
        }
        (Json::Array(a), Json::Array(b)) => {
            assert_eq!(a.len(), b.len(), "length at {at}");
            a.iter().zip(b).for_each(|(a, b)| same(a, b, at));
        }
        (a, b) => assert_eq!(a, b, "value at {at}"),
    }
}

#[test]
fn ours_is_that_of_the_reference_collector_field_by_field() {
    let Some(path) = capture("schema", "collector/alpine.sf") else { return };
    let theirs = Reader::open(path).unwrap().schema().to_owned();
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    same(&json(&TEXT), &json(&theirs), "");
    let canonical = |text: &str| Schema::parse_str(text).unwrap().canonical_form();
    assert_eq!(canonical(&TEXT), canonical(&theirs));
}

#[test]
fn it_is_a_valid_schema_with_the_version_as_default() {
    let Schema::Record(top) = Schema::parse_str(&TEXT).unwrap() else { panic!("no record") };
    assert_eq!(top.name.fullname(None), "sysflow.SysFlow");
    let Schema::Union(union) = &top.fields[0].schema else { panic!("no union") };
    let Schema::Record(header) = &union.variants()[0] else { panic!("no header") };
    assert_eq!(header.fields[0].default, Some(sysflow::record::SCHEMA_VERSION.into()));
    let names: Vec<_> = union.variants().iter().map(|v| v.name().unwrap().name()).collect();
    let ours: Vec<_> = sysflow::record::Kind::ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(names, ours);
}

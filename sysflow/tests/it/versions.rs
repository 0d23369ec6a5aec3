// SPDX-License-Identifier: Apache-2.0
//! Schemas that differ from ours in ways that no file at hand shows.

use apache_avro::types::Value;
use apache_avro::{Schema, Writer};
use sysflow::read::Reader;
use sysflow::record::{ContainerType, Record};

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn record(fields: Vec<(&str, Value)>) -> Value {
    Value::Record(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn rec(branch: u32, body: Value) -> Value {
    record(vec![("rec", Value::Union(branch, Box::new(body)))])
}

/// Container has its fields in another order, new ones of every type, and enum symbols in another
/// order with an unknown one; File is unknown; the header comes last.
const STRANGE: &str = r#"{"type": "record", "name": "SysFlow", "namespace": "sysflow", "fields": [
  {"name": "rec", "type": [
    {"type": "record", "name": "Container", "namespace": "sysflow.entity", "fields": [
      {"name": "type", "type": {"type": "enum", "name": "ContainerType",
        "symbols": ["CT_BPM", "CT_NEW", "CT_DOCKER"]}},
      {"name": "sid", "type": "double"},
      {"name": "ratio", "type": "float"},
      {"name": "labels", "type": {"type": "map", "values": "long"}},
      {"name": "list", "type": {"type": "array", "items": ["null", "string"]}},
      {"name": "nothing", "type": "null"},
      {"name": "digest", "type": {"type": "fixed", "name": "Digest", "size": 4}},
      {"name": "again", "type": "Digest"},
      {"name": "yes", "type": "boolean"},
      {"name": "id", "type": "string"}
    ]},
    {"type": "record", "name": "Unheard", "namespace": "sysflow.entity", "fields": [
      {"name": "of", "type": "int"}
    ]},
    {"type": "record", "name": "SFHeader", "namespace": "sysflow.entity", "fields": [
      {"name": "exporter", "type": "string"},
      {"name": "version", "type": "int"}
    ]}
  ]}
]}"#;

fn container(index: u32, symbol: &str) -> Value {
    let list = vec![Value::Union(0, Box::new(Value::Null)), Value::Union(1, Box::new(text("x")))];
    rec(
        0,
        record(vec![
            ("type", Value::Enum(index, symbol.to_owned())),
            ("sid", Value::Double(1.5)),
            ("ratio", Value::Float(0.5)),
            ("labels", Value::Map([("a".to_owned(), Value::Long(7))].into())),
            ("list", Value::Array(list)),
            ("nothing", Value::Null),
            ("digest", Value::Fixed(4, vec![1, 2, 3, 4])),
            ("again", Value::Fixed(4, vec![5, 6, 7, 8])),
            ("yes", Value::Boolean(true)),
            ("id", text("c0ffee")),
        ]),
    )
}

fn strange(values: Vec<Value>) -> Vec<u8> {
    let schema = Schema::parse_str(STRANGE).unwrap();
    let mut writer = Writer::new(&schema, Vec::new()).unwrap();
    values.into_iter().for_each(|value| {
        writer.append_value(value).unwrap();
    });
    writer.into_inner().unwrap()
}

#[test]
fn fields_are_found_by_name_and_the_unknown_is_skipped() {
    let header = rec(2, record(vec![("exporter", text("me")), ("version", Value::Int(6))]));
    let unheard = rec(1, record(vec![("of", Value::Int(3))]));
    let bytes = strange(vec![header, unheard, container(2, "CT_DOCKER"), container(0, "CT_BPM")]);
    let mut reader = Reader::new(&bytes[..], "strange").unwrap();
    let records: Vec<_> = reader.by_ref().map(Result::unwrap).collect();
    assert_eq!((reader.records(), reader.skipped()), (4, 1));
    let [Record::Header(header), Record::Container(docker), Record::Container(bpm)] = &records[..]
    else {
        panic!("{records:?}")
    };
    assert_eq!((header.version, header.exporter.as_str(), header.ip.as_str()), (6, "me", "NA"));
    assert_eq!((docker.id.as_str(), docker.container_type), ("c0ffee", ContainerType::Docker));
    assert_eq!((bpm.pod_id.clone(), bpm.container_type), (None, ContainerType::Bpm));
}

#[test]
fn an_unknown_symbol_is_an_error_of_its_record_only() {
    let bytes = strange(vec![container(2, "CT_DOCKER"), container(1, "CT_NEW")]);
    let results: Vec<_> = Reader::new(&bytes[..], "strange").unwrap().collect();
    assert!(matches!(&results[..], [Ok(_), Err(error)] if error.records == 1), "{results:?}");
}

#[test]
fn text_that_is_not_utf8_is_read_with_replacement() {
    use crate::support::{file_of, read_bytes};
    use sysflow::record::File;
    use sysflow::write::{Codec, Options};
    let options = Options { codec: Codec::Null, ..Options::default() };
    let mut bytes = file_of(&options, &[File { path: "/tmp/XYZ".to_owned(), ..File::default() }]);
    let at = bytes.windows(3).position(|window| window == b"XYZ").unwrap();
    bytes[at] = 0xff;
    let Record::File(file) = &read_bytes(&bytes)[1] else { panic!() };
    assert_eq!(file.path, "/tmp/\u{fffd}YZ");
}

#[test]
fn container_types_without_symbol_are_read_as_custom() {
    use crate::support::{file_of, read_bytes};
    use sysflow::record::Container;
    use sysflow::write::{Codec, Options};
    // The reference writes 11 for podman.
    let options = Options { codec: Codec::Null, ..Options::default() };
    let container = Container { imageid: "IMAGE".to_owned(), ..Container::default() };
    let mut bytes = file_of(&options, &[container]);
    let at = bytes.windows(5).position(|window| window == b"IMAGE").unwrap() + 5;
    bytes[at] = 11 << 1;
    let Record::Container(container) = &read_bytes(&bytes)[1] else { panic!() };
    assert_eq!(container.container_type, ContainerType::Custom);
}

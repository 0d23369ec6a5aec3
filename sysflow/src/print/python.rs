// SPDX-License-Identifier: Apache-2.0
//! Values as Python's standard library writes them.

use std::fmt::Write as _;

use super::Times;
use crate::record::{Ip4, Service};

/// Appends a time as the reference has it: divided as a floating point number, rounded to
/// microseconds, in UTC, without a zone, and without a fraction that is zero.
pub(super) fn rounded(out: &mut String, ns: i64) {
    // Writing to a string does not fail.
    let _ = write!(out, "{}", Times::Rounded.at(ns));
}

/// Appends text as a JSON string in ASCII (`json.dumps`).
pub(super) fn write_ascii(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

/// Appends text as a Python literal (`repr`).
pub(super) fn write_repr(out: &mut String, text: &str) {
    let mark = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(mark);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == mark => out.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push(mark);
}

/// Services of a pod as a list of objects, which differs from Python's list of dictionaries only in
/// how texts are written.
pub(super) struct Services<'a> {
    pub(super) services: &'a [Service],
    pub(super) write_text: fn(&mut String, &str),
}

impl Services<'_> {
    pub(super) fn put(&self, out: &mut String) {
        self.list(out, self.services, |out, service| {
            self.member(out, "{", "name", &service.name);
            self.member(out, ", ", "id", &service.id);
            self.member(out, ", ", "namespace", &service.namespace);
            self.key(out, ", ", "portList");
            self.list(out, &service.port_list, |out, port| {
                let numbers = [
                    ("port", port.port),
                    ("targetPort", port.target_port),
                    ("nodePort", port.node_port),
                ];
                for (at, (name, number)) in numbers.into_iter().enumerate() {
                    self.key(out, if at == 0 { "{" } else { ", " }, name);
                    let _ = write!(out, "{number}");
                }
                self.member(out, ", ", "proto", &port.proto);
                out.push('}');
            });
            self.key(out, ", ", "clusterIP");
            self.list(out, &service.cluster_ip, |out, &ip| {
                (self.write_text)(out, &Ip4(ip as i32).to_string());
            });
            out.push('}');
        });
    }

    fn list<T>(&self, out: &mut String, items: &[T], put: impl Fn(&mut String, &T)) {
        out.push('[');
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                out.push_str(", ");
            }
            put(out, item);
        }
        out.push(']');
    }

    fn key(&self, out: &mut String, between: &str, name: &str) {
        out.push_str(between);
        (self.write_text)(out, name);
        out.push_str(": ");
    }

    fn member(&self, out: &mut String, between: &str, name: &str, text: &str) {
        self.key(out, between, name);
        (self.write_text)(out, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(write: fn(&mut String, &str), text: &str) -> String {
        let mut out = String::new();
        write(&mut out, text);
        out
    }

    #[test]
    fn texts_are_ascii_in_json() {
        assert_eq!(
            with(write_ascii, "a\"\\\n\0\u{8}\u{7f}é😀"),
            r#""a\"\\\n\u0000\b\u007f\u00e9\ud83d\ude00""#
        );
    }

    #[test]
    fn texts_are_literals_in_csv() {
        assert_eq!(with(write_repr, "it's"), "\"it's\"");
        assert_eq!(with(write_repr, "'\"\0"), "'\\'\"\\x00'");
    }

    #[test]
    fn times_are_rounded() {
        let time = |ns| with(|out, ns| rounded(out, ns.parse().expect("a number")), ns);
        assert_eq!(time("1604071235204480411"), "2020-10-30T15:20:35.204480");
        assert_eq!(time("1604071235000000000"), "2020-10-30T15:20:35");
        assert_eq!(time("1604071235999999900"), "2020-10-30T15:20:36");
    }
}

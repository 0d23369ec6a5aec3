// SPDX-License-Identifier: Apache-2.0
//! Values of fields, whatever their type.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use super::{
    ContainerType, Foid, Ip4, Ip6, K8sAction, K8sComponent, Loss, ObjectState, Oid, OpFlags,
    OpenFlags, OperationClass, Port, RestType, Service,
};
use crate::wire::Put;

/// The value of a field.
pub trait Field {
    /// Appends the value as it is in a file.
    fn encode(&self, out: &mut Vec<u8>);

    /// Writes the value for people: flags and types by their names, addresses with dots, texts in
    /// quotes.
    ///
    /// # Errors
    /// Those of `out`.
    fn show(&self, out: &mut dyn Write) -> fmt::Result;
}

macro_rules! field {
    ($($type:ty, $value:ident, $out:ident => $show:expr;)+) => {$(
        impl Field for $type {
            fn encode(&self, out: &mut Vec<u8>) {
                self.put(out);
            }

            fn show(&self, $out: &mut dyn Write) -> fmt::Result {
                let $value = self;
                $show
            }
        }
    )+};
}

field! {
    i64, value, out => write!(out, "{value}");
    i32, value, out => write!(out, "{value}");
    bool, value, out => write!(out, "{value}");
    String, value, out => write!(out, "{value:?}");
    Option<String>, value, out => match value {
        Some(text) => write!(out, "{text:?}"),
        None => out.write_str("null"),
    };
    Vec<String>, value, out => write!(out, "{value:?}");
    Vec<i64>, value, out => write!(out, "{value:?}");
    Vec<Port>, value, out => write!(out, "{value:?}");
    Vec<Service>, value, out => write!(out, "{value:?}");
    BTreeMap<String, String>, value, out => write!(out, "{value:?}");
    Oid, value, out => write!(out, "({}, {})", value.create_ts, value.hpid);
    Option<Oid>, value, out => match value {
        Some(oid) => oid.show(out),
        None => out.write_str("null"),
    };
    Foid, value, out => write!(out, "{value}");
    Option<Foid>, value, out => match value {
        Some(foid) => foid.show(out),
        None => out.write_str("null"),
    };
    Ip4, value, out => write!(out, "{value}");
    Option<Ip6>, value, out => match value {
        Some(ip) => write!(out, "{ip}"),
        None => out.write_str("null"),
    };
    Option<Loss>, value, out => match value {
        Some(loss) => write!(out, "{loss:?}"),
        None => out.write_str("null"),
    };
    RestType, value, out => write!(out, "{value:?}");
    ObjectState, value, out => write!(out, "{value}");
    ContainerType, value, out => write!(out, "{value}");
    K8sAction, value, out => write!(out, "{value}");
    K8sComponent, value, out => write!(out, "{value}");
    OperationClass, value, out => write!(out, "{value}");
    OpFlags, value, out => show_flags(value.bits(), OpFlags::NAMES.iter().map(|(n, f)| (*n, f.bits())), out);
    OpenFlags, value, out => show_flags(value.bits(), OpenFlags::NAMES.iter().map(|(n, f)| (*n, f.bits())), out);
}

/// The names of the single bits that are set, and the rest as a number.
fn show_flags(
    bits: i32,
    names: impl Iterator<Item = (&'static str, i32)>,
    out: &mut dyn Write,
) -> fmt::Result {
    let mut rest = bits;
    let mut separator = "";
    for (name, flag) in names {
        if flag.count_ones() == 1 && rest & flag != 0 {
            rest &= !flag;
            write!(out, "{separator}{name}")?;
            separator = "|";
        }
    }
    match rest {
        0 if separator.is_empty() => out.write_str("0"),
        0 => Ok(()),
        _ => write!(out, "{separator}{rest:#x}"),
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Colours of cells, as parameters of ECMA-48's SGR.

use super::Column;
use crate::attribute::Value;
use crate::resolve::{Event, ResolvedEvent};

/// Bold.
pub(super) const TITLE: &str = "1";

const FAINT: &str = "2";
const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const BLUE: &str = "34";
const MAGENTA: &str = "35";
const CYAN: &str = "36";

/// The colour of a cell; empty for none. Types and operations have that of the kind of event.
pub(super) fn of(column: &Column, value: &Value<'_>, event: &ResolvedEvent<'_>) -> &'static str {
    match (column.name(), value) {
        ("type" | "opflags", _) => match event.event {
            Event::Process(_) | Event::ProcessFlow(_) => MAGENTA,
            Event::FileFlow(_) | Event::File(_) => CYAN,
            Event::NetworkFlow(_) | Event::Network(_) => GREEN,
            Event::K8s(_) => BLUE,
        },
        ("ret", Value::Int(ret)) if *ret < 0 => RED,
        ("idx" | "ts" | "ts_uts" | "endts" | "endts_uts", _) => FAINT,
        (name, _) if name.starts_with("container.") || name.starts_with("pod.") => YELLOW,
        _ => "",
    }
}

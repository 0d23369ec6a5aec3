// SPDX-License-Identifier: Apache-2.0
//! The text format of OpenMetrics 1.0.

use std::fmt::{Display, Write as _};

/// Writes families of metrics.
#[derive(Debug, Default)]
pub(super) struct Text(String);

/// A family that is being written.
pub(super) struct Family<'a> {
    text: &'a mut String,
    name: &'static str,
    /// What the names of its samples end with.
    suffix: &'static str,
}

impl Text {
    /// Something that only grows.
    pub(super) fn counter(&mut self, name: &'static str, help: &str) -> Family<'_> {
        self.family(name, "counter", "_total", help)
    }

    /// Something that goes up and down.
    pub(super) fn gauge(&mut self, name: &'static str, help: &str) -> Family<'_> {
        self.family(name, "gauge", "", help)
    }

    /// Something that is so.
    pub(super) fn info(&mut self, name: &'static str, help: &str) -> Family<'_> {
        self.family(name, "info", "_info", help)
    }

    fn family(
        &mut self,
        name: &'static str,
        kind: &str,
        suffix: &'static str,
        help: &str,
    ) -> Family<'_> {
        let _ = write!(self.0, "# TYPE {name} {kind}\n# HELP {name} {help}\n");
        // A unit is told where the name ends with it, and only there.
        if let Some(unit) = ["bytes", "seconds", "ratio"].iter().find(|unit| name.ends_with(*unit))
        {
            let _ = writeln!(self.0, "# UNIT {name} {unit}");
        }
        Family { text: &mut self.0, name, suffix }
    }

    /// The whole text.
    pub(super) fn end(mut self) -> String {
        self.0.push_str("# EOF\n");
        self.0
    }
}

impl Family<'_> {
    /// A sample.
    pub(super) fn sample(&mut self, labels: &[(&str, &dyn Display)], value: impl Display) {
        let _ = write!(self.text, "{}{}", self.name, self.suffix);
        for (index, (name, of)) in labels.iter().enumerate() {
            let _ = write!(self.text, "{}{name}=\"", if index == 0 { '{' } else { ',' });
            escape(&of.to_string(), self.text);
            self.text.push('"');
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.text, "{end} {value}");
    }
}

fn escape(value: &str, text: &mut String) {
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            c => text.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_as_the_specification_wants_them() {
        let mut text = Text::default();
        text.counter("x_bytes", "Some help").sample(&[("a", &"q\"\\\n"), ("b", &7)], 3);
        text.gauge("y", "More").sample(&[], 0.5);
        let want = "# TYPE x_bytes counter\n# HELP x_bytes Some help\n# UNIT x_bytes bytes\n\
                    x_bytes_total{a=\"q\\\"\\\\\\n\",b=\"7\"} 3\n\
                    # TYPE y gauge\n# HELP y More\ny 0.5\n# EOF\n";
        assert_eq!(text.end(), want);
    }
}

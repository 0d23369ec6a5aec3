// SPDX-License-Identifier: Apache-2.0
//! The terminal, if there is one.

use std::io::{self, IsTerminal as _};
use std::path::Path;

use sysflow::print::Printer;

/// When a table has colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Colour {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Colour {
    pub(super) fn wanted(self, terminal: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            // https://no-color.org: set to anything but nothing.
            Self::Auto => {
                let set = |name, text: &str| {
                    std::env::var_os(name).is_some_and(|value| value.to_str() != Some(text))
                };
                terminal && !set("NO_COLOR", "") && set("TERM", "dumb")
            }
        }
    }
}

/// Whether the output is a terminal.
pub(super) fn is_terminal(output: Option<&Path>) -> bool {
    output.is_none() && io::stdout().is_terminal()
}

/// Its width in characters.
pub(super) fn width() -> Option<usize> {
    let (width, _) = terminal_size::terminal_size_of(io::stdout())?;
    Some(usize::from(width.0))
}

/// Tells which columns have no room.
pub(super) fn tell_left_out(printer: &Printer) {
    let Printer::Table(table) = printer else { return };
    if !table.left_out().is_empty() {
        let names = table.left_out().join(", ");
        eprintln!("sysflow: no room on this terminal for {names} (--fields default shows all)");
    }
}

// SPDX-License-Identifier: Apache-2.0
//! How the columns of a table share the width there is.

use super::Column;
use super::cell::width;
use super::table::Options;

/// Flexible columns do not become narrower than this.
pub(super) const NARROW: usize = 8;

/// Before flexible columns become narrower than this, columns are left out.
const COMFORTABLE: usize = 12;

/// What is left out first, and so on.
const DISPENSABLE: &[&str] = &[
    "proc.tid",
    "pproc.pid",
    "idx",
    "container.id",
    "proc.args",
    "flow.wbytes",
    "flow.rbytes",
    "ret",
];

/// Removes columns that have no room, if that is wanted. Returns their names.
pub(super) fn leave_out(options: &mut Options) -> Vec<&'static str> {
    let mut names = Vec::new();
    let Some(terminal) = options.width.filter(|_| options.may_leave_out) else { return names };
    for &name in DISPENSABLE {
        let flexible = options.columns.iter().filter(|column| column.fit().is_flexible()).count();
        if taken(options) + COMFORTABLE * flexible <= terminal {
            break;
        }
        if let Some(at) = options.columns.iter().position(|column| column.name() == name) {
            options.columns.remove(at);
            names.push(name);
        }
    }
    names
}

/// What all but the flexible columns take.
fn taken(options: &Options) -> usize {
    let (gap, ends) = if options.bars { (3, 4) } else { (2, 0) };
    let firm = options.columns.iter().filter(|column| !column.fit().is_flexible());
    let taken: usize = firm.map(|column| nominal(options, column)).sum();
    taken + ends + gap * options.columns.len().saturating_sub(1)
}

/// The width of a column where there is no terminal.
fn nominal(options: &Options, column: &Column) -> usize {
    let own = if column.is_time() { options.times.width() } else { column.width() };
    own.max(width(column.title()))
}

/// The width of each column. Flexible columns share what the others leave of the terminal in
/// proportion to their nominal widths.
pub(super) fn widths(options: &Options) -> Vec<usize> {
    let columns = &options.columns;
    let Some(terminal) = options.width else {
        return columns.iter().map(|column| nominal(options, column)).collect();
    };
    let mut free = terminal.saturating_sub(taken(options));
    let flexible = columns.iter().filter(|column| column.fit().is_flexible());
    let mut wanted: usize = flexible.map(|column| nominal(options, column)).sum();
    let share = |column: &Column| {
        let width = nominal(options, column);
        if !column.fit().is_flexible() {
            return width;
        }
        // What rounding leaves goes to the columns on the right.
        let share = (free * width).checked_div(wanted).unwrap_or(0);
        free -= share;
        wanted -= width;
        share.max(NARROW)
    };
    columns.iter().map(share).collect()
}

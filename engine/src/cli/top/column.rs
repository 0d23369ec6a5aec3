// SPDX-License-Identifier: Apache-2.0
//! The three tables: their columns, and by what they are sorted.

use std::cmp::Ordering;
use std::time::Duration;

use clap::ValueEnum;
use sysflow::print::{escaped, width};

use super::table::Row;

/// A table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Topic {
    #[default]
    Processes,
    Files,
    Peers,
}

/// What rows are sorted by, the most first; names from A to Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Sort {
    /// All bytes
    #[default]
    Bytes,
    /// Operations
    Ops,
    /// Bytes read
    Read,
    /// Bytes written
    Written,
    /// Bytes received
    Received,
    /// Bytes sent
    Sent,
    /// Command, path or peer
    Name,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Pid,
    User,
    Container,
    Read,
    Written,
    Received,
    Sent,
    Ops,
    Way,
    Protocol,
    Users,
    Name,
}

impl Topic {
    pub(super) const ALL: [Self; 3] = [Self::Processes, Self::Files, Self::Peers];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Processes => "processes",
            Self::Files => "files",
            Self::Peers => "peers",
        }
    }

    /// Its columns. The last one takes the room that is left.
    pub(super) fn columns(self) -> &'static [Column] {
        use Column as C;
        match self {
            Self::Processes => &[
                C::Pid,
                C::User,
                C::Container,
                C::Read,
                C::Written,
                C::Received,
                C::Sent,
                C::Ops,
                C::Name,
            ],
            Self::Files => &[C::Read, C::Written, C::Ops, C::Container, C::Users, C::Name],
            Self::Peers => &[C::Received, C::Sent, C::Ops, C::Way, C::Protocol, C::Users, C::Name],
        }
    }

    /// Where there is no room, columns go in this order.
    const DISPENSABLE: [Column; 6] = [
        Column::User,
        Column::Protocol,
        Column::Container,
        Column::Users,
        Column::Way,
        Column::Pid,
    ];

    /// The columns that leave room for names in a line of that width.
    pub(super) fn fitting(self, room: Option<usize>) -> Vec<Column> {
        let mut columns = self.columns().to_vec();
        let Some(room) = room else { return columns };
        for gone in Self::DISPENSABLE {
            let taken: usize = columns.iter().map(|column| column.width() + 1).sum();
            if taken + NAME <= room {
                break;
            }
            columns.retain(|column| *column != gone);
        }
        columns
    }

    /// What it can be sorted by.
    pub(super) fn sorts(self) -> &'static [Sort] {
        use Sort as S;
        match self {
            Self::Processes => {
                &[S::Bytes, S::Read, S::Written, S::Received, S::Sent, S::Ops, S::Name]
            }
            Self::Files => &[S::Bytes, S::Read, S::Written, S::Ops, S::Name],
            Self::Peers => &[S::Bytes, S::Received, S::Sent, S::Ops, S::Name],
        }
    }
}

/// Names get this much room at least, as long as another column can go.
const NAME: usize = 24;

impl Sort {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Ops => "operations",
            Self::Read => "bytes read",
            Self::Written => "bytes written",
            Self::Received => "bytes received",
            Self::Sent => "bytes sent",
            Self::Name => "name",
        }
    }

    /// The column that it is about.
    pub(super) fn column(self) -> Option<Column> {
        Some(match self {
            Self::Bytes => return None,
            Self::Ops => Column::Ops,
            Self::Read => Column::Read,
            Self::Written => Column::Written,
            Self::Received => Column::Received,
            Self::Sent => Column::Sent,
            Self::Name => Column::Name,
        })
    }

    fn number(self, row: &Row) -> u64 {
        match self {
            Self::Bytes => row.sums.bytes(),
            Self::Ops => row.sums.ops,
            Self::Read => row.sums.read,
            Self::Written => row.sums.written,
            Self::Received => row.sums.received,
            Self::Sent => row.sums.sent,
            Self::Name => 0,
        }
    }

    /// The order of two rows: where they are equal, that of other numbers, and of names.
    pub(super) fn order(self, a: &Row, b: &Row) -> Ordering {
        let more = |sort: Self| sort.number(b).cmp(&sort.number(a));
        let rest = || more(Self::Bytes).then_with(|| more(Self::Ops));
        let names = || a.name.cmp(&b.name).then_with(|| a.pid.cmp(&b.pid));
        match self {
            Self::Name => names().then_with(rest),
            _ => more(self).then_with(rest).then_with(names),
        }
    }
}

/// How numbers are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbers {
    /// For people: `1.2M`.
    Short,
    /// For programs: all digits.
    Whole,
}

impl Numbers {
    /// So many in that time, per second.
    pub(super) fn rate(self, number: u64, time: Duration) -> String {
        let seconds = time.as_secs_f64();
        let rate = if seconds > 0.0 { number as f64 / seconds } else { 0.0 };
        match self {
            Self::Whole => (rate.round() as u64).to_string(),
            Self::Short => short(rate),
        }
    }
}

/// A number in at most five characters: 0.4, 999, 1.2K, 34M.
pub(super) fn short(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    if number < 9.95 {
        return format!("{number:.1}");
    }
    let mut rest = number;
    for unit in ["", "K", "M", "G", "T", "P"] {
        if rest < 999.5 {
            let digits = usize::from(rest < 9.95);
            return format!("{rest:.digits$}{unit}");
        }
        rest /= 1024.0;
    }
    format!("{rest:.0}E")
}

impl Column {
    pub(super) fn title(self, topic: Topic) -> &'static str {
        match (self, topic) {
            (Self::Pid, _) => "PID",
            (Self::User, _) => "USER",
            (Self::Container, _) => "CONTAINER",
            (Self::Read, _) => "READ/s",
            (Self::Written, _) => "WRITTEN/s",
            (Self::Received, _) => "RECVD/s",
            (Self::Sent, _) => "SENT/s",
            (Self::Ops, _) => "OPS/s",
            (Self::Way, _) => "WAY",
            (Self::Protocol, _) => "PROTO",
            (Self::Users, _) => "PROCESS",
            (Self::Name, Topic::Processes) => "COMMAND",
            (Self::Name, Topic::Files) => "FILE",
            (Self::Name, Topic::Peers) => "PEER",
        }
    }

    /// Its width; of the last one what it has at least.
    fn width(self) -> usize {
        match self {
            Self::Pid | Self::Ops | Self::Received | Self::Sent | Self::Read => 8,
            Self::User => 10,
            Self::Container => 14,
            Self::Written => 9,
            Self::Way => 3,
            Self::Protocol => 5,
            Self::Users => 18,
            Self::Name => 0,
        }
    }

    pub(super) fn is_number(self) -> bool {
        use Column as C;
        matches!(self, C::Pid | C::Read | C::Written | C::Received | C::Sent | C::Ops)
    }

    pub(super) fn text(self, row: &Row, time: Duration, numbers: Numbers) -> String {
        match self {
            Self::Pid => row.pid.to_string(),
            Self::User => told(&row.user),
            Self::Container => told(&row.container),
            Self::Read => numbers.rate(row.sums.read, time),
            Self::Written => numbers.rate(row.sums.written, time),
            Self::Received => numbers.rate(row.sums.received, time),
            Self::Sent => numbers.rate(row.sums.sent, time),
            Self::Ops => numbers.rate(row.sums.ops, time),
            Self::Way => row.way.to_owned(),
            Self::Protocol => row.protocol.to_owned(),
            Self::Users => told(&row.users.told()),
            Self::Name => told(&row.name),
        }
    }

    /// A text in its place. Without a limit nothing is cut; `last` is not padded.
    pub(super) fn place(self, text: &str, limited: bool, last: bool) -> String {
        if last {
            return text.to_owned();
        }
        let room = self.width();
        let text = if limited && !self.is_number() { cut(text, room) } else { text.to_owned() };
        let space = " ".repeat(room.saturating_sub(width(&text)));
        if self.is_number() { space + &text } else { text + &space }
    }
}

/// What a program named itself, fit for a terminal.
fn told(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { escaped(text) }
}

/// As much of a text as has room.
pub(super) fn cut(text: &str, room: usize) -> String {
    let mut used = 0;
    let fits = |c: &char| {
        used += width(c.encode_utf8(&mut [0; 4]));
        used <= room
    };
    text.chars().take_while(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_numbers_have_five_characters() {
        for (number, text) in [
            (0.0, "0"),
            (0.25, "0.2"),
            (9.94, "9.9"),
            (9.96, "10"),
            (999.4, "999"),
            (1000.0, "1.0K"),
            (1024.0 * 1024.0, "1.0M"),
            (34.4 * 1048576.0, "34M"),
            (f64::from(u32::MAX) * 4096.0, "16T"),
        ] {
            assert_eq!(short(number), text);
        }
        assert!(short(u64::MAX as f64).len() <= 5);
    }

    #[test]
    fn narrow_lines_have_fewer_columns() {
        let all = Topic::Processes.columns().len();
        assert_eq!(Topic::Processes.fitting(None).len(), all);
        assert_eq!(Topic::Processes.fitting(Some(200)).len(), all);
        let narrow = Topic::Processes.fitting(Some(80));
        assert!(!narrow.contains(&Column::User) && narrow.contains(&Column::Pid), "{narrow:?}");
        for topic in Topic::ALL {
            assert_eq!(topic.fitting(Some(1)).last(), Some(&Column::Name));
        }
    }
}

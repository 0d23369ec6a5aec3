// SPDX-License-Identifier: Apache-2.0
//! What was done, in numbers.

use sysflow::record::OpFlags;
use sysflow::resolve::Event;

/// Bytes and operations of a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    /// Bytes read from files.
    pub(super) read: u64,
    /// Bytes written to files.
    pub(super) written: u64,
    /// Bytes received over the network.
    pub(super) received: u64,
    /// Bytes sent over the network.
    pub(super) sent: u64,
    /// Operations: each read and write, and once for each flow what else was done in it.
    pub(super) ops: u64,
}

/// A damaged file may claim anything.
fn number(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

impl Sums {
    /// Those of an event. None of what a recorder tells of itself.
    pub(super) fn of(event: &Event<'_>) -> Option<Self> {
        let moved = OpFlags::READ_RECV | OpFlags::WRITE_SEND | OpFlags::TRUNCATE;
        let other =
            event.op_flags().map_or(0, |flags| u64::from((flags.0 & !moved.0).count_ones()));
        let count = |number: Option<i64>| self::number(number.unwrap_or(0));
        let ops = count(event.read_ops()).saturating_add(count(event.write_ops()));
        let (read, written) = (count(event.read_bytes()), count(event.write_bytes()));
        let sums = Self { ops: ops.saturating_add(other), ..Self::default() };
        Some(match event {
            Event::FileFlow(_) => Self { read, written, ..sums },
            Event::NetworkFlow(_) => Self { received: read, sent: written, ..sums },
            Event::ProcessFlow(flow) if flow.loss.is_some() => return None,
            Event::ProcessFlow(flow) => {
                let threads = [flow.num_threads_cloned, flow.num_threads_exited];
                Self { ops: threads.into_iter().map(number).fold(0, u64::saturating_add), ..sums }
            }
            _ => sums,
        })
    }

    pub(super) fn add(&mut self, more: &Self) {
        for (mine, theirs) in [
            (&mut self.read, more.read),
            (&mut self.written, more.written),
            (&mut self.received, more.received),
            (&mut self.sent, more.sent),
            (&mut self.ops, more.ops),
        ] {
            *mine = mine.saturating_add(theirs);
        }
    }

    /// All bytes.
    pub(super) fn bytes(&self) -> u64 {
        [self.read, self.written, self.received, self.sent].into_iter().fold(0, u64::saturating_add)
    }
}

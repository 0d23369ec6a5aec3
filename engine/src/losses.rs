// SPDX-License-Identifier: Apache-2.0
//! What the drivers lost, as the output is told: by time, CPU and class.

use probe_loader::counters::{CLASSES, Counters};
use sysflow::record::{Loss, OperationClass};

/// The classes in the order of the driver's ABI.
const ORDER: [OperationClass; CLASSES] = [
    OperationClass::Process,
    OperationClass::Describe,
    OperationClass::File,
    OperationClass::Net,
    OperationClass::Path,
    OperationClass::Io,
];

/// Remembers what was told already.
#[derive(Debug)]
pub(crate) struct Losses {
    interval: u64,
    /// When it is due next.
    next: u64,
    /// When the capture began.
    begun: u64,
    told: Vec<Told>,
}

/// What was told of a CPU, and until when, by class.
#[derive(Clone, Debug)]
struct Told {
    counters: Counters,
    until: [u64; CLASSES],
}

impl Losses {
    /// Nothing was told yet; it is to be every `interval` ns.
    pub(crate) fn new(interval: u64, now: u64) -> Self {
        Self { interval, next: now.saturating_add(interval), begun: now, told: Vec::new() }
    }

    pub(crate) fn is_due(&self, now: u64) -> bool {
        now >= self.next
    }

    /// What is to be told, each with the time since when it counts: where
    /// something was lost, or if it is the `last` time, where anything was seen.
    pub(crate) fn take(&mut self, cpus: &[Counters], now: u64, last: bool) -> Vec<(u64, Loss)> {
        self.next = now.saturating_add(self.interval);
        let none = Told { counters: Counters::default(), until: [self.begun; CLASSES] };
        self.told.resize(self.told.len().max(cpus.len()), none);
        let mut losses = Vec::new();
        for (cpu, (counters, told)) in cpus.iter().zip(&mut self.told).enumerate() {
            for class in 0..CLASSES {
                let loss = difference(cpu, class, counters, &told.counters);
                if loss.lost() > 0 || (last && loss.seen > 0) {
                    let since = std::mem::replace(&mut told.until[class], now);
                    told.counters.seen[class] = counters.seen[class];
                    told.counters.delivered[class] = counters.delivered[class];
                    told.counters.aggregated[class] = counters.aggregated[class];
                    for (told, now) in told.counters.lost.iter_mut().zip(&counters.lost) {
                        told[class] = now[class];
                    }
                    losses.push((since, loss));
                }
            }
        }
        losses
    }
}

fn difference(cpu: usize, class: usize, now: &Counters, before: &Counters) -> Loss {
    let since = |now: u64, before: u64| now.wrapping_sub(before).cast_signed();
    let row = |now: &[u64; CLASSES], before: &[u64; CLASSES]| since(now[class], before[class]);
    let lost = |cause: usize| row(&now.lost[cause], &before.lost[cause]);
    Loss {
        cpu: i32::try_from(cpu).unwrap_or(i32::MAX),
        class: ORDER[class],
        seen: row(&now.seen, &before.seen),
        delivered: row(&now.delivered, &before.delivered),
        aggregated: row(&now.aggregated, &before.aggregated),
        ring_full: lost(0),
        too_large: lost(1),
        copy_fault: lost(2),
        nested: lost(3),
    }
}

#[cfg(test)]
mod tests {
    use probe_loader::counters::{CAUSE_NAMES, CLASS_NAMES};

    use super::*;

    #[test]
    fn names_are_in_the_order_of_the_driver() {
        let ours = ORDER.map(|class| class.symbol().to_lowercase());
        assert_eq!(ours, CLASS_NAMES);
        assert_eq!(CAUSE_NAMES, ["ring full", "too large", "copy fault", "nested"]);
    }

    #[test]
    fn what_is_told_sums_up_to_what_was_counted() {
        let mut losses = Losses::new(30, 100);
        assert!(!losses.is_due(129) && losses.is_due(130));
        let mut cpus = [Counters::default(); 2];
        cpus[1].seen[5] = 10;
        cpus[1].delivered[5] = 10;
        assert_eq!(losses.take(&cpus, 130, false), [], "nothing was lost");
        cpus[1].seen[5] = 30;
        cpus[1].delivered[5] = 18;
        cpus[1].lost[0][5] = 7;
        cpus[1].lost[3][5] = 5;
        let first = losses.take(&cpus, 160, false);
        let expected = Loss {
            cpu: 1,
            class: OperationClass::Io,
            seen: 30,
            delivered: 18,
            ring_full: 7,
            nested: 5,
            ..Loss::default()
        };
        assert_eq!(first, [(100, expected)]);
        assert_eq!(losses.take(&cpus, 190, false), [], "told already");
        cpus[0].seen[0] = 1;
        cpus[0].aggregated[0] = 1;
        cpus[1].seen[5] = 31;
        cpus[1].delivered[5] = 19;
        let rest = losses.take(&cpus, 200, true);
        let found: Vec<_> =
            rest.iter().map(|(since, loss)| (*since, loss.cpu, loss.seen, loss.lost())).collect();
        assert_eq!(found, [(100, 0, 1, 0), (160, 1, 1, 0)]);
        let all: i64 = first.iter().chain(&rest).map(|(_, loss)| loss.seen).sum();
        assert_eq!(all.cast_unsigned(), cpus.iter().map(Counters::total_seen).sum::<u64>());
    }
}

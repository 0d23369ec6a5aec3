// SPDX-License-Identifier: Apache-2.0
//! What was counted until a moment, and between two.

use probe_loader::counters::{CAUSE_NAMES, CLASS_NAMES, CLASSES, Counters};
use serde_json::{Map, Value, json};

use crate::Counts;

/// The counters of driver and engine at a moment.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// When: ns since the Unix epoch.
    pub at: i64,
    /// The driver's counters, one entry per CPU. Read while probes run, they
    /// may be a few operations apart; those of the end are exact.
    pub cpus: Vec<Counters>,
    /// What the kernel kept from the probes, lost as nested.
    pub kept: Counters,
    /// What the engine did.
    pub counts: Counts,
    /// Whether the capture ended because somebody switched the driver off; of
    /// the account of its end only.
    pub switched_off: bool,
}

impl Account {
    /// What was counted since an earlier account, for programs: `started`,
    /// `ended`, `switched_off`, `cpus`, `missed`, `engine`.
    #[must_use]
    pub fn since(&self, before: &Self) -> Map<String, Value> {
        let none = Counters::default();
        let cpus = self.cpus.iter().enumerate().map(|(cpu, now)| {
            let before = before.cpus.get(cpu).unwrap_or(&none);
            cpu_json(cpu, now, before)
        });
        let mut all = Map::new();
        all.insert("started".to_owned(), json!(before.at));
        all.insert("ended".to_owned(), json!(self.at));
        all.insert("switched_off".to_owned(), json!(self.switched_off));
        all.insert("cpus".to_owned(), cpus.collect());
        let missed = self.kept.total_lost().saturating_sub(before.kept.total_lost());
        all.insert("missed".to_owned(), json!(missed));
        all.insert("engine".to_owned(), counts_since(&self.counts, &before.counts));
        all
    }
}

/// A counter of the engine: its name, and how it is read.
pub type Count = (&'static str, fn(&Counts) -> u64);

/// The engine's counters.
pub const COUNTS: [Count; 29] = [
    ("events", |c| c.events),
    ("applied", |c| c.applied),
    ("silent", |c| c.silent),
    ("untold", |c| c.untold),
    ("ipv6", |c| c.ipv6),
    ("failed", |c| c.failed),
    ("unused_close", |c| c.unused_close),
    ("undescribed", |c| c.undescribed),
    ("unknown", |c| c.unknown),
    ("damaged", |c| c.damaged),
    ("looked_up", |c| c.looked_up),
    ("not_found", |c| c.not_found),
    ("scanned_tasks", |c| c.scanned_tasks),
    ("scanned_proc", |c| c.scanned_proc),
    ("scans", |c| c.scans),
    ("missed", |c| c.missed),
    ("gone", |c| c.gone),
    ("changed", |c| c.changed),
    ("late", |c| c.late),
    ("left_out", |c| c.left_out),
    ("exported", |c| c.exported),
    ("records", |c| c.records),
    ("evicted_flows", |c| c.evicted.flows),
    ("evicted_objects", |c| c.evicted.objects),
    ("evicted_open_files", |c| c.evicted.open_files),
    ("evicted_descriptors", |c| c.evicted.descriptors),
    ("evicted_processes", |c| c.evicted.processes),
    ("evicted_texts", |c| c.evicted.texts),
    ("evicted_containers", |c| c.evicted.containers),
];

/// What an engine did, for programs.
#[must_use]
pub fn counts_json(counts: &Counts) -> Value {
    counts_since(counts, &Counts::default())
}

fn counts_since(now: &Counts, before: &Counts) -> Value {
    let each = COUNTS
        .iter()
        .map(|(name, of)| ((*name).to_owned(), json!(of(now).saturating_sub(of(before)))));
    Value::Object(each.collect())
}

type Row = [u64; CLASSES];

fn classes(now: &Row, before: &Row) -> Value {
    let each = CLASS_NAMES.iter().zip(now.iter().zip(before));
    let named =
        each.map(|(name, (now, before))| ((*name).to_owned(), json!(now.saturating_sub(*before))));
    Value::Object(named.collect())
}

fn cpu_json(cpu: usize, now: &Counters, before: &Counters) -> Value {
    let lost = CAUSE_NAMES.iter().zip(now.lost.iter().zip(&before.lost));
    let lost = lost.map(|(name, (now, before))| ((*name).to_owned(), classes(now, before)));
    let since = |of: fn(&Counters) -> u64| of(now).saturating_sub(of(before));
    json!({
        "cpu": cpu,
        "seen": classes(&now.seen, &before.seen),
        "delivered": classes(&now.delivered, &before.delivered),
        "aggregated": classes(&now.aggregated, &before.aggregated),
        "lost": Value::Object(lost.collect()),
        "unselected": classes(&now.unselected, &before.unselected),
        "uncovered_compat": since(|c| c.uncovered_compat),
        "uncovered_uring": since(|c| c.uncovered_uring),
        "wakeups": since(|c| c.wakeups),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_of_a_series_add_up() {
        let kept = Counters { unclassed: 1, ..Counters::default() };
        let mut first = Account { at: 10, kept, ..Account::default() };
        first.cpus = vec![Counters::default(); 2];
        first.cpus[1].seen[5] = 7;
        first.counts.events = 7;
        let mut second = first.clone();
        second.at = 20;
        second.switched_off = true;
        second.cpus[1].seen[5] = 10;
        second.cpus[1].lost[0][5] = 2;
        second.counts.events = 12;
        let of_first = Value::Object(first.since(&Account::default()));
        let of_second = Value::Object(second.since(&first));
        assert_eq!(of_first["cpus"][1]["seen"]["io"], 7);
        assert_eq!(of_second["cpus"][1]["seen"]["io"], 3);
        assert_eq!(of_second["cpus"][1]["lost"]["ring full"]["io"], 2);
        assert_eq!((&of_second["started"], &of_second["ended"]), (&json!(10), &json!(20)));
        assert_eq!(of_second["engine"]["events"], 5);
        assert_eq!(
            (&of_first["switched_off"], &of_second["switched_off"]),
            (&json!(false), &json!(true))
        );
        assert_eq!((&of_first["missed"], &of_second["missed"]), (&json!(1), &json!(0)));
    }
}

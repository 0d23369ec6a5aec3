// SPDX-License-Identifier: Apache-2.0
//! The metrics. docs/metrics.md describes them.

use probe_loader::counters::{CAUSE_NAMES, CLASS_NAMES, CLASSES, Counters};

use super::text::Text;
use super::{Board, Cost, State};
use crate::account::COUNTS;
use crate::engine::Table;
use crate::output::{Cause, Kinds, Numbers};

/// The counters of the engine that tell what became of events: each event is
/// in one of them.
const RESULTS: [&str; 9] = [
    "applied",
    "silent",
    "untold",
    "ipv6",
    "failed",
    "unused_close",
    "undescribed",
    "unknown",
    "damaged",
];

pub(super) fn render(board: &Board) -> String {
    let state = board.state();
    let mut text = Text::default();
    let version = env!("CARGO_PKG_VERSION");
    text.info("sysflow", "The recorder")
        .sample(&[("version", &version), ("driver", &board.driver)], 1);
    operations(&mut text, &state.account.cpus);
    driver(&mut text, &state);
    engine(&mut text, &state);
    memory(&mut text, &state);
    outputs(&mut text, board);
    process(&mut text);
    text.end()
}

/// A family: its name, its help, and how it is read.
type Of<T> = (&'static str, &'static str, T);

type KindsOf = fn(&Numbers) -> &Kinds;
type NumberOf = fn(&Numbers) -> u64;
type SizeOf = fn(&Table) -> usize;
type Row = fn(&Counters) -> &[u64; CLASSES];

fn operations(text: &mut Text, cpus: &[Counters]) {
    let rows: [Of<Row>; 4] = [
        ("sysflow_operations_seen", "Operations that the probes saw", |c| &c.seen),
        ("sysflow_operations_delivered", "Operations told by a record in a ring", |c| &c.delivered),
        (
            "sysflow_operations_aggregated",
            "Operations told by a record that tells others too",
            |c| &c.aggregated,
        ),
        (
            "sysflow_operations_unselected",
            "Calls that the selection left out, in none of the others",
            |c| &c.unselected,
        ),
    ];
    for (name, help, row) in rows {
        let mut family = text.counter(name, help);
        for (cpu, counters) in cpus.iter().enumerate() {
            for (class, number) in CLASS_NAMES.iter().zip(row(counters)) {
                family.sample(&[("cpu", &cpu), ("class", class)], number);
            }
        }
    }
    let mut family =
        text.counter("sysflow_operations_lost", "Operations that were not told, and why");
    for (cpu, counters) in cpus.iter().enumerate() {
        for (cause, lost) in CAUSE_NAMES.iter().zip(&counters.lost) {
            for (class, number) in CLASS_NAMES.iter().zip(lost) {
                family.sample(&[("cpu", &cpu), ("class", class), ("cause", cause)], number);
            }
        }
    }
}

fn driver(text: &mut Text, state: &State) {
    let cpus = &state.account.cpus;
    text.counter("sysflow_operations_missed", "Operations that the kernel kept from the probes")
        .sample(&[], state.account.kept.total_lost());
    let sum = |of: fn(&Counters) -> u64| cpus.iter().map(of).sum::<u64>();
    let mut family =
        text.counter("sysflow_operations_uncovered", "Operations that the driver does not cover");
    family.sample(&[("kind", &"compat")], sum(|c| c.uncovered_compat));
    family.sample(&[("kind", &"io_uring")], sum(|c| c.uncovered_uring));
    text.counter("sysflow_wakeups", "Times that a ring woke the recorder")
        .sample(&[], sum(|c| c.wakeups));
    let mut family = text.gauge("sysflow_ring_used_bytes", "What is in a ring and not read yet");
    for ring in &state.rings {
        family.sample(&[("cpu", &ring.cpu)], ring.used);
    }
    let mut family = text.gauge("sysflow_ring_size_bytes", "Size of a ring");
    for ring in &state.rings {
        family.sample(&[("cpu", &ring.cpu)], ring.size);
    }
    text.counter("sysflow_ring_damaged", "Records of rings that were not what their header said")
        .sample(&[], state.damaged);
}

fn engine(text: &mut Text, state: &State) {
    let counts = &state.account.counts;
    let mut family =
        text.counter("sysflow_events", "Events of the driver, and what became of them");
    for (name, of) in COUNTS.iter().filter(|(name, _)| RESULTS.contains(name)) {
        family.sample(&[("result", name)], of(counts));
    }
    for (name, help, number) in [
        ("sysflow_events_late", "Events older than the one before them", counts.late),
        ("sysflow_processes_looked_up", "Processes looked up in /proc", counts.looked_up),
        ("sysflow_processes_not_found", "Of those, not found there", counts.not_found),
        (
            "sysflow_scans",
            "Times that all processes were compared with those of the host, after a loss",
            counts.scans,
        ),
        ("sysflow_processes_missed", "Processes found by that whose birth was lost", counts.missed),
        ("sysflow_processes_gone", "Processes ended by that whose exit was lost", counts.gone),
        ("sysflow_processes_changed", "Processes corrected by that", counts.changed),
        (
            "sysflow_containers_unnamed",
            "Containers whose name no runtime told in the end",
            state.unnamed,
        ),
        ("sysflow_flows_left_out", "File flows left out because they only read", counts.left_out),
        ("sysflow_flows_exported", "Flows written while they went on", counts.exported),
        ("sysflow_records", "Records made", counts.records),
    ] {
        text.counter(name, help).sample(&[], number);
    }
    let mut family =
        text.counter("sysflow_scanned_processes", "Processes that scans found, by way");
    family.sample(&[("way", &"tasks")], counts.scanned_tasks);
    family.sample(&[("way", &"proc")], counts.scanned_proc);
    for (name, help, number) in [
        ("sysflow_flows_open", "Flows that go on", state.flows),
        ("sysflow_processes_alive", "Processes that live", state.processes),
        ("sysflow_objects_known", "Files and connections that are known", state.objects),
    ] {
        text.gauge(name, help).sample(&[], number);
    }
}

/// What the tables of the engine take.
fn memory(text: &mut Text, state: &State) {
    text.gauge("sysflow_memory_limit_bytes", "What the tables of the engine may take together")
        .sample(&[], state.memory_limit);
    let rows: [Of<SizeOf>; 3] = [
        ("sysflow_table_entries", "What a table of the engine holds", |t| t.entries),
        ("sysflow_table_bytes", "What a table takes", |t| t.bytes),
        ("sysflow_table_limit_bytes", "What a table may take", |t| t.limit),
    ];
    for (name, help, of) in rows {
        let mut family = text.gauge(name, help);
        for table in &state.tables {
            family.sample(&[("table", &table.name)], of(table));
        }
    }
    let mut family = text.counter("sysflow_table_evicted", "What went because a table was full");
    for table in &state.tables {
        family.sample(&[("table", &table.name)], table.evicted);
    }
}

fn outputs(text: &mut Text, board: &Board) {
    let all: Vec<(&str, Numbers)> =
        board.outputs.iter().map(|watch| (watch.name(), watch.numbers())).collect();
    let rows: [Of<KindsOf>; 3] = [
        ("sysflow_output_handed", "Records for an output", |n| &n.handed),
        ("sysflow_output_records", "Records that an output took", |n| &n.written),
        ("sysflow_output_gone", "Of those, lost with their file", |n| &n.gone),
    ];
    for (name, help, kinds) in rows {
        let mut family = text.counter(name, help);
        for (output, numbers) in &all {
            for (kind, number) in kinds(numbers).each() {
                family.sample(&[("output", output), ("type", &kind.name())], number);
            }
        }
    }
    let mut family = text.counter("sysflow_output_shed", "Records that an output did not get");
    for (output, numbers) in &all {
        for (cause, kinds) in Cause::ALL.iter().zip(&numbers.shed) {
            for (kind, number) in kinds.each() {
                let labels: [(&str, &dyn std::fmt::Display); 3] =
                    [("output", output), ("type", &kind.name()), ("cause", &cause.name())];
                family.sample(&labels, number);
            }
        }
    }
    let rows: [Of<NumberOf>; 4] = [
        ("sysflow_output_bytes", "Bytes written", |n| n.bytes),
        ("sysflow_output_files", "Files that were finished", |n| n.files),
        ("sysflow_output_removed_files", "Files removed for age or size", |n| n.removed),
        ("sysflow_output_connections", "Connections made", |n| n.connections),
    ];
    for (name, help, of) in rows {
        let mut family = text.counter(name, help);
        for (output, numbers) in &all {
            family.sample(&[("output", output)], of(numbers));
        }
    }
    let mut family = text.gauge("sysflow_output_failing", "Whether an output cannot be written");
    for (output, numbers) in &all {
        family.sample(&[("output", output)], u8::from(numbers.failing));
    }
    queues(text, board);
}

fn queues(text: &mut Text, board: &Board) {
    let mut family = text.gauge("sysflow_output_queue_bytes", "What waits for an output");
    for watch in &board.outputs {
        family.sample(&[("output", &watch.name())], watch.queued().0);
    }
    let mut family = text.gauge("sysflow_output_queue_limit_bytes", "What may wait for an output");
    for watch in &board.outputs {
        family.sample(&[("output", &watch.name())], watch.queued().1);
    }
}

/// The cost of the recorder itself.
fn process(text: &mut Text) {
    let cost = Cost::now();
    text.counter("process_cpu_seconds", "CPU time of the recorder")
        .sample(&[], cost.cpu.as_secs_f64());
    text.gauge("process_resident_memory_bytes", "Memory of the recorder")
        .sample(&[], cost.resident);
}

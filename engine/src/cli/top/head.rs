// SPDX-License-Identifier: Apache-2.0
//! What is told of the capture as a whole.

use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::account::Account;
use engine::clock::epoch_now;
use engine::metrics::{Board, Cost, State};
use probe_loader::counters::{CAUSE_NAMES, CAUSES, Counters};

use super::tally::Interval;

/// Figures of an interval.
#[derive(Clone, Debug, Default)]
pub(super) struct Head {
    pub(super) host: String,
    /// What they come from: a driver, or what a recorder writes.
    pub(super) source: String,
    /// Time of day, `12:34:56`.
    pub(super) clock: String,
    pub(super) uptime: Duration,
    /// Per second: events of the driver, if it is here; records.
    pub(super) rates: (Option<f64>, f64),
    /// Events and flows, per second, that the tables show.
    pub(super) shown: f64,
    /// Of an own capture.
    pub(super) capture: Option<Own>,
    /// Operations that a recorder elsewhere said it lost: now per second, and in all.
    pub(super) told_lost: (f64, u64),
    /// Rows that had no room in the tables.
    pub(super) dropped: u64,
    /// Share of one CPU, and bytes of memory, of this program.
    pub(super) cost: (f64, u64),
}

/// Of an own capture.
#[derive(Clone, Debug, Default)]
pub(super) struct Own {
    pub(super) flows: usize,
    pub(super) processes: usize,
    /// Operations lost, per second, and in all.
    pub(super) lost: (f64, u64),
    /// Those in all by cause.
    pub(super) causes: [u64; CAUSES],
    /// Records that this view was too slow for.
    pub(super) shed: u64,
    /// The fullest ring: its share in use, and its size; and how many there are.
    pub(super) fill: (f64, u64),
    pub(super) rings: usize,
}

/// Makes figures of counters.
pub(super) struct Meter {
    host: String,
    source: String,
    board: Option<Arc<Board>>,
    begun: Instant,
    /// What was told last; at first nothing, when this began.
    state: Arc<State>,
    cost: Cost,
    told_lost: u64,
    /// Events and losses per second, when the capture told them last.
    rates: (f64, f64),
}

fn total(state: &State) -> Counters {
    state.account.cpus.iter().copied().sum::<Counters>() + state.account.kept
}

impl Meter {
    pub(super) fn new(source: String, board: Option<Arc<Board>>) -> Self {
        let host = nix::unistd::gethostname().unwrap_or_default();
        Self {
            host: host.to_string_lossy().into_owned(),
            source,
            board,
            begun: Instant::now(),
            state: Arc::new(State {
                account: Account { at: epoch_now(), ..Account::default() },
                ..State::default()
            }),
            cost: Cost::now(),
            told_lost: 0,
            rates: (0.0, 0.0),
        }
    }

    /// The figures of an interval that ends now.
    pub(super) fn read(&mut self, interval: &Interval) -> Head {
        let seconds = interval.length.as_secs_f64().max(1e-3);
        let per_second = |number: u64| number as f64 / seconds;
        let cost = Cost::now();
        let cpu = cost.cpu.saturating_sub(self.cost.cpu).as_secs_f64() / seconds;
        self.cost = cost;
        self.told_lost += interval.lost;
        let capture = self.board.as_ref().map(|board| board.state()).map(|state| self.own(state));
        let events = capture.is_some().then_some(self.rates.0);
        Head {
            host: self.host.clone(),
            source: self.source.clone(),
            clock: clock(),
            uptime: self.begun.elapsed(),
            rates: (events, per_second(interval.records)),
            shown: per_second(interval.events),
            capture,
            told_lost: (per_second(interval.lost), self.told_lost),
            dropped: interval.dropped,
            cost: (cpu, cost.resident),
        }
    }

    /// The figures of an own capture. It publishes at its own pace: they are of the time between
    /// the last two of what it told.
    fn own(&mut self, state: Arc<State>) -> Own {
        let (now, before) = (total(&state), total(&self.state));
        let lost = now.total_lost();
        let passed = state.account.at.saturating_sub(self.state.account.at);
        if passed > 0 {
            let per_second =
                |now: u64, before: u64| now.saturating_sub(before) as f64 / (passed as f64 / 1e9);
            let events = |state: &State| state.account.counts.events;
            self.rates = (
                per_second(events(&state), events(&self.state)),
                per_second(lost, before.total_lost()),
            );
            self.state = state;
        }
        let state = &self.state;
        Own {
            flows: state.flows,
            processes: state.processes,
            lost: (self.rates.1, lost),
            causes: causes(&now),
            shed: self.shed(),
            fill: fullest(state),
            rings: state.rings.len(),
        }
    }

    fn shed(&self) -> u64 {
        let outputs = self.board.iter().flat_map(|board| board.outputs());
        outputs.map(|output| output.numbers().shed_total()).sum()
    }
}

/// What was lost by cause. What has no class was lost as nested.
fn causes(total: &Counters) -> [u64; CAUSES] {
    let mut causes = total.lost.map(|classes| classes.iter().sum());
    let known: u64 = causes.iter().sum();
    if let Some(nested) = CAUSE_NAMES.iter().position(|name| *name == "nested") {
        causes[nested] += total.total_lost().saturating_sub(known);
    }
    causes
}

fn fullest(state: &State) -> (f64, u64) {
    let share = |used: u64, size: u64| if size > 0 { used as f64 / size as f64 } else { 0.0 };
    let fills = state.rings.iter().map(|ring| (share(ring.used, ring.size), ring.size));
    fills.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or_default()
}

/// The time of day in the time zone of this host.
fn clock() -> String {
    sysflow::print::Times::local().clock(epoch_now())
}

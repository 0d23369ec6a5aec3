// SPDX-License-Identifier: Apache-2.0
//! Times of many rounds, and what they say.

/// What was attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing.
    Bare,
    /// What the driver is compared with: the empty program, or a peer.
    Null,
    /// The driver.
    Driver,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Bare, Self::Null, Self::Driver];
}

/// Times per call of one kind, ns, by state, one entry per round.
#[derive(Clone, Debug, Default)]
pub struct Added {
    times: [Vec<f64>; 3],
}

/// Minimum and median, ns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// Of the added times: the difference of the smallest.
    pub min: f64,
    /// Of the added times: over the differences of each round.
    pub median: f64,
}

impl Added {
    /// Notes the time of one round.
    pub fn note(&mut self, state: State, time: f64) {
        self.times[state as usize].push(time);
    }

    /// The calls alone.
    #[must_use]
    pub fn bare(&self) -> Figure {
        let times = &self.times[State::Bare as usize];
        Figure { min: min(times), median: median(times) }
    }

    /// What a state adds to them.
    #[must_use]
    pub fn by(&self, state: State) -> Figure {
        let (with, without) = (&self.times[state as usize], &self.times[State::Bare as usize]);
        let differences: Vec<f64> = with.iter().zip(without).map(|(a, b)| a - b).collect();
        Figure { min: min(with) - min(without), median: median(&differences) }
    }
}

fn min(times: &[f64]) -> f64 {
    times.iter().copied().fold(f64::INFINITY, f64::min)
}

fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (below, above) = (sorted.get((sorted.len().max(1) - 1) / 2), sorted.get(sorted.len() / 2));
    below.zip(above).map_or(f64::NAN, |(a, b)| f64::midpoint(*a, *b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_is_told_by_neighbours() {
        let mut added = Added::default();
        for (bare, driver) in [(100.0, 150.0), (200.0, 245.0), (110.0, 170.0)] {
            added.note(State::Bare, bare);
            added.note(State::Driver, driver);
        }
        assert_eq!(added.bare(), Figure { min: 100.0, median: 110.0 });
        assert_eq!(added.by(State::Driver), Figure { min: 50.0, median: 50.0 });
        assert_eq!(median(&[1.0, 2.0, 3.0, 4.0]), 2.5);
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Things to compare, run in turns. Times are those on a CPU, user and system: what else runs on the
//! machine does not count.

use std::time::Duration;

use benches::clock;

/// Some ways to do the same; the first is ours.
pub(crate) struct Turns<'a> {
    name: &'static str,
    ways: Vec<Way<'a>>,
}

struct Way<'a> {
    name: String,
    /// How many elements one run handles.
    elements: usize,
    run: Box<dyn FnMut() + 'a>,
    clock: fn() -> Duration,
    /// Time for an element, each run.
    samples: Vec<f64>,
}

impl<'a> Turns<'a> {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, ways: Vec::new() }
    }

    /// A way whose time is that of this thread.
    pub(crate) fn add(&mut self, name: &str, elements: usize, run: impl FnMut() + 'a) {
        self.way(name, elements, clock::thread, Box::new(run));
    }

    /// A way whose time is that of the programs that it runs and waits for.
    pub(crate) fn add_program(&mut self, name: &str, elements: usize, run: impl FnMut() + 'a) {
        self.way(name, elements, clock::children, Box::new(run));
    }

    fn way(
        &mut self,
        name: &str,
        elements: usize,
        clock: fn() -> Duration,
        run: Box<dyn FnMut() + 'a>,
    ) {
        self.ways.push(Way { name: name.to_owned(), elements, run, clock, samples: Vec::new() });
    }

    pub(crate) fn first(&self) -> &str {
        &self.ways[0].name
    }

    pub(crate) fn elements(&self) -> usize {
        self.ways[0].elements
    }

    /// Runs each way `count` times, in turns. The time is that of the first.
    pub(crate) fn take(&mut self, count: u64) -> Duration {
        let mut first = Duration::ZERO;
        for _ in 0..count {
            for (at, way) in self.ways.iter_mut().enumerate() {
                let start = (way.clock)();
                (way.run)();
                let time = (way.clock)() - start;
                way.samples.push(time.as_secs_f64() * 1e9 / way.elements as f64);
                if at == 0 {
                    first += time;
                }
            }
        }
        first
    }

    /// Tells the fastest run and the median of each way, and how many times as long as the first it
    /// takes.
    pub(crate) fn report(&mut self) {
        let mut base = None;
        eprintln!("{:<24} {:>5} {:>22} {:>22}", self.name, "runs", "fastest", "median");
        for way in &mut self.ways {
            way.samples.sort_by(f64::total_cmp);
            let Some(&least) = way.samples.first() else { return };
            let median = way.samples[way.samples.len() / 2];
            let (first_least, first_median) = *base.get_or_insert((least, median));
            eprintln!(
                "{:<24} {:>5} {least:>11.1} ns {:>6.2}x {median:>11.1} ns {:>6.2}x",
                way.name,
                way.samples.len(),
                least / first_least,
                median / first_median
            );
        }
    }
}

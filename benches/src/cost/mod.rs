// SPDX-License-Identifier: Apache-2.0
//! What a driver adds to a system call.
//!
//! A process pinned to one CPU makes calls of a kind in a row, in three
//! states that take turns in every round: nothing attached, an empty program
//! on `sys_exit` ([`null_probe`]), and the driver, its rings drained on
//! another CPU. The machine's mood changes slowly, so what counts is the
//! difference between neighbours of the same round: its median, and the
//! difference of the minima.

pub mod calls;
pub mod figures;
pub mod null_probe;
pub mod peer;
pub mod reader;
pub mod subject;
pub mod throughput;

use std::io;

use probe_loader::driver::Driver;

use calls::Call;
use figures::{Added, State};
use null_probe::NullProbe;
use reader::Reader;
use subject::Subject;

/// How long the calls of one kind take in one state of one round, about, ns.
const SPAN: u64 = 10_000_000;

/// What was measured.
pub struct Report {
    /// One entry per kind of call.
    pub added: Vec<(Call, Added)>,
    /// What the reader did meanwhile.
    pub read: reader::Totals,
}

/// Measures for so many rounds. `show` is told of each that is over.
///
/// # Errors
/// When the driver, the empty program or the measured process fails.
pub fn measure(
    subject: &mut Subject,
    driver: Driver,
    rounds: usize,
    mut show: impl FnMut(usize),
) -> io::Result<Report> {
    let mut reader = Reader::start(driver);
    let mut null = NullProbe::load()?;
    let mut counts = Vec::new();
    for call in Call::ALL {
        let trial = subject.time(call, 200)?;
        counts.push((SPAN * 200 / trial.max(1)).clamp(200, 1_000_000));
    }
    let mut added: Vec<(Call, Added)> =
        Call::ALL.into_iter().map(|call| (call, Added::default())).collect();
    for round in 0..rounds {
        // Another one goes first each time.
        for turn in 0..State::ALL.len() {
            let state = State::ALL[(round + turn) % State::ALL.len()];
            match state {
                State::Bare => {}
                State::Null => null.attach()?,
                State::Driver => reader.attach()?,
            }
            for ((call, added), count) in added.iter_mut().zip(&counts) {
                let time = subject.time(*call, *count)?;
                added.note(state, time as f64 / *count as f64);
            }
            match state {
                State::Bare => {}
                State::Null => null.detach(),
                State::Driver => reader.detach()?,
            }
        }
        show(round + 1);
    }
    Ok(Report { added, read: reader.end() })
}

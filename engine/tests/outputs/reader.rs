// SPDX-License-Identifier: Apache-2.0
//! A reader in the program itself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use engine::output::{Cause, Outputs, Reader};
use sysflow::record::{Header, Record};
use sysflow::write::Options;

use crate::known;
use crate::machine::{Machine, until};

/// Keeps the records of each beginning, until it has so many; waits while it is held.
struct Keeper {
    runs: Arc<Mutex<Vec<Vec<Record>>>>,
    most: usize,
    held: Arc<AtomicBool>,
}

fn begun() -> Vec<Record> {
    vec![Header { version: 5, ..Header::default() }.into()]
}

impl Reader for Keeper {
    fn begin(&mut self) {
        self.runs.lock().expect("runs").push(begun());
    }

    fn record(&mut self, record: Record) {
        while self.held.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        self.runs.lock().expect("runs").last_mut().expect("a run").push(record);
    }

    fn is_full(&self) -> bool {
        self.runs.lock().expect("runs").last().expect("a run").len() > self.most
    }
}

type Runs = Arc<Mutex<Vec<Vec<Record>>>>;

fn machine(most: usize, buffer: usize) -> (Machine, Runs, Arc<AtomicBool>) {
    let runs = Arc::new(Mutex::new(vec![begun()]));
    let held = Arc::new(AtomicBool::new(false));
    let keeper = Keeper { runs: Arc::clone(&runs), most, held: Arc::clone(&held) };
    let outputs = Outputs::to_reader(Box::new(keeper), buffer, Options::default());
    (Machine::of(outputs.expect("a thread")), runs, held)
}

#[test]
fn a_reader_gets_every_record_and_begins_again_when_it_is_full() {
    let (mut machine, runs, _) = machine(1000, 1 << 20);
    for _ in 0..50 {
        machine.rounds(50);
        machine.pass(1.0);
        machine.settle(0);
    }
    let numbers = machine.finish().remove(0).numbers;
    assert_eq!((numbers.missing(), numbers.shed_total()), (0, 0));
    let runs = std::mem::take(&mut *runs.lock().expect("runs"));
    assert!(runs.len() > 3, "{} runs", runs.len());
    runs.iter().for_each(|run| known::assert_self_contained(run));
    let records: usize = runs.iter().map(|run| run.len() - 1).sum();
    assert_eq!(records as u64, numbers.handed.total());
}

#[test]
fn a_slow_reader_is_not_waited_for_and_what_it_missed_is_counted() {
    let (mut machine, runs, held) = machine(usize::MAX, 100_000);
    held.store(true, Ordering::Release);
    while machine.numbers(0).shed_total() == 0 {
        machine.rounds(100);
        machine.pass(0.1);
    }
    held.store(false, Ordering::Release);
    machine.settle(0);
    machine.pass(5.0);
    machine.rounds(10);
    machine.pass(1.0);
    until("it goes on", || runs.lock().expect("runs").len() > 1);
    let numbers = machine.finish().remove(0).numbers;
    assert_eq!(numbers.shed_total(), numbers.shed[Cause::NoRoom as usize].total());
    let runs = std::mem::take(&mut *runs.lock().expect("runs"));
    runs.iter().for_each(|run| known::assert_self_contained(run));
    let records: usize = runs.iter().map(|run| run.len() - 1).sum();
    assert_eq!(records as u64, numbers.written.total());
}

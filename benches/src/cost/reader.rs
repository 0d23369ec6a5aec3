// SPDX-License-Identifier: Apache-2.0
//! A driver and the thread that drains its rings.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use probe_loader::Record;
use probe_loader::counters::Counters;
use probe_loader::driver::Driver;

use super::subject::{now, pin};

/// What the reader did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// Records read.
    pub records: u64,
    /// Operations lost because the rings were full.
    pub lost: u64,
    /// CPU time of the reading thread, ns.
    pub cpu: u64,
}

/// What the thread is asked to do.
enum Order {
    Attach,
    Detach,
}

/// The reading thread.
pub struct Reader {
    orders: Sender<Order>,
    done: Receiver<io::Result<()>>,
    thread: JoinHandle<Totals>,
}

/// CPU that the reader keeps to, where there are two.
const CPU: usize = 1;

/// How long it sleeps when the rings are empty: what comes in that time fits.
const NAP: Duration = Duration::from_micros(200);

impl Reader {
    /// Starts the thread with a driver that is open.
    #[must_use]
    pub fn start(driver: Driver) -> Self {
        let ((orders, inbox), (outbox, done)) = (channel(), channel());
        let thread = thread::spawn(move || run(driver, &inbox, &outbox));
        Self { orders, done, thread }
    }

    fn order(&self, order: Order) -> io::Result<()> {
        let gone = |_| io::Error::other("the reader has ended");
        self.orders.send(order).map_err(|_| gone(()))?;
        self.done.recv().map_err(|_| gone(()))?
    }

    /// Attaches the driver.
    ///
    /// # Errors
    /// The driver's.
    pub fn attach(&mut self) -> io::Result<()> {
        self.order(Order::Attach)
    }

    /// Detaches the driver.
    ///
    /// # Errors
    /// The driver's.
    pub fn detach(&mut self) -> io::Result<()> {
        self.order(Order::Detach)
    }

    /// Releases the driver.
    #[must_use]
    pub fn end(self) -> Totals {
        drop(self.orders);
        self.thread.join().unwrap_or_default()
    }
}

fn run(mut driver: Driver, inbox: &Receiver<Order>, outbox: &Sender<io::Result<()>>) -> Totals {
    // On a machine with one CPU it stays where it is.
    let _ = pin(CPU);
    let (mut totals, mut attached) = (Totals::default(), false);
    loop {
        let order = if attached {
            let count = drain(&mut driver);
            totals.records += count;
            if count == 0 {
                thread::sleep(NAP);
            }
            match inbox.try_recv() {
                Err(std::sync::mpsc::TryRecvError::Empty) => continue,
                other => other.ok(),
            }
        } else {
            inbox.recv().ok()
        };
        let Some(order) = order else { break };
        let done = match order {
            Order::Attach => driver.start(),
            Order::Detach => driver.stop(),
        };
        attached = matches!(order, Order::Attach);
        totals.records += drain(&mut driver);
        if outbox.send(done.map_err(io::Error::other)).is_err() {
            break;
        }
    }
    totals.lost = driver.counters().iter().map(Counters::total_lost).sum();
    totals.cpu = now(libc::CLOCK_THREAD_CPUTIME_ID);
    totals
}

/// Reads and types every record that is there. Returns how many.
pub(super) fn drain(driver: &mut Driver) -> u64 {
    let mut count = 0;
    for ring in driver.rings() {
        ring.refresh();
        count += ring.drain_until(u64::MAX, |bytes| {
            std::hint::black_box(Record::decode(bytes).is_ok());
        });
        ring.release();
    }
    count
}

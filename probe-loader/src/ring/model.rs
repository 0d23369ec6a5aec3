// SPDX-License-Identifier: Apache-2.0
//! The protocol of `driver/include/sysflow/ring.h`, with every interleaving
//! and every reordering that its memory orderings allow (loom).
//!
//! The real ends cannot run under loom: one is C, and both work on memory of
//! the kernel. So this says the protocol again, in words of the model, with
//! the reader's orderings taken from the reader. Each ordering is also
//! weakened once, and the model has to object: what it cannot miss, it checks.

use std::panic::{AssertUnwindSafe, catch_unwind};

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use loom::thread;

use super::{HEAD_LOAD, TAIL_STORE, WRITING_LOAD};

/// Records that fit.
const ROOM: u64 = 2;
/// Records that the writer tries: the ring is used a second time.
const TRIED: u64 = 3;

/// How each shared word is accessed.
#[derive(Clone, Copy)]
struct Orders {
    head_store: Ordering,
    head_load: Ordering,
    tail_store: Ordering,
    tail_load: Ordering,
    writing_store: Ordering,
    writing_load: Ordering,
}

/// The writer's as in `ring_write.h`: `SF_STORE_RELEASE`, `SF_LOAD_ACQUIRE`.
const ORDERS: Orders = Orders {
    head_store: Ordering::Release,
    head_load: HEAD_LOAD,
    tail_store: TAIL_STORE,
    tail_load: Ordering::Acquire,
    writing_store: Ordering::Release,
    writing_load: WRITING_LOAD,
};

struct Shared {
    orders: Orders,
    head: AtomicU64,
    tail: AtomicU64,
    writing: AtomicU32,
    /// Loom objects to an access that another thread's write can overlap.
    data: [UnsafeCell<u64>; ROOM as usize],
}

impl Shared {
    fn new(orders: Orders) -> Arc<Self> {
        Arc::new(Self {
            orders,
            head: AtomicU64::new(0),
            tail: AtomicU64::new(0),
            writing: AtomicU32::new(0),
            data: std::array::from_fn(|_| UnsafeCell::new(0)),
        })
    }

    /// Writes the records 1, 2, ... and returns which were delivered.
    fn write(&self) -> Vec<u64> {
        let (mut head, mut tail_seen, mut delivered) = (0, 0, Vec::new());
        for record in 1..=TRIED {
            if head - tail_seen == ROOM {
                tail_seen = self.tail.load(self.orders.tail_load);
                if head - tail_seen == ROOM {
                    continue;
                }
            }
            // SAFETY: the reader is done with what lies before the tail.
            self.data[(head % ROOM) as usize].with_mut(|slot| unsafe { *slot = record });
            head += 1;
            self.head.store(head, self.orders.head_store);
            delivered.push(record);
        }
        delivered
    }

    /// Reads what there is, from `next` on, and gives the room back.
    fn read(&self, next: &mut u64, records: &mut Vec<u64>) {
        let head = self.head.load(self.orders.head_load);
        while *next != head {
            // SAFETY: the writer is done with what lies before the head.
            records.push(self.data[(*next % ROOM) as usize].with(|slot| unsafe { *slot }));
            *next += 1;
        }
        self.tail.store(*next, self.orders.tail_store);
    }
}

/// Every delivered record is read once, whole and in order.
fn records_arrive(orders: Orders) {
    loom::model(move || {
        let shared = Shared::new(orders);
        let writer = thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.write()
        });
        let (mut next, mut records) = (0, Vec::new());
        shared.read(&mut next, &mut records);
        shared.read(&mut next, &mut records);
        let delivered = writer.join().expect("the writer ends");
        shared.read(&mut next, &mut records);
        assert_eq!(records, delivered);
    });
}

/// A reader that finds no probe at work finds what the last one published.
fn quiet_is_complete(orders: Orders) {
    loom::model(move || {
        let shared = Shared::new(orders);
        // A probe is at work: it has read its clock.
        shared.writing.store(1, Ordering::Relaxed);
        let writer = thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                shared.write();
                shared.writing.store(0, shared.orders.writing_store);
            }
        });
        let (mut next, mut records) = (0, Vec::new());
        if shared.writing.load(shared.orders.writing_load) == 0 {
            shared.read(&mut next, &mut records);
            assert_eq!(records, [1, 2]);
        }
        writer.join().expect("the writer ends");
    });
}

fn objects(check: fn(Orders), orders: Orders) -> bool {
    catch_unwind(AssertUnwindSafe(|| check(orders))).is_err()
}

#[test]
fn every_delivered_record_is_read_once_and_whole() {
    records_arrive(ORDERS);
}

#[test]
fn a_quiet_ring_has_told_everything() {
    quiet_is_complete(ORDERS);
}

#[test]
fn no_ordering_can_be_spared() {
    let relaxed = Ordering::Relaxed;
    for (name, check, orders) in [
        ("head, store", records_arrive as fn(Orders), Orders { head_store: relaxed, ..ORDERS }),
        ("head, load", records_arrive, Orders { head_load: relaxed, ..ORDERS }),
        ("tail, store", records_arrive, Orders { tail_store: relaxed, ..ORDERS }),
        ("tail, load", records_arrive, Orders { tail_load: relaxed, ..ORDERS }),
        ("writing, store", quiet_is_complete, Orders { writing_store: relaxed, ..ORDERS }),
        ("writing, load", quiet_is_complete, Orders { writing_load: relaxed, ..ORDERS }),
    ] {
        assert!(objects(check, orders), "{name}: the model does not need it");
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Counts what tests allocate.
//!
//! A test binary that declares [`Counting`] as its global allocator can ask what its threads have
//! allocated:
//!
//! ```
//! use counting_allocator::{Counting, asked};
//!
//! #[global_allocator]
//! static ALLOCATOR: Counting = Counting;
//!
//! let before = asked();
//! drop(std::hint::black_box(Box::new(1)));
//! assert_eq!(asked() - before, 1);
//! ```

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

/// The system's allocator, with counters.
#[derive(Debug)]
pub struct Counting;

thread_local! {
    static ASKED: Cell<u64> = const { Cell::new(0) };
    static LIVE: Cell<usize> = const { Cell::new(0) };
    static HIGHEST: Cell<usize> = const { Cell::new(0) };
}

static ASKED_BY_ALL: AtomicU64 = AtomicU64::new(0);

/// How often this thread has asked for memory, or for more of it.
#[must_use]
pub fn asked() -> u64 {
    ASKED.get()
}

/// How often all threads have.
#[must_use]
pub fn asked_by_all() -> u64 {
    ASKED_BY_ALL.load(Ordering::Relaxed)
}

/// Bytes that this thread has allocated, less those that it has given back. What another thread
/// gives back counts there, so this wraps below 0 where threads exchange memory.
#[must_use]
pub fn live() -> usize {
    LIVE.get()
}

/// The most that [`live`] was.
#[must_use]
pub fn highest() -> usize {
    HIGHEST.get()
}

fn ask() {
    ASKED_BY_ALL.fetch_add(1, Ordering::Relaxed);
    // A thread that ends allocates after its counters are gone.
    let _ = ASKED.try_with(|asked| asked.set(asked.get() + 1));
}

fn change(more: usize, less: usize) {
    let _ = LIVE.try_with(|live| {
        live.set(live.get().wrapping_add(more).wrapping_sub(less));
        let _ = HIGHEST.try_with(|highest| highest.set(highest.get().max(live.get())));
    });
}

// SAFETY: every call is passed on to the system's allocator with the same arguments; counting does
// not allocate, because the counters need neither initialization nor destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ask();
        change(layout.size(), 0);
        // SAFETY: the caller's promise about `layout` is the one that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        change(0, layout.size());
        // SAFETY: `pointer` came from `System.alloc` or `System.realloc` with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ask();
        // Large blocks move by their pages: old and new are not there at the same time.
        change(size, layout.size());
        // SAFETY: `pointer` came from `System` with this layout; `size` is the caller's promise.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

// SPDX-License-Identifier: Apache-2.0
//! Hot path. Thread numbers to places: two loads, no hash.
//! May not appear here: locks, system calls, formatting, string copies.

use rustc_hash::FxHashMap;

/// No place.
pub(super) const NONE: u32 = u32::MAX;

/// Numbers on one page.
const PAGE: usize = 1024;

/// Numbers in pages; the kernel's limit is 2^22 (`PID_MAX_LIMIT`). Others, which only damage
/// brings, are hashed.
const PAGES: usize = 4096;

/// Places of threads, by number.
#[derive(Debug, Default)]
pub(super) struct Tids {
    pages: Vec<Option<Box<[u32; PAGE]>>>,
    others: FxHashMap<i64, u32>,
}

impl Tids {
    #[inline]
    pub(super) fn get(&self, tid: i64) -> u32 {
        let number = tid as usize;
        match self.pages.get(number / PAGE) {
            Some(Some(page)) => page[number % PAGE],
            Some(None) => NONE,
            None => self.get_other(tid),
        }
    }

    #[cold]
    fn get_other(&self, tid: i64) -> u32 {
        self.others.get(&tid).copied().unwrap_or(NONE)
    }

    /// Sets or (with [`NONE`]) clears a place.
    pub(super) fn set(&mut self, tid: i64, place: u32) {
        let number = tid as usize;
        let index = number / PAGE;
        if index >= PAGES {
            if place == NONE {
                self.others.remove(&tid);
            } else {
                self.others.insert(tid, place);
            }
            return;
        }
        if index >= self.pages.len() {
            self.pages.resize_with(index + 1, || None);
        }
        let page = self.pages[index].get_or_insert_with(|| Box::new([NONE; PAGE]));
        page[number % PAGE] = place;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_map(steps in proptest::collection::vec((any::<u8>(), any::<bool>(), 0i64..5000), 0..200)) {
            let (mut tids, mut model) = (Tids::default(), FxHashMap::default());
            for (at, (kind, set, low)) in steps.into_iter().enumerate() {
                let tid = match kind % 4 { 0 => low, 1 => -low, 2 => i64::MAX - low, _ => low * 900 };
                let place = if set { at as u32 } else { NONE };
                tids.set(tid, place);
                model.insert(tid, place);
                for (tid, place) in &model {
                    prop_assert_eq!(tids.get(*tid), *place);
                }
            }
        }
    }
}

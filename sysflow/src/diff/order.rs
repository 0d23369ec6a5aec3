// SPDX-License-Identifier: Apache-2.0
//! What is in the same order.

/// Of pairs of places in two lists, given by rising second place, those that have to be taken out
/// so that the others rise in both: as few as possible.
pub(super) fn moved(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    // Longest increasing subsequence: for each length, the pair with the smallest first place that
    // such a subsequence can end with; and for each pair, the one before it.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (index, &(place, _)) in pairs.iter().enumerate() {
        let len = ends.partition_point(|&end| pairs[end].0 < place);
        before.push(len.checked_sub(1).map(|shorter| ends[shorter]));
        match ends.get_mut(len) {
            Some(end) => *end = index,
            None => ends.push(index),
        }
    }
    let mut stays = vec![false; pairs.len()];
    let mut at = ends.last().copied();
    while let Some(index) = at {
        stays[index] = true;
        at = before[index];
    }
    pairs.iter().zip(stays).filter(|(_, stays)| !stays).map(|(pair, _)| *pair).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_stays_is_in_order(places in Just((0..40_usize).collect::<Vec<_>>()).prop_shuffle()) {
            let pairs: Vec<_> = places.into_iter().zip(0..).collect();
            let moved = moved(&pairs);
            let mut stays = pairs.clone();
            stays.retain(|pair| !moved.contains(pair));
            prop_assert!(stays.is_sorted() && stays.len() + moved.len() == pairs.len());
            // None of them could have stayed.
            for pair in &moved {
                let mut more = stays.clone();
                more.push(*pair);
                more.sort_by_key(|pair| pair.1);
                prop_assert!(!more.is_sorted());
            }
        }
    }

    #[test]
    fn one_that_moved_is_one() {
        let pairs: Vec<_> = [1, 2, 3, 4, 0].into_iter().zip(0..).collect();
        assert_eq!(moved(&pairs), [(0, 4)]);
        assert_eq!(moved(&[]), []);
    }
}

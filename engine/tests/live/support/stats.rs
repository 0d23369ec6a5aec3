// SPDX-License-Identifier: Apache-2.0
//! The counters that a recorder writes beside its file.

use serde_json::Value;

/// Sums over CPUs and classes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) seen: u64,
    pub(crate) delivered: u64,
    pub(crate) lost: u64,
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no count"))
}

/// Numbers of the classes of an object.
fn classes(value: &Value) -> Vec<(&str, u64)> {
    let map = value.as_object().unwrap_or_else(|| panic!("{value} is no object"));
    map.iter().map(|(class, n)| (class.as_str(), number(n))).collect()
}

/// Checks that on every CPU and in every class what was seen was delivered,
/// summed into something delivered, or lost for a cause. Returns the sums.
pub(crate) fn balanced(stats: &Value) -> Sums {
    let mut sums = Sums::default();
    let cpus = stats["cpus"].as_array().expect("cpus");
    assert!(!cpus.is_empty(), "no cpus in {stats}");
    for cpu in cpus {
        let causes = cpu["lost"].as_object().expect("lost");
        for (class, seen) in classes(&cpu["seen"]) {
            let (delivered, more) =
                (number(&cpu["delivered"][class]), number(&cpu["aggregated"][class]));
            let lost: u64 = causes.values().map(|cause| number(&cause[class])).sum();
            assert_eq!(seen, delivered + more + lost, "cpu {}, class {class}", cpu["cpu"]);
            sums.seen += seen;
            sums.delivered += delivered;
            sums.lost += lost;
        }
    }
    sums
}

/// Operations of a class that were seen.
pub(crate) fn seen(stats: &Value, class: &str) -> u64 {
    let cpus = stats["cpus"].as_array().expect("cpus");
    cpus.iter().map(|cpu| number(&cpu["seen"][class])).sum()
}

/// Operations lost for a cause.
pub(crate) fn lost(stats: &Value, cause: &str) -> u64 {
    let cpus = stats["cpus"].as_array().expect("cpus");
    cpus.iter().flat_map(|cpu| classes(&cpu["lost"][cause])).map(|(_, n)| n).sum()
}

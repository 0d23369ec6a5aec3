// SPDX-License-Identifier: Apache-2.0
//! What may have been meant.

/// The candidate that differs least from `text`, if by little.
pub(crate) fn similar<'a>(
    text: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    if text.len() > 64 {
        return None; // no slip of a name
    }
    let text = text.to_lowercase();
    let near = |candidate: &'a str| (distance(&text, &candidate.to_lowercase()), candidate);
    let (differences, candidate) = candidates.map(near).min_by_key(|near| near.0)?;
    (differences <= 1 + text.len() / 5).then_some(candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours that lead from `a` to `b`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut above: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    let mut last = None;
    for (i, c) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for (j, &d) in b.iter().enumerate() {
            let replaced = row[j] + usize::from(c != d);
            let mut least = replaced.min(row[j + 1] + 1).min(next[j] + 1);
            if j > 0 && last == Some(d) && c == b[j - 1] {
                least = least.min(above[j - 1] + 1);
            }
            next.push(least);
        }
        last = Some(c);
        above = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognized() {
        let names = ["proc.name", "proc.args", "file.path"];
        let meant = |text| similar(text, names.into_iter());
        assert_eq!(meant("proc.nmae"), Some("proc.name"));
        assert_eq!(meant("poc.args"), Some("proc.args"));
        assert_eq!(meant("FILE.PATH"), Some("file.path"));
        assert_eq!(meant("elsewhere"), None);
        assert_eq!(meant(""), None);
    }
}

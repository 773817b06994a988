//! Finds the known name that a misspelt one probably means.

/// Bytes of the longest name that is compared: a longer one is no misspelling.
const LONGEST_COMPARED: usize = 64;

/// The known name nearest to `written`, where one is near: `clutser` → `cluster`, `baseUrl` → `base_url`. Else the first
/// name that continues `written` behind a `_`: `request_body` → `request_body_bytes`.
pub(super) fn nearest<'a>(written: &str, known: &[&'a str]) -> Option<&'a str> {
    if written.len() > LONGEST_COMPARED {
        return None;
    }
    let letters = letters(written);
    let misspelt = known
        .iter()
        .map(|name| (distance(&letters, &self::letters(name)), *name))
        .filter(|(distance, name)| *distance <= (name.len() / 3).clamp(1, 2))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name);
    let begins = |name: &&str| name.strip_prefix(written).is_some_and(|rest| rest.starts_with('_'));
    misspelt.or_else(|| known.iter().copied().find(begins))
}

/// The name without the differences between naming styles: in lower case, without `-` and `_`.
fn letters(name: &str) -> Vec<char> {
    name.chars().filter(|c| !matches!(c, '_' | '-')).map(|c| c.to_ascii_lowercase()).collect()
}

/// The number of characters inserted, left out, changed, or swapped with their neighbour (optimal string alignment, as
/// in the crate `strsim`: these lines spare a dependency for one hint).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX - 1);
            let changed = at(&last, j) + usize::from(from != to);
            let mut best = changed.min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(to) && b.get(j - 1) == Some(from);
            if swapped {
                best = best.min(at(&before_last, j - 1) + 1);
            }
            row.push(best);
        }
        before_last = core::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn misspellings_and_other_styles_are_recognised_and_other_words_are_not() {
        let known = ["cluster", "byok_cluster", "base_url", "name", "key", "models", "enabled"];
        for (written, meant) in [
            ("clutser", Some("cluster")),
            ("clusters", Some("cluster")),
            ("baseUrl", Some("base_url")),
            ("base-uri", Some("base_url")),
            ("byokCluster", Some("byok_cluster")),
            ("Name", Some("name")),
            ("nam", Some("name")),
            ("keys", Some("key")),
            ("enable", Some("enabled")),
            ("base", Some("base_url")),
            ("byok", Some("byok_cluster")),
            ("byok_", None),
            ("url", None),
            ("prefix", None),
            ("none", None),
            ("", None),
            ("日本", None),
        ] {
            assert_eq!(nearest(written, &known), meant, "{written}");
        }
        assert_eq!(nearest(&"x".repeat(100_000), &known), None);
    }
}

//! The known name that a misspelt one was probably meant to be.

/// Longer names are compared with nothing: they are no slip of the finger.
const LONGEST_COMPARED: usize = 64;

/// The known name nearest to `written`, where one is near: `clutser` → `cluster`, `baseUrl` → `base_url`; else the
/// first of which it is the beginning, its unit left out: `request_body` → `request_body_bytes`.
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

/// What is left of a name without the habits of other formats: case, `-` and `_`.
fn letters(name: &str) -> Vec<char> {
    name.chars().filter(|c| !matches!(c, '_' | '-')).map(|c| c.to_ascii_lowercase()).collect()
}

/// How many characters were inserted, left out, changed, or swapped with their neighbour.
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
    fn slips_of_the_finger_and_other_spellings_are_recognised_and_other_words_are_not() {
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

//! Quotes texts of the configuration in problems: short, on one line, and never a text that looks like a key.

use crate::credential::VENDOR_PREFIXES;

/// Characters of a text that are quoted.
const SHOWN_CHARS: usize = 80;
/// A key has at least this many characters behind its prefix; `xai-grok` is no key.
const KEY_TAIL_CHARS: usize = 12;

/// `text` in quotes, on one line, cut; a text that looks like a key is replaced.
pub(super) fn quoted(text: &str) -> String {
    if looks_like_a_key(text) {
        return "a text that looks like a key (not shown)".to_owned();
    }
    let mut shown: String = text.chars().take(SHOWN_CHARS).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}

/// The path of the member `name` of the object at `parent`.
pub(super) fn segment(parent: &str, name: &str) -> String {
    let plain = (1..=SHOWN_CHARS).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
        && !looks_like_a_key(name);
    match (plain, parent.is_empty()) {
        (true, true) => name.to_owned(),
        (true, false) => format!("{parent}.{name}"),
        (false, _) => format!("{parent}[{}]", quoted(name)),
    }
}

/// Whether a word of `text` has the form of a vendor's key.
pub(super) fn looks_like_a_key(text: &str) -> bool {
    let is_key_char = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let mut prefixes = VENDOR_PREFIXES.iter().map(|(prefix, _)| *prefix).chain(["sk-"]);
    prefixes.any(|prefix| {
        text.match_indices(prefix).any(|(at, found)| {
            let before = text.get(..at).and_then(|before| before.chars().next_back());
            let tail = text.get(at.saturating_add(found.len())..).unwrap_or_default();
            !before.is_some_and(is_key_char)
                && tail.chars().take_while(|c| is_key_char(*c)).count() >= KEY_TAIL_CHARS
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{quoted, segment};

    #[test]
    fn a_text_is_shown_on_one_line_and_a_key_is_not_shown() {
        assert_eq!(quoted("api.openai.com"), "\"api.openai.com\"");
        assert_eq!(quoted("a\nb\u{2028}"), "\"a\\nb\\u{2028}\"");
        assert_eq!(quoted(&"x".repeat(81)), format!("\"{}…\"", "x".repeat(80)));
        for key in [
            "sk-ant-api03-0123456789",
            "Bearer ghp_0123456789ab",
            "https://h/sk-0123456789abcdef",
            "ya29.a0AfB_0123456789",
        ] {
            assert_eq!(quoted(key), "a text that looks like a key (not shown)", "{key}");
        }
        assert_eq!(quoted("xai-grok"), "\"xai-grok\"");
    }

    #[test]
    fn a_strange_member_name_is_escaped_in_the_path() {
        assert_eq!(segment("", "root"), "root");
        assert_eq!(segment("actor", "x-team"), "actor.x-team");
        assert_eq!(segment("actor", "a b\n"), "actor[\"a b\\n\"]");
        assert_eq!(segment("actor", ""), "actor[\"\"]");
        assert_eq!(
            segment("providers[0].key", "sk-ant-api03-0123456789"),
            "providers[0].key[a text that looks like a key (not shown)]"
        );
    }
}

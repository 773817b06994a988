//! Compares a record with the one that a transcript expects (see `tests/transcripts/README.md`).

use serde_json::Value;

/// Compares only the members that `wanted` has; `null` means absent, `[]` absent or empty. `arguments` and
/// `provider_usage` are compared as a whole.
pub(super) fn matches(wanted: &Value, found: &Value, at: &str) -> Result<(), String> {
    let wrong = || Err(format!("{at}: wanted {wanted}, found {found}"));
    let whole = at.ends_with(".arguments") || at.contains(".provider_usage");
    match (wanted, found) {
        (Value::Array(wanted), Value::Null) if wanted.is_empty() => Ok(()),
        (Value::Object(members), Value::Object(_)) if !whole => {
            members.iter().try_for_each(|(name, wanted)| {
                matches(wanted, found.get(name).unwrap_or(&Value::Null), &format!("{at}.{name}"))
            })
        }
        (Value::Array(wanted), Value::Array(found)) if wanted.len() == found.len() => {
            let mut pairs = wanted.iter().zip(found).enumerate();
            pairs.try_for_each(|(n, (wanted, found))| matches(wanted, found, &format!("{at}[{n}]")))
        }
        _ if wanted == found => Ok(()),
        _ => wrong(),
    }
}

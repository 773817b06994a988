//! Whose key a text is, by its prefix (contract §4, "vendor scope").

/// Prefixes that vendors give their keys, and the vendor. A bare `sk-` names nobody.
pub(super) const VENDOR_PREFIXES: [(&str, &str); 16] = [
    ("sk-ant-", "Anthropic"),
    ("sk-proj-", "OpenAI"),
    ("sk-svcacct-", "OpenAI"),
    ("sk-admin-", "OpenAI"),
    ("gho_", "GitHub"),
    ("ghu_", "GitHub"),
    ("ghp_", "GitHub"),
    ("ghs_", "GitHub"),
    ("ghr_", "GitHub"),
    ("github_pat_", "GitHub"),
    ("AIza", "Google"),
    ("AKIA", "AWS"),
    ("ASIA", "AWS"),
    ("ABSK", "AWS"),
    ("xai-", "xAI"),
    ("gsk_", "Groq"),
];

/// The vendor whose prefix `key` carries, where it carries one.
pub(super) fn vendor_of(key: &str) -> Option<&'static str> {
    VENDOR_PREFIXES.iter().find(|(prefix, _)| key.starts_with(prefix)).map(|(_, vendor)| *vendor)
}

//! Whose credential a token is, by the prefixes that vendors give theirs so that leaks can be recognised.

use crate::provider::ProviderType;

/// Somebody who issues credentials with a prefix of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Vendor {
    /// API keys and OAuth tokens alike.
    Anthropic,
    /// Project, service account and admin keys; older user keys are a bare `sk-` and name nobody.
    OpenAi,
    /// Every token kind of
    /// <https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github>.
    GitHub,
    /// Google API keys.
    Google,
    /// Access key ids, and Bedrock API keys.
    Aws,
    /// xAI.
    XAi,
    /// Groq.
    Groq,
}

/// The prefixes of contract §4. Case counts.
pub const VENDOR_PREFIXES: [(&str, Vendor); 16] = [
    ("sk-ant-", Vendor::Anthropic),
    ("sk-proj-", Vendor::OpenAi),
    ("sk-svcacct-", Vendor::OpenAi),
    ("sk-admin-", Vendor::OpenAi),
    ("gho_", Vendor::GitHub),
    ("ghu_", Vendor::GitHub),
    ("ghp_", Vendor::GitHub),
    ("ghs_", Vendor::GitHub),
    ("ghr_", Vendor::GitHub),
    ("github_pat_", Vendor::GitHub),
    ("AIza", Vendor::Google),
    ("AKIA", Vendor::Aws),
    ("ASIA", Vendor::Aws),
    ("ABSK", Vendor::Aws),
    ("xai-", Vendor::XAi),
    ("gsk_", Vendor::Groq),
];

/// The vendor that `token`'s prefix names; `None` where it names nobody.
#[must_use]
pub fn vendor_of(token: &str) -> Option<Vendor> {
    VENDOR_PREFIXES.iter().find(|(prefix, _)| token.starts_with(prefix)).map(|(_, vendor)| *vendor)
}

impl Vendor {
    /// The name in messages to callers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anthropic => "Anthropic",
            Self::OpenAi => "OpenAI",
            Self::GitHub => "GitHub",
            Self::Google => "Google",
            Self::Aws => "AWS",
            Self::XAi => "xAI",
            Self::Groq => "Groq",
        }
    }

    /// The vendor whose credentials a provider of this type takes.
    #[must_use]
    pub const fn behind(provider: ProviderType) -> Self {
        match provider {
            ProviderType::Anthropic => Self::Anthropic,
            ProviderType::OpenAi => Self::OpenAi,
            ProviderType::Copilot => Self::GitHub,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_names_its_vendor() {
        for (token, vendor) in [
            ("sk-ant-api03-x", "Anthropic"),
            ("sk-ant-oat01-x", "Anthropic"),
            ("sk-proj-x", "OpenAI"),
            ("sk-svcacct-x", "OpenAI"),
            ("sk-admin-x", "OpenAI"),
            ("gho_x", "GitHub"),
            ("ghu_x", "GitHub"),
            ("ghp_x", "GitHub"),
            ("ghs_x", "GitHub"),
            ("ghr_x", "GitHub"),
            ("github_pat_x", "GitHub"),
            ("AIzaSy", "Google"),
            ("AKIAIOSFODNN7", "AWS"),
            ("ASIAIOSFODNN7", "AWS"),
            ("ABSKQmVk", "AWS"),
            ("xai-x", "xAI"),
            ("gsk_x", "Groq"),
            ("gsk_", "Groq"),
        ] {
            assert_eq!(vendor_of(token).map(Vendor::name), Some(vendor), "{token}");
        }
    }

    #[test]
    fn everything_else_names_nobody() {
        for token in
            ["", "sk-", "sk-1234", "sk-an", "SK-ANT-x", "Gho_x", "aiza", "my-sk-ant-x", "gh_x", "gw_x"]
        {
            assert_eq!(vendor_of(token), None, "{token}");
        }
    }
}

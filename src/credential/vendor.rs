//! Recognises the vendor of a token by its prefix. Vendors publish these prefixes so that leaked keys can be found.

/// A company whose credentials have a prefix of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Vendor {
    /// API keys and OAuth tokens.
    Anthropic,
    /// Project, service account and admin keys. Older user keys begin with a bare `sk-`, as other vendors' keys do:
    /// no vendor is recognised in them.
    OpenAi,
    /// Every kind of token of
    /// <https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github>.
    GitHub,
    /// API keys (<https://cloud.google.com/docs/authentication/api-keys>).
    Google,
    /// Access key ids and Bedrock API keys
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html>).
    Aws,
    /// Its keys have no prefix.
    Azure,
    /// API keys (<https://docs.x.ai/docs/overview>).
    XAi,
    /// API keys (<https://console.groq.com/docs/overview>).
    Groq,
}

/// The prefix of each vendor's tokens, compared with case. No prefix begins with another vendor's.
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

/// The vendor whose prefix `token` begins with; `None` where no prefix fits.
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
            Self::Azure => "Azure",
            Self::XAi => "xAI",
            Self::Groq => "Groq",
        }
    }

    /// Whether this vendor also offers an API that is compatible with OpenAI's or Anthropic's, so that its key may be
    /// meant for a configured base URL.
    #[must_use]
    pub const fn has_compatible_api(self) -> bool {
        matches!(self, Self::Google | Self::Aws | Self::XAi | Self::Groq)
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
    fn a_token_without_a_known_prefix_has_no_vendor() {
        for token in
            ["", "sk-", "sk-1234", "sk-an", "SK-ANT-x", "Gho_x", "aiza", "my-sk-ant-x", "gh_x", "gw_x"]
        {
            assert_eq!(vendor_of(token), None, "{token}");
        }
    }
}

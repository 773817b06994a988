//! The vendors of credentials. A token's vendor is recognised by its prefix; vendors publish these prefixes so that leaked
//! keys can be found.

/// A company that issues credentials, and answers at hosts of its own.
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
    /// API keys (<https://cloud.google.com/docs/authentication/api-keys>) and OAuth access tokens
    /// (<https://cloud.google.com/docs/authentication/token-types>).
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
    /// API keys (<https://openrouter.ai/docs/api-reference/authentication>).
    OpenRouter,
    /// No prefix of its keys is known.
    Mistral,
    /// Its keys begin with a bare `sk-`.
    DeepSeek,
    /// Its keys begin with a bare `sk-`.
    Moonshot,
    /// Its keys have no prefix.
    Zai,
    /// No prefix of its keys is known.
    MiniMax,
    /// AI Gateway's API keys (<https://vercel.com/docs/ai-gateway/authentication>).
    Vercel,
    /// No prefix of its keys is in the table.
    Perplexity,
    /// No prefix of its keys is in the table.
    Together,
    /// No prefix of its keys is in the table.
    Fireworks,
    /// No prefix of its keys is in the table.
    Cerebras,
}

/// The prefix of each vendor's tokens, compared with case. No prefix begins with another vendor's.
pub const VENDOR_PREFIXES: [(&str, Vendor); 19] = [
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
    ("ya29.", Vendor::Google),
    ("AKIA", Vendor::Aws),
    ("ASIA", Vendor::Aws),
    ("ABSK", Vendor::Aws),
    ("xai-", Vendor::XAi),
    ("gsk_", Vendor::Groq),
    ("sk-or-", Vendor::OpenRouter),
    ("vck_", Vendor::Vercel),
];

/// The vendor whose prefix `token` begins with; `None` where no prefix fits.
#[must_use]
pub fn vendor_of(token: &str) -> Option<Vendor> {
    VENDOR_PREFIXES.iter().find(|(prefix, _)| token.starts_with(prefix)).map(|(_, vendor)| *vendor)
}

impl Vendor {
    /// Every vendor with its name in configurations, in the order in which messages list them.
    pub const ALL: [(&'static str, Self); 19] = [
        ("anthropic", Self::Anthropic),
        ("openai", Self::OpenAi),
        ("github", Self::GitHub),
        ("google", Self::Google),
        ("aws", Self::Aws),
        ("azure", Self::Azure),
        ("xai", Self::XAi),
        ("groq", Self::Groq),
        ("openrouter", Self::OpenRouter),
        ("mistral", Self::Mistral),
        ("deepseek", Self::DeepSeek),
        ("moonshot", Self::Moonshot),
        ("zai", Self::Zai),
        ("minimax", Self::MiniMax),
        ("vercel", Self::Vercel),
        ("perplexity", Self::Perplexity),
        ("together", Self::Together),
        ("fireworks", Self::Fireworks),
        ("cerebras", Self::Cerebras),
    ];

    /// The name in messages to callers and operators.
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
            Self::OpenRouter => "OpenRouter",
            Self::Mistral => "Mistral",
            Self::DeepSeek => "DeepSeek",
            Self::Moonshot => "Moonshot",
            Self::Zai => "Z.ai",
            Self::MiniMax => "MiniMax",
            Self::Vercel => "Vercel",
            Self::Perplexity => "Perplexity",
            Self::Together => "Together",
            Self::Fireworks => "Fireworks",
            Self::Cerebras => "Cerebras",
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
            ("ya29.a0AfB_x", "Google"),
            ("AKIAIOSFODNN7", "AWS"),
            ("ASIAIOSFODNN7", "AWS"),
            ("ABSKQmVk", "AWS"),
            ("xai-x", "xAI"),
            ("gsk_x", "Groq"),
            ("gsk_", "Groq"),
            ("sk-or-v1-x", "OpenRouter"),
            ("vck_x", "Vercel"),
        ] {
            assert_eq!(vendor_of(token).map(Vendor::name), Some(vendor), "{token}");
        }
    }

    #[test]
    fn a_token_without_a_known_prefix_has_no_vendor() {
        for token in [
            "",
            "sk-",
            "sk-1234",
            "sk-an",
            "SK-ANT-x",
            "Gho_x",
            "aiza",
            "my-sk-ant-x",
            "gh_x",
            "gw_x",
            "ya29x",
            "sk-or",
        ] {
            assert_eq!(vendor_of(token), None, "{token}");
        }
    }

    #[test]
    fn no_two_vendors_share_a_name_or_a_prefix() {
        for (at, (id, vendor)) in Vendor::ALL.iter().enumerate() {
            let same = |other: &(&str, Vendor)| other.0 == *id || other.1 == *vendor;
            assert_eq!(Vendor::ALL.iter().position(same), Some(at), "{id}");
            assert_eq!(id.to_lowercase(), vendor.name().to_lowercase().replace('.', ""));
        }
        for (prefix, vendor) in VENDOR_PREFIXES {
            assert_eq!(vendor_of(prefix), Some(vendor), "{prefix}");
        }
    }
}

//! The tokens with which callers authenticate to the operator's gateway. They are removed, never forwarded.

use core::fmt;

/// How the tokens of the operator's gateway are recognised.
#[derive(Clone, Default)]
pub struct GatewayCredentials {
    /// Lower-case names of headers that hold nothing but gateway tokens.
    pub headers: Vec<String>,
    /// Prefixes of gateway tokens in the headers of providers' credentials; none is empty. At most 128 bytes each.
    pub value_prefixes: Vec<String>,
}

/// Prints no prefix: a prefix may be most of a token.
impl fmt::Debug for GatewayCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewayCredentials")
            .field("headers", &self.headers)
            .field("value_prefixes", &format_args!("{} (not shown)", self.value_prefixes.len()))
            .finish()
    }
}

impl GatewayCredentials {
    /// Whether `token` is recognised as the gateway's by its prefix.
    #[must_use]
    pub fn claims(&self, token: &str) -> bool {
        self.value_prefixes.iter().any(|prefix| token.starts_with(prefix))
    }

    /// Whether every value of `header` belongs to the gateway, so that no caller's own credential can come in it.
    #[must_use]
    pub fn consumes(&self, header: &str) -> bool {
        self.headers.iter().any(|name| name == header)
    }
}

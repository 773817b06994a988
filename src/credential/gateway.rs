//! Our own gateway's tokens: consumed, never forwarded.

use core::fmt;

/// Tokens of our own gateway: consumed, never forwarded.
#[derive(Clone, Default)]
pub struct GatewayCredentials {
    /// Lower-case header names.
    pub headers: Vec<String>,
    /// Prefixes of tokens in `authorization` and `x-api-key`; none is empty.
    pub value_prefixes: Vec<String>,
}

/// Prints no prefix: it may be most of a token.
impl fmt::Debug for GatewayCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewayCredentials")
            .field("headers", &self.headers)
            .field("value_prefixes", &format_args!("{} (not shown)", self.value_prefixes.len()))
            .finish()
    }
}

impl GatewayCredentials {
    /// Whether `key` would be taken for one of our own tokens.
    #[must_use]
    pub fn claims(&self, key: &str) -> bool {
        self.value_prefixes.iter().any(|prefix| key.starts_with(prefix))
    }

    /// Whether everything in this header is consumed, so that no caller's own key can come in it.
    #[must_use]
    pub fn consumes(&self, header: &str) -> bool {
        self.headers.iter().any(|name| name == header)
    }
}

//! The tokens with which callers authenticate to the operator's gateway. They are removed, never forwarded.

use super::header::KEY_PARAMETER;
use crate::query;
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

/// The parameters of a query in which APIs take a credential: Google's and others' `key`, and RFC 6750 §2.3.
const PARAMETERS: [&[u8]; 4] = [KEY_PARAMETER.as_bytes(), b"access_token", b"api_key", b"api-key"];

impl GatewayCredentials {
    /// `path` without the parameters of its query that hold a token of the gateway.
    #[must_use]
    pub fn without_tokens(&self, path: Vec<u8>) -> Vec<u8> {
        let Some(at) = memchr::memchr(b'?', &path).filter(|_| !self.value_prefixes.is_empty()) else {
            return path;
        };
        let (before, query) = path.split_at(at);
        let is_token = |name: &[u8], value: &[u8]| {
            PARAMETERS.iter().any(|known| name.eq_ignore_ascii_case(known))
                && core::str::from_utf8(value)
                    .is_ok_and(|value| self.claims(value.trim_start_matches([' ', '+'])))
        };
        [before, &query::without(query, is_token)].concat()
    }

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

//! Secrets, their vendors, and the choice of the one credential that goes upstream
//! (`envoy/behaviour.md#credentials-and-vendors`). Nothing is verified here: Envoy's authentication filters do that.

use core::fmt;
use std::borrow::Cow;
use std::rc::Rc;

mod choice;
mod gateway;
mod header;
mod key;
mod vendor;

pub use self::choice::{CredentialRules, choose};
pub use self::gateway::GatewayCredentials;
pub use self::header::{CredentialHeader, KEY_PARAMETER, Scheme};
pub use self::key::{Byok, Key};
pub use self::vendor::{VENDOR_PREFIXES, Vendor, vendor_of};
use crate::headers::HeaderEdits;

/// A key or token. Its text appears in no `Debug` output, log line or error.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// Whose credential is charged for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CredentialKind {
    /// The operator's, sent by this filter or added by Envoy behind it.
    Centralized,
    /// The caller's own.
    Byok,
    /// No usable credential: the request was refused.
    None,
}

/// The decision about one request's credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Whose credential is sent.
    pub kind: CredentialKind,
    /// The record's view of the secret, see [`hint`]; `None` where Envoy adds the key, which is unknown here.
    pub hint: Option<Rc<str>>,
    /// The request's credential headers to remove: lower case, each once.
    pub remove: Vec<Cow<'static, str>>,
    /// The one header to set and its whole value; `None` where the caller's header goes upstream unchanged or Envoy
    /// adds one behind this filter.
    pub set: Option<(&'static str, Secret)>,
}

/// Why a request's credentials are refused. Contains no secret, at most a hint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialError {
    /// 400: a credential header came more than once; only one value would be inspected.
    Repeated {
        /// The header's lower-case name.
        header: String,
    },
    /// 403: the caller's credential belongs to another vendor.
    WrongVendor {
        /// The vendor of the caller's credential.
        seen: Vendor,
        /// The hint for the record, see [`hint`].
        hint: String,
    },
    /// 403: the provider accepts no credential of callers.
    ByokDenied {
        /// The hint for the record, see [`hint`].
        hint: String,
    },
    /// 401: the caller brought no credential, and there is no central key that may be used.
    Missing,
}

// === impl Secret ===

impl Secret {
    /// Wraps `text` so that no `Debug` output shows it.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one header that it is sent in.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

// === impl CredentialKind ===

impl CredentialKind {
    /// The name in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Centralized => "centralized",
            Self::Byok => "byok",
            Self::None => "none",
        }
    }
}

// === impl Credential ===

impl Credential {
    /// Adds the changes of the upstream request's headers to `edits`.
    pub fn edit(self, edits: &mut HeaderEdits) {
        if edits.remove.is_empty() {
            // The common case takes the list without a copy.
            edits.remove = self.remove;
        } else {
            self.remove.into_iter().for_each(|name| edits.remove(name));
        }
        if let Some((name, Secret(value))) = self.set {
            edits.set(name, value);
        }
    }
}

// === impl CredentialError ===

impl CredentialError {
    /// The hint of the caller's refused credential, for the record.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::WrongVendor { hint, .. } | Self::ByokDenied { hint } => Some(hint),
            Self::Repeated { .. } | Self::Missing => None,
        }
    }

    /// The kind for the record: a refused credential of the caller is still `byok`.
    #[must_use]
    pub const fn kind(&self) -> CredentialKind {
        match self {
            Self::WrongVendor { .. } | Self::ByokDenied { .. } => CredentialKind::Byok,
            Self::Repeated { .. } | Self::Missing => CredentialKind::None,
        }
    }
}

impl fmt::Display for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repeated { header } => write!(f, "the header {header} was sent more than once"),
            Self::WrongVendor { seen, .. } => {
                write!(f, "the credential is one of {}, which is not sent to this provider", seen.name())
            }
            Self::ByokDenied { .. } => {
                f.write_str("callers may not bring their own credential to this provider")
            }
            Self::Missing => f.write_str("a credential is required"),
        }
    }
}

impl core::error::Error for CredentialError {}

/// The record's view of a secret of n Unicode scalars: the first and last r of them around `...`. r is 4 from n = 20,
/// 2 from n = 10, 1 from n = 5, else 0: at most two fifths of a secret are shown.
#[must_use]
pub fn hint(secret: &str) -> String {
    let shown = match secret.chars().count() {
        20.. => 4,
        10.. => 2,
        5.. => 1,
        _ => 0,
    };
    let begin: usize = secret.chars().take(shown).map(char::len_utf8).sum();
    let end: usize = secret.chars().rev().take(shown).map(char::len_utf8).sum();
    let part = |range| secret.get::<core::ops::Range<usize>>(range).unwrap_or_default();
    [part(0..begin), "...", part(secret.len() - end..secret.len())].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_shows_more_of_longer_secrets() {
        for (secret, expected) in [
            ("", "..."),
            ("a", "..."),
            ("ab", "..."),
            ("abcd", "..."),
            ("abcde", "a...e"),
            ("abcdefghi", "a...i"),
            ("abcdefghij", "ab...ij"),
            ("abcdefghijklmnopqrs", "ab...rs"),
            ("abcdefghijklmnopqrst", "abcd...qrst"),
            ("sk-ant-api03-0123456789abcdef", "sk-a...cdef"),
            ("äöüß", "..."),
            ("äöüßé", "ä...é"),
            ("🔑🔒🔓🗝️🔑🔒🔓🗝", "🔑...🗝"),
        ] {
            assert_eq!(hint(secret), expected, "{secret}");
        }
    }

    #[test]
    fn a_hint_of_any_length_in_any_script_shows_the_ends_alone() {
        for first in ['!', '\u{c0}', '\u{4e00}', '\u{1f400}'] {
            for n in 0..=40_u32 {
                let all: Vec<char> = (0..n).filter_map(|at| char::from_u32(u32::from(first) + at)).collect();
                let r = match n {
                    20.. => 4,
                    10.. => 2,
                    5.. => 1,
                    _ => 0,
                };
                let (head, tail) = (&all[..r], &all[all.len() - r..]);
                let expected: String = head.iter().chain(&['.', '.', '.']).chain(tail).collect();
                assert_eq!(hint(&all.iter().collect::<String>()), expected);
                assert!(all.len() > 2 * r || expected == "...", "{n}");
            }
        }
    }

    #[test]
    fn no_debug_or_error_text_shows_a_secret() {
        let secret = "sk-ant-SECRET-SECRET-SECRET";
        let shown = format!(
            "{:?} {:?} {:?}",
            Secret::new(secret),
            Credential {
                kind: CredentialKind::Centralized,
                hint: Some(hint(secret).into()),
                remove: vec![Cow::Borrowed("authorization")],
                set: Some(("x-api-key", Secret::new(secret))),
            },
            CredentialError::ByokDenied { hint: hint(secret) }
        );
        assert!(!shown.contains("SECRET"), "{shown}");
        for error in [
            CredentialError::Repeated { header: "x-api-key".to_owned() },
            CredentialError::WrongVendor { seen: Vendor::Anthropic, hint: hint(secret) },
            CredentialError::ByokDenied { hint: hint(secret) },
            CredentialError::Missing,
        ] {
            let shown = error.to_string();
            assert!(!shown.contains("sk-") && !shown.contains("..."), "{shown}");
        }
    }

    #[test]
    fn a_refused_credential_of_the_callers_is_recorded_as_theirs() {
        let denied = CredentialError::ByokDenied { hint: "a...e".to_owned() };
        assert_eq!((denied.kind(), denied.hint()), (CredentialKind::Byok, Some("a...e")));
        assert_eq!(CredentialError::Missing.kind().name(), "none");
        assert_eq!(CredentialError::Missing.hint(), None);
    }
}

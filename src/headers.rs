//! One message's headers, and the changes to make in them. Which of a client's headers end at this hop is in
//! [`Stripping`]; which credential goes upstream is in [`credential`](crate::credential).

mod fields;
mod provider_limits;
mod role;
mod stripping;

use core::fmt;
use std::borrow::Cow;

use fields::Fields;
pub(crate) use provider_limits::PROVIDER_LIMITS;
pub(crate) use role::Role;
pub(crate) use stripping::OWN_PREFIX;
pub use stripping::{REMOVED_BY_DEFAULT, Stripping};

/// The headers that carry credentials to any provider (`envoy/behaviour.md#credentials-and-vendors`).
pub const CREDENTIAL_HEADERS: [&str; 5] =
    ["authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key"];

/// One message's headers in their order. Names are lower case, as Envoy gives them; a name may occur more than once.
///
/// Any value may be a secret, so `Debug` shows names only.
#[derive(Clone, Default)]
pub struct Headers(Fields);

/// Changes to a message's headers: all removals first, then all settings.
///
/// Any value may be a secret, so `Debug` shows names only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct HeaderEdits {
    /// Names whose every value is removed, each once.
    pub remove: Vec<Cow<'static, str>>,
    /// Names that get exactly one value, each once.
    pub set: Vec<(Cow<'static, str>, Vec<u8>)>,
}

// === impl Headers ===

impl Headers {
    /// Headers in the order of `pairs`. Names are lower case.
    #[must_use]
    pub fn new(pairs: Vec<(String, Vec<u8>)>) -> Self {
        pairs.into_iter().collect()
    }

    /// As [`new`](Self::new), of borrowed pairs, with exactly the memory that they need.
    #[must_use]
    pub fn pack(pairs: &[(String, Vec<u8>)]) -> Self {
        let (names, values) = pairs
            .iter()
            .fold((0, 0), |(names, values), (name, value)| (names + name.len(), values + value.len()));
        let mut headers = Self::with_capacity(pairs.len(), names, values);
        pairs.iter().for_each(|(name, value)| headers.push(name, value));
        headers
    }

    /// Without headers; with room for so many headers and so many bytes of names and values.
    pub(crate) fn with_capacity(headers: usize, name_bytes: usize, value_bytes: usize) -> Self {
        Self(Fields::with_capacity(headers, name_bytes, value_bytes))
    }

    /// Appends a header.
    pub(crate) fn push(&mut self, name: &str, value: &[u8]) {
        self.0.push(name, value);
    }

    /// Every name and value, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter()
    }

    /// Every value of `name`, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.0.all(name)
    }

    /// The first value of `name`.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&[u8]> {
        self.0.first(name)
    }

    /// The first value of `name`, where it is UTF-8.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.first(name).and_then(|value| core::str::from_utf8(value).ok())
    }

    /// Whether `name` is present, also with an empty value.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.first(name).is_some()
    }

    /// Whether `name` has two or more values.
    #[must_use]
    pub fn repeats(&self, name: &str) -> bool {
        self.all(name).nth(1).is_some()
    }

    /// The status of a response.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.text(":status")?.parse().ok()
    }

    /// The status of a response, where it is 400 or above.
    #[must_use]
    pub fn error_status(&self) -> Option<u16> {
        self.status().filter(|status| *status >= 400)
    }

    /// The body's size in bytes as `content-length` declares it: digits only (RFC 9110 §8.6). A number above `u64::MAX`
    /// counts as `u64::MAX`.
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        let digits = self.text("content-length")?.trim();
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| digits.parse().unwrap_or(u64::MAX))
    }

    /// Whether the body is in a content coding other than `identity` (RFC 9110 §8.4).
    #[must_use]
    pub fn is_encoded(&self) -> bool {
        let codings = self.all("content-encoding").flat_map(|value| value.split(|byte| *byte == b','));
        codings
            .map(<[u8]>::trim_ascii)
            .any(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity"))
    }

    /// The path of a request without its query; empty where there is no path.
    #[must_use]
    pub fn path_without_query(&self) -> &[u8] {
        let path = self.first(":path").unwrap_or_default();
        path.split(|byte| *byte == b'?').next().unwrap_or_default()
    }

    /// The query of a request's path, with its `?`; empty where there is none.
    #[must_use]
    pub fn query(&self) -> &[u8] {
        let path = self.first(":path").unwrap_or_default();
        path.get(self.path_without_query().len()..).unwrap_or_default()
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut fields = Fields::default();
        pairs.into_iter().for_each(|(name, value)| fields.push(name.as_ref(), value.as_ref()));
        Self(fields)
    }
}

impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Headers {}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

// === impl HeaderEdits ===

impl HeaderEdits {
    /// Removes every value of `name`. A second call with the same name does nothing.
    pub fn remove(&mut self, name: impl Into<Cow<'static, str>>) {
        let name = name.into();
        if !self.remove.contains(&name) {
            self.remove.push(name);
        }
    }

    /// Sets `name` to exactly `value`. The last call for a name counts.
    pub fn set(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Vec<u8>>) {
        let (name, value) = (name.into(), value.into());
        match self.set.iter_mut().find(|(n, _)| *n == name) {
            Some((_, earlier)) => *earlier = value,
            None => self.set.push((name, value)),
        }
    }

    /// Makes the changes in `headers`.
    pub fn apply(&self, headers: &mut Headers) {
        *headers = self.applied(headers).into_iter().collect();
    }

    /// As [`apply`](Self::apply), without a copy of any value. The set headers come last.
    #[must_use]
    pub fn applied<'a>(&'a self, headers: &'a Headers) -> Vec<(&'a str, &'a [u8])> {
        let mut applied = Vec::with_capacity(headers.0.len() + self.set.len());
        applied.extend(headers.iter().filter(|(name, _)| self.keeps(name)));
        applied.extend(self.set.iter().map(|(name, value)| (&**name, value.as_slice())));
        applied
    }

    /// Whether values of `name` stay as they are.
    pub(crate) fn keeps(&self, name: &str) -> bool {
        !self.remove.iter().any(|removed| removed == name) && !self.set.iter().any(|(set, _)| set == name)
    }
}

impl fmt::Debug for HeaderEdits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set: Vec<&str> = self.set.iter().map(|(name, _)| &**name).collect();
        f.debug_struct("HeaderEdits").field("remove", &self.remove).field("set", &set).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> Headers {
        Headers::new(pairs.iter().map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec())).collect())
    }

    #[test]
    fn removals_come_before_settings_and_each_name_is_set_once() {
        let mut edits = HeaderEdits::default();
        edits.remove("x-api-key");
        edits.remove("x-api-key");
        edits.remove("cookie");
        edits.set(":path", "/first");
        edits.set("x-api-key", "ours");
        edits.set(":path", "/v1/messages");
        assert_eq!(edits.remove, ["x-api-key", "cookie"]);
        assert_eq!(edits.set.len(), 2);

        let mut seen = headers(&[
            (":path", "/anthropic/v1/messages"),
            ("x-api-key", "theirs"),
            ("accept", "a"),
            ("cookie", "1"),
            ("accept", "b"),
            ("cookie", "2"),
        ]);
        edits.apply(&mut seen);
        assert!(
            seen == headers(&[
                ("accept", "a"),
                ("accept", "b"),
                (":path", "/v1/messages"),
                ("x-api-key", "ours")
            ])
        );
    }

    #[test]
    fn debug_shows_names_and_no_value() {
        let seen = headers(&[("authorization", "Bearer sk-ant-SECRET")]);
        let mut edits = HeaderEdits::default();
        edits.set("x-api-key", "sk-ant-SECRET");
        let shown = format!("{seen:?} {edits:?}");
        assert!(shown.contains("authorization") && shown.contains("x-api-key"), "{shown}");
        assert!(!shown.contains("SECRET"), "{shown}");
    }
}

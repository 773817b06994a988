//! Reads the headers in which Envoy's rate limit filter states the tightest budget. Envoy writes them after version 03 of
//! the draft, the tightest limit first, then every limit with its window:
//! `x-ratelimit-limit: 1000, 1000;w=60, 50000;w=86400;name="tokens"`.
//! <https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/http/ratelimit/v3/rate_limit.proto>

use super::WHOLE;
use crate::headers::Headers;

/// What the headers state. Envoy's numbers have 32 bits.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stated {
    pub(super) limit: u32,
    pub(super) remaining: u32,
    /// The window whose number equals the limit; not 0.
    pub(super) window_seconds: u32,
    /// The seconds until the window ends.
    pub(super) reset_seconds: u32,
}

// === impl Stated ===

impl Stated {
    /// The budget in the last value of each header: Envoy's filter adds its own behind those of an upstream. Other forms and
    /// numbers beyond 32 bits state none.
    pub(super) fn read(headers: &Headers) -> Option<Self> {
        let (limit, window_seconds) = limit(last(headers, "x-ratelimit-limit")?)?;
        Some(Self {
            limit,
            remaining: number(last(headers, "x-ratelimit-remaining")?)?,
            window_seconds,
            reset_seconds: number(last(headers, "x-ratelimit-reset")?)?,
        })
    }

    /// How much is used, in ten-thousandths, rounded down. All of a budget of 0 is.
    pub(super) fn used(&self) -> u16 {
        let used = u64::from(self.limit.saturating_sub(self.remaining));
        let share = (used * u64::from(WHOLE)).checked_div(self.limit.into());
        share.and_then(|share| u16::try_from(share).ok()).unwrap_or(WHOLE)
    }
}

fn last<'a>(headers: &'a Headers, name: &'a str) -> Option<&'a str> {
    headers.all(name).last().and_then(|value| core::str::from_utf8(value).ok())
}

/// The tightest limit, and the length of the first window with that number.
fn limit(value: &str) -> Option<(u32, u32)> {
    let mut quoted = false;
    // The operator's names of limits may contain commas.
    let mut items = value.split(|character| {
        quoted ^= character == '"';
        character == ',' && !quoted
    });
    let limit = number(items.next()?)?;
    let mut window = None;
    for item in items {
        let mut parts = item.split(';');
        let of = number(parts.next()?)?;
        let seconds = number(parts.next()?.trim().strip_prefix("w=")?)?;
        if of == limit && seconds > 0 {
            window = window.or(Some(seconds));
        }
    }
    Some((limit, window?))
}

/// A number in digits alone.
fn number(text: &str) -> Option<u32> {
    let digits = text.trim();
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

//! For how long a member is set aside, by the headers of its answer.

use crate::headers::{Headers, PROVIDER_LIMITS};
use core::time::Duration;

/// After a 429 that states nothing.
const UNSTATED: Duration = Duration::from_secs(60);
/// After a 503 or 529 that states nothing.
const OVERLOAD: Duration = Duration::from_secs(10);

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The wait after a 429: `retry-after`, else the latest reset of the limits whose remaining is 0, else a minute.
#[must_use]
pub fn after_rate_limit(headers: &Headers, now: Duration) -> Duration {
    retry_after(headers, now).or_else(|| latest_reset(headers, now)).unwrap_or(UNSTATED)
}

/// The wait after a 503 or 529: `retry-after`, else ten seconds.
#[must_use]
pub fn after_overload(headers: &Headers, now: Duration) -> Duration {
    retry_after(headers, now).unwrap_or(OVERLOAD)
}

/// `retry-after`: seconds, also with a fraction, or a date in each of the three forms of RFC 9110 §5.6.7; else
/// `retry-after-ms`, as OpenAI and Azure state it.
fn retry_after(headers: &Headers, now: Duration) -> Option<Duration> {
    let stated = headers.text("retry-after").map(str::trim);
    let stated =
        stated.and_then(|text| decimal(text, 1000).or_else(|| Some(http_date(text)?.saturating_sub(now))));
    stated.or_else(|| decimal(headers.text("retry-after-ms")?.trim(), 1))
}

fn latest_reset(headers: &Headers, now: Duration) -> Option<Duration> {
    let mut latest = None;
    for limit in &PROVIDER_LIMITS {
        if headers.text(limit.remaining).is_some_and(|left| left.trim() == "0") {
            latest = latest.max(headers.text(limit.reset).and_then(|reset| until(reset.trim(), now)));
        }
    }
    latest
}

/// The time until a reset: a date of RFC 3339, a duration as Go writes it (`6m0s`, `1.5s`, `20ms`), or a number of seconds
/// from now, of seconds or of milliseconds since the Unix epoch.
fn until(text: &str, now: Duration) -> Option<Duration> {
    if let Some(number) = decimal(text, 1000) {
        return Some(match number.as_secs() {
            0..1_000_000_000 => number,
            1_000_000_000..1_000_000_000_000 => number.saturating_sub(now),
            millis => Duration::from_millis(millis).saturating_sub(now),
        });
    }
    go_duration(text).or_else(|| Some(rfc_3339(text)?.saturating_sub(now)))
}

/// A number that may have a fraction, in units of so many milliseconds. A part of a millisecond counts as a whole one.
fn decimal(text: &str, unit_ms: u64) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let whole: u64 = whole.parse().unwrap_or(u64::MAX);
    let thousandths =
        fraction.bytes().chain(*b"000").take(3).fold(0, |sum, digit| sum * 10 + u64::from(digit & 15));
    let rest = thousandths.saturating_mul(unit_ms).div_ceil(1000);
    Some(Duration::from_millis(whole.saturating_mul(unit_ms).saturating_add(rest)))
}

/// <https://pkg.go.dev/time#ParseDuration>, without signs.
fn go_duration(text: &str) -> Option<Duration> {
    let mut sum = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let unit = rest.find(|c: char| c != '.' && !c.is_ascii_digit())?;
        let (number, after) = rest.split_at_checked(unit)?;
        let end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(end)?;
        let unit_ms = match unit {
            "h" => 3_600_000,
            "m" => 60_000,
            "s" => 1000,
            "ms" => 1,
            // Less than a millisecond.
            "us" | "µs" | "ns" => 0,
            _ => return None,
        };
        sum = sum.saturating_add(decimal(number, unit_ms)?);
        rest = after;
    }
    (!text.is_empty()).then_some(sum)
}

/// `2026-11-23T05:33:00Z`, with a fraction or an offset. Returns the time since the Unix epoch in whole seconds.
fn rfc_3339(text: &str) -> Option<Duration> {
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let mut date = date.split('-').map(number);
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let zone = time.find(['Z', 'z', '+', '-'])?;
    let (time, zone) = time.split_at_checked(zone)?;
    let time = time.split('.').next()?;
    let utc = seconds(year, month, day, clock(time)?)?;
    let (sign, offset) = zone.split_at_checked(1)?;
    let offset = if offset.is_empty() { 0 } else { clock(offset)? };
    let utc = if sign == "-" { utc.saturating_add(offset) } else { utc.saturating_sub(offset) };
    Some(Duration::from_secs(utc))
}

/// A date of RFC 9110 §5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` or
/// `Sun Nov  6 08:49:37 1994`. The day comes before the year in each of them.
fn http_date(text: &str) -> Option<Duration> {
    let (mut month, mut day, mut year, mut time) = (None, None, None, None);
    for word in text.split([' ', ',', '-']).filter(|word| !word.is_empty()) {
        if word.contains(':') {
            time = Some(clock(word)?);
        } else if let Some(number) = number(word) {
            if day.is_none() { day = Some(number) } else { year = Some(number) }
        } else if let Some(at) = MONTHS.iter().position(|name| *name == word) {
            month = u64::try_from(at + 1).ok();
        }
    }
    let year = match year? {
        year @ 0..70 => year + 2000,
        year @ 70..100 => year + 1900,
        year => year,
    };
    Some(Duration::from_secs(seconds(year, month?, day?, time?)?))
}

/// The seconds of `08:49` or `08:49:37`.
fn clock(text: &str) -> Option<u64> {
    let mut parts = text.split(':').map(number);
    let (hours, minutes) = (parts.next()??, parts.next()??);
    let seconds = parts.next().unwrap_or(Some(0))?;
    (hours < 24 && minutes < 60 && seconds <= 60).then(|| hours * 3600 + minutes * 60 + seconds)
}

/// A number of at most four digits.
fn number(text: &str) -> Option<u64> {
    let is_number = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

/// The seconds since the Unix epoch of a Gregorian date. It counts in years from March, so that the leap day is a year's
/// last.
fn seconds(year: u64, month: u64, day: u64, second: u64) -> Option<u64> {
    if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    days.checked_sub(719_468)?.checked_mul(86_400)?.checked_add(second)
}

#[cfg(test)]
mod tests {
    use super::{after_overload, after_rate_limit, http_date, rfc_3339};
    use crate::headers::Headers;
    use core::time::Duration;

    /// 2026-11-23T05:33:00Z
    const NOW: Duration = Duration::from_secs(1_795_411_980);

    fn headers(pairs: &[(&str, &str)]) -> Headers {
        Headers::new(pairs.iter().map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec())).collect())
    }

    #[test]
    fn retry_after_counts_in_every_form() {
        for (name, value, millis) in [
            ("retry-after", "7", 7_000),
            ("retry-after", " 0 ", 0),
            ("retry-after", "1.5", 1_500),
            ("retry-after-ms", "250", 250),
            ("retry-after-ms", "250.5", 251),
            ("retry-after", "Mon, 23 Nov 2026 05:33:42 GMT", 42_000),
            ("retry-after", "Monday, 23-Nov-26 05:34:00 GMT", 60_000),
            ("retry-after", "Mon Nov 23 05:33:05 2026", 5_000),
            ("retry-after", "Mon, 23 Nov 2026 05:32:00 GMT", 0),
            ("retry-after", "99999999999999999999", u64::MAX),
        ] {
            let headers = headers(&[(name, value)]);
            let wait = Duration::from_millis(millis);
            assert_eq!(after_rate_limit(&headers, NOW), wait, "{value}");
            assert_eq!(after_overload(&headers, NOW), wait, "{value}");
        }
    }

    #[test]
    fn an_unreadable_retry_after_counts_as_none() {
        for value in
            ["", "soon", "-1", "1e3", "Mon, 23 Nov", "Mon, 99 Nov 2026 05:33:42 GMT", "1:2", "\u{e9}"]
        {
            let headers = headers(&[("retry-after", value)]);
            assert_eq!(after_rate_limit(&headers, NOW), Duration::from_secs(60), "{value}");
            assert_eq!(after_overload(&headers, NOW), Duration::from_secs(10), "{value}");
        }
    }

    #[test]
    fn without_retry_after_the_latest_reset_of_an_empty_limit_counts() {
        for (pairs, seconds) in [
            (
                &[
                    ("anthropic-ratelimit-requests-remaining", "0"),
                    ("anthropic-ratelimit-requests-reset", "2026-11-23T05:33:20Z"),
                    ("anthropic-ratelimit-tokens-remaining", "0"),
                    ("anthropic-ratelimit-tokens-reset", "2026-11-23T06:33:30.123+01:00"),
                    ("anthropic-ratelimit-input-tokens-remaining", "5"),
                    ("anthropic-ratelimit-input-tokens-reset", "2026-11-23T05:40:00Z"),
                ][..],
                30,
            ),
            (
                &[
                    ("x-ratelimit-remaining-requests", "0"),
                    ("x-ratelimit-reset-requests", "1m30s"),
                    ("x-ratelimit-remaining-tokens", "0"),
                    ("x-ratelimit-reset-tokens", "6ms"),
                ],
                90,
            ),
            (&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1795412000")], 20),
            (&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1795412000000")], 20),
            (&[("ratelimit-remaining", "0"), ("ratelimit-reset", "12")], 12),
            (&[("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "1h")], 3600),
            (&[("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "later")], 60),
            (&[("x-ratelimit-remaining-tokens", "1"), ("x-ratelimit-reset-tokens", "5s")], 60),
            (&[("x-ratelimit-reset-tokens", "5s")], 60),
            (&[], 60),
        ] {
            assert_eq!(after_rate_limit(&headers(pairs), NOW), Duration::from_secs(seconds), "{pairs:?}");
        }
    }

    #[test]
    fn dates_are_counted_from_the_epoch() {
        for (http, rfc, seconds) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z", 784_111_777),
            ("Thu, 29 Feb 2024 23:59:59 GMT", "2024-03-01T01:59:59+02:00", 1_709_251_199),
            ("Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01t00:00:00z", 0),
            ("Fri, 01 Jan 2100 00:00:00 GMT", "2099-12-31T23:00:00-01:00", 4_102_444_800),
        ] {
            assert_eq!(http_date(http), Some(Duration::from_secs(seconds)));
            assert_eq!(rfc_3339(rfc), Some(Duration::from_secs(seconds)));
        }
        for text in [
            "2026-13-01T00:00:00Z",
            "2026-01-32T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "1969-01-01T00:00:00Z",
            "x",
        ] {
            assert_eq!(rfc_3339(text), None, "{text}");
        }
    }
}

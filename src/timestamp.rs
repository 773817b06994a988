//! Times as records write them: RFC 3339.
//!
//! They are written by hand because the core has no clock and needs no time zones, durations or parsing: a date crate
//! would only add bytes to the module.

use core::time::Duration;

/// RFC 3339 in UTC with milliseconds: `2026-11-23T05:33:00.000Z`.
pub type Timestamp = [u8; 24];

/// The time `at` after the Unix epoch. The host counts it in 64 bits of nanoseconds, so that the year has four digits.
#[must_use]
pub fn timestamp(at: Duration) -> Timestamp {
    let seconds = at.as_secs();
    // 32 bits divide much faster than 64. They hold the days of all years of four digits, and the seconds of a day.
    let (year, month, day) = date(u32::try_from(seconds / 86_400).unwrap_or_default());
    let second = (seconds % 86_400) as u32;
    let millis = at.subsec_millis();
    let mut written = *b"0000-00-00T00:00:00.000Z";
    // The last two digits of each number, at its place.
    for (begin, number) in [
        (0, year / 100),
        (2, year),
        (5, month),
        (8, day),
        (11, second / 3600),
        (14, second / 60 % 60),
        (17, second % 60),
        (20, millis / 10),
        (21, millis),
    ] {
        if let Some([tens, ones]) = written.get_mut(begin..begin + 2) {
            (*tens, *ones) = (digit(number / 10), digit(number));
        }
    }
    written
}

/// The last decimal digit of `number`.
const fn digit(number: u32) -> u8 {
    // Below ten, so the cast loses nothing.
    b'0' + (number % 10) as u8
}

/// The Gregorian date `days` after 1970-01-01. It counts in eras of 400 years, and years from March, so that the leap day
/// is a year's last.
const fn date(days: u32) -> (u32, u32, u32) {
    let from_march_0000 = days.saturating_add(719_468);
    let (era, day_of_era) = (from_march_0000 / 146_097, from_march_0000 % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::timestamp;
    use core::time::Duration;

    #[test]
    fn a_timestamp_is_rfc_3339_in_utc_with_milliseconds() {
        for (millis, written) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (1_709_251_200_001, "2024-03-01T00:00:00.001Z"),
            (1_795_411_980_042, "2026-11-23T05:33:00.042Z"),
            (4_102_444_800_000, "2100-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(timestamp(Duration::from_millis(millis)), written.as_bytes());
        }
    }
}

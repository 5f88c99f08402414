//! Times as JSON carries them: RFC 3339 in UTC, to the second, or to the millisecond where that counts.

use std::time::{SystemTime, UNIX_EPOCH};

const DAY: i64 = 86_400;

/// Milliseconds since 1970; a time before that is 1970.
#[must_use]
pub fn unix_ms(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Seconds since 1970.
#[must_use]
pub fn unix_seconds(time: SystemTime) -> i64 {
    unix_ms(time).div_euclid(1_000)
}

/// `2024-02-10T11:13:55Z` of seconds since 1970.
#[must_use]
pub fn rfc3339(unix_seconds: i64) -> String {
    let (year, month, day) = date(unix_seconds.div_euclid(DAY));
    let second = unix_seconds.rem_euclid(DAY);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    if !(0..=9_999).contains(&year) {
        return format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z");
    }
    // Digit by digit: each frame has a dozen times.
    let mut text = *b"0000-00-00T00:00:00Z";
    for (place, number) in [(0, year / 100), (2, year % 100), (5, month), (8, day), (11, hour), (14, minute), (17, second)] {
        text[place] += (number / 10) as u8;
        text[place + 1] += (number % 10) as u8;
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// `2024-02-10T11:13:55.250Z` of milliseconds since 1970.
#[must_use]
pub fn rfc3339_ms(unix_ms: i64) -> String {
    let mut text = rfc3339(unix_ms.div_euclid(1_000));
    let milliseconds = unix_ms.rem_euclid(1_000);
    text.pop();
    text.push('.');
    text.extend([milliseconds / 100, milliseconds / 10 % 10, milliseconds % 10].map(|digit| char::from(b'0' + digit as u8)));
    text.push('Z');
    text
}

/// Year, month and day of a day since 1970: the era of 400 years, the year in it, the month counted from March so that the leap day comes
/// last.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let in_era = days.rem_euclid(146_097);
    let year = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year + year / 4 - year / 100);
    let march = (5 * in_year + 2) / 153;
    let month = if march < 10 { march + 3 } else { march - 9 };
    (era * 400 + year + i64::from(month <= 2), month, in_year - (153 * march + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_times() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(1_707_563_635), "2024-02-10T11:13:55Z");
        assert_eq!(rfc3339(1_709_164_800), "2024-02-29T00:00:00Z");
        assert_eq!(rfc3339(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(rfc3339(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(rfc3339(4_107_542_399), "2100-02-28T23:59:59Z");
        assert_eq!(rfc3339(4_107_542_400), "2100-03-01T00:00:00Z");
        assert_eq!(rfc3339(-1), "1969-12-31T23:59:59Z");
        assert_eq!(rfc3339_ms(1_707_563_635_007), "2024-02-10T11:13:55.007Z");
        assert_eq!(rfc3339_ms(-1), "1969-12-31T23:59:59.999Z");
    }
}

//! Times as JSON carries them: RFC 3339 in UTC, to the second.

const DAY: i64 = 86_400;

/// `2024-02-10T11:13:55Z` of seconds since 1970.
#[must_use]
pub fn rfc3339(unix_seconds: i64) -> String {
    let (year, month, day) = date(unix_seconds.div_euclid(DAY));
    let second = unix_seconds.rem_euclid(DAY);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3_600, second / 60 % 60, second % 60)
}

/// The seconds since 1970 of `2024-02-10T11:13:55Z` (fractions and `+00:00` are taken too, other offsets are not).
#[must_use]
pub fn parse(text: &str) -> Option<i64> {
    let (date, time) = text.split_once('T')?;
    let time = time.strip_suffix('Z').or_else(|| time.strip_suffix("+00:00"))?;
    let [year, month, day] = fields(date, '-')?;
    let [hour, minute, second] = fields(time.split('.').next()?, ':')?;
    let plausible = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 61;
    plausible.then(|| days(year, month, day) * DAY + hour * 3_600 + minute * 60 + second)
}

fn fields(text: &str, separator: char) -> Option<[i64; 3]> {
    let mut numbers = text.split(separator).map(|field| field.parse().ok());
    let fields = [numbers.next()??, numbers.next()??, numbers.next()??];
    numbers.next().is_none().then_some(fields)
}

/// Years begin in March here, so that the leap day comes last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let in_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + in_year - 719_468
}

/// The way back from [`days`]: the era of 400 years, the year in it, the month counted from March.
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
    }

    #[test]
    fn every_day_of_a_century_comes_back() {
        for day in 0..36_600 {
            let second = 946_684_800 + day * DAY + 43_201;
            assert_eq!(parse(&rfc3339(second)), Some(second), "{}", rfc3339(second));
        }
    }

    #[test]
    fn other_texts_are_no_time() {
        assert_eq!(parse("2024-02-10T11:13:55.250+00:00"), Some(1_707_563_635));
        for text in ["", "2024-02-10", "2024-02-10T11:13:55+01:00", "2024-13-10T11:13:55Z", "x-y-zT1:2:3Z"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}

//! The meter's clock: French legal time, second by second.

use teleinfo_proto::tic::{Season, Timestamp};

const DAY: i64 = 86_400;

/// A second, seen from the wall of a French house.
#[derive(Debug, Clone, Copy)]
pub struct LocalTime {
    /// Seconds since 1970, UTC.
    pub unix: i64,
    /// Days since 1970-01-01, of the local date.
    pub day: i64,
    /// The local minute of the day.
    pub minute: u16,
    /// The same second as a meter writes it.
    pub stamp: Timestamp,
}

impl LocalTime {
    /// The local time of this second.
    #[must_use]
    pub fn at(unix: i64) -> Self {
        let stamp = Timestamp::from_unix(unix);
        Self {
            unix,
            day: day_number(i64::from(stamp.year()), stamp.month(), stamp.day()),
            minute: u16::from(stamp.hour()) * 60 + u16::from(stamp.minute()),
            stamp,
        }
    }

    /// The hour, 0 to 23.
    #[must_use]
    pub fn hour(&self) -> usize {
        usize::from(self.stamp.hour())
    }
}

/// 0 for Monday to 6 for Sunday.
#[must_use]
pub fn weekday(day: i64) -> i64 {
    // Day 0, 1970-01-01, was a Thursday.
    (day + 3).rem_euclid(7)
}

/// The day number of a date.
#[must_use]
pub fn day_number(year: i64, month: u8, day: u8) -> i64 {
    // As if in UTC: a winter date at 01:00 is midnight there.
    (unix_of(Season::Winter, (year, month, day), 60)).div_euclid(DAY)
}

/// Year, month and day of a day number.
#[must_use]
pub fn date(day: i64) -> (i64, u8, u8) {
    // Noon in UTC is the same date in France.
    let stamp = Timestamp::from_unix(day * DAY + DAY / 2);
    (i64::from(stamp.year()), stamp.month(), stamp.day())
}

/// When this minute of this local day comes.
#[must_use]
pub fn moment(day: i64, minute: u16) -> i64 {
    unix_of(Season::Unstated, date(day), minute)
}

#[expect(clippy::expect_used, reason = "the house lives between 2001 and 2090, and asks for days of its calendar only")]
fn unix_of(season: Season, (year, month, day): (i64, u8, u8), minute: u16) -> i64 {
    let time = ((minute / 60) as u8, (minute % 60) as u8, 0);
    Timestamp::new(season, (year as u16, month, day), time).expect("a day of the calendar").unix_seconds()
}

/// Reads `2024-01-07T17:58:10` (French legal time) or `@1704646690` (seconds since 1970).
///
/// # Errors
/// Says what is expected.
pub fn parse_start(text: &str) -> Result<i64, String> {
    let wanted = "a date as 2024-01-07T17:58:10 (French legal time) or @ and seconds since 1970, from 2001 to 2090";
    let unix = match text.strip_prefix('@') {
        Some(seconds) => seconds.parse().ok(),
        None => parse_date(text),
    };
    unix.filter(|unix| (978_307_200..3_786_912_000).contains(unix)).ok_or_else(|| wanted.to_owned())
}

fn parse_date(text: &str) -> Option<i64> {
    if text.len() != 19 || !text.is_ascii() || !text.starts_with("20") {
        return None;
    }
    let digits: String = text.char_indices().filter(|(at, _)| ![4, 7, 10, 13, 16].contains(at)).map(|(_, c)| c).collect();
    let stamp: Timestamp = format!(" {}", &digits[2..]).parse().ok()?;
    Some(stamp.unix_seconds())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_go_together() {
        assert_eq!(day_number(1970 + 30, 1, 1), 10_957);
        for day in 10_957..10_957 + 20_000 {
            let (y, m, d) = date(day);
            assert_eq!(day_number(y, m, d), day);
        }
        assert_eq!(weekday(day_number(2024, 1, 7)), 6);
    }

    #[test]
    fn moments_follow_legal_time() {
        let winter = day_number(2024, 1, 8);
        assert_eq!(moment(winter, 6 * 60), 1_704_690_000);
        let summer = day_number(2024, 7, 8);
        assert_eq!(moment(summer, 6 * 60), 1_720_411_200);
        assert_eq!(LocalTime::at(moment(summer, 125)).minute, 125);
        assert_eq!(LocalTime::at(moment(summer, 0) - 1).day, summer - 1);
    }

    #[test]
    fn starts_parse() {
        assert_eq!(parse_start("2024-01-07T17:58:10"), Ok(1_704_646_690));
        assert_eq!(parse_start("@1704646690"), Ok(1_704_646_690));
        for bad in ["", "2024-13-07T17:58:10", "1999-01-01T00:00:00", "@1", "now"] {
            assert!(parse_start(bad).is_err(), "{bad}");
        }
    }
}

//! Timestamps, `SAAMMJJhhmmss` (54E §6.2.1.1): French legal time, with a letter for the season.
//!
//! The letter makes the hour that comes twice in autumn unambiguous. DPMn and FPMn carry a space instead: then the rule of the
//! European Union decides (last Sunday of March and of October, 01:00 UTC).

use core::{fmt, str::FromStr};

use super::{
    ParseError, digits,
    spec::{TIMESTAMP_WIDTH, YEAR_MAX, YEAR_MIN},
};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// The first and the last second that a timestamp can show, since 1970. Both are in winter.
const FIRST: i64 = days(YEAR_MIN as i64, 1, 1) * DAY - HOUR;
const LAST: i64 = days(YEAR_MAX as i64 + 1, 1, 1) * DAY - HOUR - 1;

/// Which legal time a timestamp is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Season {
    /// `H`: UTC+1.
    Winter,
    /// `E`: UTC+2.
    Summer,
    /// A space: the legal time of that date.
    Unstated,
}

/// A date and time as the meter tells it: always a date, and one that a meter can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timestamp {
    season: Season,
    degraded: bool,
    /// Since 2000, so that all of it is eight bytes: it is handed on with each dataset.
    year: u8,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
}

/// Reading the fields.
impl Timestamp {
    /// Which legal time.
    #[must_use]
    pub const fn season(&self) -> Season {
        self.season
    }

    /// The meter's clock ran out of reserve and was not set since: `h` or `e`.
    #[must_use]
    pub const fn is_degraded(&self) -> bool {
        self.degraded
    }

    /// 2000 to 2099.
    #[must_use]
    pub const fn year(&self) -> u16 {
        YEAR_MIN + self.year as u16
    }

    /// 1 to 12.
    #[must_use]
    pub const fn month(&self) -> u8 {
        self.month
    }

    /// 1 to 31.
    #[must_use]
    pub const fn day(&self) -> u8 {
        self.day
    }

    /// 0 to 23.
    #[must_use]
    pub const fn hour(&self) -> u8 {
        self.hour
    }

    /// 0 to 59.
    #[must_use]
    pub const fn minute(&self) -> u8 {
        self.minute
    }

    /// 0 to 59.
    #[must_use]
    pub const fn second(&self) -> u8 {
        self.second
    }
}

impl Timestamp {
    /// Checks a date (year, month, day) and a time of day (hour, minute, second).
    ///
    /// # Errors
    ///
    /// [`ParseError`] for a day that no calendar has, or a year before 2000 or after 2099.
    pub fn new(season: Season, (year, month, day): (u16, u8, u8), (hour, minute, second): (u8, u8, u8)) -> Result<Self, ParseError> {
        let year = year.checked_sub(YEAR_MIN).and_then(|year| u8::try_from(year).ok()).ok_or(NO_TIMESTAMP)?;
        Self { season, degraded: false, year, month, day, hour, minute, second }.checked()
    }

    /// The same date and time, said to be in another season.
    #[must_use]
    pub const fn with_season(self, season: Season) -> Self {
        Self { season, ..self }
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn unix_seconds(&self) -> i64 {
        let local = self.local_seconds();
        let offset = match self.season {
            Season::Winter => HOUR,
            Season::Summer => 2 * HOUR,
            // The hour that comes twice is taken as its first pass, the one that does not exist as summer time.
            Season::Unstated => legal_offset(local - 2 * HOUR).max(legal_offset(local - HOUR)),
        };
        local - offset
    }

    /// The timestamp that a meter with a good clock shows at this time: the nearest one, before 2000 and after 2099.
    #[must_use]
    pub fn from_unix(seconds: i64) -> Self {
        let seconds = seconds.clamp(FIRST, LAST);
        let offset = legal_offset(seconds);
        let local = seconds + offset;
        let (year, month, day) = civil(local.div_euclid(DAY));
        let second = local.rem_euclid(DAY);
        Self {
            season: if offset == HOUR { Season::Winter } else { Season::Summer },
            degraded: false,
            year: (year - i64::from(YEAR_MIN)) as u8,
            month,
            day,
            hour: (second / HOUR) as u8,
            minute: (second / 60 % 60) as u8,
            second: (second % 60) as u8,
        }
    }

    /// Reads the characters of a field.
    pub(super) fn parse(text: &[u8]) -> Result<Self, ParseError> {
        let bytes: &[u8; TIMESTAMP_WIDTH] = text.try_into().map_err(|_| NO_TIMESTAMP)?;
        let (season, degraded) = match bytes[0] {
            b'H' => (Season::Winter, false),
            b'E' => (Season::Summer, false),
            b'h' => (Season::Winter, true),
            b'e' => (Season::Summer, true),
            b' ' => (Season::Unstated, false),
            _ => return Err(NO_TIMESTAMP),
        };
        let pairs = |from| bytes[from..].first_chunk().and_then(|eight| digits::pairs(*eight)).ok_or(NO_TIMESTAMP);
        let ([year, month, day, hour], [.., minute, second]) = (pairs(1)?, pairs(5)?);
        Self { season, degraded, year, month, day, hour, minute, second }.checked()
    }

    fn checked(self) -> Result<Self, ParseError> {
        if self.is_a_date() { Ok(self) } else { Err(NO_TIMESTAMP) }
    }

    fn local_seconds(&self) -> i64 {
        days(i64::from(self.year()), self.month, self.day) * DAY
            + i64::from(self.hour) * HOUR
            + i64::from(self.minute) * 60
            + i64::from(self.second)
    }

    fn is_a_date(&self) -> bool {
        self.year() <= YEAR_MAX
            && matches!(self.month, 1..=12)
            && self.day >= 1
            && self.day <= days_in_month(i64::from(self.year()), self.month)
            && self.hour < 24
            && self.minute < 60
            && self.second < 60
    }
}

impl FromStr for Timestamp {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text.as_bytes())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let season = match (self.season, self.degraded) {
            (Season::Winter, false) => 'H',
            (Season::Winter, true) => 'h',
            (Season::Summer, false) => 'E',
            (Season::Summer, true) => 'e',
            (Season::Unstated, _) => ' ',
        };
        let Self { year, month, day, hour, minute, second, .. } = *self;
        write!(f, "{season}{year:02}{month:02}{day:02}{hour:02}{minute:02}{second:02}")
    }
}

const NO_TIMESTAMP: ParseError = ParseError::expected("a season letter and a date as SAAMMJJhhmmss");

/// Seconds that French legal time is ahead of UTC at this time.
fn legal_offset(unix_seconds: i64) -> i64 {
    let (year, ..) = civil(unix_seconds.div_euclid(DAY));
    let change = |month| (last_sunday(year, month)) * DAY + HOUR;
    if (change(3)..change(10)).contains(&unix_seconds) { 2 * HOUR } else { HOUR }
}

/// The day number of the last Sunday of a month of 31 days.
fn last_sunday(year: i64, month: u8) -> i64 {
    let last = days(year, month, 31);
    // Day 0, 1970-01-01, was a Thursday.
    last - (last + 4).rem_euclid(7)
}

const fn days_in_month(year: i64, month: u8) -> u8 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date. Years begin in March here, so that the leap day comes last.
const fn days(year: i64, month: u8, day: u8) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let march = (month as i64 + 9) % 12;
    let in_year = (153 * march + 2) / 5 + day as i64 - 1;
    365 * year + year / 4 - year / 100 + year / 400 + in_year - 719_468
}

/// Year, month and day of a day number; the way back from [`days`].
fn civil(day: i64) -> (i64, u8, u8) {
    let mut year = 1970 + day.div_euclid(366);
    while days(year + 1, 1, 1) <= day {
        year += 1;
    }
    let mut month = 1;
    while month < 12 && days(year, month + 1, 1) <= day {
        month += 1;
    }
    (year, month, (day - days(year, month, 1) + 1) as u8)
}

#[cfg(test)]
mod tests {
    use super::{Season, Timestamp};

    fn unix(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().unix_seconds()
    }

    #[test]
    fn season_gives_the_offset() {
        // The two examples of 54E §6.2.1.1.
        assert_eq!(unix("H081225223518"), 1_230_240_918); // 2008-12-25T21:35:18Z
        assert_eq!(unix("E090714074553"), 1_247_550_353); // 2009-07-14T05:45:53Z
    }

    #[test]
    fn the_hour_that_comes_twice_is_told_apart() {
        assert_eq!(unix("H241027023000") - unix("E241027023000"), 3_600);
    }

    #[test]
    fn unstated_season_is_legal_time() {
        assert_eq!(unix(" 240108060000"), unix("H240108060000"));
        assert_eq!(unix(" 240708060000"), unix("E240708060000"));
        assert_eq!(unix(" 240331030000"), unix("E240331030000"));
        assert_eq!(unix(" 240331015959"), unix("H240331015959"));
        assert_eq!(unix(" 241027015959"), unix("E241027015959"));
        assert_eq!(unix(" 241027030000"), unix("H241027030000"));
    }

    #[test]
    fn every_hour_of_forty_years_comes_back() {
        let mut second = 946_684_800; // 2000-01-01
        while second < 946_684_800 + 40 * 366 * 86_400 {
            let stamp = Timestamp::from_unix(second);
            assert_eq!(stamp.unix_seconds(), second, "{stamp}");
            second += 3_600;
        }
    }

    #[test]
    fn text_comes_back() {
        for text in ["H081225223518", "h081225223518", "E090714074553", "e000229000000", " 240108060000"] {
            assert_eq!(std::format!("{}", text.parse::<Timestamp>().unwrap()), text);
        }
    }

    #[test]
    fn no_date_is_refused() {
        for text in
            ["", "H08122522351", "X081225223518", "H081325223518", "H230229000000", "H081225243518", "H08122522351x", "E000000000000"]
        {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_no_meter_can_show_is_never_built() {
        let date = |year, month| Timestamp::new(Season::Winter, (year, month, 1), (0, 0, 0));
        assert!(date(2000, 1).is_ok() && date(2099, 12).is_ok());
        assert!(date(1999, 12).is_err() && date(2100, 1).is_err() && date(2024, 99).is_err());
        assert_eq!(std::format!("{}", Timestamp::from_unix(i64::MIN)), "H000101000000");
        assert_eq!(std::format!("{}", Timestamp::from_unix(i64::MAX)), "H991231235959");
    }

    extern crate std;
}

//! Which days are special: the white and red days of Tempo, the mobile-peak days of EJP. Drawn by the seed,
//! under the rules that the real ones follow.
//!
//! A season runs from 1 September to 31 August. Tempo: 22 red days between 1 November and 31 March, never on
//! a week-end or a holiday (so at most five in a row); 43 white days, never on a Sunday; the rest is blue.
//! EJP: 22 days between 1 November and 31 March.

use super::clock::{date, day_number, weekday};
use crate::rng::Rng;
use teleinfo_proto::tic::Colour;

const RED_DAYS: usize = 22;
const WHITE_DAYS: usize = 43;
const EJP_DAYS: usize = 22;
const SATURDAY: i64 = 5;
const SUNDAY: i64 = 6;

/// The special days, season by season, as they are asked for.
#[derive(Debug)]
pub(crate) struct Calendar {
    seed: u64,
    seasons: Vec<Season>,
}

#[derive(Debug)]
struct Season {
    year: i64,
    red: Vec<i64>,
    white: Vec<i64>,
    ejp: Vec<i64>,
}

impl Calendar {
    /// The calendar of this seed.
    #[must_use]
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, seasons: Vec::new() }
    }

    /// The Tempo colour of the day that begins at 06:00 on this date.
    pub(crate) fn colour(&mut self, day: i64) -> Colour {
        let season = self.season(day);
        if season.red.contains(&day) {
            Colour::Red
        } else if season.white.contains(&day) {
            Colour::White
        } else {
            Colour::Blue
        }
    }

    /// Whether an EJP mobile peak begins on this date.
    pub(crate) fn is_ejp(&mut self, day: i64) -> bool {
        self.season(day).ejp.contains(&day)
    }

    fn season(&mut self, day: i64) -> &Season {
        let year = season_year(day);
        let at = match self.seasons.iter().position(|season| season.year == year) {
            Some(at) => at,
            None => {
                self.seasons.push(Season::draw(self.seed, year));
                self.seasons.len() - 1
            }
        };
        &self.seasons[at]
    }
}

impl Season {
    fn draw(seed: u64, year: i64) -> Self {
        let mut rng = Rng::named(seed ^ (year as u64) << 32, "calendar");
        let winter = || day_number(year, 11, 1)..=day_number(year + 1, 3, 31);
        let mut workdays = winter().filter(|day| weekday(*day) < SATURDAY && !is_holiday(*day)).collect();
        let red = rng.take(&mut workdays, RED_DAYS);
        let mut cold =
            (day_number(year, 10, 1)..=day_number(year + 1, 5, 31)).filter(|day| weekday(*day) != SUNDAY && !red.contains(day)).collect();
        let white = rng.take(&mut cold, WHITE_DAYS);
        let ejp = rng.take(&mut winter().collect(), EJP_DAYS);
        Self { year, red, white, ejp }
    }
}

/// The year in which the season of this day began.
fn season_year(day: i64) -> i64 {
    let (year, month, _) = date(day);
    if month >= 9 { year } else { year - 1 }
}

/// French public holidays between November and March.
fn is_holiday(day: i64) -> bool {
    let (year, month, of_month) = date(day);
    matches!((month, of_month), (1, 1) | (11, 1 | 11) | (12, 25)) || day == easter(year) + 1
}

/// Easter Sunday, by the rule of Gauss in its Gregorian form (valid from 1900 to 2099).
fn easter(year: i64) -> i64 {
    let full_moon = (19 * (year % 19) + 24) % 30;
    let to_sunday = (2 * (year % 4) + 4 * (year % 7) + 6 * full_moon + 5) % 7;
    let late = (full_moon == 29 && to_sunday == 6) || (full_moon == 28 && to_sunday == 6 && year % 19 > 10);
    day_number(year, 3, 22) + full_moon + to_sunday - if late { 7 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn season_days(year: i64) -> std::ops::Range<i64> {
        day_number(year, 9, 1)..day_number(year + 1, 9, 1)
    }

    #[test]
    fn tempo_keeps_its_rules() {
        for seed in 0..20 {
            let mut calendar = Calendar::new(seed);
            for year in 2018..2030 {
                let of = |calendar: &mut Calendar, colour| -> Vec<i64> {
                    season_days(year).filter(|day| calendar.colour(*day) == colour).collect()
                };
                let red = of(&mut calendar, Colour::Red);
                let white = of(&mut calendar, Colour::White);
                assert_eq!((red.len(), white.len()), (22, 43));
                assert!(white.iter().all(|day| weekday(*day) != SUNDAY));
                for day in red {
                    let (_, month, _) = date(day);
                    assert!(matches!(month, 11 | 12 | 1 | 2 | 3));
                    assert!(weekday(day) < SATURDAY && !is_holiday(day));
                }
            }
        }
    }

    #[test]
    fn ejp_has_its_days() {
        let mut calendar = Calendar::new(5);
        let peaks = season_days(2024).filter(|day| calendar.is_ejp(*day)).count();
        assert_eq!(peaks, EJP_DAYS);
    }

    #[test]
    fn easter_is_right() {
        for (year, month, day) in [(2024, 3, 31), (2025, 4, 20), (2026, 4, 5), (2027, 3, 28), (2049, 4, 18)] {
            assert_eq!(easter(year), day_number(year, month, day), "{year}");
        }
        assert!(is_holiday(day_number(2024, 4, 1)));
    }

    #[test]
    fn the_same_seed_gives_the_same_days() {
        let days = |seed| -> Vec<Colour> {
            let mut calendar = Calendar::new(seed);
            season_days(2023).map(|day| calendar.colour(day)).collect()
        };
        assert_eq!(days(1), days(1));
        assert_ne!(days(1), days(2));
    }
}

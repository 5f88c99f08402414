//! The off-peak periods of one day, in minutes of the clock. A period that goes on after midnight is two of them: one a day.

use serde::{Deserialize, Serialize};

use crate::hours::day::{DAY_MINUTES, Day};

/// Their starts and ends, ascending; an end of 1440 is midnight.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Periods(Vec<(u16, u16)>);

impl Periods {
    /// From 22:00 to 06:00: the hours of Tempo (arrêté of 30 October 2014).
    #[must_use]
    pub fn of_tempo() -> Self {
        Self(vec![(0, 6 * 60), (22 * 60, DAY_MINUTES)])
    }

    /// What begins at which minute, ascending from midnight: off-peak or not.
    #[must_use]
    pub fn of(switchings: impl IntoIterator<Item = (u16, bool)>) -> Self {
        let mut periods: Vec<(u16, u16)> = Vec::new();
        let mut since = None;
        for (minute, is_off_peak) in switchings.into_iter().chain([(DAY_MINUTES, false)]) {
            match (since, is_off_peak) {
                (None, true) => since = Some(minute),
                (Some(start), false) => {
                    periods.push((start, minute));
                    since = None;
                }
                _ => {}
            }
        }
        periods.retain(|(start, end)| start < end);
        Self(periods)
    }

    /// The starts and ends, ascending.
    pub fn edges(&self) -> impl Iterator<Item = (u16, u16)> {
        self.0.iter().copied()
    }

    /// Whether a minute is in one of them.
    #[must_use]
    pub fn contains(&self, minute: u16) -> bool {
        self.0.iter().any(|(start, end)| (*start..*end).contains(&minute))
    }

    /// Whether a minute is that close to a start or an end, around midnight too.
    #[must_use]
    pub fn is_near_edge(&self, minute: u16, margin: u16) -> bool {
        let distance = |edge: u16| minute.abs_diff(edge).min(DAY_MINUTES - minute.abs_diff(edge));
        self.0.iter().any(|(start, end)| distance(*start) <= margin || distance(*end) <= margin)
    }

    /// Whether these are others by no more than a clock may be off.
    #[must_use]
    pub fn is_close_to(&self, other: &Self, margin: u16) -> bool {
        let near = |(one, two): (&(u16, u16), &(u16, u16))| one.0.abs_diff(two.0) <= margin && one.1.abs_diff(two.1) <= margin;
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(near)
    }

    /// When they are on a day, in s since 1970.
    pub fn on(&self, day: Day) -> impl Iterator<Item = (i64, i64)> {
        self.0.iter().map(move |(start, end)| (day.at(*start), day.at(*end)))
    }

    /// `12:30–15:30, 22:54–06:54`: what goes on after midnight is written as one, at the end. `–` where there is none.
    #[must_use]
    pub fn text(&self) -> String {
        let periods = match self.0.as_slice() {
            [(0, end), between @ .., (start, DAY_MINUTES)] => between.iter().copied().chain([(*start, *end)]).collect(),
            all => all.to_vec(),
        };
        let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        let texts: Vec<String> = periods.iter().map(|(start, end)| format!("{}–{}", clock(*start), clock(*end))).collect();
        if texts.is_empty() { "–".to_owned() } else { texts.join(", ") }
    }
}

#[cfg(test)]
mod tests {
    use super::Periods;
    use crate::hours::day::Day;

    #[test]
    fn one_that_goes_on_after_midnight_is_written_as_one() {
        let night = Periods::of([(0, true), (414, false), (1_374, true)]);
        assert_eq!((night.text().as_str(), Periods::of_tempo().text().as_str()), ("22:54–06:54", "22:00–06:00"));
        let three = Periods::of([(0, true), (180, false), (750, true), (930, false), (1_380, true)]);
        assert_eq!(three.text(), "12:30–15:30, 23:00–03:00");
        assert_eq!(Periods::of([(0, false), (56, true), (476, false), (806, true), (866, false)]).text(), "00:56–07:56, 13:26–14:26");
    }

    #[test]
    fn none_and_the_whole_day() {
        assert_eq!((Periods::of([(0, false)]).text(), Periods::of([(0, true)]).text()), ("–".into(), "00:00–24:00".into()));
        assert_eq!(Periods::of([(0, true), (0, false), (600, true), (1_440, false)]).text(), "10:00–24:00", "a switch at midnight");
    }

    #[test]
    fn a_night_on_which_the_clock_is_moved_is_shorter_or_longer() {
        let night = Periods::of([(0, false), (30, true), (390, false)]);
        let hours = |day| night.on(Day::from(day)).map(|(start, end)| (end - start) / 3_600).sum::<i64>();
        assert_eq!(["2027-03-28", "2026-10-25", "2026-12-01"].map(hours), [5, 7, 6]);
    }

    #[test]
    fn edges() {
        let night = Periods::of_tempo();
        assert!(night.contains(0) && night.contains(359) && !night.contains(360) && night.contains(1_439));
        assert!(night.is_near_edge(355, 5) && !night.is_near_edge(354, 5) && night.is_near_edge(1_439, 1));
        assert!(night.is_close_to(&Periods::of([(0, true), (362, false), (1_319, true)]), 2));
        assert!(!night.is_close_to(&Periods::of([(0, true), (363, false), (1_320, true)]), 2));
    }
}

//! What is told of off-peak hours: whether they are now, when they begin and end next, and those of today and tomorrow.

use std::ops::Range;

use serde::Serialize;

use crate::{
    hours::{day::Day, periods::Periods},
    words::utc,
};

/// The off-peak hours of a day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub struct DayHours {
    /// As one reads them: `12:30–15:30, 22:54–06:54`.
    pub hours: Option<String>,
    /// The same as times, from midnight to midnight.
    pub periods: Vec<Period>,
}

/// From when to when, as RFC 3339.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Period {
    /// Its start.
    pub start: String,
    /// Its end.
    pub end: String,
}

impl DayHours {
    /// Those of a day.
    #[must_use]
    pub fn new(day: Option<&(Day, Periods)>) -> Self {
        let Some((day, periods)) = day else { return Self::default() };
        let texts = |(start, end)| Period { start: utc::rfc3339(start), end: utc::rfc3339(end) };
        Self { hours: Some(periods.text()), periods: periods.on(*day).map(texts).collect() }
    }
}

/// Today's hours and tomorrow's, as far as they are known.
type Days = [Option<(Day, Periods)>; 2];

/// What is told of the hours to come: worked out when the days change or the next hours have begun or ended, not with each frame.
#[derive(Debug, Clone, Default)]
pub struct Outlook {
    days: Days,
    next: (Option<i64>, Option<i64>),
    /// The times at which that holds.
    holds: Range<i64>,
}

impl Outlook {
    /// It is this time, in s since 1970, and these days are known. Returns whether there may be something else to tell.
    pub fn handle_time(&mut self, days: &Days, now: i64) -> bool {
        if self.holds.contains(&now) && self.days == *days {
            return false;
        }
        self.days.clone_from(days);
        self.next = next(days, now);
        let (start, end) = self.next;
        self.holds = now..[start, end].into_iter().flatten().min().unwrap_or(i64::MAX);
        true
    }

    /// The days.
    #[must_use]
    pub const fn days(&self) -> &Days {
        &self.days
    }

    /// When off-peak hours begin and end next.
    #[must_use]
    pub const fn next(&self) -> (Option<i64>, Option<i64>) {
        self.next
    }
}

/// When off-peak hours begin and end next, in s since 1970. Days after tomorrow are taken to be like it; what they would end is not known.
#[must_use]
pub fn next(days: &Days, now: i64) -> (Option<i64>, Option<i64>) {
    let [Some((today, of_today)), Some((tomorrow, of_tomorrow))] = days else { return (None, None) };
    let after = tomorrow.next();
    let mut periods: Vec<(i64, i64)> = Vec::new();
    for (start, end) in of_today.on(*today).chain(of_tomorrow.on(*tomorrow)).chain(of_tomorrow.on(after)) {
        match periods.last_mut() {
            Some(last) if last.1 >= start => last.1 = end,
            _ => periods.push((start, end)),
        }
    }
    let horizon = after.next().at(0);
    let start = periods.iter().map(|(start, _)| *start).find(|start| *start > now);
    let end = periods.iter().map(|(_, end)| *end).find(|end| *end > now).filter(|end| *end < horizon);
    (start, end)
}

#[cfg(test)]
mod tests {
    use super::{DayHours, Outlook, next};
    use crate::{
        hours::{day::Day, periods::Periods},
        words::utc::rfc3339,
    };

    fn night() -> Periods {
        Periods::of([(0, true), (414, false), (1_374, true)])
    }

    fn told(day: &str, today: Periods, tomorrow: Periods, minute: u16) -> [Option<String>; 2] {
        let day = Day::from(day);
        let (start, end) = next(&[Some((day, today)), Some((day.next(), tomorrow))], day.at(minute));
        [start, end].map(|time| time.map(rfc3339))
    }

    fn some(start: &str, end: &str) -> [Option<String>; 2] {
        [Some(start.into()), Some(end.into())]
    }

    #[test]
    fn a_night_goes_on_after_midnight() {
        assert_eq!(told("2026-12-01", night(), night(), 600), some("2026-12-01T21:54:00Z", "2026-12-02T05:54:00Z"));
        assert_eq!(told("2026-12-01", night(), night(), 1_400), some("2026-12-02T21:54:00Z", "2026-12-02T05:54:00Z"));
        assert_eq!(told("2026-12-01", night(), night(), 60), some("2026-12-01T21:54:00Z", "2026-12-01T05:54:00Z"));
    }

    #[test]
    fn several_periods_a_day() {
        let hours = Periods::of([(0, false), (116, true), (416, false), (716, true), (896, false)]);
        assert_eq!(told("2026-12-01", hours.clone(), hours.clone(), 600), some("2026-12-01T10:56:00Z", "2026-12-01T13:56:00Z"));
        assert_eq!(told("2026-12-01", hours.clone(), hours, 716), some("2026-12-02T00:56:00Z", "2026-12-01T13:56:00Z"));
    }

    #[test]
    fn the_clock_is_moved_in_between() {
        assert_eq!(told("2027-03-27", night(), night(), 600), some("2027-03-27T21:54:00Z", "2027-03-28T04:54:00Z"));
        assert_eq!(told("2026-10-24", night(), night(), 600), some("2026-10-24T20:54:00Z", "2026-10-25T05:54:00Z"));
    }

    #[test]
    fn an_end_that_is_not_known_is_not_told() {
        let always = Periods::of([(0, true)]);
        assert_eq!(told("2026-12-04", night(), always.clone(), 600), [Some("2026-12-04T21:54:00Z".into()), None]);
        assert_eq!(told("2026-12-06", always, night(), 600), some("2026-12-07T21:54:00Z", "2026-12-07T05:54:00Z"));
        assert_eq!(next(&[None, Some((Day::from("2026-12-01"), night()))], 0), (None, None));
    }

    #[test]
    fn it_is_worked_out_again_when_hours_have_begun_or_days_change() {
        let (mut outlook, today) = (Outlook::default(), Day::from("2026-12-01"));
        let days = |hours: &Periods| [Some((today, hours.clone())), Some((today.next(), hours.clone()))];
        let (night, other) = (night(), Periods::of_tempo());
        let mut told = |hours: &Periods, minute: u16| outlook.handle_time(&days(hours), today.at(minute));
        assert_eq!([told(&night, 600), told(&night, 601), told(&night, 1_373)], [true, false, false]);
        assert_eq!([told(&night, 1_374), told(&night, 1_375)], [true, false], "they have begun");
        assert_eq!([told(&other, 1_376), told(&other, 1_377), told(&other, 600)], [true, false, true], "other hours, and a clock set back");
        for minute in (0..1_440).step_by(7) {
            let days = days(&night);
            outlook.handle_time(&days, today.at(minute));
            assert_eq!(outlook.next(), next(&days, today.at(minute)), "{minute}");
        }
    }

    #[test]
    fn a_day_is_told_from_midnight_to_midnight() {
        let told = DayHours::new(Some(&(Day::from("2026-12-01"), night())));
        let periods: Vec<_> = told.periods.iter().map(|period| (period.start.as_str(), period.end.as_str())).collect();
        assert_eq!(told.hours.as_deref(), Some("22:54–06:54"));
        assert_eq!(periods, [("2026-11-30T23:00:00Z", "2026-12-01T05:54:00Z"), ("2026-12-01T21:54:00Z", "2026-12-01T23:00:00Z")]);
    }
}
